"""What the pages Messages, Value, Costs and Data health show, counted a second time: by plain SQL or in Python."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from math import sqrt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from published_shop import customer, publish_shop

from wabench import behind, published, seeds, views
from wabench.behind import Behind
from wabench.ltv_tables import range_of_sum
from wabench.published import Published
from wabench.settings import Settings, load

ZONE = "America/Sao_Paulo"
EVER = views.WINDOWS["all"]
BEGUN = "coalesce(accepted_at, received_at)"


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    home = tmp_path_factory.mktemp("pages")
    publish_shop(home, "20261122T180000Z", [customer(number) for number in range(200)])
    yield published.current(load({"WABENCH_HOME": str(home)}))


def people(version: Published, view: str, **params: Any) -> int:
    return behind.count(version, Behind(view, params))


def counted(version: Published, sql: str, **params: Any) -> Any:
    return version.one(f"select {sql} as found", params)["found"]


def messages(version: Published, where: str, **params: Any) -> list[dict[str, Any]]:
    sql = f"select * exclude (refreshed_at) from fct_messages where {where}"
    return version.query(sql, params).to_pylist()


def of_each(version: Published, column: str) -> dict[str, Any]:
    rows = version.query(f"select customer_id, {column} as value from dim_customers").to_pylist()
    return {row["customer_id"]: row["value"] for row in rows}


# Messages


@pytest.mark.parametrize("days", [7, 30, 90, EVER])
def test_volume_holds_every_message_of_its_window_once(days: int, version: Published) -> None:
    window = views.window(version, days)
    found = views.windowed(version, "volume", days, grain=views.grain(days), zone=ZONE)
    expected = Counter(
        "inbound" if row["direction"] == "in" else row["category"]
        for row in messages(version, f"{BEGUN} >= $since and {BEGUN} < $until", **window)
    )
    assert sum(expected.values()) > 100
    assert {kind: sum(row["messages"] for row in found if row["kind"] == kind) for kind in expected} == expected


def test_a_bar_of_the_volume_is_of_the_shops_own_day_and_leads_to_its_people(version: Published) -> None:
    found = views.windowed(version, "volume", 7, grain="day", zone=ZONE)
    bar = next(row for row in found if row["kind"] == "marketing" and row["period"] == datetime(2026, 11, 20))  # noqa: DTZ001
    of_day = [
        row
        for row in messages(version, "direction = 'out' and category = 'marketing'")
        if row["accepted_at"].replace(tzinfo=UTC).astimezone(ZoneInfo(ZONE)).date() == date(2026, 11, 20)
    ]
    assert bar["messages"] == len(of_day) > 0
    asked = views.period(version, bar["period"], "day", ZoneInfo(ZONE), 7)
    assert people(version, "volume", **asked, kind="marketing") == len({row["customer_id"] for row in of_day})


@pytest.mark.parametrize(
    ("step", "moment", "where"),
    [
        ("delivered", "delivered_at", "delivered_at is not null"),
        ("read", "delivered_at", "read_at is not null"),
        ("reply", "delivered_at", "delivered_at is not null and replied_at is not null"),
        ("inbound", "received_at", "received_at is not null"),
    ],
)
def test_an_hour_leads_to_whom_messages_reached_in_it_on_their_own_clock(
    step: str, moment: str, where: str, version: Published
) -> None:
    clocks = of_each(version, "local_timezone")
    in_hour: dict[tuple[int, int], set[str]] = {}
    for row in messages(version, where):
        local = row[moment].replace(tzinfo=UTC).astimezone(ZoneInfo(clocks[row["customer_id"]]))
        in_hour.setdefault((local.isoweekday(), local.hour), set()).add(row["customer_id"])
    (weekday, hour), expected = max(in_hour.items(), key=lambda item: len(item[1]))
    assert people(version, "hours", step=step, weekday=weekday, hour=hour) == len(expected)
    cell = next(row for row in views.rows(version, "hours") if (row["weekday"], row["hour"]) == (weekday, hour))
    name = {"delivered": "delivered", "read": "read", "reply": "replied", "inbound": "inbound_messages"}[step]
    assert cell[name] >= len(expected)


def test_reply_delays_lead_to_who_took_so_long(version: Published) -> None:
    for row in views.rows(version, "reply_delays"):
        ends = row["to_minutes"] or 1440
        expected = [
            each
            for each in messages(version, "is_replied")
            if row["from_minutes"] <= each["reply_seconds"] // 60 < ends
        ]
        assert row["replied"] == len(expected)
        asked = {name: row[name] for name in ("from_minutes", "to_minutes")}
        assert people(version, "reply_delays", **asked) == len({each["customer_id"] for each in expected})


@pytest.mark.parametrize(
    ("rate", "part"), [("read", "read_at"), ("reply", "replied_at"), ("conversion", "converted_at")]
)
@pytest.mark.parametrize("dimension", ["length_band", "is_personalised", "category"])
def test_contents_are_rates_with_their_intervals_and_lead_to_their_people(
    dimension: str, rate: str, part: str, version: Published
) -> None:
    found = views.rows(version, "content", {"dimension": dimension, "rate": rate, "z": views.INTERVAL_Z})
    assert sum(row["whole"] for row in found) == len(messages(version, "delivered_at is not null"))
    assert sum(row["part"] for row in found) == len(messages(version, f"{part} is not null"))
    for row in found:
        assert (row["low"], row["high"]) == pytest.approx(wilson(row["part"], row["whole"]))
        begins, ends = seeds.length_band(row["value"]) if dimension == "length_band" else (None, None)
        asked = {"dimension": dimension, "rate": rate, "value": row["value"], "from_characters": begins,
                 "to_characters": ends}  # fmt: skip
        expected = {
            each["customer_id"] for each in messages(version, f"{part} is not null") if is_of(each, dimension, row)
        }
        assert people(version, "content", **asked) == len(expected)


def is_of(message: dict[str, Any], dimension: str, row: dict[str, Any]) -> bool:
    if dimension == "length_band":
        begins, ends = seeds.length_band(row["value"])
        length = message["text_length"]
        return length is None if begins is None else length is not None and begins <= length < (ends or 10_000)
    if dimension == "is_personalised":
        return {True: "yes", False: "no", None: "unknown"}[message["is_personalised"]] == row["value"]
    return bool(message[dimension] == row["value"])


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Compute the interval as its paper writes it: centre and half width."""
    z, p = 1.96, part / whole
    centre = (p + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z / (1 + z * z / whole) * sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole))
    return centre - half, centre + half


def test_a_difference_is_told_from_noise_as_newcombe_does(home: Path) -> None:
    publish_shop(home, "20261122T190000Z", [customer(1)])
    found = published.current(load({"WABENCH_HOME": str(home)}))
    sql = Path(views.__file__).with_name("content.sql").read_text(encoding="utf-8")
    # Newcombe 1998, table II, example (a): 56 of 70 and 48 of 80; method 10 gives 0.0524 to 0.3339.
    rows = "(values ('x', 70, 70, 56), ('y', 80, 80, 48)) as t (category, messages, delivered, read)"
    others = "'' as length_band, true as is_personalised, '' as content_kind, true as has_call_to_action"
    mart = f"(select *, {others}, 0 as replied, 0 as converted from {rows})"
    sql = sql.replace("fct_content_effectiveness", mart)
    best, other = found.query(sql, {"dimension": "category", "rate": "read", "z": 1.96}).to_pylist()
    assert (best["value"], best["is_best"], other["is_within_noise"]) == ("x", True, False)
    assert (other["behind_low"], other["behind_high"]) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_failures_are_those_of_the_funnel_by_what_the_provider_said(version: Published) -> None:
    for days in (30, EVER):
        [funnel] = views.windowed(version, "funnel", days)
        found = views.windowed(version, "failures", days)
        assert sum(row["failed"] for row in found) == funnel["failed"] > 0
        for row in found:
            asked = {"provider": row["provider"], "error_code": row["error_code"]}
            assert people(version, "failures", **views.window(version, days), **asked) == row["customers"]


# Value


def test_worth_by_tag_adds_up_to_the_whole_and_has_the_range_of_its_sum(version: Published) -> None:
    [total] = views.with_ranges(views.rows(version, "worth"))
    assert total["expected"] == counted(version, "(select sum(ltv_expected_12m) from dim_customers)")
    for method in ("frequency", "order_value", "engagement", "rfm"):
        found = views.with_ranges(views.rows(version, "worth_by_tag", {"method": method}))
        assert sum(row["customers"] for row in found) == total["customers"] == 200
        assert sum(row["expected"] for row in found) == total["expected"]
        assert sum(row["historic"] for row in found) == total["historic"]
        for row in found:
            assert people(version, "tag", method=method, tag=row["tag"]) == row["customers"]
            assert (row["low"], row["high"]) == range_of_sum(float(row["expected"]), row["variance"], 0.1)
            assert not row["expected"] or row["low"] < row["expected"] < row["high"]


@pytest.mark.parametrize(("measure", "column"), [("expected", "ltv_expected_12m"), ("historic", "ltv_historic")])
def test_steps_of_value_hold_every_buyer_once(measure: str, column: str, version: Published) -> None:
    found = views.rows(version, "ltv_bins", {"measure": measure})
    rows = version.query(f"select {column} as value from dim_customers where orders > 0 and {column} is not null")
    bought = [float(row["value"]) for row in rows.to_pylist()]
    assert sum(row["customers"] for row in found) == len(bought)
    for row in found:
        low, high = row["low"], row["high"]
        expected = sum(value <= 0 if low is None else low <= value < high and value > 0 for value in bought)
        assert row["customers"] == expected == people(version, "ltv_bin", measure=measure, low=low, high=high)


def test_cohorts_and_scores_lead_to_their_people(version: Published) -> None:
    for row in views.rows(version, "rfm"):
        assert people(version, "rfm", recency=row["recency"], frequency=row["frequency"]) == row["customers"]
    first = counted(version, "(select min(first_order_at) from dim_customers)").date().replace(day=1)
    begun = {"since": first, "until": views.next_month(first)}
    cohort = "from dim_customers where first_order_at >= $since and first_order_at < $until"
    expected = counted(version, f"(select count(*) {cohort})", **begun)
    assert people(version, "cohort", cohort=first, month=None) == expected > 0
    month = date(2026, 11, 1)
    bought = "select count(distinct customer_id) from fct_orders where is_paid and ordered_at >= timestamp '2026-11-01'"
    came = counted(version, f"({bought} and customer_id in (select customer_id {cohort}))", **begun)
    assert people(version, "cohort", cohort=first, month=month) == came


def test_cohorts_are_the_last_two_years_and_shrink_never_below_nobody(version: Published) -> None:
    found = views.rows(version, "cohorts")
    assert found and all(0 <= row["buyers"] <= row["customers"] for row in found)
    assert max(row["cohort"] for row in found) - min(row["cohort"] for row in found) <= timedelta(days=24 * 31)


def test_months_lead_to_who_had_bought_on_each_channel(version: Published) -> None:
    until = datetime(2026, 11, 1)  # noqa: DTZ001
    served = {
        row["customer_id"] for row in messages(version, "coalesce(delivered_at, received_at) < $until", until=until)
    }
    sql = "select customer_id from dim_customers where first_order_at < $until"
    bought = {row["customer_id"] for row in version.query(sql, {"until": until}).to_pylist()}
    assert people(version, "ltv_month", until=until, channel="whatsapp") == len(bought & served)
    assert people(version, "ltv_month", until=until, channel="other") == len(bought - served)


def test_spend_is_per_1_only_where_every_cost_is_known(version: Published) -> None:
    october, november = views.rows(version, "spend_months")
    assert october["revenue_per_1_spent"] == pytest.approx(3120.5 / 50.4)
    assert (november["messages_without_cost"], november["revenue_per_1_spent"]) == (3, None)
    orders = "fct_orders join fct_messages on attributed_message_key = message_key and attributed_campaign_id = 'c1'"
    october_s = "accepted_at >= timestamp '2026-10-01' and accepted_at < timestamp '2026-11-01'"
    expected = counted(version, f"(select count(distinct fct_orders.customer_id) from {orders} where {october_s})")
    assert people(version, "spend_month", month=date(2026, 10, 1)) == expected > 0


def test_a_month_ends_where_the_next_begins() -> None:
    assert views.next_month(date(2026, 12, 31)) == datetime(2027, 1, 1)  # noqa: DTZ001
    assert views.next_month(datetime(2026, 1, 31, 12)) == datetime(2026, 2, 1)  # noqa: DTZ001


# Costs


@pytest.mark.parametrize("days", [7, 30, EVER])
def test_costs_add_up_whichever_side_they_are_seen_from(days: int, version: Published) -> None:
    window = views.window(version, days)
    [total] = views.rows(version, "cost_headline", window)
    of = messages(version, "direction = 'out' and accepted_at >= $since and accepted_at < $until", **window)
    assert total["cost"] == sum(row["cost"] for row in of if row["cost"] is not None) > 0
    assert total["messages_without_cost"] == sum(row["cost"] is None for row in of)
    sides = [views.rows(version, "cost_by", {**window, "by": by}) for by in ("category", "provider")]
    sides.append(views.rows(version, "cost_by_country", window))
    sides.append(views.rows(version, "cost_over_time", {**window, "grain": "day", "zone": ZONE}))
    for side in sides:
        for name in ("cost", "messages", "delivered", "read", "replied", "messages_without_cost"):
            assert sum(row[name] for row in side) == total[name]
    assert sum(row["orders"] for row in sides[-1]) == total["orders"]
    unknown = views.rows(version, "cost_unknown", window)
    assert sum(row["messages"] for row in unknown) == total["messages_without_cost"]


@pytest.mark.parametrize("by", ["category", "country", "provider", None])
def test_costs_lead_to_whom_the_messages_went(by: str | None, version: Published) -> None:
    window = views.window(version, 30)
    of = messages(version, "direction = 'out' and accepted_at >= $since and accepted_at < $until", **window)
    countries = of_each(version, "country")
    of = [{**row, "country": countries[row["customer_id"]] or "unknown"} for row in of]
    for value in {row[by] for row in of} if by else {None}:
        expected = {row["customer_id"] for row in of if by is None or row[by] == value}
        assert people(version, "cost", **window, by=by, value=value, is_unknown=False) == len(expected)
        expected = {row["customer_id"] for row in of if row["cost"] is None and (by is None or row[by] == value)}
        assert people(version, "cost", **window, by=by, value=value, is_unknown=True) == len(expected)


def test_what_may_run_out_is_told_nearest_first(version: Published) -> None:
    assert [(row["kind"], row["used"], row["allowed"]) for row in views.rows(version, "limits")] == [
        ("quota", 450, 500),
        ("tier", 700, 2000),
    ]


# Data health


def test_freshness_counts_hours_up_to_as_of_the_longest_silence_first(version: Published) -> None:
    shop, meta = views.rows(version, "freshness", {"as_of": version.as_of})
    assert (shop["source"], shop["hours_silent"], shop["rejected"]) == ("магазин", 2.0, 3)
    assert meta["hours_silent"] == pytest.approx(79 / 3600)


def test_tests_are_those_of_the_newest_refresh_without_what_passed(version: Published) -> None:
    [row] = views.rows(version, "tests")
    assert (row["tests"], row["passed"], row["warned"], row["failed"]) == (3, 2, 1, 0)
    assert (row["test"], row["status"], row["failures"]) == ("assert_overrides_name_known_identities", "warn", 1)


def test_refreshes_are_told_newest_first_with_what_they_took(version: Published) -> None:
    found = views.rows(version, "refresh_history")
    assert [row["status"] for row in found] == ["published", "failed", "published"]
    assert {row["seconds"] for row in found[1:]} == {42.0}


# Shops with little


ARGUMENTS: dict[str, dict[str, Any]] = {
    "volume": {"grain": "day", "zone": ZONE},
    "cost_over_time": {"grain": "day", "zone": ZONE},
    "cost_by": {"by": "category"},
}
WINDOWED = ("volume", "failures", "cost_over_time", "cost_by", "cost_by_country", "cost_unknown")
PLAIN: dict[str, dict[str, Any]] = {
    "hours": {}, "reply_delays": {}, "content": {"dimension": "category", "rate": "read", "z": 1.96},
    "ltv_bins": {"measure": "expected"}, "worth_by_tag": {"method": "rfm"}, "cohorts": {}, "rfm": {}, "ltv_months": {},
    "fits": {}, "deciles": {"quarters_ago": 1}, "spend_months": {}, "plan_months": {}, "limits": {},
    "freshness": {"as_of": datetime(2026, 11, 22)}, "refresh_history": {},  # noqa: DTZ001
}  # fmt: skip


def test_a_shop_without_anything_gets_empty_answers(home: Path, settings: Settings) -> None:
    publish_shop(home, "20261122T200000Z", [], is_empty=True)
    version = published.current(settings)
    for view in WINDOWED:
        assert views.windowed(version, view, 30, **ARGUMENTS.get(view, {})) == []
    for view, params in PLAIN.items():
        assert views.rows(version, view, params) == []
    assert views.windowed(version, "cost_headline", 30)[0]["cost"] is None
    [worth] = views.with_ranges(views.rows(version, "worth"))
    assert (worth["customers"], worth["expected"], worth["low"], worth["high"]) == (0, 0, 0, 0)
    assert views.rows(version, "tests")[0]["tests"] == 0


def test_a_shop_with_one_customer_is_answered(home: Path, settings: Settings) -> None:
    publish_shop(home, "20261122T210000Z", [customer(1)])
    version = published.current(settings)
    [row] = views.with_ranges(views.rows(version, "worth_by_tag", {"method": "frequency"}))
    assert (row["customers"], row["share_of_expected"]) == (1, 1.0)
    [step] = views.rows(version, "ltv_bins", {"measure": "expected"})
    assert (step["low"], step["high"], step["share_of_value"]) == (20.0, 50.0, 1.0)


def test_versions_are_kept_newest_first(home: Path, settings: Settings) -> None:
    for name in ("20261122T220000Z", "20261122T230000Z"):
        publish_shop(home, name, [customer(1)])
    found = published.kept(settings)
    assert [(each.version, each.is_current) for each in found] == [
        ("20261122T230000Z", True),
        ("20261122T220000Z", False),
    ]
    assert all(each.size > 0 for each in found)
