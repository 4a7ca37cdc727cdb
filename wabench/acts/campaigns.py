"""Campaigns at the workbench: planned, simulated, tested, approved, started, paused, cancelled, each by who may.

The ledger writes each of these into the audit itself, with the actor; here only a refused attempt is.
"""

from collections.abc import Sequence
from datetime import datetime

from wabench import acts
from wabench.campaigns import launch, ledger, retries, runner, simulation, trial
from wabench.campaigns import plan as planning
from wabench.campaigns.plan import Plan
from wabench.campaigns.schema import CampaignState
from wabench.campaigns.simulation import Simulation
from wabench.campaigns.staging import AT_ONCE, Asked
from wabench.campaigns.trial import Tried
from wabench.campaigns.variants import Wanted
from wabench.errors import Refused
from wabench.roles import Action, Actor
from wabench.settings import Settings


def plan(
    settings: Settings, actor: Actor, name: str, segment: str, template: str = "", params: Sequence[str] = (),
    provider: str = "meta", holdout: float | None = None, variants: Sequence[Wanted] = (),
    starts_at: datetime | None = None, skips_cold: bool = False, at_best_hour: bool = False,
    budget: float | None = None, in_stages: Asked = AT_ONCE,
) -> Plan:  # fmt: skip
    """Freeze a campaign, as `wabench campaign plan` does."""
    acts.allow(settings, actor, Action.PLAN, "plan", name)
    return planning.plan(
        settings, name, segment, template, params, provider, holdout=holdout, variants=variants, starts_at=starts_at,
        actor=actor.name, skips_cold=skips_cold, at_best_hour=at_best_hour, budget=budget,
        in_stages=in_stages,
    )  # fmt: skip


def plan_retry(settings: Settings, actor: Actor, name: str, of: str) -> Plan:
    """Freeze a campaign for those of another who failed for a passing reason."""
    acts.allow(settings, actor, Action.PLAN, "plan", name)
    return retries.plan(settings, name, of, actor=actor.name)


def simulate(settings: Settings, actor: Actor, name: str) -> Simulation:
    """Tell what a plan would come to, and keep the forecast."""
    acts.allow(settings, actor, Action.PLAN, "simulate", name)
    return simulation.simulate(settings, name, actor.name)


def test(settings: Settings, actor: Actor, name: str) -> int:
    """Show every planned send to the sandbox's checks; gives how many there were."""
    acts.allow(settings, actor, Action.TEST, "test", name)
    return runner.test(settings, name, actor.name)


def send_test(settings: Settings, actor: Actor, name: str, phones: Sequence[str], live: bool = False) -> list[Tried]:
    """Send each text to numbers that somebody names; to real ones only who may start a campaign."""
    acts.allow(settings, actor, Action.RUN if live else Action.TEST, "test send", name)
    return trial.send(settings, name, phones, actor.name, live=live)


def approve(settings: Settings, actor: Actor, name: str) -> None:
    """Approve a tested campaign; where people sign in, who planned it can't. Raises Refused."""
    acts.allow(settings, actor, Action.APPROVE, "approve", name)
    with ledger.opened(settings) as opened:
        planner = opened.campaign(name).created_by
    if actor.is_signed_in and planner == actor.name:
        acts.refuse(settings, actor, "approve", f"{name}: their own plan")
        raise Refused(f"{actor.name} planned campaign {name!r}; somebody else has to approve it")
    runner.approve(settings, name, actor.name)


def run(settings: Settings, actor: Actor, name: str, live: bool = False) -> None:
    """Have an approved campaign sent by a process of its own."""
    acts.allow(settings, actor, Action.RUN, "run", name)
    launch.start(settings, name, actor.name, live=live)


def resume(settings: Settings, actor: Actor, name: str, live: bool = False, budget: float | None = None) -> None:
    """Have a paused campaign, or one whose sender died, gone on with by a process of its own, to `budget` in all."""
    acts.allow(settings, actor, Action.RUN, "resume", name)
    launch.start(settings, name, actor.name, live=live, resumes=True, budget=budget)


def pause(settings: Settings, actor: Actor, name: str) -> None:
    """Pause a running campaign."""
    acts.allow(settings, actor, Action.RUN, "pause", name)
    runner.pause(settings, name, actor.name)


def cancel(settings: Settings, actor: Actor, name: str) -> None:
    """Cancel a campaign for good. Who may plan may take back what nobody approved yet; the rest takes an approver."""
    acts.allow(settings, actor, Action.PLAN, "cancel", name)
    with ledger.opened(settings) as opened:
        status = opened.campaign(name).status
    if status not in (CampaignState.PLANNED, CampaignState.TESTED):
        acts.allow(settings, actor, Action.RUN, "cancel", name)
    runner.cancel(settings, name, actor.name)
