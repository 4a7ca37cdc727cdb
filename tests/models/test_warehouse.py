"""One shop's history, built load by load with a kill in between, and built at once: the marts must be the same."""

import os
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from history import EVE_USER_ID, EVERYBODYS, FIRST, NINE, NO_NINE, SECOND, SENT, after
from warehouse import AS_OF, ask, build, compiled, marts, put, shop

from ingest import loader
from wabench.settings import Settings


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The history load by load; the second build was killed in its middle and then run again."""
    settings = shop(tmp_path_factory.mktemp("grown"))
    put(settings, 1, FIRST)
    build(settings)
    put(settings, 2, SECOND)
    _build_and_die(settings.home, at_node=60)
    build(settings, is_tested=True)
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
    [row] = ask(grown, f"select {columns} from marts.fct_campaigns where campaign_id = 'c1'")
    assert row == (6, 1, 0, 5, 0, 4, 2, 1, 2, 1, 2, Decimal(150), "unreachable: 1")


def test_statuses_by_user_id_only_are_of_the_customer_the_send_went_to(grown: Settings) -> None:
    columns = "name, phone, user_id, consent, messages_received, messages_read"
    sql = f"select {columns} from marts.dim_customers where ? in (phone, user_id)"
    eve = ("Eve", "+15550007", EVE_USER_ID, "opted_out", 1, 1)
    assert ask(grown, sql, "+15550007") == ask(grown, sql, EVE_USER_ID) == [eve]


def test_a_yes_without_a_time_never_beats_a_dated_stop(grown: Settings) -> None:
    assert ask(grown, "select consent, consent_at from marts.dim_customers where name = 'Fay'") == [
        ("opted_out", after(3))
    ]


def test_a_past_as_of_never_looks_back_on_consent(at_once: Settings) -> None:
    sql = compiled(at_once, "dim_customers").replace(AS_OF.isoformat(" "), after(-5000).isoformat(" "))
    past = ask(at_once, f"select consent from ({sql}) as past where phone in ('+15550004', '+15550007')")
    assert past == [("opted_out",), ("opted_out",)]


def test_a_phone_that_too_many_share_links_nobody_and_reaches_nobody(grown: Settings) -> None:
    sql = "select count(distinct customer_id), count(phone), bool_or(is_reachable) from marts.dim_customers"
    assert ask(grown, f"{sql} where name like 'Gus%'") == [(6, 0, False)]
    alerts = "select subject, value from marts.fct_alerts where alert = 'shared_identity' order by 1"
    assert ask(grown, alerts) == [("customer_ref:shop:walk-in", 6), (f"phone:{EVERYBODYS}", 6)]


def test_orders_of_a_shared_reference_are_of_their_phones(grown: Settings) -> None:
    sql = "select count(distinct customer_id) from marts.fct_orders where customer_ref = 'walk-in'"
    assert ask(grown, sql) == [(6,)]


def test_a_customers_id_is_of_the_identity_received_first_also_when_a_phone_or_an_older_order_comes(
    grown: Settings,
) -> None:
    sql = "select customer_id, first_seen_at from marts.dim_customers where name = 'Kim'"
    expected = "select 'c' || md5('customer_ref:shop:kim')[:16], ?"
    assert ask(grown, sql) == ask(grown, expected, after(-2000))


def test_a_phone_that_a_message_failed_at_is_not_the_best_known(grown: Settings) -> None:
    assert ask(grown, "select phone from marts.dim_customers where user_id = 'US.8'") == [("+15550010",)]


def test_an_answer_before_the_only_status_told_is_a_reply(grown: Settings) -> None:
    sql = "select delivered_at, replied_at from marts.fct_messages where message_id = 'm9'"
    assert ask(grown, sql) == [(after(1), after(0.5))]


def test_who_was_planned_twice_counts_once_for_what_they_did(grown: Settings) -> None:
    columns = "accepted, delivered, customers_delivered, replied, opted_out, reply_rate"
    assert ask(grown, f"select {columns} from marts.fct_campaigns where campaign_id = 'c2'") == [(4, 4, 3, 2, 1, 2 / 3)]


def test_a_return_on_unknown_cost_is_not_told(grown: Settings) -> None:
    sql = "select messages_without_cost, roi, revenue_per_1_spent from marts.fct_campaigns order by campaign_id"
    known, also_known, unknown = ask(grown, sql)
    assert known[0] == also_known[0] == 0
    assert None not in known
    assert unknown == (1, None, None)


def test_orders_of_a_status_nobody_knows_raise_an_alert(grown: Settings) -> None:
    sql = "select subject, value from marts.fct_alerts where alert = 'unknown_order_status'"
    assert ask(grown, sql) == [("shop", 1)]


@pytest.mark.parametrize(
    ("change", "test"),
    [
        *(
            (f"update marts.fct_orders set {column} = null where order_id = 'o1'", f"not_null_fct_orders_{column}")
            for column in ("ordered_at", "total", "refunded", "net", "is_paid")
        ),
        ("update marts.fct_orders set net = null where order_id = 'o1'", "assert_net_is_total_less_refunds"),
        (
            "update raw.order_lines set currency = 'EUR' where order_id = 't1' and line_number = 2",
            "assert_lines_of_an_order_have_one_currency",
        ),
        (
            "update marts.dim_customers set ltv_historic = ltv_historic + 0.01 where name = 'Ann'",
            "assert_lifetime_values_are_equal_everywhere",
        ),
        (
            "update marts.dim_customers set ltv_expected_12m = ltv_expected_12m + 1 where name = 'Ann'",
            "assert_lifetime_values_are_equal_everywhere",
        ),
        (
            "update marts.dim_customers set ltv_expected_12m_low = ltv_expected_12m_high + 1 where name = 'Ann'",
            "assert_expected_values_are_in_their_range",
        ),
        (
            "update intermediate.int_customers_observed set recency_days = age_days + 1 where frequency > 0",
            "assert_last_purchases_are_seen_before_the_end",
        ),
        ("delete from seeds.tag_thresholds where threshold like 'order_value%'", "assert_every_tag_threshold_is_there"),
    ],
)
def test_a_data_test_finds_the_rows_that_would_be_lost_in_silence(at_once: Settings, change: str, test: str) -> None:
    sql = compiled(at_once, test)
    assert ask(at_once, sql) == []
    with closing(loader.connect(at_once)) as connection:
        connection.execute("begin")
        connection.execute(change)
        assert connection.execute(sql).fetchall() != []
        connection.execute("rollback")


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
