"""A small shop's history in two loads, in which statuses come late and one event shows two customers to be one."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from warehouse import Rows

from wabench.providers import meta as wire
from wabench.sandbox import fate, meta
from wabench.sandbox.base import Happening, Shop, Taken

SENT = datetime.fromisoformat("2026-06-28 10:00")
NINE, NO_NINE = "+5511987654321", "+551187654321"


def status(kind: str, message: str, at: datetime, phone: str | None = None, **more: Any) -> dict[str, Any]:
    event = {"event_id": f"{message}:{kind}", "event_type": kind, "message_id": message, "direction": "out"}
    return {**event, "occurred_at": at, "phone": phone, **more}


def inbound(message: str, at: datetime, **more: Any) -> dict[str, Any]:
    return {**status("received", message, at), "direction": "in", "content_type": "text", **more}


def order(order_id: str, at: datetime, total: str, **more: Any) -> dict[str, Any]:
    return {"order_id": order_id, "ordered_at": at, "total": Decimal(total), **more}


def after(hours: float) -> datetime:
    return SENT + timedelta(hours=hours)


def told_by_user_id(message: str, send: str, phone: str, **kinds: datetime) -> list[dict[str, Any]]:
    """What the sandbox's webhooks come to for a send by phone, when they name its person only by user id."""
    taken = Taken(phone, None, "template", "sale", callback_data=f"wb:{send}")
    happenings = [
        Happening(message, kind, at.replace(tzinfo=UTC).timestamp(), None, fate.user_id_of(phone), taken, "marketing")
        for kind, at in kinds.items()
    ]
    (post,) = meta.posts(happenings, Shop("1", {}, {"app_secret": "test"}, {}), 0)
    events = wire.parse(post.body)
    known = [{k: v for k, v in msgspec.structs.asdict(event).items() if v is not None} for event in events]
    return [row | {"occurred_at": row["occurred_at"].replace(tzinfo=None)} for row in known]


EVE_USER_ID = fate.user_id_of("+15550007")
EVERYBODYS = "+15559999"

FIRST: Mapping[str, Rows] = {
    "customers": [
        {"customer_ref": "ann", "phone": NINE, "name": "Ann", "consent": True, "consent_at": after(-4000)},
        {"customer_ref": "dee", "phone": "+15550004", "consent": True, "consent_at": after(-600)},
        {"customer_ref": "eve", "phone": "+15550007", "name": "Eve", "consent": True, "consent_at": after(-600)},
        {"customer_ref": "fay", "phone": "+15550008", "name": "Fay", "consent": True, "updated_at": after(40)},
        {
            "customer_ref": "kim",
            "phone": "+15550016",
            "name": "Kim",
            "first_received_at": after(-900),
            "received_at": after(-10),
        },
        *({"customer_ref": f"gus{n}", "phone": EVERYBODYS, "name": f"Gus {n}"} for n in range(6)),
    ],
    "orders": [
        order("o1", after(20), "100", customer_ref="ann"),
        order("o2", after(-200), "70", customer_ref="bob", phone="+15550002", currency="EUR"),
        order("o3", after(1), "30"),
        order("o4", after(2), "40", phone="+15550003", status="pending"),
        order("kim's before", after(-2000), "5", phone="+15550016", received_at=after(-400)),
        order("of nobody knows what", after(-2000), "5", phone="+15550016", status="unknown"),
        *(order(f"walk-in {n}", after(-90), "9", customer_ref="walk-in", phone=f"+1555010{n}") for n in range(6)),
    ],
    "order_lines": [
        {"order_id": "t1", "customer_ref": "tim", "ordered_at": after(3), "quantity": 2, "unit_price": Decimal("5.25")},
        {
            "order_id": "t2",
            "customer_ref": "tim",
            "ordered_at": after(4),
            "quantity": -1,
            "unit_price": Decimal("5.25"),
        },
        {"order_id": "t3", "ordered_at": after(4), "quantity": 1, "unit_price": Decimal(8)},
    ],
    "message_events": [
        status("sent", "m1", SENT, NO_NINE, callback_data="wb:s1", category="marketing_lite"),
        status("delivered", "m1", after(0.1), NO_NINE),
        inbound("i1", after(1), phone=NO_NINE, profile_name="annie", body_text="yes"),
        status("read", "m2", after(5), "+15550003"),
        status("delivered", "m3", after(1), "+15550004"),
        inbound("i2", after(-100), user_id="US.1", profile_name="Bob"),
        {"event_id": "stop", "event_type": "opt_out", "occurred_at": after(30), "phone": "+15550004"},
        *told_by_user_id("m7", "s7", "+15550007", sent=SENT, delivered=after(0.1), read=after(0.2)),
        {"event_id": "stop eve", "event_type": "opt_out", "occurred_at": after(3), "user_id": EVE_USER_ID},
        {"event_id": "stop fay", "event_type": "opt_out", "occurred_at": after(3), "phone": "+15550008"},
        inbound("i8", after(-50), phone="+15550010", user_id="US.8", profile_name="Hal"),
        status("failed", "m8", after(1), "+15550011", user_id="US.8", error_code="131026"),
        inbound("i9", after(0.5), phone="+15550012"),
        status("delivered", "m10", after(1), "+15550013"),
        status("delivered", "m11", after(1), user_id="US.13"),
        inbound("i10", after(2), phone="+15550013"),
        inbound("i16", after(-500), phone="+15550016", received_at=after(-500)),
    ],
    "campaigns": [
        {"campaign_id": "c1", "name": "sale", "started_at": SENT},
        {"campaign_id": "c2", "name": "sale again", "started_at": SENT},
        {"campaign_id": "c3", "name": "of another provider", "provider": "elsewhere", "started_at": SENT},
    ],
    "sends": [
        {"campaign_id": "c1", "customer_id": "x1", "send_id": "s1", "phone": NO_NINE, "message_id": "m1"},
        {"campaign_id": "c1", "customer_id": "x2", "send_id": "s2", "phone": "+15550003", "message_id": "m2"},
        {"campaign_id": "c1", "customer_id": "x3", "send_id": "s3", "phone": "+15550004", "message_id": "m3"},
        {"campaign_id": "c1", "customer_id": "x4", "send_id": "s4", "phone": "+15550002", "state": "unknown"},
        {"campaign_id": "c1", "customer_id": "x5", "send_id": "s5", "state": "suppressed", "reason": "unreachable"},
        {
            "campaign_id": "c1",
            "customer_id": "x6",
            "send_id": "s6",
            "phone": "+15550006",
            "message_id": "m6",
            "outcome_at": SENT,
        },
        {"campaign_id": "c2", "customer_id": "x7", "send_id": "s7", "phone": "+15550007", "message_id": "m7"},
        {"campaign_id": "c2", "customer_id": "x9", "send_id": "s9", "phone": "+15550012", "message_id": "m9"},
        {"campaign_id": "c2", "customer_id": "x10", "send_id": "s10", "phone": "+15550013", "message_id": "m10"},
        {"campaign_id": "c2", "customer_id": "x11", "send_id": "s11", "user_id": "US.13", "message_id": "m11"},
        {"campaign_id": "c3", "customer_id": "x12", "send_id": "s12", "phone": "+15550013", "message_id": "m12"},
    ],
}

SECOND: Mapping[str, Rows] = {
    "orders": [order("o5", after(6), "55.5", customer_ref="bob", refunded=Decimal("5.5"), status="partially_refunded")],
    "order_lines": [
        {
            "order_id": "t1",
            "line_number": 2,
            "customer_ref": "tim",
            "ordered_at": after(3),
            "quantity": 1,
            "unit_price": 4,
        }
    ],
    "message_events": [
        status("read", "m1", after(2), NO_NINE),
        status("delivered", "m2", after(4), "+15550003"),
        status("sent", "m2", after(4.5), "+15550003"),
        status("failed", "m3", after(2), "+15550004", error_code="131026", error_family="never"),
        status("delivered", "m4", after(5), "+15550002", callback_data="wb:s4", user_id="US.1"),
        status("sent", "m9", SENT, "+15550012"),
        status("read", "m9", after(1), "+15550012"),
        inbound("i11", after(90), phone="+15550013", user_id="US.13"),
        status("delivered", "m12", after(1), "+15550013", provider="elsewhere"),
    ],
}
