"""Four campaigns to the same customers, half of them held out of each: their lift, and orders that several share."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from history import order, status
from warehouse import ask, build, put, shop

from wabench import lift
from wabench.lift import Arm
from wabench.settings import Settings

CUSTOMERS = 24
FIRST = datetime.fromisoformat("2026-05-29 10:00")
CAMPAIGNS = [f"c{number}" for number in range(4)]


def started(campaign: int) -> datetime:
    """Begin each two days after the one before, so that an order within five days follows up to three."""
    return FIRST + timedelta(days=2 * campaign)


def is_held_out(campaign: int, customer: int) -> bool:
    return (customer >> campaign) % 2 == 0


def orders() -> Iterator[dict[str, Any]]:
    for n in range(CUSTOMERS):
        known: dict[str, Any] = {"phone": f"+155500{n:02}", "margin": Decimal(3) if n % 2 else None}
        if n % 3:
            yield order(f"before {n}", FIRST - timedelta(days=30 + n), str(10 * n + 5), **known)
        if n % 4 in (1, 2):
            yield order(f"after {n}", FIRST + timedelta(days=n % 9, hours=1), str(20 + 7 * n), **known)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = shop(tmp_path_factory.mktemp("lift"), attribution_model="linear")
    pairs = [(c, n) for c in range(len(CAMPAIGNS)) for n in range(CUSTOMERS)]
    sends = [
        {"campaign_id": f"c{c}", "customer_id": f"x{n}", "send_id": f"s{c}.{n}", "phone": f"+155500{n:02}"}
        | ({"arm": "held_out", "state": "suppressed", "reason": "holdout"} if is_held_out(c, n)
           else {"arm": "treated", "message_id": f"m{c}.{n}", "claimed_at": started(c), "outcome_at": started(c)})
        for c, n in pairs
    ]  # fmt: skip
    told = [s for s in sends if s["arm"] == "treated"]
    at = {s["send_id"]: s["claimed_at"] for s in told}
    stop = {
        "event_id": "stop",
        "event_type": "opt_out",
        "occurred_at": started(3) + timedelta(hours=2),
        "phone": "+15550009",
    }
    put(settings, 1, {
        "campaigns": [
            {"campaign_id": f"c{c}", "name": f"c{c}", "started_at": started(c), "holdout_share": 0.5, "segment": "all",
             "template_name": f"t{c % 2}"}
            for c in range(len(CAMPAIGNS))
        ],
        "sends": sends,
        "orders": list(orders()),
        "message_events": [
            *(status("delivered", s["message_id"], at[s["send_id"]], s["phone"], price=Decimal("0.05"), currency="USD")
              for s in told),
            stop,
        ],
    })  # fmt: skip
    build(settings)
    return settings


@pytest.mark.parametrize("campaign", range(len(CAMPAIGNS)))
def test_the_lift_of_a_campaign_is_that_of_its_customers_orders(measured: Settings, campaign: int) -> None:
    since, until = started(campaign), started(campaign) + timedelta(days=5)
    placed = list(orders())
    effect = lift.compare(*(_arm(placed, campaign, since, until, is_out) for is_out in (False, True)))
    columns = "customers_treated, customers_held_out, lift_measured_until, incremental_net_revenue" + "".join(
        f", incremental_net_revenue{end}" for end in ("_low", "_high")
    )
    [found] = ask(measured, f"select {columns} from marts.fct_campaigns where campaign_id = ?", f"c{campaign}")
    treated = sum(not is_held_out(campaign, n) for n in range(CUSTOMERS))
    assert found[:3] == (treated, CUSTOMERS - treated, until)
    assert [float(value) for value in found[3:]] == pytest.approx([float(v) for v in effect.of(treated)], rel=1e-4)


def _arm(placed: list[dict[str, Any]], campaign: int, since: datetime, until: datetime, is_out: bool) -> Arm:
    who = [n for n in range(CUSTOMERS) if is_held_out(campaign, n) == is_out]

    def spent(n: int, begin: datetime, end: datetime) -> float:
        mine = (o for o in placed if o["phone"] == f"+155500{n:02}" and begin <= o["ordered_at"] < end)
        return float(sum(o["total"] for o in mine))

    y = np.array([spent(n, since, until) for n in who])
    x = np.array([spent(n, since - timedelta(days=365), since) for n in who]) ** 0.5
    return Arm(len(who), np.count_nonzero(y), y.sum(), y @ y, x.sum(), x @ x, y @ x)


def test_a_campaign_is_judged_beside_the_others_and_its_split_is_right(measured: Settings) -> None:
    sql = """
        select count(*), count(incremental_conversions_shrunk), count(incremental_net_revenue_shrunk),
            min(sample_ratio_p) > 0.001, bool_or(is_sample_ratio_off)
        from marts.fct_campaigns
    """
    assert ask(measured, sql) == [(4, 4, 4, True, False)]


def test_an_order_has_a_price_only_where_its_interval_is_above_zero(measured: Settings) -> None:
    sql = (
        "select (incremental_orders_low > 0) = (cost_per_incremental_order is not null), cost from marts.fct_campaigns"
    )
    assert {(is_right, cost > 0) for is_right, cost in ask(measured, sql)} == {(True, True)}


def test_an_order_is_shared_among_the_campaigns_before_it(measured: Settings) -> None:
    weights = ask(measured, "select order_key, campaign_id, weight from intermediate.int_orders_attributed_to_messages")
    assert {(key, campaign): float(weight) for key, campaign, weight in weights} == pytest.approx(
        dict(_parts()), abs=1e-3
    )
    assert any(0 < weight < 1 for *_, weight in weights)
    sql = """
        select sum(attributed_orders), sum(attributed_net_revenue),
            (select count(*) from marts.fct_orders where attributed_campaign_id is not null),
            (select sum(net) from marts.fct_orders where attributed_campaign_id is not null)
        from marts.fct_campaigns
    """
    [(shared, revenue, whole, net)] = ask(measured, sql)
    assert (shared, revenue) == (whole, net)
    assert whole > 0


def _parts() -> Iterator[tuple[tuple[str, str], float]]:
    for placed in orders():
        at, customer = placed["ordered_at"], int(placed["phone"][-2:])
        before = [c for c in range(len(CAMPAIGNS)) if started(c) <= at < started(c) + timedelta(days=5)]
        touched = [c for c in before if not is_held_out(c, customer)]
        yield from (((f"shop:{placed['order_id']}", f"c{c}"), 1 / len(touched)) for c in touched)


def test_a_return_on_margin_is_told_only_where_all_of_it_is_known(measured: Settings) -> None:
    sql = (
        "select attributed_orders_without_margin = 0, margin_roi is not null, roi is not null from marts.fct_campaigns"
    )
    found = ask(measured, sql)
    assert all(is_known == is_told and has_roi for is_known, is_told, has_roi in found)


def test_who_opts_out_takes_their_last_years_spending_along(measured: Settings) -> None:
    sql = "select sum(opted_out), sum(opted_out_value) from marts.fct_campaigns"
    spent = sum(o["total"] for o in orders() if o["phone"] == "+15550009")
    [(opted_out, value)] = ask(measured, sql)
    assert opted_out > 0
    assert value == opted_out * spent


def test_months_can_be_grouped_by_template_and_come_to_the_same(measured: Settings) -> None:
    by_template = (
        "select template_name, sum(planned), sum(cost), sum(attributed_net_revenue) from {} group by 1 order by 1"
    )
    months = ask(measured, by_template.format("marts.fct_campaign_months"))
    assert months == ask(measured, by_template.format("marts.fct_campaigns"))
    assert [template for template, *_ in months] == ["t0", "t1"]
    assert ask(measured, "select count(distinct month) from marts.fct_campaign_months") == [(2,)]
