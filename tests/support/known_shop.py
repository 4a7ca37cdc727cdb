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
PHONE, OTHER_PHONE = "+5511973310264", "+5511912345678"
EMAIL, OTHER_EMAIL = "Agrafena.N@Example.com", "petr@example.com"
USER_ID, OTHER_USER_ID = "BR.700700700700", "BR.500500500500"
REF, OTHER_REF = "70077", "50055"
STREET = "Rua das Acácias 1234"
SAID = "Мой заказ не пришёл, верните деньги"

TRACES = (
    PHONE, PHONE[1:], "11973310264", "97331-0264", "(11) 97331-0264", "1173310264", EMAIL, EMAIL.lower(), USER_ID, NAME,
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


def make(home: Path, is_known: bool = True) -> Settings:
    """Land what four systems say of the two; where one is not known, they were a guest who ordered and nothing more."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "wabench.toml").write_text(TOML, encoding="utf-8")
    settings = load({"WABENCH_HOME": str(home)})
    _land(settings, "meta", "webhooks", [(body, True, "") for body in _meta(is_known)])
    _land(settings, "twilio", "webhooks", _twilio(is_known))
    _land_pages(settings, "shopify", "customers", [_shopify_customers(is_known)])
    _land_pages(settings, "shopify", "orders", [_shopify_orders(is_known)])
    _land_pages(settings, "hubspot", "orders", [_hubspot_orders(is_known)])
    _land_file(settings, is_known)
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


def value(**parts: Any) -> bytes:
    """Give a webhook of Meta's of one change."""
    metadata = {"display_phone_number": "15550783881", "phone_number_id": CHANNEL}
    said = {"messaging_product": "whatsapp", "metadata": metadata, **parts}
    entry = {"id": "1", "changes": [{"field": "messages", "value": said}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}, ensure_ascii=False).encode()


def contact(phone: str, user_id: str, name: str) -> dict[str, Any]:
    """Give who wrote, as Meta tells it."""
    return {"profile": {"name": name}, "wa_id": phone[1:], "user_id": user_id}


def text(phone: str, message_id: str, written: str, minutes: int) -> dict[str, Any]:
    """Give a message somebody wrote so many minutes before NOW."""
    at = str(int((NOW - timedelta(minutes=minutes)).timestamp()))
    return {"from": phone[1:], "id": message_id, "timestamp": at, "type": "text", "text": {"body": written}}


def status(message_id: str, state: str, minutes: int, **whom: str) -> dict[str, Any]:
    """Give a status of a message, so many minutes before NOW."""
    at = str(int((NOW - timedelta(minutes=minutes)).timestamp()))
    return {"id": message_id, "status": state, "timestamp": at, **whom}


def _meta(is_known: bool) -> list[bytes]:
    theirs, other = contact(PHONE, USER_ID, NAME), contact(OTHER_PHONE, OTHER_USER_ID, OTHER_NAME)
    mentioned = f"{PHONE[:3]} ({PHONE[3:5]}) {PHONE[5:10]}-{PHONE[10:]}"
    asked = f"Передайте {mentioned if is_known else '+' + 'x' * (len(mentioned) - 1)} привет"
    said = [
        text(PHONE, "wamid.HISHERS1=", SAID, 50), text(PHONE, "wamid.HISHERS2=", SAID, 48),
        status("wamid.HISHERS3=", "sent", 40, recipient_id=PHONE[1:]), status("wamid.HISHERS3=", "delivered", 39),
        status("wamid.HISHERS3=", "read", 38, recipient_user_id=USER_ID), text(PHONE, "wamid.HISHERS4=", SAID, 20),
    ]  # fmt: skip
    told = [
        text(OTHER_PHONE, "wamid.OTHER1", "Привет", 49), status("wamid.OTHER3", "delivered", 39),
        status("wamid.OTHER3", "sent", 40, recipient_id=OTHER_PHONE[1:]),
        status("wamid.OTHER3", "read", 38, recipient_user_id=OTHER_USER_ID),
        text(OTHER_PHONE, "wamid.OTHER2", asked, 30),
    ]  # fmt: skip
    if not is_known:
        statuses = [value(statuses=[each]) for each in told if "status" in each]
        return [value(contacts=[other], messages=[each]) for each in told if "text" in each] + statuses
    pretty = json.dumps(json.loads(value(contacts=[theirs], messages=[said[5]])), indent=2)
    return [
        value(contacts=[theirs, other], messages=[said[0], told[0]]),
        value(contacts=[theirs], messages=[said[1]]),
        value(contacts=[theirs, other], statuses=[said[2], told[2]]),
        value(statuses=[said[3], told[1]]),
        value(statuses=[said[4], told[3]]),
        value(contacts=[other], messages=[told[4]]),
        pretty.encode(),
    ]


def _twilio(is_known: bool) -> list[tuple[bytes, bool, str]]:
    def post(phone: str, sid: str, written: str, name: str) -> tuple[bytes, bool, str]:
        form = {"SmsMessageSid": sid, "MessageSid": sid, "NumMedia": "0", "SmsStatus": "received", "Body": written,
                "From": f"whatsapp:{phone}", "To": "whatsapp:+14155238886", "ProfileName": name}  # fmt: skip
        return urlencode(form).encode(), False, ""

    mentioned = f"55 11 {PHONE[5:10]} {PHONE[10:]}"
    asked = f"ask {mentioned if is_known else 'x' * len(mentioned)}"
    theirs = post(PHONE, "SM7007" + "a" * 28, SAID, NAME)
    other = post(OTHER_PHONE, "SM5005" + "b" * 28, asked, OTHER_NAME)
    return [theirs, other] if is_known else [other]


def _shopify_customers(is_known: bool) -> dict[str, Any]:
    def customer(ref: str, phone: str, email: str, name: str) -> dict[str, Any]:
        first, last = name.split()
        return {
            "legacyResourceId": ref, "firstName": first, "lastName": last, "locale": "pt-BR",
            "defaultPhoneNumber": {"phoneNumber": phone, "whatsAppMarketingConsent": {
                "state": "SUBSCRIBED", "updatedAt": "2026-01-01T00:00:00Z"}},
            "defaultEmailAddress": {"emailAddress": email}, "note": STREET if ref == REF else "likes blue",
            "updatedAt": "2026-06-01T00:00:00Z",
        }  # fmt: skip

    people = [customer(OTHER_REF, OTHER_PHONE, OTHER_EMAIL, OTHER_NAME)]
    people += [customer(REF, PHONE, EMAIL, NAME)] if is_known else []
    return {"data": {"customers": {"nodes": people, "pageInfo": {"hasNextPage": False, "endCursor": "x"}}}}


def _shopify_orders(is_known: bool) -> dict[str, Any]:
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
             order("902", REF, "(11) 97331-0264", EMAIL, NAME, STREET)]  # fmt: skip
    nobody = dict.fromkeys(("customer", "phone", "email", "billingAddress"))
    nodes = [node if is_known or node["phone"] == OTHER_PHONE else node | nobody for node in nodes]
    return {"orders": {"data": {"orders": {"nodes": nodes, "pageInfo": {"hasNextPage": False}}}}, "lines": []}


def _hubspot_orders(is_known: bool) -> dict[str, Any]:
    def order(number: str, name: str) -> dict[str, Any]:
        says = {"hs_total_price": "70", "hs_currency_code": "USD", "hs_createdate": "2026-06-12T10:00:00Z",
                "hs_order_name": f"order of {name}", "hs_payment_status": "paid"}  # fmt: skip
        return {"id": number, "properties": says, "createdAt": "2026-06-12T10:00:00Z",
                "updatedAt": "2026-06-12T10:00:00Z", "archived": False}  # fmt: skip

    link = [
        {"from": {"id": "800"}, "to": [{"toObjectId": 70078}]},
        {"from": {"id": "801"}, "to": [{"toObjectId": 50056}]},
    ]
    link = link if is_known else link[1:]
    found = {"results": [order("800", NAME), order("801", OTHER_NAME)]}
    return {"found": found, "contacts": [{"results": link}], "line_items": [], "items": []}


def _land_file(settings: Settings, is_known: bool) -> None:
    """People and orders that were ingested once, from a CSV that is gone since."""
    people = settings.paths.home / "people.csv"
    theirs = f"70078,55 11 7331-0264,{NAME},{EMAIL},{STREET}\n" if is_known else ""
    people.write_text(
        f"customer_ref,phone,name,email,note\n{theirs}50056,{OTHER_PHONE},{OTHER_NAME},{OTHER_EMAIL},none\n",
        encoding="utf-8",
    )
    files.land_file(settings, "customers", people, {}, source="hubspot", clock=lambda: NOW)
    orders = settings.paths.home / "orders.csv"
    whom = f"{PHONE},{NAME},{STREET}" if is_known else ",,"
    orders.write_text(
        f"order_id,ordered_at,total,phone,name,comment\n1,2026-05-01T10:00:00,30,{whom}\n"
        f"2,2026-05-02T10:00:00,40,{OTHER_PHONE},{OTHER_NAME},ok\n",
        encoding="utf-8",
    )
    files.land_file(settings, "orders", orders, {}, source="till", clock=lambda: NOW)
    people.unlink()
    orders.unlink()


def plan(settings: Settings, other_id: str, customer_id: str | None) -> None:
    """Plan a campaign to both; where `customer_id` is None one of them is as if erased already."""
    campaign = Campaign(
        campaign_id="camp1", name="summer", segment="all", audience_version=None, provider="meta", channel_id=CHANNEL,
        template_name="offer", language="en", category="marketing", status=CampaignState.PLANNED, created_by="ana",
        created_at=NOW, planned_at=NOW,
    )  # fmt: skip
    row = {"parameters": [["1", NAME]], "category": "marketing", "consent": "opted_in", "state": "planned",
           "due_at": NOW, "attempts": 0, "planned_at": NOW}  # fmt: skip
    other = row | {"parameters": [["1", OTHER_NAME]], "customer_id": other_id, "phone": OTHER_PHONE}
    gone = {"customer_id": "erased-1", "phone": None, "parameters": [], "state": "suppressed", "reason": "erased"}
    theirs = row | ({"customer_id": customer_id, "phone": PHONE, "reason": None} if customer_id else gone)
    with ledger.opened(settings) as opened:
        opened.plan(campaign, [theirs, other | {"reason": None}])
        if customer_id is None:
            return
        opened.state_consent("opted_out", NOW, "webhook meta:wamid.HISHERS9=:opt_out", phone=PHONE)
        opened.state_consent("opted_in", NOW, "webhook meta:wamid.OTHER9:opt_in", phone=OTHER_PHONE)
        opened.record("ana", "answer", NOW, detail=f"customer {customer_id}")
        opened.record("ana", "test send", NOW, detail="•••• 0264  accepted")
