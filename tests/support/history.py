"""A small shop's history in two loads, in which statuses come late and one event shows two customers to be one."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from warehouse import Rows

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


FIRST: Mapping[str, Rows] = {
    "customers": [
        {"customer_ref": "ann", "phone": NINE, "name": "Ann", "consent": True, "consent_at": after(-4000)},
        {"customer_ref": "dee", "phone": "+15550004", "consent": True, "consent_at": after(-600)},
    ],
    "orders": [
        order("o1", after(20), "100", customer_ref="ann"),
        order("o2", after(-200), "70", customer_ref="bob", phone="+15550002", currency="EUR"),
        order("o3", after(1), "30"),
        order("o4", after(2), "40", phone="+15550003", status="pending"),
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
    ],
    "campaigns": [{"campaign_id": "c1", "name": "sale", "started_at": SENT}],
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
    ],
}
