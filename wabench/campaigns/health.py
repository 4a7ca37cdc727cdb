"""Whether a running campaign goes well: it pauses itself when too many fail, or after a day too few have answered.

Refusals are the sender's to count as they come; here it is what comes back later, by statuses and by the last build.
A campaign that somebody resumed is judged by what was sent since, and by its answers not a second time.
"""

from datetime import UTC, datetime, timedelta

from duckdb import DuckDBPyConnection
from sqlalchemy import func, select

from wabench.campaigns.failures import CALLBACK_PREFIX
from wabench.campaigns.ledger import Campaign, Ledger
from wabench.campaigns.moves import move_campaign, note
from wabench.campaigns.policy import Tolerance
from wabench.campaigns.schema import CampaignState, SendState, audit, sends
from wabench.settings import Settings

_FIRST_DAY = timedelta(hours=24)
_UNANSWERED = "too few answer"
_FAILED = """
    select callback_data from raw.message_events
    where received_at >= $since and callback_data is not null and event_type in ('failed', 'delivered', 'read')
    group by callback_data having bool_and(event_type = 'failed')
"""
_REPLIES = """
    select coalesce(sum(replied), 0), coalesce(sum(customers_delivered), 0) from marts.fct_campaigns
    where campaign_id = $campaign_id
"""


def tolerance(settings: Settings) -> Tolerance:
    """Gather how much may go wrong."""
    return Tolerance(settings.failure_share, settings.failure_messages, settings.reply_share, settings.reply_messages)


def pause_unwell(settings: Settings, opened: Ledger, warehouse: DuckDBPyConnection, now: datetime) -> list[str]:
    """Pause the running campaigns that don't go well; gives their names."""
    paused = []
    for campaign in opened.campaigns():
        if campaign.status is not CampaignState.RUNNING:
            continue
        reason = _failing(settings, opened, warehouse, campaign) or _unanswered(
            settings, opened, warehouse, campaign, now
        )
        if reason and _pause(opened, campaign, now, reason):
            paused.append(campaign.name)
    return paused


def _pause(opened: Ledger, campaign: Campaign, now: datetime, reason: str) -> bool:
    with opened.writing() as connection:
        has_moved = move_campaign(connection, campaign.campaign_id, CampaignState.PAUSED, reason=reason)
        if has_moved:
            note(connection, now, "sender", CampaignState.PAUSED, campaign.campaign_id, detail=reason)
    return has_moved


def _failing(settings: Settings, opened: Ledger, warehouse: DuckDBPyConnection, campaign: Campaign) -> str | None:
    of_campaign = audit.c.campaign_id == campaign.campaign_id
    begun = select(func.max(audit.c.at)).where(of_campaign, audit.c.action == str(CampaignState.RUNNING))
    with opened.reading() as connection:
        since = connection.scalar(begun) or campaign.started_at or campaign.created_at
        ours = (sends.c.campaign_id == campaign.campaign_id) & (sends.c.claimed_at >= since)
        ended = sends.c.state.in_((SendState.ACCEPTED, SendState.REJECTED))
        rows = connection.execute(select(sends.c.send_id, sends.c.state).where(ours, ended)).all()
    accepted = {CALLBACK_PREFIX + row.send_id for row in rows if row.state == SendState.ACCEPTED}
    told = warehouse.execute(_FAILED, {"since": since.astimezone(UTC).replace(tzinfo=None)}).fetchall()
    failed = len(rows) - len(accepted) + sum(data in accepted for (data,) in told)
    return tolerance(settings).failing(failed, len(rows))


def _unanswered(
    settings: Settings, opened: Ledger, warehouse: DuckDBPyConnection, campaign: Campaign, now: datetime
) -> str | None:
    if campaign.started_at is None or campaign.started_at + _FIRST_DAY > now or _is_resumed(opened, campaign):
        return None
    built = "select 1 from information_schema.tables where table_schema = 'marts' and table_name = 'fct_campaigns'"
    if not warehouse.execute(built).fetchone():
        return None
    found = warehouse.execute(_REPLIES, {"campaign_id": campaign.campaign_id}).fetchone()
    replied, delivered = found or (0, 0)
    reason = tolerance(settings).unanswered(int(replied), int(delivered))
    return reason and f"{_UNANSWERED}: {reason}"


def _is_resumed(opened: Ledger, campaign: Campaign) -> bool:
    """Tell whether it was paused for its few answers before, and somebody goes on all the same."""
    with opened.reading() as connection:
        paused = (audit.c.campaign_id == campaign.campaign_id) & audit.c.detail.startswith(_UNANSWERED)
        return bool(connection.scalar(select(func.count()).where(paused)))
