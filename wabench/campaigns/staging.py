"""Planning in stages: what is asked for, and who of a plan goes with the first share, frozen into its rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from wabench.campaigns import draw
from wabench.campaigns.known import country_of
from wabench.campaigns.policy import HOLDOUT
from wabench.campaigns.schema import SendState
from wabench.campaigns.stages import WAITS, By, Kind, Stage
from wabench.errors import UsageError
from wabench.settings import Settings

_AGES = (timedelta(days=30), timedelta(days=180), timedelta(days=365))
Row = dict[str, Any]
Texts = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Renders each variant for one customer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants of stages: shares of the customers, None for a stage that is not wanted."""

    canary: float | None = None
    canary_hours: float | None = None
    winner_after_share: float | None = None
    winner_by: str | None = None
    winner_hours: float | None = None


AT_ONCE = Asked()


def stages(settings: Settings, asked: Asked, has_variants: bool) -> tuple[Stage, ...]:
    """Make the stages somebody asks for; raises UsageError for what can't be."""
    _must_be_possible(asked, has_variants)
    wanted = []
    if asked.canary is not None:
        hours = settings.canary_hours if asked.canary_hours is None else asked.canary_hours
        wanted.append(Stage(0, Kind.CANARY, asked.canary, hours))
    if asked.winner_after_share is not None:
        hours = settings.winner_hours if asked.winner_hours is None else asked.winner_hours
        wanted.append(Stage(0, Kind.WINNER, asked.winner_after_share, hours, By(asked.winner_by or By.REPLY)))
    return tuple(replace(each, stage=number) for number, each in enumerate(wanted, 1))


def _must_be_possible(asked: Asked, has_variants: bool) -> None:
    shares = {"--canary": asked.canary, "--winner-after-share": asked.winner_after_share}
    if wrong := next((name for name, share in shares.items() if share is not None and not 0 < share < 1), None):
        raise UsageError(f"{wrong} is a share of the customers between 0 and 1, like 0.1")
    if asked.winner_by and asked.winner_by not in list(By):
        raise UsageError(f"--winner-by {asked.winner_by}: a winner is told by {', '.join(By)}")
    if asked.canary is None and asked.canary_hours is not None:
        raise UsageError("--canary-hours needs --canary, the share that goes first")
    if asked.winner_after_share is None:
        if asked.winner_by or asked.winner_hours is not None:
            raise UsageError("--winner-by and --winner-hours need --winner-after-share, the share that tries the texts")
    elif not has_variants:
        raise UsageError("--winner-after-share needs texts to choose from: --variant a=TEMPLATE --variant b=TEMPLATE")
    elif asked.canary is not None and asked.canary >= asked.winner_after_share:
        raise UsageError("--canary is the first part of --winner-after-share, so it has to be the smaller share")


def staged(
    settings: Settings, campaign_id: str, wanted: Sequence[Stage], rows: Sequence[Row],
    customers: Iterable[Mapping[str, Any]], texts: Texts,
) -> tuple[Stage, ...]:  # fmt: skip
    """Put into each row when it goes, and hold those that don't go first; gives the stages somebody waits for.

    Who is held out has a stage, too, so that each stage has its part of them.
    """
    by_id = {customer["customer_id"]: customer for customer in customers}
    arms = [
        {row["customer_id"]: _stratum(row, by_id[row["customer_id"]]) for row in rows if is_in(row)}
        for is_in in (_is_planned, _is_held_out)
    ]
    drawn, kept = _numbers(settings, campaign_id, wanted, arms)
    choosing = next((stage.stage for stage in kept if stage.kind is Kind.WINNER), None)
    for row in rows:
        row["stage"] = drawn.get(row["customer_id"]) if kept else None
        waits_for_text = choosing is not None and row["stage"] is not None and row["stage"] > choosing
        row["texts"] = dict(texts(by_id[row["customer_id"]])) if waits_for_text else None
        if row["stage"] is not None and row["stage"] > 1 and _is_planned(row):
            row |= {"state": SendState.HELD, "reason": WAITS}
    return kept


def _numbers(
    settings: Settings, campaign_id: str, wanted: Sequence[Stage], arms: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, int], tuple[Stage, ...]]:
    """Draw each customer's stage; a stage that everybody would be in is none, for nobody would wait for it."""
    left = [dict(arm) for arm in arms]
    planned = len(arms[0])
    numbers: dict[str, int] = {}
    kept: list[Stage] = []
    for stage in wanted:
        upto = max(round(stage.share * planned), settings.first_share_customers)
        if upto >= planned:
            continue
        number, gone = len(kept) + 1, planned - len(left[0])
        for of, arm in zip(arms, left, strict=True):
            size = upto - gone if of is arms[0] else round(len(of) * upto / planned) - (len(of) - len(arm))
            for customer_id in draw.first(arm, max(size, 0), f"{campaign_id}:stage:{number}"):
                numbers[customer_id] = number
                del arm[customer_id]
        kept.append(replace(stage, stage=number, share=upto / planned))
    numbers |= {customer_id: len(kept) + 1 for arm in left for customer_id in arm}
    return numbers, tuple(kept)


def _is_planned(row: Row) -> bool:
    return row["state"] is SendState.PLANNED


def _is_held_out(row: Row) -> bool:
    return bool(row["reason"] == HOLDOUT)


def _stratum(row: Row, customer: Mapping[str, Any]) -> tuple[str | None, ...]:
    """Tell what a customer has in common with others: text, country, engagement tag and how old their consent is."""
    return (
        row["variant"],
        country_of(row["phone"], row["user_id"]),
        customer.get("engagement_tag"),
        _age(row["planned_at"], row["consent_at"]),
    )


def _age(now: datetime, stated_at: datetime | None) -> str | None:
    return str(sum(stated_at + age < now for age in _AGES)) if stated_at else None
