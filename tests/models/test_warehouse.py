"""One shop's history, built load by load with a kill in between, and built at once: the marts must be the same."""

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from history import FIRST, NINE, NO_NINE, SECOND, SENT, after
from warehouse import ask, build, marts, put, shop

from wabench.settings import Settings


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The history load by load; the second build was killed in its middle and then run again."""
    settings = shop(tmp_path_factory.mktemp("grown"))
    put(settings, 1, FIRST)
    build(settings)
    put(settings, 2, SECOND)
    _build_and_die(settings.home, at_node=60)
    build(settings)
    return settings


def test_marts_are_the_same_when_loads_came_one_by_one_and_a_build_was_killed(
    grown: Settings, at_once: Settings
) -> None:
    assert marts(grown) == marts(at_once)


def test_marts_stay_the_same_when_nothing_is_new(at_once: Settings) -> None:
    before = marts(at_once)
    build(at_once)
    assert marts(at_once) == before


def test_a_late_status_changes_its_message_and_never_takes_it_back(grown: Settings) -> None:
    columns = "status, sent_at, delivered_at, read_at, failed_at, is_replied"
    messages = {
        key: row
        for key, *row in ask(grown, f"select message_id, {columns} from marts.fct_messages where direction = 'out'")
    }
    assert messages["m1"] == ["read", SENT, after(0.1), after(2), None, True]
    assert messages["m2"] == ["read", after(4), after(4), after(5), None, False]
    assert messages["m3"] == ["delivered", after(1), after(1), None, None, False]
    assert messages["m6"] == ["accepted", None, None, None, None, False]


def test_an_event_with_two_identities_makes_their_customers_one(grown: Settings) -> None:
    sql = "select customer_id, name, phone, user_id, orders, net_revenue, messages_received from marts.dim_customers"
    [bob] = [row for row in ask(grown, sql) if row[3] == "US.1"]
    # 70 EUR at the rate of that day, and 55.50 of which 5.50 went back
    assert bob[1:] == ("Bob", "+15550002", "US.1", 2, Decimal("125.60") + Decimal("6.30"), 1)
    owners = "select distinct customer_id from marts.fct_messages where message_id in ('i2', 'm4')"
    assert ask(grown, owners) == [(bob[0],)]


def test_a_phone_with_and_without_brazils_ninth_digit_is_one_customer(grown: Settings) -> None:
    sql = "select distinct customer_id from marts.dim_identities where identity in (?, ?, 'shop:ann')"
    [(ann,)] = ask(grown, sql, NINE, NO_NINE)
    [(name, phone)] = ask(grown, "select name, phone from marts.dim_customers where customer_id = ?", ann)
    assert (name, phone) == ("Ann", NO_NINE)


def test_the_newest_statement_of_consent_stands_and_a_message_is_none(grown: Settings) -> None:
    consents = dict(ask(grown, "select coalesce(name, phone, ''), consent from marts.dim_customers"))
    assert consents["Ann"] == "opted_in"
    assert consents["+15550004"] == "opted_out"
    assert consents["Bob"] == "unknown"


def test_the_funnel_counts_every_send_once(grown: Settings) -> None:
    columns = (
        "planned, suppressed, unknown, accepted, failed, delivered, read, replied, converted, opted_out,"
        " attributed_orders, attributed_net_revenue, suppressed_by_reason"
    )
    [row] = ask(grown, f"select {columns} from marts.fct_campaigns")
    assert row == (6, 1, 0, 5, 0, 4, 2, 1, 2, 1, 2, Decimal(150), "unreachable: 1")


def test_guests_are_orders_but_no_customers(grown: Settings) -> None:
    assert ask(grown, "select order_id from marts.fct_orders where customer_id is null order by 1") == [
        ("o3",),
        ("t3",),
    ]


def test_lines_without_a_header_make_orders_and_refunds(grown: Settings) -> None:
    sql = "select order_id, status, total, refunded, net from marts.fct_orders where source = 'till' order by 1"
    assert ask(grown, sql) == [
        ("t1", "paid", Decimal("14.5"), 0, Decimal("14.5")),
        ("t2", "refunded", 0, Decimal("5.25"), Decimal("-5.25")),
        ("t3", "paid", 8, 0, 8),
    ]


def _build_and_die(home: Path, at_node: int) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from warehouse import AS_OF, shop
from wabench import dbt
def die(name, number, total):
    if number == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
dbt.build(shop(Path(sys.argv[1])), AS_OF, progress=die)
"""
    support = str(Path(__file__).parent.parent / "support")
    command = [sys.executable, "-c", code, str(home), str(at_node)]
    killed = subprocess.run(command, env=os.environ | {"PYTHONPATH": support}, check=False)
    assert killed.returncode == -9
