"""What people say to be left alone, to hear again, or to learn who writes: whole messages, in ten languages.

They come before any rule of a shop: who says STOP is not asked what they meant. "Stop by tomorrow" is no command.
"""

from collections.abc import Mapping
from enum import StrEnum

from wabench.replies import texts


class Command(StrEnum):
    """What a whole message may ask of whoever sends."""

    STOP = "stop"
    START = "start"
    HELP = "help"


COMMANDS: Mapping[Command, frozenset[str]] = {
    Command.STOP: frozenset({
        "stop", "stopall", "stop all", "unsubscribe",  # English
        "стоп", "отписаться", "отпишите",  # Russian
        "parar", "pare", "sair",  # Portuguese
        "baja", "darme de baja",  # Spanish
        "stopp", "abmelden",  # German
        "arret", "arrêt", "desabonner", "désabonner",  # French
        "cancellami", "disiscrivimi",  # Italian
        "dur", "iptal",  # Turkish
        "berhenti",  # Indonesian
        "توقف", "إلغاء",  # Arabic
    }),
    Command.START: frozenset({
        "start", "unstop", "subscribe", "старт", "подписаться", "iniciar", "começar", "comecar", "empezar", "anmelden",
        "reprendre", "iscrivimi", "başla", "basla", "mulai", "ابدأ",
    }),
    Command.HELP: frozenset({
        "help", "info", "помощь", "справка", "ajuda", "ayuda", "hilfe", "aide", "aiuto", "yardım", "yardim", "bantuan",
        "مساعدة",
    }),
}  # fmt: skip
_COMMAND_OF = {texts.plain(word): command for command, spoken in COMMANDS.items() for word in spoken}
_LONGEST = 30


def command(text: str) -> Command | None:
    """Tell which command a whole message is, whatever its case and punctuation, or None."""
    return _COMMAND_OF.get(texts.plain(text)) if len(text) <= _LONGEST else None
