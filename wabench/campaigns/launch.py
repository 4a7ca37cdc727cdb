"""Starting a sender that outlives who starts it: the app asks for a campaign to be sent, another process sends it.

The process is its own session's leader, so it ends with nobody's terminal or server; what it says stands in its log.
Who sends is told by the campaign's lock, which is free again when its process is gone, however that ended.
"""

import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from wabench import background, locks
from wabench.campaigns import alone, ledger, runner
from wabench.campaigns.ledger import Campaign
from wabench.campaigns.schema import CampaignState, SendState
from wabench.errors import Busy, Refused, WabenchError
from wabench.settings import Settings

_PATIENCE_SECONDS = 20.0
_LOOK_SECONDS = 0.05
_ENDED = (SendState.ACCEPTED, SendState.REJECTED, SendState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a campaign is: its sends by state, and whether somebody sends it at this moment.

    `is_stuck` is one that is running with nobody who sends: its process died. `last_said` is the last line of its log.
    """

    status: CampaignState
    sends: dict[SendState, int]
    is_sending: bool
    last_said: str

    @property
    def is_stuck(self) -> bool:
        return self.status is CampaignState.RUNNING and not self.is_sending

    @property
    def done(self) -> int:
        """Sends that were made, whatever came of them."""
        return sum(self.sends.get(state, 0) for state in _ENDED)

    @property
    def total(self) -> int:
        """Sends that were or are to be made; who is left out is none of them."""
        return sum(count for state, count in self.sends.items() if state is not SendState.SUPPRESSED)


def log_of(settings: Settings, campaign: Campaign) -> Path:
    """Tell where the senders of a campaign write what they have to say."""
    return settings.paths.data / "runs" / f"{campaign.campaign_id}.log"


def progress(settings: Settings, name: str) -> Progress:
    """Look how far a campaign is, in nobody's way."""
    with ledger.opened(settings) as opened:
        campaign = opened.campaign(name)
        counts: dict[SendState, int] = {}
        for each in opened.tally(campaign.campaign_id):
            counts[each.state] = counts.get(each.state, 0) + each.sends
    said = background.last_line(log_of(settings, campaign))
    return Progress(campaign.status, counts, is_sending(settings, campaign), said)


def is_sending(settings: Settings, campaign: Campaign) -> bool:
    """Tell whether a process has the campaign's lock, here or on a machine that shares the ledger."""
    with ledger.opened(settings) as opened:
        return alone.is_held(settings, opened, alone.campaign_lock(campaign))


def start(
    settings: Settings, name: str, actor: str, *, live: bool = False, resumes: bool = False,
    budget: float | None = None,
) -> None:  # fmt: skip
    """Have a campaign sent, or gone on with, by a process of its own; returns once that sends, or has sent all.

    `budget` is what one that is resumed may cost in all from now on.

    Raises what `run` or `resume` would, Busy where it is being sent, and WabenchError with what the process said where
    it ended badly.
    """
    with ledger.opened(settings) as opened:
        campaign = opened.campaign(name)
    if is_sending(settings, campaign):
        raise Busy(f"campaign {name!r} is being sent already; watch it, or pause it")
    if not resumes:
        runner.must_be_startable(settings, campaign, datetime.now(UTC), live)
    elif campaign.status not in (CampaignState.PAUSED, CampaignState.RUNNING):
        raise Refused(f"campaign {name!r} is {campaign.status}; only one that was running can be resumed")
    runner.sending_channel(settings, campaign, live)
    words = ["campaign", "resume" if resumes else "run", name, "--run-as", actor, *(["--live"] if live else []),
             *(["--budget", str(budget)] if resumes and budget is not None else [])]  # fmt: skip
    log = log_of(settings, campaign)
    _await(settings, campaign, background.spawn(settings, words, log), log)


def _await(settings: Settings, campaign: Campaign, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the process sends, or has ended; one that still reads what came back before is left to itself."""
    until = time.monotonic() + _PATIENCE_SECONDS
    has_lock = False
    while time.monotonic() < until:
        if (code := process.poll()) is not None:
            if code:
                raise WabenchError(background.last_line(log) or f"the sender ended with {code}; see {log}")
            return
        holder = locks.last(_lock_file(settings, campaign))
        has_lock = holder is not None and holder.pid == process.pid
        if has_lock and progress(settings, campaign.name).status is CampaignState.RUNNING:
            return
        time.sleep(_LOOK_SECONDS)
    if not has_lock:
        raise WabenchError(f"the sender does not come up; see {log}")


def _lock_file(settings: Settings, campaign: Campaign) -> Path:
    return alone.lock_file(settings, alone.campaign_lock(campaign))
