"""A shop in which everybody knows the same two people: one who will be erased, and one who must not notice."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ingest import files
from ingest.landing import LandingLog
from wabench.campaigns import ledger
from wabench.campaigns.ledger import Campaign
from wabench.campaigns.schema import CampaignState
from wabench.settings import Settings, load

NOW = datetime(2026, 6, 29, 12, tzinfo=UTC)
AS_OF = datetime(2026, 7, 1, tzinfo=UTC)
CHANNEL = "106540352242922"
NAME, OTHER_NAME = "Аграфена Незабудкина", "Пётр Остальной"
PHONE, OTHER_PHONE = "+5511987654321", "+5511912345678"
EMAIL, OTHER_EMAIL = "Agrafena.N@Example.com", "petr@example.com"
USER_ID, OTHER_USER_ID = "BR.700700700700", "BR.500500500500"
REF, OTHER_REF = "70077", "50055"
STREET = "Rua das Acácias 1234"
SAID = "Мой заказ не пришёл, верните деньги"

TRACES = (
    PHONE, PHONE[1:], "11987654321", "98765-4321", "(11) 98765-4321", "1187654321", EMAIL, EMAIL.lower(), USER_ID, NAME,
    NAME.split()[1], STREET, SAID, "wamid.HISHERS", "SM7007",
)  # fmt: skip
"""What must be in no byte when it is done."""

TOML = """
region = "BR"
timezone = "America/Sao_Paulo"

[providers.meta]
channel_id = "106540352242922"

[sources.shopify]
kind = "shopify"
base_url = "https://shop.example"

[sources.hubspot]
kind = "hubspot"

[templates.offer]
body = "Hello {{1}}"
"""


def make(home: Path) -> Settings:
    """Land what four systems say of the two, and plan a campaign to both."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "wabench.toml").write_text(TOML, encoding="utf-8")
    settings = load({"WABENCH_HOME": str(home)})
    _land(settings, "meta", "webhooks", [(body, True, "") for body in _meta()])
    _land(settings, "twilio", "webhooks", _twilio())
    _land_pages(settings, "shopify", "customers", [_shopify_customers()])
    _land_pages(settings, "shopify", "orders", [_shopify_orders()])
    _land_pages(settings, "hubspot", "orders", [_hubspot_orders()])
    _land_file(settings)
    return settings


def _land(settings: Settings, source: str, stream: str, bodies: list[tuple[bytes, bool, str]]) -> None:
    log = LandingLog(settings.paths.landing / source / stream, clock=lambda: NOW)
    for body, valid, query in bodies:
        log.append(body, valid_json=valid, query=query)
    log.commit()
    log.close()


def _land_pages(settings: Settings, source: str, stream: str, pages: list[Any]) -> None:
    log = LandingLog(settings.paths.landing / source / stream, clock=lambda: NOW)
    for page in pages:
        began = (NOW - timedelta(minutes=1)).isoformat()
        pull = {"started_at": began, "is_full": True, "seen": 2, "shop": None, "next": None}
        log.append(json.dumps(page, ensure_ascii=False).encode(), pull=pull)
    log.commit()
    log.close()


def _value(**parts: Any) -> bytes:
    metadata = {"display_phone_number": "15550783881", "phone_number_id": CHANNEL}
    value = {"messaging_product": "whatsapp", "metadata": metadata, **parts}
    entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}, ensure_ascii=False).encode()


def _contact(phone: str, user_id: str, name: str) -> dict[str, Any]:
    return {"profile": {"name": name}, "wa_id": phone[1:], "user_id": user_id}


def _text(phone: str, message_id: str, text: str, minutes: int) -> dict[str, Any]:
    at = str(int((NOW - timedelta(minutes=minutes)).timestamp()))
    return {"from": phone[1:], "id": message_id, "timestamp": at, "type": "text", "text": {"body": text}}


def _status(message_id: str, state: str, minutes: int, **whom: str) -> dict[str, Any]:
    at = str(int((NOW - timedelta(minutes=minutes)).timestamp()))
    return {"id": message_id, "status": state, "timestamp": at, **whom}


def _meta() -> list[bytes]:
    theirs, other = _contact(PHONE, USER_ID, NAME), _contact(OTHER_PHONE, OTHER_USER_ID, OTHER_NAME)
    mentioned = f"Передайте {PHONE[:3]} ({PHONE[3:5]}) {PHONE[5:10]}-{PHONE[10:]} привет"
    return [
        _value(
            contacts=[theirs, other],
            messages=[_text(PHONE, "wamid.HISHERS1=", SAID, 50), _text(OTHER_PHONE, "wamid.OTHER1", "Привет", 49)],
        ),
        _value(contacts=[theirs], messages=[_text(PHONE, "wamid.HISHERS2=", SAID, 48)]),
        _value(
            contacts=[theirs, other],
            statuses=[
                _status("wamid.HISHERS3=", "sent", 40, recipient_id=PHONE[1:]),
                _status("wamid.OTHER3", "sent", 40, recipient_id=OTHER_PHONE[1:]),
            ],
        ),
        _value(statuses=[_status("wamid.HISHERS3=", "delivered", 39), _status("wamid.OTHER3", "delivered", 39)]),
        _value(
            statuses=[
                _status("wamid.HISHERS3=", "read", 38, recipient_user_id=USER_ID),
                _status("wamid.OTHER3", "read", 38, recipient_user_id=OTHER_USER_ID),
            ]
        ),
        _value(contacts=[other], messages=[_text(OTHER_PHONE, "wamid.OTHER2", mentioned, 30)]),
        json.dumps(
            json.loads(_value(contacts=[theirs], messages=[_text(PHONE, "wamid.HISHERS4=", SAID, 20)]))
        ).encode(),
    ]


def _twilio() -> list[tuple[bytes, bool, str]]:
    def post(phone: str, sid: str, text: str, name: str) -> tuple[bytes, bool, str]:
        form = {"SmsMessageSid": sid, "MessageSid": sid, "NumMedia": "0", "SmsStatus": "received", "Body": text,
                "From": f"whatsapp:{phone}", "To": "whatsapp:+14155238886", "ProfileName": name}  # fmt: skip
        return urlencode(form).encode(), False, ""

    theirs = post(PHONE, "SM7007" + "a" * 28, SAID, NAME)
    return [theirs, post(OTHER_PHONE, "SM5005" + "b" * 28, f"ask 55 11 {PHONE[5:10]} {PHONE[10:]}", OTHER_NAME)]


def _shopify_customers() -> dict[str, Any]:
    def customer(ref: str, phone: str, email: str, name: str) -> dict[str, Any]:
        first, last = name.split()
        return {
            "legacyResourceId": ref, "firstName": first, "lastName": last, "locale": "pt-BR",
            "defaultPhoneNumber": {"phoneNumber": phone, "whatsAppMarketingConsent": {
                "state": "SUBSCRIBED", "updatedAt": "2026-01-01T00:00:00Z"}},
            "defaultEmailAddress": {"emailAddress": email}, "note": STREET if ref == REF else "likes blue",
            "updatedAt": "2026-06-01T00:00:00Z",
        }  # fmt: skip

    people = [customer(OTHER_REF, OTHER_PHONE, OTHER_EMAIL, OTHER_NAME), customer(REF, PHONE, EMAIL, NAME)]
    return {"data": {"customers": {"nodes": people, "pageInfo": {"hasNextPage": False, "endCursor": "x"}}}}


def _shopify_orders() -> dict[str, Any]:
    def order(number: str, ref: str, phone: str, email: str, name: str, street: str) -> dict[str, Any]:
        lines = [{"sku": f"sku{number}", "title": "Shirt", "name": "Shirt", "quantity": 2, "currentQuantity": 2,
                  "discountedUnitPriceSet": {"shopMoney": {"amount": "25.00"}},
                  "originalUnitPriceSet": {"shopMoney": {"amount": "25.00", "currencyCode": "USD"}}}]  # fmt: skip
        money = {"shopMoney": {"amount": "50.00", "currencyCode": "USD"}, "presentmentMoney": {"amount": "50.00"}}
        return {
            "id": f"gid://shopify/Order/{number}", "legacyResourceId": number, "createdAt": "2026-06-10T10:00:00Z",
            "processedAt": "2026-06-10T10:00:00Z", "updatedAt": "2026-06-10T10:00:00Z",
            "displayFinancialStatus": "PAID", "cancelledAt": None, "currencyCode": "USD", "totalPriceSet": money,
            "currentTotalPriceSet": money, "totalRefundedSet": {"shopMoney": {"amount": "0.0"}},
            "customer": {"legacyResourceId": ref, "defaultPhoneNumber": {"phoneNumber": phone}, "displayName": name,
                         "firstName": name.split()[0], "lastName": name.split()[1],
                         "defaultEmailAddress": {"emailAddress": email}},
            "phone": phone, "email": email, "billingAddress": {"name": name, "phone": phone, "address1": street},
            "lineItems": {"nodes": lines, "pageInfo": {"hasNextPage": False}},
        }  # fmt: skip

    nodes = [order("900", REF, PHONE, EMAIL, NAME, STREET),
             order("901", OTHER_REF, OTHER_PHONE, OTHER_EMAIL, OTHER_NAME, "Another street 5"),
             order("902", REF, "(11) 98765-4321", EMAIL, NAME, STREET)]  # fmt: skip
    return {"orders": {"data": {"orders": {"nodes": nodes, "pageInfo": {"hasNextPage": False}}}}, "lines": []}


def _hubspot_orders() -> dict[str, Any]:
    def order(number: str, name: str) -> dict[str, Any]:
        says = {"hs_total_price": "70", "hs_currency_code": "USD", "hs_createdate": "2026-06-12T10:00:00Z",
                "hs_order_name": f"order of {name}", "hs_payment_status": "paid"}  # fmt: skip
        return {"id": number, "properties": says, "createdAt": "2026-06-12T10:00:00Z",
                "updatedAt": "2026-06-12T10:00:00Z", "archived": False}  # fmt: skip

    link = [
        {"from": {"id": "800"}, "to": [{"toObjectId": 70078}]},
        {"from": {"id": "801"}, "to": [{"toObjectId": 50056}]},
    ]
    found = {"results": [order("800", NAME), order("801", OTHER_NAME)]}
    return {"found": found, "contacts": [{"results": link}], "line_items": [], "items": []}


def _land_file(settings: Settings) -> None:
    """People and orders that were ingested once, from a CSV that is gone since."""
    people = settings.paths.home / "people.csv"
    people.write_text(
        "customer_ref,phone,name,email,note\n"
        f"70078,55 11 8765-4321,{NAME},{EMAIL},{STREET}\n50056,{OTHER_PHONE},{OTHER_NAME},{OTHER_EMAIL},none\n",
        encoding="utf-8",
    )
    files.land_file(settings, "customers", people, {}, source="hubspot", clock=lambda: NOW)
    orders = settings.paths.home / "orders.csv"
    orders.write_text(
        "order_id,ordered_at,total,phone,name,comment\n"
        f"1,2026-05-01T10:00:00,30,{PHONE},{NAME},{STREET}\n2,2026-05-02T10:00:00,40,{OTHER_PHONE},{OTHER_NAME},ok\n",
        encoding="utf-8",
    )
    files.land_file(settings, "orders", orders, {}, source="till", clock=lambda: NOW)
    people.unlink()
    orders.unlink()


def plan(settings: Settings, customer_id: str, other_id: str) -> None:
    """Plan a campaign to both; to the one who will be erased nothing went out yet."""
    campaign = Campaign(
        campaign_id="camp1", name="summer", segment="all", audience_version=None, provider="meta", channel_id=CHANNEL,
        template_name="offer", language="en", category="marketing", status=CampaignState.PLANNED, created_by="ana",
        created_at=NOW, planned_at=NOW,
    )  # fmt: skip
    row = {"parameters": [["1", NAME]], "category": "marketing", "consent": "opted_in", "state": "planned",
           "due_at": NOW, "attempts": 0, "planned_at": NOW}  # fmt: skip
    other = row | {"parameters": [["1", OTHER_NAME]]}
    with ledger.opened(settings) as opened:
        opened.plan(
            campaign,
            [
                row | {"customer_id": customer_id, "phone": PHONE},
                other | {"customer_id": other_id, "phone": OTHER_PHONE},
            ],
        )
        opened.state_consent("opted_out", NOW, "webhook meta:wamid.HISHERS9=:opt_out", phone=PHONE)
        opened.state_consent("opted_in", NOW, "webhook meta:wamid.OTHER9:opt_in", phone=OTHER_PHONE)
        opened.record("ana", "answer", NOW, detail=f"customer {customer_id}")
        opened.record("ana", "test send", NOW, detail="•••• 4321  accepted")
