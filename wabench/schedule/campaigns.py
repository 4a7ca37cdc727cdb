"""Which campaigns are due: a start that has come, or a sender that is gone though nobody paused the campaign.

One that a person approved without a start is for a person to run; one that a person paused is for a person to resume.
On one channel they go one after the other, by when they were to start.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select

from wabench.campaigns import alone, ledger
from wabench.campaigns import schedule as starts
from wabench.campaigns.ledger import Campaign, Ledger
from wabench.campaigns.runner import STOPPED_BY_SYSTEM
from wabench.campaigns.schema import CampaignState, sends
from wabench.settings import Settings

_BY_PEOPLE = ("paused by ", "stopped by ")


@dataclass(frozen=True, slots=True)
class Due:
    """A campaign to be sent now; `resumes` where it stood still before, on a channel that is free or not."""

    campaign: Campaign
    channel: str
    since: datetime
    resumes: bool
    is_free: bool

    @property
    def name(self) -> str:
        return self.campaign.name


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a campaign that a person has to see to."""

    kind: str
    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at the ledger found: what is due, in the order to send it, and what waits for a person.

    `sending` names those that have a sender; `campaigns` are all, by name.
    """

    due: tuple[Due, ...] = ()
    problems: tuple[Problem, ...] = ()
    sending: frozenset[str] = frozenset()
    campaigns: Mapping[str, Campaign] = field(default_factory=dict)


def look(settings: Settings, now: datetime) -> Found:
    """Look which campaigns are due; starts nothing."""
    if not ledger.exists(settings):
        return Found()
    with ledger.opened(settings) as opened:
        known = {campaign.name: campaign for campaign in opened.campaigns()}
        live = [campaign for campaign in known.values() if campaign.status in _LOOKED_AT]
        locked = (each.name for each in live if alone.is_held(settings, opened, alone.campaign_lock(each)))
        sending = frozenset(locked)
        judged = [_judge(settings, opened, each, now) for each in live if each.name not in sending]
    due = sorted((each for each in judged if isinstance(each, Due)), key=lambda each: (each.since, each.name))
    problems = tuple(each for each in judged if isinstance(each, Problem))
    return Found(tuple(due), problems, sending, known)


def firsts(due: Sequence[Due], taken: Iterable[str] = ()) -> Iterator[Due]:
    """Choose the first of each channel that is free and none of the taken ones."""
    taken = set(taken)
    for each in due:
        if each.is_free and each.channel not in taken:
            taken.add(each.channel)
            yield each


_LOOKED_AT = (CampaignState.APPROVED, CampaignState.RUNNING, CampaignState.PAUSED)


def _judge(settings: Settings, opened: Ledger, campaign: Campaign, now: datetime) -> Due | Problem | None:
    match campaign.status:
        case CampaignState.APPROVED:
            return _approved(settings, opened, campaign, now)
        case CampaignState.PAUSED if campaign.reason != STOPPED_BY_SYSTEM:
            is_by_person = (campaign.reason or "").startswith(_BY_PEOPLE)
            return None if is_by_person else Problem("paused", campaign.name, f"paused itself: {campaign.reason}")
    stood = now - _last_alive(opened, campaign)
    if stood >= timedelta(hours=settings.campaign_expires_hours):
        hours = settings.campaign_expires_hours
        return Problem("stands", campaign.name, f"has stood still for over {hours:g} hours; resume or cancel it")
    return _due(settings, opened, campaign, campaign.started_at or now)


def _approved(settings: Settings, opened: Ledger, campaign: Campaign, now: datetime) -> Due | Problem | None:
    expires = starts.expires_at(settings, campaign)
    if campaign.starts_at is None or expires is None or now < campaign.starts_at:
        return None
    if now >= expires:
        return Problem("expired", campaign.name, "did not begin in time and expired; cancel it and plan it anew")
    return _due(settings, opened, campaign, campaign.starts_at)


def _due(settings: Settings, opened: Ledger, campaign: Campaign, since: datetime) -> Due:
    channel = alone.channel_lock(campaign)
    is_free = not alone.is_held(settings, opened, channel)
    resumes = campaign.status is CampaignState.PAUSED
    return Due(campaign, channel, since, resumes, is_free)


def _last_alive(opened: Ledger, campaign: Campaign) -> datetime:
    """Tell when a campaign last did anything, as far as its sends say."""
    claimed = select(func.max(sends.c.claimed_at)).where(sends.c.campaign_id == campaign.campaign_id)
    with opened.reading() as connection:
        at: datetime | None = connection.scalar(claimed)
    return max(filter(None, (at, campaign.started_at, campaign.created_at)))
