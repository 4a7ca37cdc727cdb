"""What a person does at the workbench: each act asks their role, does it, and is a line in the audit.

The app changes nothing but through here. It never decides who somebody is: that is `wabench.login`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from wabench.campaigns import ledger
from wabench.errors import Refused
from wabench.roles import Action, Actor
from wabench.settings import Settings


@contextmanager
def act(settings: Settings, actor: Actor, action: Action, word: str, detail: str) -> Iterator[None]:
    """Do something in an actor's name; `word` (at most 40 characters) and `detail` are its line in the audit.

    Raises Refused where the role forbids it, and the attempt is a line too. What fails leaves none.
    """
    allow(settings, actor, action, word, detail)
    yield
    _record(settings, actor, word, detail)


def allow(settings: Settings, actor: Actor, action: Action, word: str, detail: str) -> None:
    """Ask an actor's role, for what writes its own line when it is done; the refusal, which is raised, is one too."""
    try:
        actor.require(action)
    except Refused:
        refuse(settings, actor, word, detail)
        raise


def refuse(settings: Settings, actor: Actor, word: str, detail: str) -> None:
    """Write into the audit that an actor was refused something."""
    _record(settings, actor, f"refused: {word}"[:40], detail)


def _record(settings: Settings, actor: Actor, word: str, detail: str) -> None:
    with ledger.opened(settings) as opened:
        opened.record(actor.name, word, datetime.now(UTC), detail=detail)
