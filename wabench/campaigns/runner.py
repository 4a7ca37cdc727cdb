"""Taking a campaign through its life: test, approve, run, resume; what may start, and how it ends."""

import asyncio
import signal
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
from sqlalchemy.exc import SQLAlchemyError

from wabench import __version__, accounts, providers, sandbox
from wabench.accounts import is_rehearsal
from wabench.campaigns import alone, audience, claims, health, ledger, schedule, stages, templates
from wabench.campaigns.ledger import Campaign, Ledger, Tally
from wabench.campaigns.plan import asked_rate, channel_settings, rules_of
from wabench.campaigns.schema import CampaignState
from wabench.campaigns.sender import MOST_IN_FLIGHT, READ_BACK_SECONDS, Sender
from wabench.errors import Busy, Refused, WabenchError
from wabench.providers.base import Channel
from wabench.sandbox.base import Shop
from wabench.settings import Settings

OnTurn = Callable[[Counter[str]], None]
Settle = Callable[[], int]
_STOPS = (signal.SIGINT, signal.SIGTERM)
STOPPED_BY_SYSTEM = f"stopped by {signal.SIGTERM.name}"
"""Why a campaign is paused whose sender was ended with its machine or its service, by nobody's decision about it."""
_CONNECT_SECONDS = 5.0
# Shorter than any server keeps an idle connection: one that closes just as we write would make a send unknown.
_KEEPALIVE_SECONDS = 2.0
_POOLS = 8
_REHEARSAL_SECONDS = 2.0  # between looks at what came back to a rehearsal in stages: it does not wait for hours


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to; `calls` are those of this run, `tally` is the whole campaign's.

    `late` says who had the warehouse when statuses were last to be read, None if they were.
    """

    campaign: Campaign
    calls: Counter[str]
    settled: int
    tally: Sequence[Tally]
    late: str | None = None


def test(settings: Settings, name: str, actor: str) -> int:
    """Show every planned send to the sandbox's checks, in process; raises WabenchError with the first that fails.

    Raises Refused when the campaign is planned again meanwhile.
    """
    with ledger.opened(settings) as opened:
        campaign = opened.campaign(name)
        provider, tested = providers.get(campaign.provider), 0
        channel, shop = _rehearsal(settings, campaign)
        for send in (text for row in opened.messages(campaign.campaign_id) for text in stages.readings(row)):
            try:
                request = provider.request(claims.message(send, campaign), channel)
            except ValueError as error:
                raise WabenchError(f"customer {send['customer_id']}: {error}") from None
            if problem := sandbox.check(campaign.provider, request, shop):
                raise WabenchError(f"customer {send['customer_id']}: {problem}")
            tested += 1
        if not tested:
            raise Refused(f"campaign {name!r} has nobody to send to; `wabench campaign status {name}` says why")
        now = datetime.now(UTC)
        state = CampaignState.TESTED
        opened.move(campaign.campaign_id, state, actor, now, as_planned=campaign.planned_at, tested_at=now)
    return tested


def _rehearsal(settings: Settings, campaign: Campaign) -> tuple[Channel, Shop]:
    """Give a channel and a shop whose secrets are none, both with what the campaign's provider is set to."""
    provider = providers.get(campaign.provider)
    options, url = channel_settings(settings, campaign.provider).options, settings.webhook_url(campaign.provider)
    secrets = dict.fromkeys(provider.secrets, "rehearsal")
    known = templates.sendable(settings, campaign.provider)
    return (
        Channel("http://127.0.0.1", campaign.channel_id, options, secrets, url),
        Shop(campaign.channel_id, options, secrets, known, url),
    )


def approve(settings: Settings, name: str, approver: str) -> None:
    """Approve a tested campaign; raises Refused for one that was not tested."""
    now = datetime.now(UTC)
    with ledger.opened(settings) as opened:
        campaign = opened.campaign(name)
        opened.move(
            campaign.campaign_id, CampaignState.APPROVED, approver, now, as_planned=campaign.planned_at,
            approved_at=now, approved_by=approver,
        )  # fmt: skip


def pause(settings: Settings, name: str, actor: str) -> None:
    """Pause a running campaign; its sender notices within a second and ends the calls in flight."""
    _move(settings, name, CampaignState.PAUSED, actor, f"paused by {actor}")


def cancel(settings: Settings, name: str, actor: str) -> None:
    """Cancel a campaign; what was not sent yet never will be, and what a dead sender had claimed is unknown."""
    _move(settings, name, CampaignState.CANCELLED, actor, f"cancelled by {actor}")
    with ledger.opened(settings) as opened:
        alone.abandon_dead(settings, opened, datetime.now(UTC))


def run(settings: Settings, name: str, actor: str, *, live: bool = False, settle: Settle, on_turn: OnTurn) -> Run:
    """Send an approved campaign, or go on with one whose sender was killed; one that is finished sends nothing.

    `settle` reads what came back; while another process has the warehouse (Busy) that is left for later. Raises
    Refused for a campaign that is not approved or is paused, not due or expired, for a real provider without `live`,
    and with it for one that is finished: who rehearsed it would take it for sent.
    """
    return _Runner(settings, name, actor, live, settle, on_turn).run(partial(_may_run, live=live))


def resume(
    settings: Settings, name: str, actor: str, *, live: bool = False, retry_unknown: bool = False,
    budget: float | None = None, settle: Settle, on_turn: OnTurn,
) -> Run:  # fmt: skip
    """Go on with a paused campaign; `retry_unknown` sends again what stayed unknown, once its wait is over.

    `budget` is what it may cost in all from now on. Raises Refused as `run` does, and for `retry_unknown` while the
    statuses that came back can't be read.
    """
    may_start = partial(_may_resume, retry_unknown=retry_unknown, budget=budget)
    return _Runner(settings, name, actor, live, settle, on_turn).run(may_start, must_settle=retry_unknown)


def _move(settings: Settings, name: str, to: CampaignState, actor: str, reason: str) -> None:
    with ledger.opened(settings) as opened:
        opened.move(opened.campaign(name).campaign_id, to, actor, datetime.now(UTC), reason)


def sending_channel(settings: Settings, campaign: Campaign, live: bool) -> Channel:
    """Give the channel to send a campaign on; raises Refused for one that reaches real customers without `live`."""
    channel = accounts.channel(settings, campaign.provider)
    if not live and not is_rehearsal(channel.base_url):
        raise Refused(f"{channel.base_url} reaches real customers; say so with --live")
    return replace(channel, channel_id=campaign.channel_id)


MayStart = Callable[[Settings, Ledger, Campaign, str, datetime], bool]


def must_be_startable(settings: Settings, campaign: Campaign, now: datetime, live: bool) -> None:
    """Raise Refused for what `run` would refuse of a campaign as it stands."""
    match campaign.status:
        case CampaignState.FINISHED if live:
            raise Refused(
                f"campaign {campaign.name!r} is finished, in a rehearsal or for real, and nobody is left in it; "
                "plan one under another name"
            )
        case CampaignState.PAUSED:
            raise Refused(
                f"campaign {campaign.name!r} is paused ({campaign.reason}); `wabench campaign resume` goes on"
            )
        case CampaignState.PLANNED | CampaignState.TESTED:
            missing = "tested" if campaign.status is CampaignState.PLANNED else "approved"
            raise Refused(f"campaign {campaign.name!r} is not {missing} yet; test it, then let somebody approve it")
        case CampaignState.CANCELLED:
            raise Refused(f"campaign {campaign.name!r} is cancelled; plan one under another name")
        case CampaignState.APPROVED:
            schedule.must_be_due(settings, campaign, now)


def _may_run(settings: Settings, opened: Ledger, campaign: Campaign, actor: str, now: datetime, live: bool) -> bool:
    must_be_startable(settings, campaign, now, live)
    if campaign.status in (CampaignState.FINISHED, CampaignState.RUNNING):
        return campaign.status is CampaignState.RUNNING
    opened.move(campaign.campaign_id, CampaignState.RUNNING, actor, now, started_at=now)
    return True


def _may_resume(
    settings: Settings, opened: Ledger, campaign: Campaign, actor: str, now: datetime, retry_unknown: bool,
    budget: float | None,
) -> bool:  # fmt: skip
    if campaign.status not in (CampaignState.PAUSED, CampaignState.RUNNING, CampaignState.FINISHED):
        raise Refused(f"campaign {campaign.name!r} is {campaign.status}; only one that was running can be resumed")
    if budget is not None:
        opened.set_budget(campaign, budget, actor, now)
    retried = _retry_unknown(settings, opened, campaign, actor, now) if retry_unknown else 0
    if campaign.status is CampaignState.FINISHED and not retried:
        return False
    with opened.writing() as connection:
        stages.release_stopped(connection, campaign.campaign_id, actor, now)
    if campaign.status is not CampaignState.RUNNING:
        opened.move(campaign.campaign_id, CampaignState.RUNNING, actor, now, finished_at=None)
    opened.retry_stopped(campaign.campaign_id, actor, now)
    return True


def _retry_unknown(settings: Settings, opened: Ledger, campaign: Campaign, actor: str, now: datetime) -> int:
    wait = timedelta(minutes=settings.unknown_wait_minutes)
    retried = opened.retry_unknown(campaign.campaign_id, now - wait, actor, now)
    if not retried and (waiting := opened.unsettled(campaign.campaign_id, now)):
        until = waiting[-1]["claimed_at"] + wait
        raise Refused(f"{len(waiting)} sends are unknown, but may still be settled until {until:%Y-%m-%d %H:%M} UTC")
    return retried


class _Runner:
    """One process sending one campaign, with the locks that make it the only one."""

    def __init__(
        self, settings: Settings, name: str, actor: str, live: bool, settle: Settle, on_turn: OnTurn
    ) -> None:  # fmt: skip
        self._settings, self._name, self._actor, self._live = settings, name, actor, live
        self._settle, self._on_turn = settle, on_turn
        self._settled = 0
        self._late: str | None = None

    def run(self, may_start: MayStart, must_settle: bool = False) -> Run:
        with ledger.opened(self._settings) as opened, ExitStack() as held:
            campaign = opened.campaign(self._name)
            channel = self._channel(campaign)
            for text in campaign.texts:
                templates.approved(self._settings, text.template_name, campaign.provider)
            names = alone.campaign_lock(campaign), alone.channel_lock(campaign)
            held.enter_context(alone.held(self._settings, opened, campaign, *names))
            claims.abandon(opened, campaign, datetime.now(UTC))
            self._read_back()
            if must_settle and self._late:
                raise Refused(f"what is unknown may have been delivered, and that can't be read now: {self._late}")
            campaign = opened.campaign(self._name)
            calls: Counter[str] = Counter()
            if may_start(self._settings, opened, campaign, self._actor, datetime.now(UTC)):
                campaign = opened.campaign(self._name)  # with its start, and the budget it has now
                calls = self._send(opened, campaign, channel)
                self._read_back()
            tally = opened.tally(campaign.campaign_id)
            return Run(opened.campaign(self._name), calls, self._settled, tally, self._late)

    def _read_back(self) -> None:
        try:
            self._settled += self._settle()
            self._late = None
        except Busy as error:
            self._late = str(error)

    def _channel(self, campaign: Campaign) -> Channel:
        return sending_channel(self._settings, campaign, self._live)

    def _rate(self, campaign: Campaign, channel: Channel) -> float:
        """Give the rate asked for, at a real provider no more than it allows."""
        asked = asked_rate(self._settings, campaign.provider)
        granted = accounts.capabilities(self._settings, campaign.provider).messages_per_second
        return asked if is_rehearsal(channel.base_url) else min(asked, granted)

    def _send(self, opened: Ledger, campaign: Campaign, channel: Channel) -> Counter[str]:
        try:
            sender = asyncio.run(self._sending(opened, campaign, channel))
        except* SQLAlchemyError as group:
            first = group.exceptions[0]
            raise WabenchError(f"the ledger failed ({first}); the campaign stopped, run it again") from group
        now = datetime.now(UTC)
        if opened.campaign(campaign.name).status is CampaignState.RUNNING:
            to = CampaignState.PAUSED if sender.stopped else CampaignState.FINISHED
            finished_at = None if sender.stopped else now
            opened.move(campaign.campaign_id, to, self._actor, now, sender.stopped, finished_at=finished_at)
        return sender.counts

    async def _sending(self, opened: Ledger, campaign: Campaign, channel: Channel) -> Sender:
        held_to = rules_of(self._settings, campaign)
        turn = partial(claims.take_turn, opened, campaign, held_to, audience.consents(self._settings, campaign))
        async with AsyncExitStack() as stack:
            thread = stack.enter_context(ThreadPoolExecutor(1, "ledger"))
            clients = [await stack.enter_async_context(client) for client in self._clients(campaign, channel)]
            sender = Sender(
                lambda outcomes, want: turn(outcomes, want, datetime.now(UTC)),
                providers.get(campaign.provider), channel, clients, self._rate(campaign, channel), thread,
                self._on_turn, self._read_back, self._settings.give_up_seconds, health.tolerance(self._settings),
                _REHEARSAL_SECONDS if campaign.open_stage and is_rehearsal(channel.base_url) else READ_BACK_SECONDS,
            )  # fmt: skip
            _stop_on_signals(sender)
            await sender.run()
        return sender

    def _clients(self, campaign: Campaign, channel: Channel) -> list[httpx.AsyncClient]:
        """Make several clients: one pool looks at all its connections for each call, 4 ms of it at 256 of them."""
        timeout = channel_settings(self._settings, campaign.provider).timeout_seconds
        limits = httpx.Limits(max_connections=MOST_IN_FLIGHT, keepalive_expiry=_KEEPALIVE_SECONDS)
        certificates = ssl.create_default_context()
        return [
            httpx.AsyncClient(
                timeout=httpx.Timeout(timeout, connect=_CONNECT_SECONDS),
                limits=limits,
                trust_env=not is_rehearsal(channel.base_url),
                headers={"User-Agent": f"wabench/{__version__}"},
                verify=certificates,
            )
            for _ in range(_POOLS)
        ]


def _stop_on_signals(sender: Sender) -> None:
    """End in order at the first SIGINT or SIGTERM; the second one is Python's own again."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()

    def stop(signum: signal.Signals) -> None:
        for each in _STOPS:
            loop.remove_signal_handler(each)
        sender.stop(f"stopped by {signum.name}")

    for each in _STOPS:
        loop.add_signal_handler(each, stop, each)
