"""A shop that does not exist: its customers, orders and WhatsApp traffic in the shapes a CRM and Meta give them.

Pure: the same arguments give the same shop. Figures start from what the trade says (read rates near half, replies of
a few per cent, messages read above all at 10-12 and 20-22); nothing here is a measurement.
"""

import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

CHANNEL = "106540352242922"
BATCH = 200
"""Updates a webhook, as Meta batches them (up to 1,000)."""

_FIRST = (
    "Ana", "Bruno", "Carla", "Diego", "Elena", "Felipe", "Gabriela", "Heitor", "Isabela", "João", "Karina", "Lucas",
    "Marina", "Nuno", "Olívia", "Paulo", "Rafaela", "Sérgio", "Tatiana", "Vitor", "Ольга", "Дмитрий", "Наталья", "Zoë",
)  # fmt: skip
_LAST = (
    "Almeida", "Barros", "Cardoso", "Duarte", "Esteves", "Ferreira", "Gomes", "Lima", "Moraes", "Nunes", "Oliveira",
    "Pereira", "Queiroz", "Ramos", "Silva", "Teixeira", "Иванова", "Соколов", "O'Connor", "Müller",
)  # fmt: skip
_AREAS = (11, 21, 31, 41, 51, 61, 71, 81)
_SAID = ("Is it still available?", "Quanto custa o frete?", "Obrigada!", "Есть размер M?", "Where is my order?", "👍")
_HOURS = (9, 10, 10, 11, 11, 12, 13, 15, 17, 19, 20, 20, 21, 21, 22)


@dataclass(slots=True)
class Customer:
    """One invented person; `rate` is orders a year while they last, `warmth` how likely they read and answer."""

    ref: str
    name: str
    phone: str | None
    email: str
    consent: bool | None
    joined: datetime
    left: datetime
    rate: float
    spend: float
    warmth: float
    orders: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Shop:
    """The simulated shop: CRM people and orders as NDJSON records, webhook bodies in the order they came."""

    people: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    webhooks: list[bytes]


def simulate(customers: int, days: int, seed: int, now: datetime) -> Shop:
    """Simulate `days` of a shop of so many customers up to `now` (aware)."""
    chance = random.Random(seed)
    people = [_customer(n, chance, now - timedelta(days=days), now) for n in range(customers)]
    numbers = iter(range(1001, 10**9))
    orders = [order for person in people for order in _orders(person, chance, now, numbers)]
    orders.sort(key=lambda order: str(order["created_at"]))
    traffic = list(_traffic(people, chance, now - timedelta(days=days), now))
    answers = _answers(traffic, random.Random(seed + 2), now)
    updates = sorted([*traffic, *answers], key=lambda update: update[0])
    return Shop([_person(p) for p in people], orders, [*_bodies(updates), *_account_updates(now)])


def orders_after_campaign(shop_people: list[dict[str, Any]], phones: set[str], seed: int, now: datetime) -> list[Any]:
    """Give the orders after a campaign to these phones: about one in ten of them buys, of the others one in thirty."""
    chance = random.Random(seed + 1)
    reached = {_digits(phone) for phone in phones}
    buyers = [p for p in shop_people if chance.random() < (0.1 if _digits(p["phone"]) in reached else 1 / 30)]
    numbers = iter(range(5_000_001, 10**9))
    return [_order(next(numbers), p["id"], p, chance.lognormvariate(4.6, 0.5), now, "completed", 0.0) for p in buyers]


def _customer(n: int, chance: random.Random, start: datetime, now: datetime) -> Customer:
    joined = start + (now - start) * chance.random() ** 1.3
    name = f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"
    return Customer(
        ref=str(20_000 + n),
        name=name,
        phone=None if chance.random() < 0.03 else _phone(n, chance),
        email=f"customer{n}@example.com",
        consent=chance.choices((True, False, None), (72, 8, 20))[0],
        joined=joined,
        left=joined + timedelta(days=chance.expovariate(1 / 500)),
        rate=chance.gammavariate(1.4, 5.0),
        spend=chance.lognormvariate(4.4, 0.7),
        warmth=chance.betavariate(2, 2.4),
    )


def _phone(n: int, chance: random.Random) -> str:
    """Write a mobile the ways people do: with or without the country, and a few still without the ninth digit."""
    area, tail = _AREAS[n % len(_AREAS)], f"{8_000_0000 + n * 7919 % 10_000_000:08d}"
    styles = (
        f"+55 {area} 9{tail[:4]}-{tail[4:]}",
        f"({area}) 9{tail[:4]}-{tail[4:]}",
        f"55{area}9{tail}",
        f"55{area}{tail}",
    )
    return chance.choices(styles, (6, 2, 2, 1))[0]


def _orders(person: Customer, chance: random.Random, now: datetime, numbers: Iterator[int]) -> Iterator[dict[str, Any]]:
    at = person.joined
    while at < min(person.left, now):
        value = person.spend * chance.lognormvariate(0, 0.35)
        state = chance.choices(("completed", "refunded", "pending", "cancelled"), (92, 3, 2, 3))[0]
        order = _order(
            next(numbers), person.ref, _person(person), value, at, state, value if state == "refunded" else 0.0
        )
        person.orders.append(order)
        yield order
        at = _at_hour(at + timedelta(days=max(1.0, chance.expovariate(person.rate / 365))), chance)


def _order(
    number: int, ref: str, person: dict[str, Any], value: float, at: datetime, state: str, refunded: float
) -> dict[str, Any]:
    stamp = at.isoformat()
    return {
        "id": number,
        "created_at": stamp,
        "updated_at": stamp,
        "status": state,
        "currency": "BRL",
        "total_price": f"{value:.2f}",
        "refunded": f"{refunded:.2f}",
        "customer": {"id": ref, "name": person["name"], "phone": person["phone"], "email": person["email"]},
    }


def _person(person: Customer) -> dict[str, Any]:
    return {
        "id": person.ref,
        "name": person.name,
        "phone": person.phone,
        "email": person.email,
        "country": "BR",
        "language": "pt_BR",
        "accepts_marketing": person.consent,
        "consent_at": person.joined.isoformat() if person.consent is not None else None,
        "updated_at": person.joined.isoformat(),
    }


Update = tuple[float, str, dict[str, Any]]
"""When, messages or statuses or user_preferences, and the item as Meta writes it."""


def _traffic(people: list[Customer], chance: random.Random, start: datetime, now: datetime) -> Iterator[Update]:
    """Send a newsletter a month to who agreed, an order notice to who bought, and let some of them write."""
    for index, person in enumerate(p for p in people if p.phone):
        stopped = math.inf
        for month in range(int((now - start).days / 30)):
            at = _at_hour(start + timedelta(days=30 * month + 14), chance)
            if person.consent and person.joined < at < now and at.timestamp() < stopped:
                yield from _message(person, f"n{index}.{month}", "marketing", at, now, chance)
                if chance.random() < 0.004:
                    stopped = at.timestamp() + 60
                    yield stopped, "user_preferences", _preference(person, stopped)
        for order in person.orders:
            placed = datetime.fromisoformat(order["created_at"]) + timedelta(minutes=2)
            if placed < now:
                yield from _message(person, f"o{order['id']}", "utility", placed, now, chance)


def _message(
    person: Customer, key: str, category: str, at: datetime, now: datetime, chance: random.Random
) -> Iterator[Update]:
    message_id, sent = f"wamid.demo.{key}", at.timestamp()
    if chance.random() < 0.03:
        error = {"code": chance.choice((131026, 131049)), "title": "Message undeliverable"}
        yield sent + 2, "statuses", _status(person, message_id, "failed", sent + 2, category) | {"errors": [error]}
        return
    yield sent, "statuses", _status(person, message_id, "sent", sent, category)
    yield sent + 3, "statuses", _status(person, message_id, "delivered", sent + 3, category)
    is_engaged = chance.random() < person.warmth * (1.3 if category == "utility" else 1.0)
    read = sent + 3 + chance.expovariate(1 / 1800)
    if not is_engaged or read > now.timestamp():
        return
    yield read, "statuses", _status(person, message_id, "read", read, category)
    answered = read + chance.expovariate(1 / 240)
    if chance.random() < person.warmth * 0.12 and answered < now.timestamp():
        yield answered, "messages", _inbound(person, f"{message_id}.r", answered, message_id, chance)


def _answers(traffic: list[Update], chance: random.Random, now: datetime) -> Iterator[Update]:
    """Let somebody in the shop answer most of what is written: in minutes by day, in the morning what came at night."""
    for at, kind, item in traffic:
        if kind != "messages" or chance.random() > 0.88:
            continue
        hour = datetime.fromtimestamp(at - 3 * 3600, UTC).hour  # on São Paulo's clock
        night = 0 if 9 <= hour < 21 else (9 - hour) % 24 * 3600
        answered = at + night + 60 * chance.lognormvariate(2.6, 1.3)
        if answered > now.timestamp():
            continue
        message_id = f"{item['id']}.a"
        told = {"id": message_id, "recipient_id": item["from"], "pricing": _FREE}
        yield answered, "statuses", told | {"status": "sent", "timestamp": str(int(answered))}
        yield answered + 2, "statuses", told | {"status": "delivered", "timestamp": str(int(answered + 2))}


_FREE = {"billable": False, "pricing_model": "PMP", "type": "free_customer_service", "category": "service"}


def _status(person: Customer, message_id: str, state: str, at: float, category: str) -> dict[str, Any]:
    status = {"id": message_id, "status": state, "timestamp": str(int(at)), "recipient_id": _digits(person.phone)}
    if state == "failed":
        return status
    return status | {"pricing": {"billable": True, "pricing_model": "PMP", "type": "regular", "category": category}}


def _inbound(person: Customer, message_id: str, at: float, answers: str, chance: random.Random) -> dict[str, Any]:
    return {
        "from": _digits(person.phone),
        "id": message_id,
        "timestamp": str(int(at)),
        "type": "text",
        "text": {"body": chance.choice(_SAID)},
        "context": {"id": answers, "from": CHANNEL},
    }


def _preference(person: Customer, at: float) -> dict[str, Any]:
    said = "User requested to stop marketing messages"
    return {
        "wa_id": _digits(person.phone),
        "detail": said,
        "category": "marketing_messages",
        "value": "stop",
        "timestamp": int(at),
    }


def _bodies(updates: list[Update]) -> Iterator[bytes]:
    for first in range(0, len(updates), BATCH):
        batch = updates[first : first + BATCH]
        for kind in dict.fromkeys(kind for _, kind, _ in batch):
            items = [item for _, k, item in batch if k == kind]
            field_name = kind if kind == "user_preferences" else "messages"
            yield _body(field_name, {"messaging_product": "whatsapp", "metadata": _METADATA, kind: items}, batch[-1][0])


_METADATA = {"display_phone_number": "15550783881", "phone_number_id": CHANNEL}


def _account_updates(now: datetime) -> Iterator[bytes]:
    """One template has been paused: the Overview has something to say."""
    paused = {
        "event": "PAUSED",
        "message_template_id": 1,
        "message_template_name": "flash_sale",
        "message_template_language": "en",
        "message_template_category": "MARKETING",
        "reason": "NONE",
        "other_info": {"title": "FIRST_PAUSE", "description": "Recipients asked not to get it"},
    }
    yield _body("message_template_status_update", paused, (now - timedelta(hours=5)).timestamp())


def _body(field_name: str, value: dict[str, Any], at: float) -> bytes:
    entry = {"id": "102290129340398", "time": int(at), "changes": [{"field": field_name, "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}, ensure_ascii=False).encode()


def _at_hour(day: datetime, chance: random.Random) -> datetime:
    local = day.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return local + timedelta(hours=chance.choice(_HOURS) + 3, seconds=chance.randrange(3600))  # 3: São Paulo


def _digits(phone: str | None) -> str:
    """Give the phone as WhatsApp names it: digits, country first, mobiles with their ninth digit."""
    digits = "".join(c for c in phone or "" if c.isdigit())
    digits = digits if digits.startswith("55") and len(digits) > 11 else f"55{digits}"
    return digits if len(digits) == 13 else f"{digits[:4]}9{digits[4:]}"
