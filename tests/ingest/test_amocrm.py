"""amoCRM and Kommo, against an account that pages by number, throttles, shuts out and forgets as documented."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from crm.amocrm import ACCOUNT, BEGAN, TOKEN, Account, contact, field, lead
from crm.virtual import Pulls, Time, api, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources.base import AccessRefused
from wabench.errors import WabenchError

NOW = datetime.fromtimestamp(BEGAN, UTC) + timedelta(days=30)
SECRETS = {"token": TOKEN}
TOML = f'base_url = "{ACCOUNT}"\n'


def source(toml: str = "") -> str:
    return f'kind = "amocrm"\n{TOML}{toml}'


def ago(time: Time) -> int:
    """Give now in seconds after BEGAN."""
    return int(time.seconds()) - BEGAN


def order(made: dict[str, Any], toml: str = "", currency: str | None = "RUB") -> dict[str, Any]:
    """Pull one lead and give the row it becomes."""
    time = Time(NOW)
    account = Account(leads=[made], clock=time.seconds)
    account.currency = currency
    ((_, found),) = rows(api("amocrm", account, SECRETS, time, TOML + toml), "orders")
    return found


def customer(made: dict[str, Any], toml: str = "") -> dict[str, Any]:
    time = Time(NOW)
    account = Account(contacts=[made], clock=time.seconds)
    ((_, found),) = rows(api("amocrm", account, SECRETS, time, TOML + toml), "customers")
    return found


def test_a_won_lead_becomes_an_order_of_its_main_contact(home: Path) -> None:
    time = Time(NOW)
    crm = Pulls(home, time, Account([lead(5)], [contact(1)], clock=time.seconds), SECRETS, source())
    assert {outcome.error for outcome in crm().values()} == {None}
    closed = (datetime.fromtimestamp(BEGAN, UTC) + timedelta(days=1)).replace(tzinfo=None)
    assert crm.rows("orders", "order_id, customer_ref, status, total, refunded, currency, ordered_at") == [
        ("5", "1", "paid", Decimal(46333), 0, "RUB", closed)
    ]
    assert crm.rows("customers", "customer_ref, phone, email, name, consent") == [
        ("1", "+79260000001", "petr1@vasilki.example", "Пётр Васильков-1", None)
    ]
    assert crm.rows("rejected", "reason") == []


@pytest.mark.parametrize(
    ("status_id", "status", "ordered_at"),
    [(142, "paid", BEGAN + 86400), (143, "cancelled", BEGAN), (2030, "pending", BEGAN)],
)
def test_a_stage_tells_the_status_and_when_it_counts(status_id: int, status: str, ordered_at: int) -> None:
    found = order(lead(1, status_id=status_id))
    assert (found["status"], found["ordered_at"].timestamp()) == (status, ordered_at)


def test_a_shop_may_say_itself_what_a_stage_means() -> None:
    assert order(lead(1, status_id=2030), 'statuses = { "2030" = "paid" }')["status"] == "paid"


@pytest.mark.parametrize(
    ("differs", "total"),
    [({"price": 0}, "0"), ({"price": None}, "0"), ({"price": 100, "price_with_minor_units": 100.55}, "100.55")],
)
def test_a_price_may_be_nothing_or_have_minor_units(differs: dict[str, Any], total: str) -> None:
    assert order(lead(1, **differs))["total"] == Decimal(total)


def test_the_account_says_the_currency_and_if_not_the_source_does() -> None:
    assert order(lead(1), currency="KZT")["currency"] == "KZT"
    assert order(lead(1), currency=None)["currency"] == "RUB"


def test_a_lead_may_have_no_contact_and_no_main_one() -> None:
    assert "customer_ref" not in order(lead(1, _embedded={"contacts": []}))
    only = {"contacts": [{"id": 77, "is_main": False}]}
    assert order(lead(1, _embedded=only))["customer_ref"] == "77"


@pytest.mark.parametrize(
    ("fields", "phone"),
    [
        (None, None),
        ([field("EMAIL", ("WORK", "a@b.example"))], None),
        ([field("PHONE", ("WORK", "8 (495) 765-43-21"))], "+74957654321"),
        ([field("PHONE", ("WORK", "нет телефона"))], None),
    ],
)
def test_a_contact_may_have_no_phone_or_only_an_office_one(fields: Any, phone: str | None) -> None:
    assert customer(contact(3, custom_fields_values=fields)).get("phone") == phone


def test_consent_is_what_the_shop_says_it_is() -> None:
    made = contact(3, custom_fields_values=[{"field_id": 991, "field_code": None, "values": [{"value": True}]}])
    own = '[map.customers]\nconsent = "custom_fields_values[field_id=991].values[0].value"'
    assert customer(made, own)["consent"] is True
    assert "consent" not in customer(made)


def test_an_empty_crm_and_a_single_record(home: Path) -> None:
    time = Time(NOW)
    account = Account(clock=time.seconds)
    crm = Pulls(home, time, account, SECRETS, source())
    assert [(o.pages, o.records, o.error) for o in crm().values()] == [(1, 0, None), (1, 0, None)]
    account.lists["leads"][1] = lead(1, ago(time))
    assert [(o.pages, o.records, o.error) for o in crm().values()] == [(1, 1, None), (1, 0, None)]
    assert crm.rows("orders", "order_id") == [("1",)]


def test_a_lead_put_into_the_bin_and_taken_out_again_is_followed(home: Path) -> None:
    time = Time(NOW)
    account = Account([lead(1), lead(2)], clock=time.seconds)
    crm = Pulls(home, time, account, SECRETS, source())
    crm()
    account.delete("leads", 2, ago(time))
    crm()
    assert crm.rows("orders", "order_id, is_deleted") == [("1", False), ("2", True)]
    account.lists["leads"][2].update(is_deleted=False, updated_at=BEGAN + ago(time) + 60)
    crm()
    assert crm.rows("orders", "order_id, is_deleted, total, status") == [
        ("1", False, Decimal(46333), "paid"),
        ("2", False, Decimal(46333), "paid"),
    ]


def test_a_shops_own_map_does_not_keep_what_was_put_into_the_bin(home: Path) -> None:
    time = Time(NOW)
    account = Account([lead(1), lead(2)], [contact(1)], clock=time.seconds)
    own = '[sources.crm.map.orders]\ntotal = "price"\n[sources.crm.map.customers]\nname = "name"\ncustomer_ref = "id"'
    crm = Pulls(home, time, account, SECRETS, source(own))
    crm()
    account.delete("leads", 2, ago(time))
    account.delete("contacts", 1, ago(time))
    crm()
    assert crm.rows("orders", "order_id, is_deleted") == [("1", False), ("2", True)]
    assert crm.rows("customers", "customer_ref, is_deleted") == [("1", True)]
    assert crm.rows("rejected", "reason") == []


def test_a_deleted_contact_is_known_by_its_event(home: Path) -> None:
    time = Time(NOW)
    account = Account([], [contact(n) for n in range(1, 251)], clock=time.seconds)
    crm = Pulls(home, time, account, SECRETS, source())
    crm()
    for number in range(1, 121):
        account.delete("contacts", number, ago(time))
    crm()
    deleted = crm.rows("customers", "customer_ref, is_deleted")
    assert sorted(int(ref) for ref, is_deleted in deleted if is_deleted) == list(range(1, 121))
    assert crm.rows("rejected", "reason") == []


def test_seven_a_second_are_never_passed() -> None:
    time = Time(NOW)
    account = Account([lead(n, n) for n in range(1, 501)], clock=time.seconds)
    asked = api("amocrm", account, SECRETS, time, TOML + 'options = { page_size = "10" }')
    assert len({found["order_id"] for _, found in rows(asked, "orders")}) == 500
    assert time.waited
    assert max(time.waited) < 0.2


def test_asked_too_fast_it_waits_and_loses_nothing() -> None:
    time = Time(NOW)
    account = Account([lead(n, n) for n in range(1, 501)], clock=time.seconds)
    options = 'options = { page_size = "10", requests_per_second = "1000" }'
    asked = api("amocrm", account, SECRETS, time, TOML + options)
    assert len({found["order_id"] for _, found in rows(asked, "orders")}) == 500
    assert 1.0 in time.waited


def test_shut_out_it_stops_at_once_with_one_line_and_goes_on_later(home: Path) -> None:
    time = Time(NOW)
    account = Account([lead(n, n) for n in range(1, 101)], clock=time.seconds)
    crm = Pulls(home, time, account, SECRETS, source('options = { page_size = "20" }'))

    def shut(number: int) -> None:
        account.shut_out = number >= 3

    account.before = shut
    said = crm()["orders"].error
    assert said is not None
    assert said.startswith("source crm: HTTP 403, it has shut out this address")
    assert len(account.asked) == 5, "one refused request a feed"
    account.before, account.shut_out = (lambda number: None), False
    again = crm()["orders"]
    assert (again.resumed, again.error) == (True, None)
    assert len(crm.rows("orders", "order_id")) == 100


def test_an_expired_token_names_the_variable_and_not_itself(home: Path) -> None:
    time = Time(NOW)
    account = Account([lead(n, n) for n in range(1, 101)], clock=time.seconds)
    crm = Pulls(home, time, account, SECRETS, source('options = { page_size = "20" }'))

    def expire(number: int) -> None:
        account.token = TOKEN if number < 3 else "another"

    account.before = expire
    said = crm()["orders"].error
    assert said == "source crm refuses the token (HTTP 401); set WABENCH_SOURCE_CRM_TOKEN"
    account.before, account.token = (lambda number: None), TOKEN
    assert crm()["orders"].resumed
    assert len(crm.rows("orders", "order_id")) == 100
    assert TOKEN.encode() not in crm.landed()


def test_no_token_is_said_before_anything_is_asked() -> None:
    time = Time(NOW)
    account = Account(clock=time.seconds)
    with pytest.raises(AccessRefused, match="long-lived token in WABENCH_SOURCE_CRM_TOKEN"):
        list(rows(api("amocrm", account, {}, time, TOML), "orders"))
    assert account.asked == []


def test_an_account_whose_filters_are_off_is_said_so() -> None:
    time = Time(NOW)
    account = Account([lead(n, n) for n in range(1, 101)], clock=time.seconds)
    account.filters = False
    asked = api("amocrm", account, SECRETS, time, TOML + 'options = { page_size = "20" }')
    with pytest.raises(WabenchError, match="does not filter leads by updated_at"):
        list(rows(asked, "orders"))


def test_an_answer_that_is_no_list_takes_nothing_and_tells_no_secret() -> None:
    time = Time(NOW)

    def nonsense(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"title": f"{request.headers['Authorization']} is odd"})

    with pytest.raises(WabenchError, match="without its leads") as refused:
        list(rows(api("amocrm", nonsense, SECRETS, time, TOML), "orders"))
    assert TOKEN not in str(refused.value)


def test_an_answer_without_anything_in_it_is_not_the_lists_end(home: Path) -> None:
    time = Time(NOW)
    account = Account([lead(n, n) for n in range(1, 101)], clock=time.seconds)
    crm = Pulls(home, time, account, SECRETS, source('options = { page_size = "20" }'))
    is_empty = True

    def broken(request: httpx.Request) -> httpx.Response:
        answer = account(request)
        return httpx.Response(200) if is_empty and len(account.asked) == 3 else answer

    crm.server = broken
    assert "without its leads" in str(crm()["orders"].error)
    is_empty = False
    assert (crm()["orders"].resumed, len(crm.rows("orders", "order_id"))) == (True, 100)


def test_half_a_surrogate_pair_in_a_lead_takes_the_others_along(home: Path) -> None:
    time = Time(NOW)
    crm = Pulls(home, time, Account([lead(1, name="?"), lead(2)], clock=time.seconds), SECRETS, source())
    whole = crm.server

    def cut(request: httpx.Request) -> httpx.Response:
        answer = whole(request)
        return httpx.Response(answer.status_code, content=answer.content.replace(b'"?"', b'"\\ud83d"'))

    crm.server = cut
    assert (crm()["orders"].error, crm.rows("orders", "order_id")) == (None, [("1",), ("2",)])
    assert b"ud83d" in crm.landed()


@settings(max_examples=120, deadline=None)
@given(
    ties=st.lists(st.integers(0, 2), max_size=40),
    changes=st.dictionaries(st.integers(0, 25), st.integers(0, 39), max_size=12),
    since=st.integers(-1, 1),
)
def test_whatever_changes_between_pages_every_record_is_pulled_as_it_is_now(
    ties: list[int], changes: dict[int, int], since: int
) -> None:
    """Pages of 4; records share their seconds in any way, and some change, appear or go while the pull goes on."""
    time = Time(NOW)
    account = Account([], [contact(n + 1, updated) for n, updated in enumerate(ties)], clock=time.seconds)
    people = account.lists["contacts"]

    def change(request: int) -> None:
        if request not in changes:
            return
        number = changes[request] + 1
        if number % 5 == 0 and number in people:
            account.delete("contacts", number, ago(time))
        else:
            people[number] = contact(number, ago(time), name=f"Новый {request}")

    account.before = change
    asked = api("amocrm", account, SECRETS, time, TOML + 'options = { page_size = "4" }')
    began, seen = time.now, dict[str, Any]()
    first = None if since < 0 else datetime.fromtimestamp(BEGAN + since, UTC)
    for begins in (first, began - timedelta(seconds=300)):
        for _, found in rows(asked, "customers", begins):
            seen[found["customer_ref"]] = found
        account.before = lambda number: None
    late = {n: item for n, item in people.items() if item["updated_at"] >= BEGAN + since}
    assert set(seen) >= {str(n) for n in late}
    assert all(seen[str(n)].get("is_deleted") is True for n, item in late.items() if item["is_deleted"])
    assert {ref: found["name"] for ref, found in seen.items() if not found["is_deleted"]} == {
        str(n): item["name"] for n, item in late.items() if not item["is_deleted"]
    }
