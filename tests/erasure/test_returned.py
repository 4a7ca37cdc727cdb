"""Who was erased and comes again: by a CRM that still has them, by a status in flight, by writing themselves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import known_shop as shop
import pytest
from warehouse import ask

from ingest import erase, loader
from ingest.landing import LandingLog
from wabench.erasure import people, suppressed
from wabench.erasure.traces import Person
from wabench.settings import Settings, load

ERASED_AT = shop.NOW + timedelta(hours=1)
TABLES = ("orders", "order_lines", "customers")
PERSON = Person(
    phones=frozenset((shop.PHONE, "+551173310264")),
    user_ids=frozenset({("meta", shop.USER_ID)}),
    emails=frozenset({shop.EMAIL.lower()}),
    refs=frozenset({("shopify", shop.REF), ("hubspot", "70078")}),
    region="BR",
)


@pytest.fixture
def erased(tmp_path: Any) -> Settings:
    """A shop that has forgotten them, into which all that named them comes once more."""
    settings = load({"WABENCH_HOME": str(tmp_path)})
    suppressed.add(settings, people.identities(PERSON), ERASED_AT)
    return shop.make(tmp_path)


def landed(settings: Settings) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(settings.paths.landing.rglob("*.ndjson")))


def test_what_comes_again_is_kept_out_and_erased_where_it_landed(erased: Settings) -> None:
    outcome = loader.load(erased)
    assert outcome.returned == {"hubspot": 2, "meta": 5, "shopify": 3, "till": 1, "twilio": 1}
    assert ask(erased, "select customer_ref from raw.customers order by 1") == [("50055",), ("50056",)]
    assert not PERSON.traces.is_in(landed(erased))
    assert shop.NAME.encode() not in landed(erased)
    guests = ask(
        erased, "select order_id, total from raw.orders where coalesce(customer_ref, phone, email, name) is null"
    )
    assert sorted(order for order, _ in guests) == ["1", "800", "900", "902"]


def test_landing_that_was_kept_out_loads_to_the_same_rows_again(erased: Settings) -> None:
    loader.load(erased)
    rows = {
        name: ask(erased, f"select * exclude (load_id) from raw.{name} order by all")
        for name in ("orders", "customers")
    }
    erased.paths.warehouse.unlink()
    again = loader.load(erased)
    assert again.returned == {}
    assert rows == {name: ask(erased, f"select * exclude (load_id) from raw.{name} order by all") for name in rows}


def write(settings: Settings, at: datetime) -> None:
    """Have the person write a message at a moment."""
    minutes = int((shop.NOW - at).total_seconds() // 60)
    message = shop.text(shop.PHONE, "wamid.NEW1", "Oi!", minutes)
    contact = shop.contact(shop.PHONE, shop.USER_ID, shop.NAME)
    log = LandingLog(settings.paths.landing / "meta" / "webhooks", clock=lambda: at)
    log.append(shop.value(contacts=[contact], messages=[message]))
    log.commit()
    log.close()


@pytest.mark.parametrize(("minutes", "is_back"), [(-1, False), (1, True)])
def test_who_writes_after_it_is_somebody_new_and_who_wrote_before_is_not(
    erased: Settings, minutes: int, is_back: bool
) -> None:
    loader.load(erased)
    write(erased, ERASED_AT + timedelta(minutes=minutes))
    loader.load(erased)
    found = ask(erased, "select phone from raw.message_events where message_id = 'wamid.NEW1'")
    assert found == ([(shop.PHONE,)] if is_back else [])
    known = suppressed.read(erased)
    assert (known.erased_at(f"phone:{shop.PHONE}") is None) is is_back
    assert known.erased_at(f"customer_ref:shopify:{shop.REF}") == ERASED_AT


def test_a_consent_given_later_brings_a_crms_customer_back(erased: Settings) -> None:
    suppressed.add(erased, people.identities(PERSON), datetime(2025, 12, 31, tzinfo=UTC))
    loader.load(erased)
    found = ask(erased, "select customer_ref from raw.customers where source = 'shopify' order by 1")
    assert found == [(shop.OTHER_REF,), (shop.REF,)]


def test_the_list_names_nobody_and_belongs_to_the_shop_alone(erased: Settings) -> None:
    path = erased.paths.data / "erased.json"
    assert not PERSON.traces.is_in(path.read_bytes())
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_anybody_erased_a_load_changes_nothing_in_landing(tmp_path: Any) -> None:
    settings = shop.make(tmp_path)
    before = landed(settings)
    assert loader.load(settings).returned == {}
    assert landed(settings) == before
    assert erase.count(settings, PERSON) == 13  # all but the status that has no more than a message's id
