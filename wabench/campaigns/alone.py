"""One sender at a time for a campaign and for a channel, by locks that are free again when their process is gone."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from wabench import locks
from wabench.campaigns import claims
from wabench.campaigns.ledger import Campaign, Ledger
from wabench.errors import Busy
from wabench.settings import Settings


def campaign_lock(campaign: Campaign) -> str:
    """Name the lock of who sends a campaign."""
    return f"campaign-{campaign.campaign_id}"


def channel_lock(campaign: Campaign) -> str:
    """Name the lock of who sends on a campaign's channel."""
    return f"channel-{campaign.provider}-{campaign.channel_id}"


def lock_file(settings: Settings, name: str) -> Path:
    """Tell where the lock of a name lies."""
    return settings.paths.data / "locks" / f"{name}.lock"


@contextmanager
def held(settings: Settings, ledger: Ledger, campaign: Campaign, *names: str) -> Iterator[None]:
    """Hold locks of a campaign for a `with` block, against every process that shares the ledger; raises Busy."""
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(locks.held(lock_file(settings, name), f"campaign {campaign.name}"))
            stack.enter_context(ledger.locked(name))
        yield


def is_held(settings: Settings, ledger: Ledger, name: str) -> bool:
    """Tell whether a process has a lock, here or on a machine that shares the ledger."""
    return ledger.is_locked(name) or locks.is_taken(lock_file(settings, name))


def abandon_dead(settings: Settings, ledger: Ledger, now: datetime) -> int:
    """Mark as unknown what dead processes of any campaign had claimed; one that is being sent keeps its claims."""
    abandoned = 0
    for campaign in ledger.claiming():
        with suppress(Busy), held(settings, ledger, campaign, campaign_lock(campaign)):
            abandoned += claims.abandon(ledger, campaign, now)
    return abandoned
