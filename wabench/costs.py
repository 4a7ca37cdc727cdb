"""What a month's messages cost on each plan of the price book, and which plan is the cheapest from which volume."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise

from wabench.errors import UsageError
from wabench.published import Published

META = "meta"
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan's own prices: a fee a month, messages it gives for nothing, and the price of each after those.

    `meta_price` is Meta's fee for a message where that comes on top.
    """

    name: str
    monthly_fee: Decimal = _ZERO
    free_quota: int = 0
    price: Decimal = _ZERO
    meta_price: Decimal = _ZERO

    def cost(self, messages: int) -> Decimal:
        """Price so many messages of one month."""
        charged = max(0, messages - self.free_quota)
        return self.monthly_fee + self.price * charged + self.meta_price * messages


@dataclass(frozen=True, slots=True)
class Cheapest:
    """From `messages` a month on, up to the next one's, no plan is cheaper than this one."""

    messages: int
    plan: str


@dataclass(frozen=True, slots=True)
class MonthOnPlan:
    """A row of `fct_provider_costs`: the whole month's traffic on one plan, in the project's currency."""

    month: date
    provider: str
    plan: str
    messages: int
    messages_on_plan: int
    free_messages: int
    charged_messages: int
    free_quota: int
    price_per_message: Decimal | None
    monthly_fee: Decimal | None
    message_cost: Decimal
    own_cost: Decimal | None
    meta_fees: Decimal
    total_cost: Decimal | None
    messages_without_price: int
    charged_cost: Decimal
    messages_without_cost: int
    currency: str
    is_meta_added: bool
    verification_days_min: int | None
    verification_days_max: int | None

    @property
    def name(self) -> str:
        return f"{self.provider} {self.plan}"

    @property
    def verification_days(self) -> str:
        days = (self.verification_days_min, self.verification_days_max)
        return "-".join(str(d) for d in dict.fromkeys(days) if d is not None)

    def as_plan(self) -> Plan | None:
        """Give the plan at this month's mix of messages; None where the price book does not price it."""
        if self.monthly_fee is None or self.price_per_message is None:
            return None
        return Plan(self.name, self.monthly_fee, self.free_quota, self.price_per_message, self._meta_price())

    def _meta_price(self) -> Decimal:
        return self.meta_fees / self.messages if self.messages else _ZERO


def cheapest_from(plans: Sequence[Plan]) -> tuple[Cheapest, ...]:
    """Tell which plan is cheapest from which number of messages a month, beginning with 0.

    Where two cost the same, it is the one that costs less from the next message on, then the first given.
    """
    if not plans:
        return ()
    best = [(n, min(plans, key=lambda plan: (plan.cost(n), plan.cost(n + 1)))) for n in _turns(plans)]
    changed = [best[0], *((n, plan) for (_, before), (n, plan) in pairwise(best) if plan != before)]
    return tuple(Cheapest(n, plan.name) for n, plan in changed)


def months(published: Published, month: date | None = None) -> list[MonthOnPlan]:
    """Read a month's row of each plan, by default of the last whole month with messages before `as_of`.

    Without one it is the current month, which may have no messages either. Raises UsageError for a month not there.
    """
    if "month" not in published.columns("fct_provider_costs"):
        raise UsageError("the published file has no costs of plans yet; run `wabench refresh`")
    chosen = month or _usual(published)
    rows = published.query(
        "select * exclude (is_in_use, refreshed_at) from fct_provider_costs where month = $month"
        " order by total_cost nulls last, provider, plan",
        {"month": chosen},
    ).to_pylist()
    if not rows:
        raise UsageError(f"no messages in {chosen:%Y-%m}; months with messages: {_known(published)}")
    return [MonthOnPlan(**row) for row in rows]


def is_whole(month: date, as_of: datetime) -> bool:
    """Tell whether a month had ended at `as_of`."""
    return (month.year, month.month) < (as_of.year, as_of.month)


def _usual(published: Published) -> date:
    sql = """
        select coalesce(
            max(month) filter (where messages > 0 and month < date_trunc('month', $as_of::timestamp)),
            date_trunc('month', $as_of::timestamp)
        )::date as month
        from fct_provider_costs
    """
    chosen: date = published.one(sql, {"as_of": published.as_of})["month"]
    return chosen


def _known(published: Published) -> str:
    sql = "select distinct strftime(month, '%Y-%m') as month from fct_provider_costs where messages > 0 order by 1 desc"
    found = [row["month"] for row in published.query(sql).to_pylist()]
    return ", ".join(found[:12]) + (f" and {len(found) - 12} more" if len(found) > 12 else "") if found else "none"


def _turns(plans: Iterable[Plan]) -> list[int]:
    """Give every number of messages at which another plan may become the cheapest, in order."""
    found = {0}
    pieces = [piece for plan in plans for piece in _pieces(plan)]
    for plan in plans:
        found |= {plan.free_quota, plan.free_quota + 1}
    for start, slope in pieces:
        for other_start, other_slope in pieces:
            if slope > other_slope and other_start > start:
                crossing = int((other_start - start) / (slope - other_slope))
                found |= {crossing, crossing + 1}
    return sorted(found)


def _pieces(plan: Plan) -> Iterator[tuple[Decimal, Decimal]]:
    """A plan's cost is one line up to its quota and another after it: each as its value at 0 and its slope."""
    yield plan.monthly_fee, plan.meta_price
    yield plan.monthly_fee - plan.price * plan.free_quota, plan.price + plan.meta_price
