"""Bitrix24, against a portal that pages, throttles, blocks and revokes as documented."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import shared
from crm.bitrix24 import DAY, PORTAL, WEBHOOK, Portal, contact, deal, moment, row
from crm.virtual import Pulls, Time, api, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources.base import AccessRefused
from wabench.errors import UsageError, WabenchError

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECRETS = {"webhook": WEBHOOK}
TOML = f'base_url = "{PORTAL}"\n'


def source(toml: str = "") -> str:
    return f'kind = "bitrix24"\n{TOML}{toml}'


def portal_of(time: Time, **holds: Any) -> Portal:
    return Portal(**holds, clock=time.seconds)


def order(made: dict[str, Any], toml: str = "") -> dict[str, Any]:
    """Pull one deal and give the row it becomes."""
    time = Time(NOW)
    asked = api("bitrix24", portal_of(time, deals=[made]), SECRETS, time, TOML + toml)
    (_, found), *others = rows(asked, "orders")
    assert not others
    return found


def customer(made: dict[str, Any], toml: str = "") -> dict[str, Any]:
    time = Time(NOW)
    asked = api("bitrix24", portal_of(time, contacts=[made]), SECRETS, time, TOML + toml)
    ((_, found),) = rows(asked, "customers")
    return found


def test_a_deal_becomes_an_order_and_its_product_rows_lines(home: Path) -> None:
    time = Time(NOW)
    portal = portal_of(time, deals=[deal(5)], contacts=[contact(1)], rows=[row(1, 5), row(2, 5)])
    crm = Pulls(home, time, portal, SECRETS, source())
    assert {outcome.error for outcome in crm().values()} == {None}
    (found,) = crm.rows("orders", "order_id, customer_ref, status, total, refunded, currency, ordered_at")
    assert found[:6] == ("5", "1", "paid", Decimal("19000.5"), 0, "RUB")
    assert found[6] == (DAY + timedelta(hours=1)).replace(tzinfo=None)
    assert crm.rows("order_lines", "order_id, sku, title, quantity, unit_price") == [
        ("5", "9601", "Чайник", 3, 98),
        ("5", "9602", "Чайник", 3, 98),
    ]
    assert crm.rows("customers", "customer_ref, phone, email, name, consent") == [
        ("1", "+79160000001", "anna1@romashka.example", "Анна Ромашкина-1", None)
    ]
    assert crm.rows("rejected", "reason") == []


@pytest.mark.parametrize(
    ("stage", "semantics", "status"),
    [
        ("C4:UC_8FHX", "S", "paid"),
        ("C4:UC_1AAA", "P", "pending"),
        ("C4:UC_2BBB", "F", "cancelled"),
        ("DT31_2:P", None, "paid"),
        ("DT31_2:D", None, "cancelled"),
        ("DT128_7:SUCCESS", None, "paid"),
        ("DT128_7:FAIL", None, "cancelled"),
        ("DT128_7:NEW", None, "pending"),
        ("DT128_7:UC_HANDMADE", None, "unknown"),
        (None, None, "unknown"),
    ],
)
def test_a_stage_tells_the_status(stage: str | None, semantics: str | None, status: str) -> None:
    assert order(deal(1, stageId=stage, stageSemanticId=semantics))["status"] == status


def test_a_shop_may_say_itself_what_a_stage_means() -> None:
    statuses = 'statuses = { "C4:PREPAID" = "paid" }'
    assert order(deal(1, stageId="C4:PREPAID", stageSemanticId="P"), statuses)["status"] == "paid"
    assert order(deal(1, stageId="C4:OTHER", stageSemanticId="P"), statuses)["status"] == "pending"


@pytest.mark.parametrize(
    ("differs", "ordered_at"),
    [
        ({}, moment(3600)),
        ({"closedate": "2025-11-02T00:00:00+00:00"}, "2025-11-02T00:00:00+00:00"),
        ({"closedate": None}, moment(3600)),
        ({"movedTime": None, "closedate": None}, moment(0)),
        ({"stageSemanticId": "P"}, moment(0)),
        ({"stageSemanticId": None, "stageId": "DT31_2:P", "closedate": "2027-01-01T00:00:00+00:00"}, moment(3600)),
    ],
)
def test_a_won_deal_counts_from_when_it_was_won(differs: dict[str, Any], ordered_at: str) -> None:
    assert order(deal(1, **differs))["ordered_at"] == datetime.fromisoformat(ordered_at)


@pytest.mark.parametrize(
    ("differs", "ref"), [({"contactId": 0, "contactIds": []}, None), ({"contactId": None, "contactIds": [9, 4]}, "9")]
)
def test_a_deal_may_have_no_contact_or_several(differs: dict[str, Any], ref: str | None) -> None:
    assert order(deal(1, **differs)).get("customer_ref") == ref


@pytest.mark.parametrize("opportunity", [0, None])
def test_a_deal_without_an_amount_is_still_an_order(opportunity: Any) -> None:
    assert order(deal(1, opportunity=opportunity))["total"] == 0


def test_a_contact_may_have_no_phone_or_only_an_office_one() -> None:
    assert "phone" not in customer(contact(3, fm=[], phoneMobile="", phone=""))
    office = [{"id": 1, "typeId": "PHONE", "valueType": "WORK", "value": "+7 (495) 123-45-67"}]
    assert customer(contact(3, fm=office, phoneMobile="", phone=""))["phone"] == "+74951234567"


def test_consent_is_what_the_shop_says_it_is() -> None:
    said = customer(contact(3, ufCrmConsent="Y"), '[map.customers]\nconsent = "ufCrmConsent"')
    assert said["consent"] is True
    assert "consent" not in customer(contact(3, ufCrmConsent="Y"))


def test_smart_invoices_may_be_the_orders() -> None:
    time = Time(NOW)
    portal = portal_of(time, rows=[row(1, 8, ownerType="SI"), row(2, 8)])
    portal.items[31] = {8: deal(8, stageId="DT31_2:P", stageSemanticId=None)}
    asked = api("bitrix24", portal, SECRETS, time, TOML + 'options = { entity_type_id = "31" }')
    found = [(table, found.get("sku"), found.get("status")) for table, found in rows(asked, "orders")]
    assert found == [("orders", None, "paid"), ("order_lines", "9601", None)]


def test_an_empty_crm_and_a_single_record(home: Path) -> None:
    time = Time(NOW)
    portal = portal_of(time)
    crm = Pulls(home, time, portal, SECRETS, source())
    assert [(o.pages, o.records, o.error) for o in crm().values()] == [(1, 0, None), (1, 0, None)]
    portal.items[2][1] = deal(1, updated=(NOW - DAY).total_seconds())
    assert [(o.pages, o.records, o.error) for o in crm().values()] == [(1, 1, None), (1, 0, None)]
    assert crm.rows("orders", "order_id") == [("1",)]


def test_a_deal_with_more_rows_than_a_page_has_them_all() -> None:
    time = Time(NOW)
    rows_of = [row(n, 1) for n in range(1, 121)] + [row(n, 2) for n in range(121, 124)]
    portal = portal_of(time, deals=[deal(1), deal(2)], rows=rows_of)
    asked = api("bitrix24", portal, SECRETS, time, TOML)
    lines = [found for table, found in rows(asked, "orders") if table == "order_lines"]
    assert sorted(int(line["sku"]) - 9600 for line in lines) == list(range(1, 124))
    assert [method for method, _ in portal.asked] == ["crm.item.list", "batch", "batch", "batch"]


def test_a_deal_that_changes_while_it_is_pulled_has_its_lines_once(home: Path) -> None:
    time = Time(NOW)
    portal = portal_of(time)
    crm = Pulls(home, time, portal, SECRETS, source())
    crm()
    seconds = int((time.now - DAY).total_seconds())
    portal.items[2] = {n: deal(n, seconds) for n in range(1, 61)}
    portal.rows = {("D", "1"): [row(1, 1), row(2, 1)]}
    first = len(portal.asked)

    def change(number: int) -> None:
        if number == first + 2:
            portal.items[2][1] = deal(1, seconds + 5, opportunity=7)

    portal.before = change
    assert crm()["orders"].records == 61
    assert crm.rows("order_lines", "order_id, sku") == [("1", "9601"), ("1", "9602")]
    assert ("1", 7) in crm.rows("orders", "order_id, total")


def test_lines_can_be_left_out() -> None:
    time = Time(NOW)
    portal = portal_of(time, deals=[deal(1)], rows=[row(1, 1)])
    asked = api("bitrix24", portal, SECRETS, time, TOML + 'options = { lines = "no" }')
    assert [table for table, _ in rows(asked, "orders")] == ["orders"]
    assert [method for method, _ in portal.asked] == ["crm.item.list"]


def test_pages_are_asked_for_without_a_count_and_by_id(home: Path) -> None:
    time = Time(NOW)
    portal = portal_of(time, contacts=[contact(n) for n in range(1, 102)])
    asked = api("bitrix24", portal, SECRETS, time, TOML)
    assert len(list(rows(asked, "customers"))) == 101
    assert [body["filter"] for _, body in portal.asked] == [{">id": 0}, {">id": 50}, {">id": 100}]
    assert {body["start"] for _, body in portal.asked} == {-1}


def test_two_requests_a_second_never_fill_the_bucket() -> None:
    time = Time(NOW)
    portal = portal_of(time, deals=[deal(n) for n in range(1, 3001)])
    portal.holds = 2
    asked = api("bitrix24", portal, SECRETS, time, TOML)
    assert len(list(rows(asked, "orders"))) == 3000
    assert time.now - NOW >= timedelta(seconds=(len(portal.asked) - 1) / 2)


def test_asked_too_fast_it_waits_and_loses_nothing() -> None:
    time = Time(NOW)
    portal = portal_of(time, deals=[deal(n) for n in range(1, 3001)])
    asked = api("bitrix24", portal, SECRETS, time, TOML + 'options = { requests_per_second = "100" }')
    assert len(list(rows(asked, "orders"))) == 3000
    assert 1.0 in time.waited


def test_a_method_that_used_up_its_time_is_waited_for_even_within_a_batch() -> None:
    time = Time(NOW)
    portal = portal_of(time, deals=[deal(1)], rows=[row(1, 1)])
    portal.blocked, portal.blocked_calls = 2, 1
    asked = api("bitrix24", portal, SECRETS, time, TOML)
    assert [table for table, _ in rows(asked, "orders")] == ["orders", "order_lines"]
    assert time.waited.count(90.0) == 3


def test_a_revoked_webhook_ends_the_pull_with_one_line_and_the_next_goes_on(home: Path) -> None:
    time = Time(NOW)
    portal = portal_of(time, deals=[deal(n) for n in range(1, 121)], contacts=[contact(1)])
    crm = Pulls(home, time, portal, SECRETS, source())

    def revoke(number: int) -> None:
        portal.revoked = number >= 3

    portal.before = revoke
    said = crm()["orders"].error
    assert said == "source crm refuses the token (HTTP 401); set WABENCH_SOURCE_CRM_WEBHOOK"
    portal.before, portal.revoked = (lambda number: None), False
    portal.asked.clear()
    again = crm()
    assert (again["orders"].resumed, again["orders"].error) == (True, None)
    assert portal.asked[0][1]["filter"] == {">id": 50}
    assert len(crm.rows("orders", "order_id")) == 120


def echo(request: httpx.Request) -> httpx.Response:
    return httpx.Response(400, json={"error": "ERROR_CORE", "error_description": f"nothing at {request.url}"})


def refuse(request: httpx.Request) -> httpx.Response:
    return httpx.Response(401, json={"error": "NO_AUTH_FOUND", "error_description": f"at {request.url}"})


def nonsense(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"result": f"<html>{request.url}"})


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError(f"no route to {request.url}")


@pytest.mark.parametrize("fault", [echo, refuse, nonsense, unreachable])
def test_the_webhook_is_in_no_error_and_not_in_landing(
    fault: Callable[[httpx.Request], httpx.Response], home: Path
) -> None:
    time = Time(NOW)
    crm = Pulls(home, time, portal_of(time, deals=[deal(1)]), SECRETS, source())
    crm()
    crm.server = fault
    said = [outcome.error for outcome in crm(full=True).values()]
    assert all(line and line.startswith("source crm") and "\n" not in line for line in said)
    secret = WEBHOOK.partition("/")[2]
    assert secret not in str(said)
    assert secret.encode() not in crm.landed()


def test_a_webhook_in_wabench_toml_is_refused_without_showing_it() -> None:
    time = Time(NOW)
    asked = api("bitrix24", portal_of(time), SECRETS, time, f'base_url = "{PORTAL}/rest/{WEBHOOK}/"')
    with pytest.raises(UsageError) as refused:
        list(rows(asked, "orders"))
    assert "WABENCH_SOURCE_CRM_WEBHOOK" in str(refused.value)
    assert WEBHOOK.partition("/")[2] not in str(refused.value)


@pytest.mark.parametrize("secret", ["", f"{PORTAL}/rest/{WEBHOOK}/", "no-slash"])
def test_a_webhook_that_is_none_is_said_so(secret: str) -> None:
    time = Time(NOW)
    asked = api("bitrix24", portal_of(time), {"webhook": secret} if secret else {}, time, TOML)
    with pytest.raises(AccessRefused, match="WABENCH_SOURCE_CRM_WEBHOOK as USER/CODE") as refused:
        list(rows(asked, "orders"))
    assert not secret or secret not in str(refused.value)


def test_a_server_that_ignores_the_filter_does_not_keep_the_pull_for_ever() -> None:
    time = Time(NOW)
    portal = portal_of(time, contacts=[contact(n) for n in range(1, 201)])
    asked = api("bitrix24", portal, SECRETS, time, TOML)
    listed = portal._call

    def deaf(method: str, body: Any) -> dict[str, Any]:
        return listed(method, {**body, "filter": {}})

    portal._call = deaf  # type: ignore[method-assign]
    with pytest.raises(WabenchError, match="does not go on after id 50"):
        list(rows(asked, "customers"))


def published(method: str) -> Any:
    return msgspec.json.decode((shared.BITRIX24_SPECIFICATIONS / f"{method}.json").read_bytes())


@shared.needs(shared.BITRIX24_SPECIFICATIONS)
def test_requests_hold_what_the_method_is_published_to_take() -> None:
    time = Time(NOW)
    portal = portal_of(time, deals=[deal(n) for n in range(1, 60)])
    asked = api("bitrix24", portal, SECRETS, time, TOML)
    for since in (None, DAY):
        list(rows(asked, "orders", since))
    taken = {parameter["name"] for parameter in published("crm.item.list")["params"]}
    assert {key for method, body in portal.asked if method == "crm.item.list" for key in body} <= taken


@shared.needs(shared.BITRIX24_SPECIFICATIONS)
def test_the_published_example_of_an_item_is_an_order_and_a_customer() -> None:
    time = Time(NOW)
    item = published("crm.item.get")["resultExample"]["result"]["item"]
    portal = portal_of(time)
    portal.items[2], portal.items[3] = {item["id"]: item}, {item["id"]: item}
    asked = api("bitrix24", portal, SECRETS, time, TOML)
    ((_, order),), ((_, person),) = rows(asked, "orders"), rows(asked, "customers")
    assert (order["order_id"], order["status"], order["total"], order["currency"]) == (
        "250",
        "pending",
        Decimal("999.9"),
        "RUB",
    )
    assert (person["name"], person["email"]) == ("Админ Админович Админов", "admin@example.com")
    assert order["ordered_at"] == datetime(2024, 7, 22, 16, 0, 8, tzinfo=UTC)


@settings(max_examples=60, deadline=None)
@given(
    ties=st.lists(st.integers(0, 3), max_size=170),
    changes=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 169)), max_size=12),
    since=st.integers(-1, 2),
)
def test_whatever_changes_between_pages_every_record_is_pulled_as_it_is_now(
    ties: list[int], changes: list[tuple[int, int]], since: int
) -> None:
    """Records share their seconds in any way, and some change or appear while the pull goes on."""
    time = Time(NOW)
    portal = portal_of(time, contacts=[contact(n + 1, updated) for n, updated in enumerate(ties)])
    people = portal.items[3]

    def change(request: int) -> None:
        for at, which in changes:
            if at == request:
                number = which + 1
                people[number] = contact(number, (time.now - DAY).total_seconds(), name=f"Новая-{request}")

    portal.before = change
    asked = api("bitrix24", portal, SECRETS, time, TOML)
    began, seen = time.now, dict[str, Any]()
    first = None if since < 0 else DAY + timedelta(seconds=since)
    expected = {n for n, item in people.items() if first is None or item["updatedTime"] >= moment(since)}
    for _, found in rows(asked, "customers", first):
        seen[found["customer_ref"]] = found
    assert {str(n) for n in expected} <= set(seen)
    portal.before = lambda number: None
    for _, found in rows(asked, "customers", began - timedelta(seconds=300)):
        seen[found["customer_ref"]] = found
    late = {n for n, item in people.items() if n in expected or item["updatedTime"] > moment(10)}
    assert {ref: found["name"] for ref, found in seen.items()} == {
        str(n): f"{people[n]['name']} {people[n]['lastName']}" for n in late
    }
