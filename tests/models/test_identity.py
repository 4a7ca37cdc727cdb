"""Who is one customer and who is not: joins, their undoing by a line, and what a CRM has merged or deleted since."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from history import after, inbound, order, status
from warehouse import Rows, ask, build, project, put, shop

from wabench.dbt import Build
from wabench.providers import meta
from wabench.settings import Settings

BOTH, BOBS = "+15550101", "+15550102"
CID_NINE, CID_EIGHT = "+5511987650001", "+551187650001"
ELI_NINE, ELI_EIGHT = "+5521987650002", "+552187650002"
PULLED = datetime.fromisoformat("2026-06-20 03:00")

LINES = f"""identity_type,identity,other_identity_type,other_identity,reason
customer_ref,shop:ann,customer_ref,shop:bob,sisters
customer_ref,shop:cid,customer_ref,shop:dora,one phone in two spellings
phone,{ELI_NINE},phone,{ELI_EIGHT},a landline with a mobile's beginning
phone,+15550103,user_id,meta:US.3,the phone was sold
phone,+15550104,,,the shop's own
customer_ref,shop:house,,,sales at the counter
customer_ref,shop:hal,customer_ref,shop:ivy,far apart
phone,+15559990,customer_ref,shop:nobody,misspelt
"""


def _stop(name: str, **who: Any) -> dict[str, Any]:
    return {"event_id": name, "event_type": "opt_out", "occurred_at": after(3), **who}


def _told(field: str, value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What Meta's webhook comes to as rows."""
    body = {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": field, "value": value}]}],
    }
    events = [msgspec.structs.asdict(event) for event in meta.parse(json.dumps(body).encode())]
    rows = [{key: value for key, value in event.items() if value is not None} for event in events]
    return [row | {"occurred_at": after(0)} for row in rows]


RENAMED = _told(
    "user_id_update", {"user_id": {"previous": "US.81", "current": "US.82"}, "timestamp": "1782640800"}
) + _told(
    "messages",
    {
        "metadata": {"phone_number_id": "1"},
        "messages": [
            {
                "from": "15550201",
                "id": "wamid.moved",
                "timestamp": "1782640800",
                "type": "system",
                "system": {"type": "user_changed_number", "body": "moved", "wa_id": "15550202"},
            }
        ],
    },
)

HISTORY: Mapping[str, Rows] = {
    "customers": [
        {"customer_ref": "ann", "phone": BOTH, "name": "Ann", "consent": True, "consent_at": after(-900)},
        {"customer_ref": "bob", "phone": BOTH, "name": "Bob", "consent": True, "consent_at": after(-900)},
        {"customer_ref": "cid", "phone": CID_NINE, "name": "Cid"},
        {"customer_ref": "dora", "phone": CID_EIGHT, "name": "Dora"},
        {"customer_ref": "fay", "phone": "+15550104", "name": "Fay"},
        {"customer_ref": "gil", "phone": "+15550104", "name": "Gil"},
        {"customer_ref": "hal", "phone": "+15550105", "name": "Hal"},
        {"customer_ref": "ivy", "phone": "+15550106", "name": "Ivy"},
        {"customer_ref": "kim", "phone": "+15550107", "merged_into": "lee", "consent": False, "consent_at": after(-9)},
        {"customer_ref": "lee", "phone": "+15550108", "name": "Lee", "consent": True, "consent_at": after(-99)},
        {"customer_ref": "mo", "phone": "+15550109", "merged_into": "lee", "is_deleted": True, "name": "Mo"},
        {"customer_ref": "gone", "phone": "+15550110", "is_deleted": True, "consent": True, "consent_at": after(-1)},
        {"customer_ref": "refused", "phone": "+15550111", "is_deleted": True, "consent": False},
        {"customer_ref": "old", "source": "crm", "phone": "+15550112", "received_at": PULLED - timedelta(seconds=1)},
        {
            "customer_ref": "kept",
            "source": "crm",
            "phone": "+15550113",
            "first_received_at": PULLED - timedelta(days=1),
            "received_at": PULLED,
        },
        *({"customer_ref": f"pat{n}", "phone": "+15550114", "merged_into": "pat"} for n in range(7)),
        {"customer_ref": "pat", "phone": "+15550114", "name": "Pat"},
        {"customer_ref": "house", "phone": "+15550115", "name": "Counter", "consent": True, "consent_at": after(-9)},
        {"customer_ref": "rea", "phone": "+15550115", "name": "Rea", "consent": False, "consent_at": after(-99)},
    ],
    "orders": [
        order("a1", after(-50), "100", customer_ref="ann"),
        order("b1", after(-40), "40", customer_ref="bob", phone=BOTH),
        order("b2", after(-30), "2", customer_ref="bob", phone=BOBS),
        order("guest", after(-20), "7", phone=BOTH),
        order("g1", after(-20), "9", customer_ref="gone", phone="+15550110", is_deleted=True),
        order("g2", after(-20), "11", customer_ref="gone"),
        order("n1", after(-20), "13", source="crm", phone="+15550113", received_at=PULLED - timedelta(days=1)),
        order(
            "n2",
            after(-20),
            "17",
            source="crm",
            phone="+15550113",
            first_received_at=PULLED - timedelta(days=1),
            received_at=PULLED + timedelta(days=1),
        ),
    ],
    "message_events": [
        status("delivered", "to both", after(0), BOTH),
        status("delivered", "to bob", after(0), BOBS),
        _stop("stop both", phone=BOTH),
        inbound("i1", after(0), phone=ELI_NINE),
        inbound("i2", after(0), phone=ELI_EIGHT),
        inbound("i3", after(0), phone="+15550103", user_id="US.3"),
        inbound("i4", after(1), phone="+15550103"),
        _stop("stop three", phone="+15550103", user_id="US.3"),
        inbound("i5", after(0), phone="+15550104", user_id="US.4"),
        inbound("i6", after(0), phone="+15550105", user_id="US.5"),
        inbound("i7", after(0), phone="+15550106", user_id="US.5"),
        inbound("i8", after(-9), user_id="US.81"),
        inbound("i9", after(-9), phone="+15550201"),
        inbound("i10", after(9), user_id="US.82"),
        inbound("i11", after(9), phone="+15550202"),
        inbound("i12", after(0), phone="+15550110"),
        inbound("i13", after(0), phone="+15550111"),
        inbound("i14", after(0), phone="+15550112"),
        *RENAMED,
    ],
    "pulls": [
        {"source": "crm", "started_at": PULLED},
        {"source": "crm", "started_at": PULLED + timedelta(days=9), "is_full": False},
        {"source": "crm", "stream": "orders", "started_at": PULLED},
    ],
}


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = shop(tmp_path_factory.mktemp("joined"))
    put(settings, 1, HISTORY)
    build(settings)
    return settings


@pytest.fixture(scope="module")
def parted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Build]:
    """The same shop, built as it was and then again with the lines."""
    settings = shop(tmp_path_factory.mktemp("parted"))
    put(settings, 1, HISTORY)
    build(settings)
    overridden = project(tmp_path_factory.mktemp("project"), identity_overrides=LINES)
    return settings, build(settings, project=overridden, is_tested=True)


def owner(settings: Settings, identity: str) -> str:
    [(customer,)] = ask(settings, "select customer_id from marts.dim_identities where identity = ?", identity)
    return str(customer)


def customer(settings: Settings, identity: str, columns: str) -> tuple[Any, ...]:
    [row] = ask(settings, f"select {columns} from marts.dim_customers where customer_id = ?", owner(settings, identity))
    return row


@pytest.mark.parametrize(
    ("identity", "other"),
    [
        ("shop:ann", "shop:bob"),
        ("shop:cid", "shop:dora"),
        (ELI_NINE, ELI_EIGHT),
        ("+15550103", "meta:US.3"),
        ("shop:fay", "meta:US.4"),
        ("shop:hal", "shop:ivy"),
    ],
)
def test_a_line_makes_two_customers_of_one(
    joined: Settings, parted: tuple[Settings, Build], identity: str, other: str
) -> None:
    assert owner(joined, identity) == owner(joined, other)
    assert owner(parted[0], identity) != owner(parted[0], other)


def test_each_of_two_who_were_parted_has_their_own_orders_messages_and_consent(
    joined: Settings, parted: tuple[Settings, Build]
) -> None:
    columns = "orders, net_revenue, messages_received, consent, phone"
    assert customer(joined, "shop:ann", columns)[:4] == (4, Decimal(149), 2, "opted_out")
    assert customer(parted[0], "shop:ann", columns) == (2, Decimal(107), 1, "opted_out", BOTH)
    assert customer(parted[0], "shop:bob", columns) == (2, Decimal(42), 1, "opted_in", BOBS)


def test_nothing_is_lost_when_customers_are_parted(joined: Settings, parted: tuple[Settings, Build]) -> None:
    for sql in (
        "select sum(orders), sum(net_revenue), sum(messages_received) from marts.dim_customers",
        "select count(customer_id) from marts.fct_messages",
        "select identity, identity_type, since, evidence from marts.dim_identities order by all",
    ):
        assert ask(joined, sql) == ask(parted[0], sql)


def test_what_led_to_both_stays_with_the_first_in_all_its_spellings(parted: tuple[Settings, Build]) -> None:
    settings, _ = parted
    assert owner(settings, CID_NINE) == owner(settings, CID_EIGHT) == owner(settings, "shop:cid")
    assert customer(settings, "shop:dora", "name, phone, is_reachable") == ("Dora", None, False)
    assert owner(settings, "meta:US.5") == owner(settings, "+15550105") == owner(settings, "shop:hal")
    assert owner(settings, "+15550106") == owner(settings, "shop:ivy")


def test_a_stop_said_as_both_of_two_who_were_parted_holds_for_both(parted: tuple[Settings, Build]) -> None:
    assert customer(parted[0], "+15550103", "consent, phone, messages_received") == ("opted_out", "+15550103", 0)
    assert customer(parted[0], "meta:US.3", "consent, phone") == ("opted_out", None)


def test_an_identity_named_alone_links_nobody(parted: tuple[Settings, Build]) -> None:
    found = {owner(parted[0], identity) for identity in ("+15550104", "shop:fay", "shop:gil", "meta:US.4")}
    assert len(found) == 4
    assert customer(parted[0], "shop:fay", "phone") == (None,)
    assert ask(parted[0], "select count(*) from marts.fct_alerts where alert = 'shared_identity'") == [(0,)]


def test_a_house_account_is_not_reached_at_the_phone_of_somebody_who_refused(parted: tuple[Settings, Build]) -> None:
    assert customer(parted[0], "shop:house", "name, phone, is_reachable") == ("Counter", None, False)
    assert customer(parted[0], "shop:rea", "phone, consent") == ("+15550115", "opted_out")


def test_a_line_that_names_nobody_is_a_warning_and_changes_nothing(parted: tuple[Settings, Build]) -> None:
    [warning] = [test for test in parted[1].tests if test.status == "warn"]
    assert warning.test == "assert_overrides_name_known_identities"
    rows = ask(parted[0], f"select * from {warning.relation} order by all")
    assert rows == [("customer_ref:shop:nobody",), ("phone:+15559990",)]


def test_a_new_user_id_and_a_new_number_lead_to_the_customer_of_the_old(joined: Settings) -> None:
    assert owner(joined, "meta:US.81") == owner(joined, "meta:US.82")
    assert owner(joined, "+15550201") == owner(joined, "+15550202")
    sql = "select distinct evidence from marts.dim_identities where identity in ('meta:US.82', '+15550202')"
    assert ("identity update",) in ask(joined, sql)


def test_who_was_merged_is_who_they_were_merged_into_with_their_refusal(joined: Settings) -> None:
    assert owner(joined, "shop:kim") == owner(joined, "shop:mo") == owner(joined, "shop:lee")
    assert customer(joined, "shop:lee", "name, consent, consent_at") == ("Lee", "opted_out", after(-9))
    assert owner(joined, "+15550107") == owner(joined, "shop:lee")
    assert ask(joined, "select evidence from marts.dim_identities where identity = 'shop:mo'") == [("crm merge",)]


def test_many_records_merged_into_one_are_no_shared_phone(joined: Settings) -> None:
    assert customer(joined, "shop:pat6", "name, phone") == ("Pat", "+15550114")


def test_a_deleted_order_counts_nowhere_and_links_nobody(joined: Settings) -> None:
    rows = dict(
        ask(joined, "select order_id, (status, is_paid, net) from marts.fct_orders where order_id[1] in ('g', 'n')")
    )
    assert rows["g1"] == rows["n1"] == ("cancelled", False, 0)
    assert rows["g2"][:2] == rows["n2"][:2] == ("paid", True)
    assert owner(joined, "shop:gone") != owner(joined, "+15550110")
    assert customer(joined, "+15550113", "orders, net_revenue") == (1, Decimal(17))


def test_a_deleted_record_links_nobody_and_leaves_only_its_refusal(joined: Settings) -> None:
    assert customer(joined, "+15550110", "consent, orders") == ("unknown", 0)
    assert customer(joined, "shop:gone", "consent, orders, phone") == ("unknown", 1, None)
    assert customer(joined, "+15550111", "consent") == ("opted_out",)
    assert ask(joined, "select * from marts.dim_identities where identity in ('shop:refused', '+15550109')") == []


def test_what_a_full_pull_did_not_show_is_deleted_and_what_it_showed_is_not(joined: Settings) -> None:
    assert ask(joined, "select * from marts.dim_identities where identity = 'crm:old'") == []
    assert owner(joined, "crm:kept") == owner(joined, "+15550113")


BEFORE, LATER = after(-2000), after(-100)
CHANGING: Mapping[str, Rows] = {
    "customers": [
        {"customer_ref": "dropped", "phone": "+15550301", "received_at": BEFORE},
        {"customer_ref": "orders stay", "phone": "+15550302", "received_at": BEFORE},
        {"customer_ref": "moved", "phone": "+15550303", "received_at": BEFORE},
        {"customer_ref": "gains", "name": "Gia", "received_at": BEFORE},
        {"customer_ref": "twin", "phone": CID_NINE, "received_at": BEFORE},
    ],
    "orders": [
        order("s1", LATER, "5", customer_ref="orders stay", received_at=LATER),
        order("m1", LATER, "5", customer_ref="moved", phone="+15550304", received_at=LATER),
    ],
    "message_events": [
        *(inbound(f"of {n}", LATER, phone=f"+1555030{n}", received_at=LATER) for n in (1, 2, 3, 5)),
        inbound("of the twin", LATER, phone=CID_EIGHT, received_at=LATER),
    ],
}


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], dict[str, str]]:
    """Everybody's customer ids before and after the CRM dropped records and learned a phone."""
    settings = shop(tmp_path_factory.mktemp("changed"))
    put(settings, 1, CHANGING)
    build(settings)
    ids = "select identity, customer_id from marts.dim_identities where identity_type <> 'customer_id'"
    before = dict(ask(settings, ids))
    ask(settings, "update raw.customers set is_deleted = true, load_id = 2 where customer_ref <> 'gains'")
    ask(settings, "update raw.customers set phone = '+15550305', load_id = 2 where customer_ref = 'gains'")
    build(settings)
    after_it = dict(ask(settings, ids))
    build(settings, full=True)
    assert dict(ask(settings, ids)) == after_it
    return before, after_it


@pytest.mark.parametrize("identity", ["+15550301", "+15550302", "shop:moved", CID_EIGHT, "shop:gains"])
def test_a_customer_keeps_the_id_when_the_crm_drops_the_record_or_learns_the_phone(
    changed: tuple[dict[str, str], dict[str, str]], identity: str
) -> None:
    before, after_it = changed
    assert after_it[identity] == before[identity]


def test_what_a_dropped_record_no_longer_joins_has_ids_of_its_own(
    changed: tuple[dict[str, str], dict[str, str]],
) -> None:
    before, after_it = changed
    assert before["shop:orders stay"] == before["+15550302"]
    assert after_it["shop:orders stay"] != after_it["+15550302"]
    assert after_it["shop:moved"] == after_it["+15550304"] != after_it["+15550303"]
    assert after_it["shop:gains"] == after_it["+15550305"]
