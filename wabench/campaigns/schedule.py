"""When a campaign may begin: not before its time, and not so long after it that nobody means it any more."""

from datetime import UTC, datetime, timedelta

from wabench.campaigns.ledger import Campaign
from wabench.errors import Refused, UsageError
from wabench.settings import Settings


def read(settings: Settings, text: str) -> datetime:
    """Read a start like `2026-12-01 10:00`, in the shop's zone where it names none."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{text!r} is no time; write it like '2026-12-01 10:00'") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=settings.zone)
    return moment.astimezone(UTC)


def told(settings: Settings, moment: datetime) -> str:
    """Write a moment in the shop's zone."""
    return f"{moment.astimezone(settings.zone):%Y-%m-%d %H:%M %Z}"


def expires_at(settings: Settings, campaign: Campaign) -> datetime | None:
    """Tell from when on a scheduled campaign does not begin any more; None where it has no start."""
    return campaign.starts_at and campaign.starts_at + timedelta(hours=settings.campaign_expires_hours)


def must_be_due(settings: Settings, campaign: Campaign, now: datetime) -> None:
    """Raise Refused before a campaign's start, and once its start is long past."""
    expires = expires_at(settings, campaign)
    if campaign.starts_at is None or expires is None:
        return
    start = told(settings, campaign.starts_at)
    if now < campaign.starts_at:
        raise Refused(
            f"campaign {campaign.name!r} starts at {start}; run it then, or cancel it and plan it without --at"
        )
    if now >= expires:
        raise Refused(
            f"campaign {campaign.name!r} was to start at {start} and expired at {told(settings, expires)}; "
            "cancel it and plan it anew under another name"
        )
