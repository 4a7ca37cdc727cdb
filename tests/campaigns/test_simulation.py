"""A simulation on a shop with a known past: counts, costs by plan with the quota, time, forecast, and what came."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import published_shop
import pytest
from campaign_shop import audience, customer, set_up
from sqlalchemy import update
from typer.testing import CliRunner

from wabench.campaigns import ledger, plan, simulation
from wabench.campaigns.costs import PlanCost
from wabench.campaigns.schema import CampaignState, sends
from wabench.campaigns.simulation import Simulation
from wabench.cli import app
from wabench.errors import Refused
from wabench.publish import Run, publish
from wabench.settings import Settings

SALE = ["1=name", "2=literal:SALE"]
NOW = datetime(2026, 11, 22, 19, tzinfo=UTC)
LATER_RUN = "20261122T190000Z"
MORE = """
set schema = 'marts';
create or replace table dim_campaigns as
select 'p' || i as campaign_id, 'past ' || i as name, 'marketing' as category, timestamp '2026-11-01' as started_at
from range(6) as numbers (i);
create or replace table fct_campaigns as
select
    'p' || i as campaign_id, '' as variant, 1000::bigint as accepted, 900::bigint as customers_delivered,
    450::bigint as read, 45::bigint as replied, 27::bigint as converted, 4::bigint as opted_out,
    30::decimal(18, 4) as attributed_orders
from range(6) as numbers (i);
create or replace table fct_messages as
select 'meta' as provider, 'n' as channel_id, 'out' as direction, 'utility' as category, null::text as campaign_id,
    timestamp '2026-11-01' as sent_at, sent_at as accepted_at, sent_at as delivered_at, sent_at as read_at,
    false as is_replied, null::timestamp as converted_at;
create or replace table fct_orders as
select 'c' || i % 50 as customer_id, timestamp '2026-11-01' as ordered_at, true as is_paid,
    100::decimal(18, 4) as net, 40::decimal(18, 4) as margin
from range(100) as numbers (i);
create or replace table fct_dialogs as
select true as is_open, i < 3 as is_overdue, null::timestamp as answered_at from range(10) as numbers (i)
union all
select false, false, timestamp '2026-11-20' from range(56);
create or replace table fct_limits as
select 'tier' as kind, 'meta' as provider, 40::bigint as allowed, 15::bigint as used;
create or replace table fct_provider_costs as
select date '2026-11-01' as month, provider, plan, 470::bigint as messages
from (values ('zenvia', 'monthly'), ('messagebird', 'monthly'), ('meta', 'direct')) as plans (provider, plan);
"""


@pytest.fixture
def shop(home: Path) -> Iterator[Settings]:
    settings = set_up(home, pace_per_minute="60")
    published_shop.publish_shop(home, "20261122T180000Z", [published_shop.customer(n) for n in range(40)])
    with duckdb.connect(settings.paths.warehouse) as connection:
        connection.execute(MORE)
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
    at = published_shop.AS_OF
    publish(settings, Run(LATER_RUN, at, at), [table for (table,) in tables])
    yield settings


def simulated(shop: Settings, count: int = 100, template: str = "sale", **changes: str) -> Simulation:
    people = [customer(n, **changes) for n in range(count)]
    params = SALE if template == "sale" else []
    plan.plan(shop, "spring", audience(shop.home, people), template, params, now=NOW)
    return simulation.simulate(shop, "spring", "maria", NOW)


def cost(made: Simulation, provider: str) -> PlanCost:
    return next(each for each in made.costs if each.provider == provider)


def test_it_counts_who_gets_it_and_who_not_and_why(shop: Settings) -> None:
    people = [customer(n) for n in range(5)] + [customer(9, consent="opted_out"), customer(8, phone="")]
    plan.plan(shop, "before", audience(shop.home, people[:2], "two"), "sale", SALE, now=NOW)
    with ledger.opened(shop) as opened, opened.writing() as connection:
        connection.execute(update(sends).values(state="accepted", claimed_at=NOW - timedelta(hours=23)))
    plan.plan(shop, "spring", audience(shop.home, people), "sale", SALE, now=NOW)
    made = simulation.simulate(shop, "spring", "maria", NOW)
    assert made.left_out == {"opted out": 1, "no way to reach": 1}
    assert (made.reachable, made.capped) == (3, 2)
    later = NOW + timedelta(hours=1)
    plan.plan(shop, "spring", audience(shop.home, people), "sale", SALE, now=NOW, starts_at=later)
    made = simulation.simulate(shop, "spring", "maria", NOW)
    assert (made.reachable, made.capped, made.begins_at) == (5, 0, later)


def test_a_plan_costs_its_price_after_what_is_left_of_its_quota_and_metas_fee(shop: Settings) -> None:
    made = simulated(shop, 100)
    fee = 100 * 0.0625  # to Brazil
    assert cost(made, "meta").total == pytest.approx(fee)
    assert cost(made, "twilio").total == pytest.approx(fee + 100 * 0.005)
    zenvia = cost(made, "zenvia")
    assert (zenvia.free, zenvia.monthly_fee) == (30, 30)  # 470 of its 500 are used
    assert zenvia.total == pytest.approx(fee + 70 * 0.006)
    assert cost(made, "messagebird").free == 100
    assert [each.provider for each in made.costs if each.is_own] == ["meta"]


def test_a_price_is_of_the_category_and_the_country(shop: Settings) -> None:
    assert cost(simulated(shop, 10, "parcel"), "meta").total == pytest.approx(10 * 0.0068)
    assert cost(simulated(shop, 1, phone="+14165550100"), "meta").total == pytest.approx(0.025)
    assert cost(simulated(shop, 1, phone="+74951234567"), "meta").total == pytest.approx(0.0604)


def test_costs_are_in_the_projects_currency(home: Path) -> None:
    brl = simulated(set_up(home, currency="BRL"), 10)
    usd = simulated(set_up(home, currency="USD"), 10)
    assert brl.currency == "BRL"
    rate = Decimal(str(cost(brl, "meta").total)) / Decimal(str(cost(usd, "meta").total))
    assert 3 < rate < 8


def test_it_ends_when_the_pace_and_the_providers_limit_let_it(shop: Settings) -> None:
    within = simulated(shop, 20)
    assert within.finishes_at - within.begins_at == timedelta(seconds=20)
    assert within.limit == simulation.Limit(40, 15)
    over = simulated(shop, 100)  # 25 today, 40 tomorrow, 35 the day after
    assert over.finishes_at - over.begins_at == timedelta(days=2)


def test_the_forecast_stands_on_the_shops_campaigns_of_that_category(shop: Settings) -> None:
    made = simulated(shop, 1000)
    expected = {each.metric: each for each in made.expected}
    assert (made.campaigns, made.months) == (6, 0)
    assert expected["read"].expected == pytest.approx(450, rel=0.1)
    assert expected["orders"].low < 30 < expected["orders"].high
    assert expected["net_revenue"].expected == pytest.approx(100 * expected["orders"].expected, rel=0.02)
    assert expected["margin"].expected == pytest.approx(0.4 * expected["net_revenue"].expected, rel=0.02)
    assert made.support == simulation.Support(10, 3, 2.0)
    of_notices = simulated(shop, 100, "parcel")
    assert (of_notices.campaigns, of_notices.months) == (0, 1)


def test_a_shop_without_anything_published_has_costs_and_the_trades_rates(home: Path) -> None:
    made = simulated(set_up(home), 100)
    assert (made.campaigns, made.months, made.support, made.limit) == (0, 0, None, None)
    assert {each.metric for each in made.expected} == {"delivered", "read", "replied", "opted_out"}
    assert made.cost is not None


def test_what_came_stands_beside_what_was_expected_of_that_plan_only(shop: Settings) -> None:
    made = simulated(shop, 100)
    assert [each.actual for each in simulation.compared(shop, made.campaign, [])] == [None] * 8
    came = {"customers_delivered": 90, "read": 40, "replied": 4, "opted_out": 1, "attributed_orders": Decimal(3),
            "attributed_net_revenue": Decimal(300), "attributed_margin": Decimal(100), "cost": Decimal(6),
            "messages_without_cost": 0, "attributed_orders_without_margin": 1}  # fmt: skip
    found = {each.metric: each for each in simulation.compared(shop, made.campaign, [came, came])}
    assert {metric: each.actual for metric, each in found.items()} == {
        "delivered": 180, "read": 80, "replied": 8, "opted_out": 2, "orders": 6, "net_revenue": 600, "margin": None,
        "cost": 12,
    }  # fmt: skip
    assert found["cost"].expected == pytest.approx(6.25)
    planned = plan.plan(shop, "spring", audience(shop.home, [customer(1)]), "sale", SALE).campaign
    assert simulation.compared(shop, planned, []) == []
    assert simulation.kept(shop, planned) is None


def test_a_simulation_is_read_back_as_it_was_made(shop: Settings) -> None:
    made = simulated(shop, 100)
    assert simulation.kept(shop, made.campaign) == made


def test_what_has_begun_is_not_simulated_any_more(shop: Settings) -> None:
    made = simulated(shop, 3)
    with ledger.opened(shop) as opened:
        for state in (CampaignState.TESTED, CampaignState.APPROVED, CampaignState.RUNNING):
            opened.move(made.campaign.campaign_id, state, "tester", NOW)
    with pytest.raises(Refused, match="stands in its report"):
        simulation.simulate(shop, "spring", "maria")


def test_the_command_says_it_and_the_report_keeps_it(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    simulated(shop, 100)
    for name, value in (("WABENCH_HOME", str(shop.home)), ("COLUMNS", "200")):
        monkeypatch.setenv(name, value)
    said = CliRunner().invoke(app, ["campaign", "simulate", "spring"]).output
    assert "to 100 customers from" in said
    assert "stands on 6 earlier campaigns" in said
    assert "meta direct (this one)" in said
    assert "10 dialogs are open (3 overdue)" in said
    assert "forecast against what came" in CliRunner().invoke(app, ["campaign", "report", "spring"]).output
