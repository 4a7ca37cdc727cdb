"""Who of a campaign is held out, so that what it brings can be told from what would have come anyway.

Chance decides, at the plan, among those who would be written to: a hash of campaign and customer, so that planning
again decides the same, and another campaign holds out others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import md5
from pathlib import Path

from wabench import lift, published
from wabench.errors import WabenchError
from wabench.settings import Settings

TREATED, HELD_OUT = "treated", "held_out"
_BUCKETS = 10_000
_LOOKBACK_DAYS = 90
_RATE = (Path(__file__).parent / "baseline_rate.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Holdout:
    """The share of a campaign's customers that chance keeps back; 0 keeps back nobody."""

    campaign_id: str
    share: float

    def has(self, customer_id: str) -> bool:
        """Tell whether a customer is held out; as the macro `bucket` does it, salted with the campaign."""
        digest = md5(f"{self.campaign_id}:{customer_id}".encode(), usedforsecurity=False).hexdigest()
        return int(digest[:8], 16) % _BUCKETS < self.share * _BUCKETS


@dataclass(frozen=True, slots=True)
class Power:
    """What a holdout can show: `rate` of the customers buy in `days` anyway, None where nothing is published.

    A rise of the rate by `smallest_effect` is found in four campaigns of five; two thirds of it would need
    `needed_for_less` customers held out, None where no share of the audience is enough.
    """

    customers: int
    held_out: int
    days: int
    rate: float | None = None
    smallest_effect: float | None = None
    needed_for_less: int | None = None


def power(settings: Settings, customers: Sequence[str], held_out: int) -> Power:
    """Tell what can be shown with so many of these customers held out."""
    return shown(settings, rate(settings, customers), len(customers), held_out)


def shown(settings: Settings, rate: float | None, customers: int, held_out: int) -> Power:
    """Tell what can be shown with so many of so many customers held out, of whom a share buys anyway."""
    days = settings.attribution_days
    if not rate or not 0 < held_out < customers:
        return Power(customers, held_out, days, rate)
    effect = lift.smallest_effect(rate, customers, held_out)
    needed = lift.holdout_needed(rate, effect * 2 / 3, customers)
    return Power(customers, held_out, days, rate, effect, needed)


def rate(settings: Settings, customers: Sequence[str]) -> float | None:
    """Look up which share of customers bought within as many days as orders are counted for, lately on average."""
    try:
        version = published.current(settings)
    except WabenchError:
        return None
    windows = max(_LOOKBACK_DAYS // settings.attribution_days, 1)
    since = version.as_of - timedelta(days=windows * settings.attribution_days)
    window = {"since": since, "until": version.as_of, "days": settings.attribution_days, "windows": windows}
    found: float | None = version.one(_RATE, {"customers": list(customers), **window})["rate"]
    return found
