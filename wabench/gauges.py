"""What the stores say of themselves at the moment they are asked: campaigns, replies, dialogs, the published file."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import duckdb
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from wabench import published, support
from wabench.campaigns import ledger
from wabench.campaigns.ledger import Ledger
from wabench.campaigns.schema import MAY_HAVE_REACHED, CampaignState, SendState, campaigns, replies, sends
from wabench.errors import WabenchError
from wabench.metrics import Family, Sample
from wabench.publish import version
from wabench.settings import Settings

_LATELY = timedelta(minutes=5)
_MOST_ANSWERS = 500
_OVERDUE = "select count(*) as n from fct_dialogs where is_open and started_at < $before"


def of_campaigns(settings: Settings) -> Iterator[Family]:
    """Tell the sends of campaigns that run or are paused, and what is unknown of any."""
    if not ledger.exists(settings):
        return
    with ledger.opened(settings) as opened:
        yield Family("wabench_campaign_sends", "gauge", "sends of campaigns under way, by state", _sends(opened))
        yield Family("wabench_sends_unknown", "gauge", "sends that may have been delivered", [_unknown(opened)])


def of_answers(settings: Settings, now: datetime) -> Iterator[Family]:
    """Tell what answers by rule came to in the last minutes, the newest 500 at most, and how long the slowest took."""
    if not ledger.exists(settings):
        return
    states = (*MAY_HAVE_REACHED, SendState.REJECTED)  # by state, for there is an index of it
    is_late = replies.c.state.in_(states) & (replies.c.claimed_at > now - _LATELY) & (replies.c.written_by == "rule")
    newest = select(replies.c.state, replies.c.asked_at, replies.c.outcome_at).where(is_late)
    with ledger.opened(settings) as opened, opened.reading() as connection:
        rows = connection.execute(newest.order_by(replies.c.claimed_at.desc()).limit(_MOST_ANSWERS)).all()
    took = [(row.outcome_at - row.asked_at).total_seconds() for row in rows if row.outcome_at]
    counts = Counter(str(row.state) for row in rows)
    samples = [Sample(count, {"state": state}) for state, count in counts.items()]
    yield Family("wabench_answers_recent", "gauge", "answers by rule of the last 5 minutes, by state", samples)
    slowest = Sample(max(took, default=0.0), {})
    yield Family("wabench_answer_seconds_max", "gauge", "slowest of them, from decision to outcome", [slowest])


def of_published(settings: Settings, now: datetime) -> Iterator[Family]:
    """Tell how old the published file is, and how many of its dialogs have come to wait too long."""
    if version(settings) is None:
        return
    with published.for_now(settings) as known:
        at = known.as_of.replace(tzinfo=UTC)
        before = now.astimezone(UTC).replace(tzinfo=None) - timedelta(hours=support.overdue_hours())
        overdue = known.one(_OVERDUE, {"before": before})["n"]
    age = (now - at).total_seconds()
    yield Family(
        "wabench_published_age_seconds", "gauge", "since the moment the published file is of", [Sample(age, {})]
    )
    yield Family("wabench_dialogs_overdue", "gauge", "dialogs that wait too long by now", [Sample(overdue, {})])


def whole(*asked: Callable[[], Iterator[Family]]) -> Iterator[Family]:
    """Give the families of those that can be asked; a store that can't be read says so by a metric of its own."""
    failed = 0
    for ask in asked:
        try:
            yield from list(ask())
        except (WabenchError, SQLAlchemyError, duckdb.Error, OSError):
            failed += 1
    yield Family("wabench_stores_unreadable", "gauge", "stores that could not be asked just now", [Sample(failed, {})])


def _sends(opened: Ledger) -> list[Sample]:
    states = (CampaignState.RUNNING, CampaignState.PAUSED)
    by = (campaigns.c.name, sends.c.state)
    joined = select(*by, func.count().label("sends")).join(sends, sends.c.campaign_id == campaigns.c.campaign_id)
    with opened.reading() as connection:
        rows = connection.execute(joined.where(campaigns.c.status.in_(states)).group_by(*by).order_by(*by)).all()
    return [Sample(row.sends, {"campaign": row.name, "state": str(row.state)}) for row in rows]


def _unknown(opened: Ledger) -> Sample:
    by_campaign = sends.c.campaign_id.in_(select(campaigns.c.campaign_id))  # its index begins with them
    with opened.reading() as connection:
        unknown = connection.scalar(select(func.count()).where(by_campaign, sends.c.state == SendState.UNKNOWN))
    return Sample(unknown or 0, {})
