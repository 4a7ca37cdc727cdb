"""HubSpot, against an account that pages, limits, archives, merges and lets tokens expire as documented."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import msgspec
import pytest
import shared
from crm.hubspot import API, BEGAN, OAUTH, TOKEN, Hub, contact, limit, moment, order, record
from crm.virtual import Pulls, Time, api, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources.base import AccessRefused
from wabench.errors import UsageError, WabenchError

NOW = BEGAN + timedelta(days=30)
SECRETS = {"token": TOKEN}
SOURCE = 'kind = "hubspot"\n'
DEALS = 'options = { object = "deals" }\n'
OPEN = "4b27b500-f031-4927-9811-68a0b525cbae"
CANCELLED = "3c85a297-e9ce-400b-b42e-9f16853d69d6"


def ago(time: Time) -> int:
    """Give now in milliseconds after BEGAN."""
    return int((time.now - BEGAN) / timedelta(milliseconds=1))


def one(toml: str = "", **holds: list[dict[str, Any]]) -> dict[str, Any]:
    """Pull a single record and give the row it becomes."""
    time = Time(NOW)
    feed = "customers" if "contacts" in holds else "orders"
    ((_, found),) = rows(api("hubspot", Hub(clock=time.seconds, **holds), SECRETS, time, toml), feed)
    return found


def deal(number: int, updated: int = 0, **properties: Any) -> dict[str, Any]:
    usual = {"amount": "900", "deal_currency_code": "EUR", "dealstage": "closedwon", "hs_is_closed_won": "true"}
    return record(number, updated, **{**usual, "hs_is_closed": "true", "closedate": moment(5000), **properties})


def with_items(hub: Hub, number: int, count: int) -> None:
    """Give an order that many line items, and contact 1."""
    items = [f"{number}{n:03d}" for n in range(count)]
    hub.links[str(number), "line_items"], hub.links[str(number), "contacts"] = items, ["1", "2"]
    for item in items:
        hub.records["line_items"][item] = record(int(item), name="Kettle", hs_sku=f"K-{item}", quantity=2, price="9.5")


def test_an_order_comes_with_its_customer_and_lines(home: Path) -> None:
    time = Time(NOW)
    hub = Hub([order(5, hs_external_created_date=moment(1000))], [contact(1)], clock=time.seconds)
    with_items(hub, 5, 2)
    crm = Pulls(home, time, hub, SECRETS, SOURCE)
    assert {outcome.error for outcome in crm().values()} == {None}
    at = (BEGAN + timedelta(seconds=1)).replace(tzinfo=None)
    assert crm.rows("orders", "order_id, customer_ref, status, total, refunded, currency, ordered_at, is_deleted") == [
        ("5", "1", "paid", Decimal("120.5"), 0, "USD", at, False)
    ]
    lines = [("5", "K-5000", "Kettle", 2, Decimal("9.5")), ("5", "K-5001", "Kettle", 2, Decimal("9.5"))]
    assert crm.rows("order_lines", "order_id, sku, title, quantity, unit_price") == lines
    assert crm.rows("customers", "customer_ref, phone, email, name, consent") == [
        ("1", "+12025550001", "zoe1@marlow.example", "Zoë Marlow-1", None)
    ]
    hub.records["orders"]["5"] = order(5, ago(time), hs_total_price="130")
    crm()
    assert crm.rows("orders", "order_id, customer_ref, total") == [("5", "1", 130)]
    assert crm.rows("order_lines", "order_id, sku, title, quantity, unit_price") == lines
    assert crm.rows("rejected", "reason") == []


@pytest.mark.parametrize(
    ("says", "status"),
    [
        ({}, "paid"),
        ({"hs_pipeline_stage": OPEN}, "pending"),
        ({"hs_pipeline_stage": OPEN, "hs_payment_status": "Paid"}, "paid"),
        ({"hs_pipeline_stage": CANCELLED, "hs_payment_status": "paid"}, "cancelled"),
        ({"hs_payment_status": "voided"}, "cancelled"),
        ({"hs_pipeline_stage": "77", "hs_external_order_status": "Completed"}, "paid"),
        ({"hs_pipeline_stage": "77"}, "unknown"),
        ({"hs_refund_amount": "20.50"}, "partially_refunded"),
        ({"hs_refund_amount": "120.50"}, "refunded"),
        ({"hs_refund_amount": "0"}, "paid"),
    ],
)
def test_stage_payment_and_refund_tell_an_orders_status(says: dict[str, str], status: str) -> None:
    assert one(orders=[order(1, **says)])["status"] == status


def test_a_shop_may_say_itself_what_a_stage_or_word_means() -> None:
    statuses = 'statuses = { "77" = "paid", "Net 30" = "pending" }'
    assert one(statuses, orders=[order(1, hs_pipeline_stage="77")])["status"] == "paid"
    assert one(statuses, orders=[order(1, hs_payment_status="Net 30")])["status"] == "pending"
    assert one(DEALS + statuses, deals=[deal(1, dealstage="77", hs_is_closed_won="false")])["status"] == "paid"


@pytest.mark.parametrize(
    ("says", "status", "ordered_at"),
    [
        ({}, "paid", 5000),
        ({"hs_is_closed_won": None, "hs_is_closed": None}, "paid", 5000),
        ({"dealstage": "99", "hs_is_closed_won": "false"}, "cancelled", 0),
        ({"dealstage": "98", "hs_is_closed_won": "false", "hs_is_closed": "false"}, "pending", 0),
        ({"closedate": None}, "paid", 0),
    ],
)
def test_deals_may_be_the_orders(says: dict[str, Any], status: str, ordered_at: int) -> None:
    found = one(DEALS, deals=[deal(1, **says)])
    assert (found["status"], found["currency"], found["total"]) == (status, "EUR", 900)
    assert found["ordered_at"] == BEGAN + timedelta(milliseconds=ordered_at)


def test_an_order_may_have_no_amount_and_no_contact() -> None:
    found = one(orders=[order(1, hs_total_price=None)])
    assert (found["total"], found.get("customer_ref")) == (0, None)


@pytest.mark.parametrize(
    ("says", "phone"),
    [
        ({"phone": "(202) 555-0199", "mobilephone": None}, "+12025550199"),
        ({"hs_whatsapp_phone_number": "+5511987654321"}, "+5511987654321"),
        ({"mobilephone": None}, None),
    ],
)
def test_a_contact_may_have_several_phones_or_none(says: dict[str, Any], phone: str | None, home: Path) -> None:
    time = Time(NOW)
    hub = Hub(contacts=[contact(1, **says)], clock=time.seconds)
    crm = Pulls(home, time, hub, SECRETS, SOURCE)
    crm.settings = crm.settings.model_copy(update={"region": "US"})
    crm()
    assert crm.rows("customers", "phone") == [(phone,)]


def test_consent_is_what_the_shop_says_it_is_and_its_property_is_asked_for() -> None:
    own = 'options = { properties = "whatsapp_ok" }\n[map.customers]\nconsent = "properties.whatsapp_ok"'
    assert one(own, contacts=[contact(1, whatsapp_ok="true")])["consent"] is True
    assert "consent" not in one(contacts=[contact(1, whatsapp_ok="true")])


def test_an_empty_crm_and_a_single_record(home: Path) -> None:
    time = Time(NOW)
    hub = Hub(clock=time.seconds)
    crm = Pulls(home, time, hub, SECRETS, SOURCE)
    assert [(o.pages, o.records, o.error) for o in crm().values()] == [(1, 0, None), (1, 0, None)]
    hub.records["orders"]["1"] = order(1, ago(time))
    assert [(o.pages, o.records, o.error) for o in crm().values()] == [(1, 1, None), (1, 0, None)]
    assert crm.rows("orders", "order_id") == [("1",)]


def test_more_links_than_an_answer_holds_are_all_asked_for(home: Path) -> None:
    time = Time(NOW)
    hub = Hub([order(5), order(6)], clock=time.seconds)
    hub.links_a_page = 40
    with_items(hub, 5, 130)
    with_items(hub, 6, 3)
    crm = Pulls(home, time, hub, SECRETS, SOURCE)
    crm()
    assert len(set(crm.rows("order_lines", "order_id, sku"))) == 133
    hub.records["orders"]["5"] = order(5, ago(time))
    crm()
    assert len(set(crm.rows("order_lines", "order_id, sku"))) == 133


def test_an_order_read_twice_in_one_pull_has_its_lines_once(home: Path) -> None:
    time = Time(NOW)
    hub = Hub(clock=time.seconds)
    crm = Pulls(home, time, hub, SECRETS, SOURCE + 'options = { page_size = "2" }')
    crm()
    for n in range(1, 8):
        hub.records["orders"][str(n)] = order(n, ago(time) + n // 2)
        with_items(hub, n, 2)
    assert crm()["orders"].records > 7
    assert crm.rows("order_lines", "order_id, sku") == [(str(n), f"K-{n}00{m}") for n in range(1, 8) for m in (0, 1)]


def test_lines_can_be_left_out() -> None:
    time = Time(NOW)
    hub = Hub([order(5)], clock=time.seconds)
    with_items(hub, 5, 2)
    asked = api("hubspot", hub, SECRETS, time, 'options = { lines = "no" }')
    assert [table for table, _ in rows(asked, "orders")] == ["orders"]
    assert [table for table, _ in rows(asked, "orders", BEGAN)] == ["orders"]
    assert not any("line_items" in path for _, path, _ in hub.asked)


def test_archived_records_are_deleted_and_the_first_pull_does_not_ask_for_them(home: Path) -> None:
    time = Time(NOW)
    hub = Hub([order(n) for n in (1, 2, 3)], [contact(1), contact(2)], clock=time.seconds)
    hub.archive("orders", 3, 10)
    crm = Pulls(home, time, hub, SECRETS, SOURCE)
    crm()
    assert not any("archived" in asked for _, _, asked in hub.asked)
    hub.archive("orders", 2, ago(time))
    hub.archive("contacts", 1, ago(time))
    crm()
    assert crm.rows("orders", "order_id, is_deleted") == [("1", False), ("2", True), ("3", True)]
    assert crm.rows("customers", "customer_ref, is_deleted") == [("1", True), ("2", False)]
    time.now += timedelta(days=1)
    crm()
    time.now += timedelta(days=1)
    assert [(o.pages, o.records) for o in crm().values()] == [(1, 0), (1, 0)], "old deletions are no news"


def test_a_merged_contact_leads_to_the_one_it_was_merged_into(home: Path) -> None:
    time = Time(NOW)
    hub = Hub(contacts=[contact(n) for n in (1, 2, 3)], clock=time.seconds)
    crm = Pulls(home, time, hub, SECRETS, SOURCE)
    crm()
    del hub.records["contacts"]["1"], hub.records["contacts"]["2"]
    merged = {"hs_merged_object_ids": "1;2", "hs_calculated_merged_vids": "1:1777885200000;2:1777885200001"}
    hub.records["contacts"]["3"] = contact(3, ago(time), **merged)
    crm()
    found = crm.rows("customers", "customer_ref, merged_into")
    assert found == [("1", "3"), ("2", "3"), ("3", None)]


def test_a_merged_deal_counts_no_more(home: Path) -> None:
    time = Time(NOW)
    hub = Hub(deals=[deal(1), deal(2)], clock=time.seconds)
    crm = Pulls(home, time, hub, SECRETS, SOURCE + DEALS)
    crm()
    del hub.records["deals"]["1"]
    hub.records["deals"]["2"] = deal(2, ago(time), hs_merged_object_ids="1")
    crm()
    assert crm.rows("orders", "order_id, is_deleted") == [("1", True), ("2", False)]


def test_a_shops_own_map_does_not_keep_what_was_merged(home: Path) -> None:
    time = Time(NOW)
    hub = Hub(deals=[deal(1), deal(2)], contacts=[contact(1), contact(2)], clock=time.seconds)
    own = """
    statuses = { cancelled = "paid" }
    [sources.crm.map.orders]
    total = "properties.amount"
    [sources.crm.map.customers]
    customer_ref = "properties.email"
    """
    crm = Pulls(home, time, hub, SECRETS, SOURCE + DEALS + own)
    crm()
    del hub.records["deals"]["1"], hub.records["contacts"]["1"]
    hub.records["deals"]["2"] = deal(2, ago(time), hs_merged_object_ids="1")
    hub.records["contacts"]["2"] = contact(2, ago(time), hs_merged_object_ids="1")
    crm()
    assert crm.rows("orders", "order_id, is_deleted, status") == [("1", True, "cancelled"), ("2", False, "paid")]
    assert ("1", "2") in crm.rows("customers", "customer_ref, merged_into")
    assert crm.rows("rejected", "reason") == []


def test_a_token_that_expires_on_the_way_is_renewed_and_nothing_asked_twice(home: Path) -> None:
    time = Time(NOW)
    hub = Hub(contacts=[contact(n) for n in range(1, 500)], clock=time.seconds)
    crm = Pulls(home, time, hub, OAUTH, SOURCE)

    expires = [1, 4]

    def expire(number: int) -> None:
        if number in expires:
            expires.remove(number)
            hub.token = "gone"

    hub.before = expire
    assert [(o.records, o.error) for o in crm().values()] == [(0, None), (499, None)]
    told = b" ".join((crm.landed(), str(hub.asked).encode()))
    assert all(secret.encode() not in told for name, secret in OAUTH.items() if name != "client_id")


def test_a_token_that_can_not_be_renewed_names_the_variables(home: Path) -> None:
    time = Time(NOW)
    hub = Hub([order(1)], clock=time.seconds)
    said = Pulls(home, time, hub, {**OAUTH, "refresh_token": "revoked-one"}, SOURCE)()["orders"].error
    assert said is not None
    assert said.startswith("source crm does not renew its token; set WABENCH_SOURCE_CRM_CLIENT_ID")
    assert "revoked-one" not in said
    said = Pulls(home, time, hub, {"token": "pat-expired"}, SOURCE)()["orders"].error
    assert said is not None
    assert "WABENCH_SOURCE_CRM_TOKEN" in said
    assert "pat-expired" not in said


def test_no_secret_at_all_is_said_before_anything_is_asked() -> None:
    time = Time(NOW)
    hub = Hub(clock=time.seconds)
    with pytest.raises(AccessRefused, match="needs WABENCH_SOURCE_CRM_TOKEN"):
        list(rows(api("hubspot", hub, {}, time, ""), "orders"))
    assert hub.asked == []


@pytest.mark.parametrize(("policy", "wait"), [("TEN_SECONDLY_ROLLING", 10.0), ("SECONDLY", 1.0)])
def test_a_limit_is_waited_out_as_long_as_its_policy_lasts(policy: str, wait: float) -> None:
    time = Time(NOW)
    hub = Hub([order(1)], clock=time.seconds)
    hub.faults = [limit(policy)]
    assert len(list(rows(api("hubspot", hub, SECRETS, time, ""), "orders"))) == 1
    assert wait in time.waited


def test_asked_too_fast_it_waits_and_loses_nothing() -> None:
    time = Time(NOW)
    hub = Hub(contacts=[contact(n, n) for n in range(1, 600)], clock=time.seconds)
    options = 'options = { page_size = "3", requests_per_second = "1000" }'
    asked = api("hubspot", hub, SECRETS, time, options)
    assert len({found["customer_ref"] for _, found in rows(asked, "customers")}) == 599
    assert 10.0 in time.waited


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (limit("DAILY"), "source crm: HTTP 429: You have reached your daily limit."),
        (
            httpx.Response(
                403, json={"category": "MISSING_SCOPES", "message": f"{TOKEN} needs crm.objects.orders.read"}
            ),
            "source crm: HTTP 403: … needs crm.objects.orders.read",
        ),
    ],
)
def test_the_days_limit_and_a_missing_scope_stop_the_pull_with_their_reason(
    answer: httpx.Response, said: str, home: Path
) -> None:
    time = Time(NOW)
    hub = Hub(contacts=[contact(n) for n in range(1, 250)], clock=time.seconds)
    crm = Pulls(home, time, hub, SECRETS, SOURCE)
    hub.before = lambda number: hub.faults.append(answer) if number == 2 else None
    outcome = crm()["customers"]
    assert outcome.error == f"{said}; it goes on where it stopped"
    assert not [wait for wait in time.waited if wait > 1]
    again = crm()["customers"]
    assert (again.resumed, again.error) == (True, None)
    assert len(crm.rows("customers", "customer_ref")) == 249


def test_ten_thousand_changes_are_no_limit() -> None:
    time = Time(NOW)
    hub = Hub(contacts=[contact(n, n // 7) for n in range(1, 10_301)], clock=time.seconds)
    asked = api("hubspot", hub, SECRETS, time, "")
    found = {found["customer_ref"] for _, found in rows(asked, "customers", BEGAN)}
    assert len(found) == 10_300


def test_a_search_that_is_not_sorted_takes_nothing() -> None:
    time = Time(NOW)
    hub = Hub(contacts=[contact(n, -n) for n in range(1, 20)], clock=time.seconds)
    by_id = hub._sorted
    hub._sorted = lambda kind, by: by_id(kind, "hs_object_id")  # type: ignore[method-assign]
    asked = api("hubspot", hub, SECRETS, time, 'options = { page_size = "5" }')
    with pytest.raises(WabenchError, match="not sorted by lastmodifieddate"):
        list(rows(asked, "customers", BEGAN - timedelta(days=1)))


def test_a_record_found_in_its_old_place_with_its_new_time_hides_none() -> None:
    """The search's index lags: the last of a page was changed a moment ago, the ones after it were not."""
    time = Time(NOW)
    hub = Hub(contacts=[contact(n, n) for n in range(1, 31)], clock=time.seconds)
    by_property = hub._sorted
    fresh = moment(ago(time))

    def lagging(kind: str, by: str) -> list[dict[str, Any]]:
        found = by_property(kind, by)
        return [r | {"properties": r["properties"] | {by: fresh}} if r["id"] in ("5", "14") else r for r in found]

    hub._sorted = lagging  # type: ignore[method-assign]
    asked = api("hubspot", hub, SECRETS, time, 'options = { page_size = "5" }')
    assert {found["customer_ref"] for _, found in rows(asked, "customers", BEGAN)} == {str(n) for n in range(1, 31)}


@pytest.mark.parametrize("moments", [dict.fromkeys(range(1, 6), 0), {}])
def test_a_page_of_one_moment_that_ends_with_a_stray_record_hides_none(moments: dict[int, int]) -> None:
    """What is settled all stands at the moment asked from, or nothing is settled yet; the fifth shows now."""
    time = Time(NOW)
    recent = ago(time) - 60_000
    hub = Hub(contacts=[contact(n, moments.get(n, recent + n)) for n in range(1, 21)], clock=time.seconds)
    by_property = hub._sorted
    fresh = moment(ago(time))

    def lagging(kind: str, by: str) -> list[dict[str, Any]]:
        found = sorted(by_property(kind, by), key=lambda r: int(r["id"]))
        return [r | {"properties": r["properties"] | {by: fresh}} if r["id"] == "5" else r for r in found]

    hub._sorted = lagging  # type: ignore[method-assign]
    asked = api("hubspot", hub, SECRETS, time, 'options = { page_size = "5" }')
    assert {found["customer_ref"] for _, found in rows(asked, "customers", BEGAN)} == {str(n) for n in range(1, 21)}


def test_a_search_that_gives_fewer_than_asked_for_is_not_at_its_end() -> None:
    time = Time(NOW)
    hub = Hub(contacts=[contact(n, n // 4) for n in range(1, 31)], clock=time.seconds)
    search = hub._search
    hub._search = lambda kind, asked: search(kind, {**asked, "limit": 3})  # type: ignore[method-assign]
    asked = api("hubspot", hub, SECRETS, time, 'options = { page_size = "5" }')
    assert {found["customer_ref"] for _, found in rows(asked, "customers", BEGAN)} == {str(n) for n in range(1, 31)}


def test_a_search_that_shows_nothing_and_says_there_is_more_is_no_end() -> None:
    time = Time(NOW)
    hub = Hub(clock=time.seconds)
    hub._search = lambda kind, asked: httpx.Response(  # type: ignore[method-assign]
        200, json={"results": [], "paging": {"next": {"after": "5"}}}
    )
    with pytest.raises(WabenchError, match="says there is more"):
        list(rows(api("hubspot", hub, SECRETS, time, ""), "customers", BEGAN))


def test_an_unknown_object_and_an_answer_without_results_are_said_so() -> None:
    time = Time(NOW)
    with pytest.raises(UsageError, match="orders or deals, not 'order'"):
        api("hubspot", Hub(), SECRETS, time, 'options = { object = "order" }')

    def nonsense(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=msgspec.json.encode({"message": f"hello {TOKEN}"}))

    with pytest.raises(WabenchError, match=r"without results, but: .*hello …") as refused:
        list(rows(api("hubspot", nonsense, SECRETS, time, f'base_url = "{API}"'), "customers"))
    assert TOKEN not in str(refused.value)


def schema_of(specification: Any, name: str) -> Any:
    """Give a schema of an OpenAPI 3.0 file as JSON Schema, which says null in another way."""

    def translated(part: Any) -> Any:
        if isinstance(part, list):
            return [translated(item) for item in part]
        if not isinstance(part, dict):
            return part
        plain = {key: translated(value) for key, value in part.items() if key not in ("nullable", "example")}
        return plain | {"type": [plain["type"], "null"]} if part.get("nullable") else plain

    return {"$ref": f"#/components/schemas/{name}", "components": translated(specification["components"])}


ANSWERS = {
    "GET": "CollectionResponseSimplePublicObjectWithAssociationsForwardPaging",
    "POST": "CollectionResponseWithTotalSimplePublicObject",
}


@shared.needs(shared.HUBSPOT_SPECIFICATIONS)
@pytest.mark.parametrize(("kind", "feed"), [("Orders", "orders"), ("Deals", "orders"), ("Contacts", "customers")])
def test_requests_and_the_local_servers_answers_are_as_published(kind: str, feed: str) -> None:
    (file,) = shared.HUBSPOT_SPECIFICATIONS.glob(f"{kind}_*.json")
    specification = msgspec.json.decode(file.read_bytes())
    time = Time(NOW)
    name = kind.lower()
    hub = Hub(**{name: [record(n, n, "lastmodifieddate", hs_lastmodifieddate=moment(n)) for n in range(1, 6)]})
    with_items(hub, 2, 3)
    checked = []

    def published(request: httpx.Request) -> httpx.Response:
        answer = hub(request)
        found = request.url.path.partition(f"/crm/objects/2026-09/{name}")
        if found[1] and "batch" not in found[2]:
            operation = specification["paths"][f"/crm/objects/2026-09/{{objectType}}{found[2]}"][request.method.lower()]
            assert set(request.url.params) <= {parameter["name"] for parameter in operation["parameters"]}
            if request.method == "POST":
                asked = msgspec.json.decode(request.content)
                jsonschema.validate(asked, schema_of(specification, "PublicObjectSearchRequest"))
                assert set(asked) <= set(
                    specification["components"]["schemas"]["PublicObjectSearchRequest"]["properties"]
                )
            jsonschema.validate(answer.json(), schema_of(specification, ANSWERS[request.method]))
            checked.append(request.method)
        return answer

    asked = api("hubspot", published, SECRETS, time, DEALS if kind == "Deals" else "")
    for since in (None, BEGAN):
        list(rows(asked, feed, since))
    assert checked == ["GET", "GET", "POST"]


@settings(max_examples=120, deadline=None)
@given(
    ties=st.lists(st.integers(0, 3), max_size=40),
    changes=st.lists(st.tuples(st.integers(0, 25), st.integers(0, 39)), max_size=14),
    since=st.integers(-1, 2),
)
def test_whatever_changes_between_pages_every_record_is_pulled_as_it_is_now(
    ties: list[int], changes: list[tuple[int, int]], since: int
) -> None:
    """Pages of 4; records share their milliseconds in any way, and some change, appear or go while the pull goes on."""
    time = Time(NOW)
    hub = Hub(contacts=[contact(n + 1, updated) for n, updated in enumerate(ties)], clock=time.seconds)
    people = hub.records["contacts"]

    def change(request: int) -> None:
        for number in [which + 1 for at, which in changes if at == request]:
            if number % 5 == 0 and str(number) in people:
                hub.archive("contacts", number, ago(time))
            elif not people.get(str(number), {}).get("archived"):
                people[str(number)] = contact(number, ago(time), firstname=f"New {request}")

    hub.before = change
    asked = api("hubspot", hub, SECRETS, time, 'options = { page_size = "4" }')
    began, seen = time.now, dict[str, Any]()
    first = None if since < 0 else BEGAN + timedelta(milliseconds=since)
    for begins in (first, began - timedelta(seconds=300)):
        for _, found in rows(asked, "customers", begins):
            seen[found["customer_ref"]] = found
        hub.before = lambda number: None
    late = {n: r for n, r in people.items() if r["updatedAt"] >= moment(since)}
    assert set(seen) >= {n for n, r in late.items() if not r["archived"]}
    assert {ref: (found["name"], found["is_deleted"]) for ref, found in seen.items()} == {
        n: (f"{r['properties']['firstname']} {r['properties']['lastname']}", r["archived"]) for n, r in late.items()
    }
