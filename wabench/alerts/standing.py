"""What stands now: the alerts of the last refresh, and the dialogs that have come to wait too long since.

Nothing here names a person: what is told leaves the shop for a chat that many read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from wabench import published
from wabench.campaigns import ledger
from wabench.campaigns.schema import MAY_HAVE_REACHED, heard, replies
from wabench.masks import HIDDEN, without_identities
from wabench.publish import version
from wabench.published import Published
from wabench.settings import Settings

_MOST_DIALOGS = 500
_ABOUT_NOBODY = frozenset(("low_reply_rate", "high_failure_rate", "template_stopped", "template_quality_red"))
"""Alerts whose subject is a campaign or a template; whatever looks like a phone in others is hidden."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell: `key` is the same for as long as it stands; `is_dialog` tells apart who waits."""

    key: str
    text: str
    is_dialog: bool = False


def standing(settings: Settings, now: datetime) -> list[Alert]:
    """List what stands by what is published; nothing where nothing is."""
    if version(settings) is None:
        return []
    with published.for_now(settings) as known:
        return [*_dialogs(settings, known, now), *_alerts(known)]


def steps(settings: Settings) -> list[float]:
    """Give after how many hours each an open dialog is told, rising."""
    return sorted(float(hours) for hours in settings.alert_dialog_hours.split(","))


def _alerts(known: Published) -> list[Alert]:
    return [_alert(row) for row in known.query(_sql("standing")).to_pylist()]


def _alert(row: dict[str, Any]) -> Alert:
    subject = row["subject_name"]
    name = subject if row["alert"] in _ABOUT_NOBODY else without_identities(subject)
    what = f"{row['severity']}: {row['alert'].replace('_', ' ')}: {name}"
    return Alert(f"alert:{row['alert_id']}", f"{what} ({_short(row['value'])}; the line is {_short(row['threshold'])})")


def _short(value: float) -> str:
    return f"{float(value):,.3g}" if abs(value) < 1000 else f"{float(value):,.0f}"


def _dialogs(settings: Settings, known: Published, now: datetime) -> list[Alert]:
    hours = steps(settings)
    asked = {"now": now.astimezone(UTC).replace(tzinfo=None), "hours": hours[0], "most": _MOST_DIALOGS}
    rows = known.query(_sql("waiting"), asked).to_pylist()
    answered = _answered(settings, [row["customer_id"] for row in rows])
    return [_dialog(row, hours) for row in rows if not _is_answered(row, answered)]


def _dialog(row: dict[str, Any], hours: Sequence[float]) -> Alert:
    waited = row["seconds_waited"]
    step = max(each for each in hours if waited >= 3600 * each)
    who = f"{HIDDEN} {row['phone_end']}" if row["phone_end"] else "a customer without a phone"
    text = f"{who}, order value {row['order_value_tag']}, has waited {waited // 3600} h {waited % 3600 // 60} min"
    return Alert(f"dialog:{row['dialog_id']}:{step:g}", text, is_dialog=True)


def _is_answered(row: dict[str, Any], answered: dict[str, datetime]) -> bool:
    """Tell whether we answered since, which the next refresh will know."""
    at = answered.get(row["customer_id"])
    return at is not None and at > row["last_inbound_at"].replace(tzinfo=UTC)


def _answered(settings: Settings, customers: Sequence[str]) -> dict[str, datetime]:
    """Tell when some customers were last answered from here; handing over to a person answers nothing."""
    if not customers or not ledger.exists(settings):
        return {}
    handed_over = select(heard.c.reply_id).where(heard.c.does == "hand_over", heard.c.reply_id.is_not(None))
    said = replies.c.state.in_(MAY_HAVE_REACHED) & replies.c.reply_id.not_in(handed_over)
    last = select(replies.c.customer_id, func.max(replies.c.asked_at)).where(said)
    asked = last.where(replies.c.customer_id.in_(customers)).group_by(replies.c.customer_id)
    with ledger.opened(settings) as opened, opened.reading() as connection:
        return {row[0]: row[1] for row in connection.execute(asked)}


def _sql(name: str) -> str:
    return (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
