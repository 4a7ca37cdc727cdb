"""A person taken out of the ledger: its rows stay as counts under a key that leads to nobody."""

import re
import secrets
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, false, func, or_, select, update
from sqlalchemy.engine import make_url

from wabench.campaigns import ledger
from wabench.campaigns.schema import SendState, audit, consent, heard, metadata, replies, sends
from wabench.erasure.traces import Person
from wabench.errors import Busy
from wabench.settings import Settings

ERASED = "erased"
"""The reason of a send that was planned to somebody who was erased since, and what stands where they were named."""

_OF_PEOPLE = (sends, replies, heard, consent)
_PATIENCE_SECONDS = 20.0
_SPACES = re.compile(r"[\s:,;\"'()]+")
_NOTHING: dict[str, dict[str, Any]] = {
    "sends": {"phone": None, "user_id": None, "parameters": [], "texts": None, "message_id": None, "error_detail": None,
              "timezone": None, "last_interaction_at": None, "best_hour": None, "consent_at": None},
    "replies": {"phone": None, "user_id": None, "text": "", "message_id": None, "error_detail": None},
    "heard": {"phone": None, "user_id": None, "message_id": ""},
}  # fmt: skip


def with_messages(settings: Settings, person: Person) -> Person:
    """Add what the ledger calls them: the ids of what was sent to them, and of its messages."""
    if not ledger.exists(settings):
        return person
    messages, words = set(person.message_ids), set(person.words)
    with ledger.opened(settings) as opened, opened.reading() as connection:
        for table in (sends, replies, heard):
            found: Sequence[str | None] = connection.scalars(
                select(table.c.message_id).where(_theirs(table, person))
            ).all()
            messages |= {each for each in found if each}
        words |= set(connection.scalars(select(sends.c.send_id).where(_theirs(sends, person))))
    return replace(person, message_ids=frozenset(messages), words=frozenset(words))


def count(settings: Settings, person: Person) -> int:
    """Tell how many rows of the ledger are theirs."""
    if not ledger.exists(settings):
        return 0
    with ledger.opened(settings) as opened, opened.reading() as connection:
        counted = (select(func.count()).select_from(table).where(_theirs(table, person)) for table in _OF_PEOPLE)
        return sum(connection.scalar(each) or 0 for each in counted)


def erase(settings: Settings, person: Person, key: str) -> int:
    """Take them out, all in one transaction, then give back no byte of it; gives how many rows were theirs.

    What was planned to them is never sent: it is suppressed. `key` stands in place of their customer id.
    """
    if not ledger.exists(settings):
        return 0
    with ledger.opened(settings) as opened:
        with opened.writing() as connection:
            names = _send_names(connection, person)
            rows = _erase_consents(connection, person) + _erase_rows(connection, person, key, names)
            _erase_trials(connection, person)
            _sweep(connection, person, key, names)
        _give_back(settings)
    return rows


def _theirs(table: Table, person: Person) -> ColumnElement[bool]:
    keys = {
        "customer_id": person.customer_ids | person.phones | {f"{p}:{u}" for p, u in person.user_ids},
        "phone": person.phones,
        "user_id": {user_id for _, user_id in person.user_ids},
    }
    return or_(false(), *(table.c[name].in_(sorted(values)) for name, values in keys.items() if values))


def _send_names(connection: Connection, person: Person) -> dict[str, str]:
    """Give each of their sends another id: the old one is made of the customer's, which is made of a phone."""
    found: Sequence[str] = connection.scalars(select(sends.c.send_id).where(_theirs(sends, person))).all()
    return {send_id: secrets.token_hex(8) for send_id in found}


def _erase_consents(connection: Connection, person: Person) -> int:
    """Delete what they stated: of nobody it says nothing. Its lines in the audit stay, without the message's id."""
    where = _theirs(consent, person)
    sources: Sequence[str] = connection.scalars(select(consent.c.source).where(where)).all()
    connection.execute(update(audit).where(audit.c.actor.in_(sources)).values(actor=ERASED))
    return connection.execute(delete(consent).where(where)).rowcount


def _erase_rows(connection: Connection, person: Person, key: str, names: Mapping[str, str]) -> int:
    waiting = sends.c.state.in_((SendState.PLANNED, SendState.HELD))
    stopped: dict[str, Any] = {"state": SendState.SUPPRESSED, "reason": ERASED}
    connection.execute(update(sends).where(_theirs(sends, person), waiting).values(stopped))
    rows = 0
    for table in (replies, heard):
        nothing = _NOTHING[table.name] | {"customer_id": key}
        rows += connection.execute(update(table).where(_theirs(table, person)).values(nothing)).rowcount
    taken: set[str] = set()
    for row in connection.execute(select(sends.c.send_id, sends.c.campaign_id).where(_theirs(sends, person))).all():
        mine = key if row.campaign_id not in taken else f"{key}-{len(taken)}"  # once a campaign, whoever they were
        taken.add(row.campaign_id)
        values = _NOTHING["sends"] | {"customer_id": mine, "send_id": names[row.send_id]}
        rows += connection.execute(update(sends).where(sends.c.send_id == row.send_id).values(values)).rowcount
    return rows


def _erase_trials(connection: Connection, person: Person) -> None:
    """Of a text tried on their number the audit keeps the last digits."""
    for phone in person.phones:
        shown = audit.c.detail.startswith(f"•••• {phone[-4:]} ", autoescape=True)
        connection.execute(update(audit).where(audit.c.action == "test send", shown).values(detail=f"•••• {ERASED}"))


def _sweep(connection: Connection, person: Person, key: str, names: Mapping[str, str]) -> None:
    """Take out of every text of every table what still names them."""
    for table in metadata.sorted_tables:
        for row in connection.execute(select(table)).all():
            cells = row._mapping
            told = ((column, _without(cell, person, key, names)) for column, cell in cells.items())
            if changed := {column: new for column, new in told if new is not None}:
                where = [column == cells[column.name] for column in table.primary_key.columns]
                connection.execute(update(table).where(*where).values(changed))


def _without(value: Any, person: Person, key: str, names: Mapping[str, str]) -> Any:
    """Give a value without them; None where they are not in it."""
    if isinstance(value, dict | list):
        return _without_within(value, person, key, names)
    if not isinstance(value, str) or not value:
        return None
    found = {each for each in _SPACES.split(value) if each.rstrip("=") in person.traces.message_ids}
    if not found and not person.traces.mentions(value):
        return None
    for old, new in names.items():
        value = value.replace(old, new)
    for old in sorted(person.customer_ids):
        value = value.replace(old, key)
    for old in found:
        value = value.replace(old, ERASED)
    return person.traces.masked(value)


def _without_within(value: Any, person: Person, key: str, names: Mapping[str, str]) -> Any:
    """The same of what JSON holds."""
    changed = False

    def walk(inner: Any) -> Any:
        nonlocal changed
        if isinstance(inner, dict):
            return {name: walk(each) for name, each in inner.items()}
        if isinstance(inner, list):
            return [walk(each) for each in inner]
        new = _without(inner, person, key, names)
        changed = changed or new is not None
        return inner if new is None else new

    walked = walk(value)
    return walked if changed else None


def _give_back(settings: Settings) -> None:
    """Rewrite a SQLite ledger so that no free page or log has what was; another server's files are its own.

    Raises Busy where somebody reads on in it all the while.
    """
    url = make_url(settings.ledger_url or f"sqlite:///{settings.paths.ledger}")
    if url.get_backend_name() != "sqlite":
        return
    until = time.monotonic() + _PATIENCE_SECONDS
    with closing(sqlite3.connect(Path(url.database or ""), isolation_level=None, timeout=_PATIENCE_SECONDS)) as file:
        file.execute("pragma secure_delete = on")
        file.execute("vacuum")
        while file.execute("pragma wal_checkpoint(truncate)").fetchone()[0]:
            if time.monotonic() > until:
                raise Busy("somebody reads in the ledger all the while; run it again when they have ended")
            time.sleep(0.1)
