"""The stages of a campaign in lines for people to read: what the rest waits for, and what was decided of it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from wabench.campaigns import evidence, schedule
from wabench.campaigns.judging import Known
from wabench.campaigns.stages import Kind, Stage, StageState
from wabench.cli import console
from wabench.settings import Settings

_CANARY = {"failed": "failed", "opted_out": "opted out", "blocked": "blocked the number"}


def say(lines: Iterable[str]) -> None:
    for line in lines:
        console.out.print(line, markup=False, soft_wrap=True)


def show(settings: Settings, stages: tuple[Stage, ...], waits: Stage | None = None, found: Known | None = None) -> None:
    """Show where the stages stand, who won, and what is known of the one the rest waits for."""
    if not stages:
        return
    console.show_table(decided(stages), "stages")
    say(sure(stages))
    if waits:
        busy = ["a refresh is at work, so what is known of the stage can't be read now"]
        say(known(settings, waits, found) if found else busy)


def planned(settings: Settings, stages: tuple[Stage, ...], customers: int) -> Iterator[str]:
    """Say what goes first, and what is decided of the rest when."""
    if not stages:
        yield "too few for stages: all of them go at once"
    for stage in stages:
        first = round(stage.share * customers)
        if stage.kind is Kind.CANARY:
            limits = (settings.canary_failure_share, settings.canary_opt_out_share, settings.canary_block_share)
            fewest = [evidence.fewest_above(first, limit, settings.stage_error / len(limits)) for limit in limits]
            bad = " or ".join(f"{n} {said}" for n, said in zip(fewest, _CANARY.values(), strict=True) if n)
            yield f"canary: {first:,} go first; {bad} stop it, else the rest goes {stage.hours:g} hours after the last"
        else:
            yield (
                f"winner: {first:,} try the texts; the rest gets the better one by {stage.by}, "
                f"decided when it is proven, at the latest {stage.hours:g} hours after the last"
            )


def decided(stages: tuple[Stage, ...]) -> list[dict[str, Any]]:
    """Give a row a stage: where it stands and why."""
    return [
        {
            "stage": f"{each.stage} {each.kind}",
            "of the customers": f"{each.share:.0%}",
            "state": each.state,
            "decided at": f"{each.decided_at:%Y-%m-%d %H:%M:%S}" if each.decided_at else "",
            "why": each.reason or "",
        }
        for each in stages
    ]


def known(settings: Settings, stage: Stage, found: Known) -> Iterator[str]:
    """Say what is known so far of a stage that the rest waits for, and when it is decided."""
    if found.to_leave:
        yield f"{found.left:,} of stage {stage.stage} have left, {found.to_leave:,} are still to"
    if stage.kind is Kind.CANARY:
        told = ", ".join(f"{getattr(found, name):,} {said}" for name, said in _CANARY.items())
        yield f"of {found.left:,} that left the end of {found.ended:,} is known; {told}"
    else:
        yield "; ".join(f"{name}: {len(arm.hits):,} of {len(arm.begun):,} by {stage.by}"
                        for name, arm in found.arms.items()) or "no text has left yet"  # fmt: skip
    yield f"decided at the latest {_by_when(settings, stage, found.due_at)}"


def _by_when(settings: Settings, stage: Stage, due_at: datetime | None) -> str:
    return schedule.told(settings, due_at) if due_at else f"{stage.hours:g} hours after the last of them leaves"


def sure(stages: tuple[Stage, ...]) -> Iterator[str]:
    """Say which text won and how sure that is."""
    for stage in stages:
        if stage.kind is not Kind.WINNER or stage.state is not StageState.RELEASED:
            continue
        texts: Mapping[str, Mapping[str, int]] = stage.figures.get("texts", {})
        rates = ", ".join(f"{name} {_rate(of)}" for name, of in texts.items())
        doubt = stage.figures.get("doubt")
        odds = "" if doubt is None else f"; by chance alone so much is seen in at most {doubt:.1%} of such tests"
        yield f"the rest got {stage.winner or 'what chance drew'}: {stage.outcome} by {stage.by} ({rates}){odds}"
        yield "only these figures, of the first share, compare the texts: the rows of the funnel hold the rest, too"


def _rate(of: Mapping[str, int]) -> str:
    return (
        f"{of['hits']:,} of {of['customers']:,} ({of['hits'] / of['customers']:.1%})" if of["customers"] else "nobody"
    )
