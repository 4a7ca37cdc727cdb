"""What failed after it was accepted, as statuses say, and what was delivered all the same: the ledger learns both.

A send that failed was no promotion that reached somebody, so caps don't count it. A delivery that is told later wins:
from then on it counts, and whatever was to try it again is left out.
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from duckdb import DuckDBPyConnection
from sqlalchemy import Connection, Select, bindparam, exists, select, update

from wabench.campaigns.moves import move_sends, note
from wabench.campaigns.schema import SendState, sends

CALLBACK_PREFIX = "wb:"
"""A send's id behind it is its callback data."""
DELIVERED = "delivered after all"
_STATUSES = (Path(__file__).parent / "failed_statuses.sql").read_text(encoding="utf-8")
_STATUSES_COME_FOR = timedelta(days=31)  # WhatsApp keeps what it can't deliver for 30

HAS_FAILED = sends.c.failed_at.is_not(None) & sends.c.reached_at.is_(None)
"""A status said that it failed, and none that it was delivered."""
_retry = sends.alias("retry")
IS_RETRIED = exists().where(_retry.c.retries_send_id == sends.c.send_id, _retry.c.state != SendState.SUPPRESSED)
"""Another send tries it again, or has."""
_LEARN = (
    update(sends)
    .where(sends.c.send_id == bindparam("b_send_id"))
    .values({name: bindparam(f"b_{name}") for name in ("failed_at", "failed_code", "failed_family", "reached_at")})
)


class Books(Protocol):
    """A ledger, as far as it is needed here."""

    def reading(self) -> AbstractContextManager[Connection]: ...

    def writing(self) -> AbstractContextManager[Connection]: ...


def hear(books: Books, warehouse: DuckDBPyConnection, settles: timedelta, now: datetime) -> int:
    """Learn from `raw.message_events` what failed and what was delivered after all; gives how many sends that changed.

    A failure counts `settles` after it was told: statuses overtake each other. May be called any number of times.
    """
    with books.reading() as connection:
        since, known = _known(connection, now - _STATUSES_COME_FOR)
    if since is None:
        return 0
    asked = {"since": since.astimezone(UTC).replace(tzinfo=None), "refused": [_data(key) for key in known]}
    told = {row[0].removeprefix(CALLBACK_PREFIX): row[1:] for row in warehouse.execute(_STATUSES, asked).fetchall()}
    news = [row for key, said in told.items() if (row := _news(key, said, known.get(key), now - settles))]
    with books.writing() as connection:
        if news:
            connection.execute(_LEARN, news)
        drop_delivered(connection, now)
    return len(news)


def _known(connection: Connection, since: datetime) -> tuple[datetime | None, Mapping[str, Mapping[str, Any]]]:
    """Look up since when there are sends that statuses may still come for, and what is known of those that failed."""
    lately = sends.c.claimed_at >= since
    first = select(sends.c.claimed_at).where(lately).order_by(sends.c.claimed_at).limit(1)
    failed = (sends.c.state == SendState.REJECTED) | sends.c.failed_at.is_not(None)
    columns = (sends.c.failed_at, sends.c.failed_code, sends.c.failed_family, sends.c.reached_at)
    rows = connection.execute(select(sends.c.send_id, *columns).where(lately, failed))
    return connection.scalar(first), {row.send_id: row._asdict() for row in rows}


def _data(send_id: str) -> str:
    return CALLBACK_PREFIX + send_id


def _news(
    send_id: str, said: Iterable[Any], known: Mapping[str, Any] | None, settled: datetime
) -> dict[str, Any] | None:
    """Give a send's row as it is now, None where nothing is new; a failure of a moment ago is not believed yet."""
    failed_at, code, family, reached_at = said
    before = known or dict.fromkeys(("failed_at", "failed_code", "failed_family", "reached_at"))
    after = dict(before) | {"send_id": send_id, "reached_at": before["reached_at"] or _utc(reached_at)}
    at = _utc(failed_at)
    if at is not None and at <= settled and at != before["failed_at"]:
        after |= {"failed_at": at, "failed_code": code, "failed_family": family}
    if known is None and after["failed_at"] is None:
        return None
    is_new = after != {**before, "send_id": send_id}
    return {f"b_{name}": value for name, value in after.items()} if is_new else None


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at else None


def drop_delivered(connection: Connection, now: datetime) -> int:
    """Leave out of their retries, and of the retries of those, who was reached by what failed first."""
    parents = select(sends.c.send_id).where(sends.c.reached_at.is_not(None))
    dropped = 0
    while children := _children(connection, parents):
        waiting = sends.c.send_id.in_(children) & sends.c.state.in_((SendState.PLANNED, SendState.HELD))
        if count := move_sends(connection, SendState.SUPPRESSED, waiting, reason=DELIVERED):
            note(connection, now, "reconcile", "delivered late", detail=f"{count} retries are not needed")
            dropped += count
        parents = select(sends.c.send_id).where(sends.c.send_id.in_(children))
    return dropped


def _children(connection: Connection, parents: Select[tuple[str]]) -> list[str]:
    return list(connection.scalars(select(_retry.c.send_id).where(_retry.c.retries_send_id.in_(parents))))
