"""Each fault, put into a warehouse that is right, is found by a dbt test; so none of them is published in silence."""

from contextlib import closing
from datetime import timedelta

import duckdb
import pytest
from history import FIRST, SECOND
from warehouse import AS_OF, build, compiled, put, shop

from ingest import loader
from wabench.settings import Settings

LATER = AS_OF + timedelta(days=30)

FAULTS: dict[str, tuple[str, str]] = {
    "a doubled message": (
        "insert into marts.fct_messages select * from marts.fct_messages where message_id = 'm1'",
        "unique_fct_messages_message_key",
    ),
    "a lost message": (
        "delete from marts.fct_messages where message_id = 'm1'",
        "assert_every_message_is_counted_once",
    ),
    "a lost order": ("delete from marts.fct_orders where order_id = 'o1'", "assert_every_order_is_counted_once"),
    "a lost customer": (
        "delete from marts.dim_customers where orders > 0",
        "assert_orders_are_of_known_customers",
    ),
    "a message read before it was delivered": (
        "update marts.fct_messages set read_at = delivered_at - interval 1 second where message_id = 'm1'",
        "assert_statuses_never_go_back",
    ),
    "a message delivered before it was sent": (
        "update marts.fct_messages set sent_at = delivered_at + interval 1 second where message_id = 'm1'",
        "assert_statuses_never_go_back",
    ),
    "a message that was delivered and failed": (
        "update marts.fct_messages set failed_at = delivered_at where message_id = 'm1'",
        "assert_read_messages_were_delivered",
    ),
    "an event from the future": (
        "update raw.message_events set occurred_at = received_at + interval 2 hour where event_id = 'm1:sent'",
        "assert_events_are_not_from_the_future",
    ),
    "a negative cost": (
        "update marts.fct_messages set cost = -0.01 where message_id = 'm1'",
        "assert_cost_is_not_negative",
    ),
    "a refund over its order": (
        "update marts.fct_orders set refunded = total + 1, net = -1 where order_id = 'o1'",
        "assert_refunds_stay_within_their_orders",
    ),
    "an order whose net is not what was kept": (
        "update marts.fct_orders set net = total where order_id = 'o5'",
        "assert_net_is_total_less_refunds",
    ),
    "an order before its customer": (
        "update marts.fct_orders set ordered_at = timestamp '1999-01-01' where order_id = 'o1'",
        "assert_orders_are_not_before_their_customer",
    ),
    "an order that is none of our customers'": (
        "update marts.fct_orders set customer_id = 'nobody' where order_id = 'o1'",
        "assert_orders_are_of_known_customers",
    ),
    "an attributed order after its window": (
        "update marts.fct_orders set ordered_at = ordered_at + interval 5 day where order_id = 'o1'",
        "assert_attributed_orders_are_in_their_window",
    ),
    "an attributed order before its message": (
        "update marts.fct_orders set ordered_at = ordered_at - interval 1 day where order_id = 'o1'",
        "assert_attributed_orders_are_in_their_window",
    ),
    "an attributed order that was never paid": (
        "update marts.fct_orders set is_paid = false where order_id = 'o1'",
        "assert_only_paid_orders_are_attributed",
    ),
    "a currency without a rate": (
        "update intermediate.int_exchange_rates_spread_to_days set rate = null where currency = 'EUR'",
        "assert_every_currency_has_a_rate",
    ),
    "a send counted twice": (
        "insert into intermediate.int_sends_followed_to_outcomes"
        " select * from intermediate.int_sends_followed_to_outcomes where send_id = 's1'",
        "unique_int_sends_followed_to_outcomes_send_id",
    ),
    "a send in two states": (
        "update marts.fct_campaigns set rejected = rejected + 1 where campaign_id = 'c1'",
        "assert_every_send_has_one_state",
    ),
    "a campaign that reads more than it delivers": (
        "update marts.fct_campaigns set read = delivered + 1 where campaign_id = 'c1'",
        "assert_funnel_narrows",
    ),
    "a dropped campaign": (
        "delete from marts.fct_campaigns where campaign_id = 'c2'",
        "assert_campaigns_equal_the_ledger",
    ),
    "a dropped variant": (
        "delete from marts.fct_campaigns where campaign_id = 'c1' and variant = 'b'",
        "assert_campaigns_equal_the_ledger",
    ),
    "a campaign's revenue that orders don't have": (
        "update marts.fct_campaigns set attributed_net_revenue = attributed_net_revenue + 1 where campaign_id = 'c1'",
        "assert_campaigns_equal_the_ledger",
    ),
    "a campaign's cost that messages don't have": (
        "update marts.fct_campaigns set cost = cost + 0.01 where campaign_id = 'c1'",
        "assert_campaigns_equal_their_messages",
    ),
    "customers with an order that orders don't have": (
        "update marts.dim_customers set orders = orders + 1 where name = 'Ann'",
        "assert_orders_of_customers_equal_orders",
    ),
    "customers with a message that messages don't have": (
        "update marts.dim_customers set messages_read = messages_read + 1 where name = 'Ann'",
        "assert_messages_of_customers_equal_messages",
    ),
    "a week with more than its month": (
        "update marts.dim_customers set orders_30d = orders_90d + 1 where name = 'Ann'",
        "assert_windows_of_orders_nest",
    ),
    "an unknown tag": (
        "update marts.dim_customers set engagement_tag = 'keen' where name = 'Ann'",
        "assert_engagement_tags_are_known",
    ),
    "a tag for orders that were not made": (
        "update marts.dim_customers set frequency_tag = 'rare' where orders = 0",
        "assert_tags_agree_with_orders",
    ),
    "an RFM score out of range": (
        "update marts.dim_customers set rfm_monetary = 6 where name = 'Ann'",
        "assert_rfm_scores_are_of_those_who_bought",
    ),
    "a score that belongs to no group": (
        "delete from seeds.rfm_groups where rfm_group = 'new'",
        "assert_rfm_groups_cover_every_score_once",
    ),
    "a score that belongs to two groups": (
        "update seeds.rfm_groups set recency_from = 3 where rfm_group = 'champions'",
        "assert_rfm_groups_cover_every_score_once",
    ),
    "a bucket out of range": (
        "update marts.dim_customers set bucket = 10000 where name = 'Ann'",
        "assert_buckets_are_in_range",
    ),
    "a customer with two open states of consent": (
        "insert into marts.snap_customer_tags by name select * replace ('opted_out' as consent,"
        " dbt_valid_from - interval 1 day as dbt_valid_from) from marts.snap_customer_tags limit 1",
        "unique_snap_customer_tags_customer_id",
    ),
    "two states of a customer at one moment": (
        "insert into marts.snap_customer_tags by name select * replace (dbt_valid_from - interval 2 day as"
        " dbt_valid_from, dbt_valid_from + interval 1 second as dbt_valid_to) from marts.snap_customer_tags limit 1",
        "assert_validities_do_not_overlap",
    ),
    "a state that ends before it begins": (
        "update marts.snap_customer_tags set dbt_valid_to = dbt_valid_from",
        "assert_validity_ends_after_it_begins",
    ),
    "an interval whose low end is above its high end": (
        "update marts.fct_segment_effectiveness set read_rate_low = read_rate_high, read_rate_high = read_rate_low",
        "assert_effectiveness_rates_lie_in_their_intervals",
    ),
    "segments that count a message twice": (
        "update marts.fct_segment_effectiveness set messages = messages + 1 where method = 'rfm'",
        "assert_segments_count_every_promotion_once",
    ),
    "an identity that leads to two customers": (
        "insert into marts.dim_identities by name select * replace ('other' as customer_id)"
        " from marts.dim_identities where identity = '+15550007'",
        "unique_together_dim_identities_identity_type__identity",
    ),
    "prices that don't add up": (
        "update marts.fct_provider_costs set total_cost = total_cost + 1",
        "assert_costs_add_up",
    ),
}


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The small shop a month later, when its campaigns have run their course; one of them has two variants."""
    settings = shop(tmp_path_factory.mktemp("right"))
    put(settings, 1, FIRST)
    put(settings, 2, SECOND)
    with closing(loader.connect(settings)) as connection:
        connection.execute("update raw.sends set variant = 'b' where send_id = 's2'")
    build(settings, LATER, is_tested=True)
    return settings


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(right: Settings, fault: str) -> None:
    change, test = FAULTS[fault]
    sql = compiled(right, test)
    with closing(loader.connect(right)) as connection:
        before = connection.execute(sql).fetchall()
        connection.execute("begin")
        assert changed(connection, change) > 0
        assert set(connection.execute(sql).fetchall()) - set(before)
        connection.execute("rollback")


@pytest.mark.parametrize(
    ("change", "alert"),
    [
        ("update raw.orders set refunded = total + 1 where order_id in ('o1', 'o5')", ("refund_over_order", "shop", 2)),
        (
            "update raw.message_events set occurred_at = received_at + interval 61 minute where provider = 'elsewhere'",
            ("future_event", "elsewhere", 1),
        ),
    ],
)
def test_what_is_only_warned_of_is_an_alert(right: Settings, change: str, alert: tuple[str, str, int]) -> None:
    sql = f"select alert, subject, value from ({compiled(right, 'fct_alerts')})"
    with closing(loader.connect(right)) as connection:
        assert alert not in connection.execute(sql).fetchall()
        connection.execute("begin")
        assert changed(connection, change) > 0
        assert alert in connection.execute(sql).fetchall()
        connection.execute("rollback")


def changed(connection: duckdb.DuckDBPyConnection, change: str) -> int:
    [(rows,)] = connection.execute(change).fetchall()
    return int(rows)


def test_a_right_warehouse_has_warnings_only_of_what_may_be(right: Settings) -> None:
    with closing(loader.connect(right)) as connection:
        found = {test for _, test in FAULTS.values() if connection.execute(compiled(right, test)).fetchall()}
    assert found == {"assert_events_are_not_from_the_future"}  # an answer that came after it was received
