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


_C = Command
_SPOKEN: Mapping[str, Mapping[Command, tuple[str, ...]]] = {
    "en": {
        _C.STOP: ("stop", "stopall", "stop all", "unsubscribe"),
        _C.START: ("start", "unstop", "subscribe"),
        _C.HELP: ("help", "info"),
    },
    "ru": {
        _C.STOP: ("стоп", "отписаться", "отпишите"),
        _C.START: ("старт", "подписаться"),
        _C.HELP: ("помощь", "справка"),
    },
    "pt": {
        _C.STOP: ("parar", "pare", "sair"),
        _C.START: ("iniciar", "começar", "comecar"),
        _C.HELP: ("ajuda",),
    },
    "es": {_C.STOP: ("baja", "darme de baja"), _C.START: ("empezar",), _C.HELP: ("ayuda",)},
    "de": {_C.STOP: ("stopp", "abmelden"), _C.START: ("anmelden",), _C.HELP: ("hilfe",)},
    "fr": {
        _C.STOP: ("arret", "arrêt", "desabonner", "désabonner"),
        _C.START: ("reprendre",),
        _C.HELP: ("aide",),
    },
    "it": {_C.STOP: ("cancellami", "disiscrivimi"), _C.START: ("iscrivimi",), _C.HELP: ("aiuto",)},
    "tr": {_C.STOP: ("dur", "iptal"), _C.START: ("başla", "basla"), _C.HELP: ("yardım", "yardim")},
    "id": {_C.STOP: ("berhenti",), _C.START: ("mulai",), _C.HELP: ("bantuan",)},
    "ar": {_C.STOP: ("توقف", "إلغاء"), _C.START: ("ابدأ",), _C.HELP: ("مساعدة",)},
}
COMMANDS: Mapping[Command, frozenset[str]] = {
    command: frozenset(word for said in _SPOKEN.values() for word in said[command]) for command in Command
}
_MEANT = {
    texts.plain(word): (command, language)
    for language, said in _SPOKEN.items()
    for command, words in said.items()
    for word in words
}
_LONGEST = 30


def command(text: str) -> Command | None:
    """Tell which command a whole message is, whatever its case and punctuation, or None."""
    return _meant(text)[0]


def language(text: str) -> str:
    """Tell in which of the ten languages a command was said; English for what is none."""
    return _meant(text)[1]


def _meant(text: str) -> tuple[Command | None, str]:
    return _MEANT.get(texts.plain(text), (None, "en")) if len(text) <= _LONGEST else (None, "en")
