"""Lifetime value through the models: a simulated shop that a model fits, one that is too small, one without orders."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from warehouse import AS_OF, ask, build, marts, put, shop

from wabench.settings import Settings

CUSTOMERS, DAYS = 600, 1000
STILL_HERE, GONE, RETURNED_ALL, NEVER_BOUGHT = "still here", "gone", "returned all", "never bought"


def _order(ref: str, at: datetime, total: float, **more: Any) -> dict[str, Any]:
    return {
        "order_id": f"{ref}:{at.isoformat()}",
        "customer_ref": ref,
        "ordered_at": at,
        "total": Decimal(f"{total:.2f}"),
        **more,
    }


def _customer(number: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Simulate BG/NBD (r 0.8, mean rate once in 40 days, a 0.8, b 2.5) and Gamma-Gamma."""
    ref, at = f"s{number}", chance.uniform(1, DAYS)
    rate, leaves = chance.gammavariate(0.8, 1 / 32), chance.betavariate(0.8, 2.5)
    worth = 6 * 15 / chance.gammavariate(4, 1)
    while at < DAYS:
        yield _order(ref, AS_OF - timedelta(days=DAYS - at), worth * chance.gammavariate(6, 1 / 6))
        at += max(1.0, chance.expovariate(rate))
        if chance.random() < leaves:
            return


def _orders() -> list[dict[str, Any]]:
    chance = random.Random(4)
    simulated = [order for number in range(CUSTOMERS) for order in _customer(number, chance)]
    often = [timedelta(days=30 * n) for n in range(12)]
    return [
        *simulated,
        *(_order(STILL_HERE, AS_OF - timedelta(days=2) - ago, 50) for ago in often),
        *(_order(GONE, AS_OF - timedelta(days=500) - ago, 50) for ago in often),
        _order(RETURNED_ALL, AS_OF - timedelta(days=90), 70, refunded=Decimal(70), status="refunded"),
        _order("later", AS_OF, 40),
    ]


def _delivered(ref: str, days_ago: int, kind: str = "delivered") -> dict[str, Any]:
    at = AS_OF - timedelta(days=days_ago)
    event = {"event_id": f"{ref}:{kind}", "event_type": kind, "message_id": f"to {ref}", "direction": "out"}
    return {**event, "occurred_at": at, "phone": _phone(ref)}


def _phone(ref: str) -> str:
    return f"+1555{int(ref[1:]):07}"


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = shop(tmp_path_factory.mktemp("fitted"))
    people = [{"customer_ref": f"s{n}", "phone": _phone(f"s{n}")} for n in range(40)]
    put(
        settings,
        1,
        {
            "customers": [*people, {"customer_ref": NEVER_BOUGHT}],
            "orders": _orders(),
            "message_events": [
                *(_delivered(f"s{n}", 100) for n in range(30)),
                *(_delivered(f"s{n}", 100, "failed") for n in range(30, 35)),
            ],
        },
    )
    build(settings, is_tested=True)
    return settings


def _of(settings: Settings, ref: str, columns: str) -> tuple[Any, ...]:
    sql = f"""
        select {columns} from marts.dim_customers inner join marts.dim_identities using (customer_id)
        where identity = ?
    """
    [row] = ask(settings, sql, f"shop:{ref}")
    return row


def test_who_bought_has_an_expected_value_in_its_range_and_who_never_did_has_none(fitted: Settings) -> None:
    sql = """
        select
            ltv_basis,
            count(*) = count(*) filter (where ltv_expected_12m >= 0 and ltv_expected_12m_low <= ltv_expected_12m_high),
            count(*) = count(*) filter (where p_alive between 0 and 1),
            count(*) = count(*) filter (where ltv_expected_12m_high > ltv_expected_12m),
            count(*) > 0
        from marts.dim_customers
        where orders > 0
        group by ltv_basis
    """
    [(basis, *holds)] = ask(fitted, sql)
    assert (basis, holds[0], holds[1], holds[3]) == ("model", True, True, True)
    columns = "ltv_historic, ltv_expected_12m, p_alive, churn_risk, expected_next_order_at, ltv_basis"
    for ref in (NEVER_BOUGHT, "later"):
        assert _of(fitted, ref, columns) == (0, None, None, "none", None, "none")


def test_a_frequent_buyer_is_expected_again_until_long_silent(fitted: Settings) -> None:
    columns = "p_alive, churn_risk, ltv_expected_12m, expected_orders_12m, expected_next_order_at, ltv_historic"
    alive, risk, worth, orders, next_at, historic = _of(fitted, STILL_HERE, columns)
    assert (alive > 0.8, risk, historic) == (True, "low", 600)
    assert 5 < orders < 14
    assert 200 < worth < 700
    assert AS_OF < next_at < AS_OF + timedelta(days=60)
    alive, risk, little, *_, historic = _of(fitted, GONE, columns)
    assert (alive < 0.1, risk, historic) == (True, "high", 600)
    assert little < worth / 3


def test_what_was_given_back_is_no_value_but_its_order_was_one(fitted: Settings) -> None:
    assert _of(fitted, RETURNED_ALL, "ltv_historic, orders, ltv_basis") == (0, 1, "model")


def test_each_past_quarter_is_compared_with_what_came(fitted: Settings) -> None:
    columns = (
        "quarters_ago, ltv_basis, has_dropout, customers, actual_orders > 0, gini between 0.5 and 1, mae < naive_mae"
    )
    fits = ask(fitted, f"select {columns}, backtest_days from marts.fct_ltv_fits order by 1")
    assert [row[0] for row in fits] == [0, 1, 2, 3, 4]
    assert fits[0][1:3] + fits[0][4:] == ("model", True, None, None, None, None)
    assert all(row[1] == "model" and row[4:] == (True, True, True, 91) for row in fits[1:])
    assert fits[0][3] == ask(fitted, "select count(*) from marts.dim_customers where orders > 0")[0][0]
    sql = """
        select
            fits.quarters_ago, count(*), sum(deciles.customers) = any_value(fits.customers),
            abs(sum(deciles.expected_value) - any_value(fits.expected_value)) < 0.01,
            abs(sum(deciles.actual_value) - any_value(fits.actual_value)) < 0.01
        from marts.fct_ltv_backtest as deciles inner join marts.fct_ltv_fits as fits using (quarters_ago)
        group by 1 order by 1
    """
    assert ask(fitted, sql) == [(quarter, 10, True, True, True) for quarter in (1, 2, 3, 4)]


def test_the_value_that_came_is_that_of_the_orders_of_customers_known_before(fitted: Settings) -> None:
    [(ends_on, actual)] = ask(fitted, "select ends_on, actual_value from marts.fct_ltv_fits where quarters_ago = 1")
    sql = """
        select sum(net) from marts.fct_orders
        where ordered_at >= ?::date + 1 and ordered_at < ?::date + 92 and ordered_at < ? and customer_id in (
            select customer_id from marts.fct_orders where ordered_at < ?::date + 1
        )
    """
    assert ask(fitted, sql, ends_on, ends_on, AS_OF, ends_on) == [(actual,)]


def test_months_are_dense_and_who_is_served_on_whatsapp_changes_channel_once(fitted: Settings) -> None:
    sql = """
        select channel, count(*), min(month), max(month), count(*) filter (where is_complete)
        from marts.fct_ltv_months group by 1 order by 1
    """
    first, last = datetime(2025, 6, 1).date(), datetime(2026, 6, 1).date()  # noqa: DTZ001
    assert ask(fitted, sql) == [("other", 13, first, last, 12), ("whatsapp", 13, first, last, 12)]
    sql = (
        "select month, customers, ltv_expected_12m > 0 from marts.fct_ltv_months where channel = 'whatsapp' order by 1"
    )
    served = ask(fitted, sql)
    assert [row[1] for row in served[:9]] == [0] * 9
    bought = "select count(*) from marts.dim_customers where phone <= ? and orders > 0 and messages_received > 0"
    assert [(served[-1][1],)] == ask(fitted, bought, _phone("s29"))
    assert served[-1][2] is True


def test_the_same_warehouse_gives_the_same_figures_to_the_last_digit(fitted: Settings) -> None:
    before = marts(fitted)
    build(fitted)
    assert marts(fitted) == before


def test_too_few_customers_share_the_mean_of_all_and_say_so(at_once: Settings) -> None:
    sql = """
        select
            ltv_basis, count(distinct expected_orders_12m), count(p_alive),
            count(distinct churn_risk), min(churn_risk)
        from marts.dim_customers where orders > 0 group by 1
    """
    assert ask(at_once, sql) == [("cohort_mean", 1, 0, 1, "none")]
    assert ask(at_once, "select ltv_basis, r, has_dropout from marts.fct_ltv_fits where quarters_ago = 0") == [
        ("cohort_mean", None, False)
    ]


def test_a_shop_without_an_order_has_customers_without_values(tmp_path: Path) -> None:
    settings = shop(tmp_path)
    put(settings, 1, {"customers": [{"customer_ref": "s1", "phone": _phone("s1")}]})
    build(settings)
    assert ask(settings, "select ltv_historic, ltv_expected_12m, ltv_basis from marts.dim_customers") == [
        (0, None, "none")
    ]
    for table in ("fits", "backtest", "months", "cohorts"):
        assert ask(settings, f"select count(*) from marts.fct_ltv_{table}") == [(0,)]


def test_a_customer_who_bought_once_today_is_enough_to_build(tmp_path: Path) -> None:
    settings = shop(tmp_path)
    put(settings, 1, {"orders": [_order("s1", AS_OF - timedelta(minutes=1), 30)]})
    build(settings)
    columns = "ltv_historic, ltv_expected_12m, expected_orders_12m, churn_risk, expected_next_order_at, ltv_basis"
    assert ask(settings, f"select {columns} from marts.dim_customers") == [(30, 0, 0, "none", None, "cohort_mean")]
    assert ask(settings, "select count(*) from marts.fct_ltv_backtest") == [(0,)]
    assert ask(settings, "select month, customers from marts.fct_ltv_months where channel = 'other'") == [
        (datetime(2026, 6, 1).date(), 1)  # noqa: DTZ001
    ]
