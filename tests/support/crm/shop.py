"""An invented shop, the same for every CRM: people, orders, and what happens to them."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

FIRST = ("Ana", "Bruno", "Carla", "Дмитрий", "Elif", "Fátima", "Grzegorz", "Hélène")
LAST = ("Almeida", "Braga", "Costa", "Дорофеев", "Erdem", "Farias", "Górski", "Hadji")
OPENED = datetime(2026, 1, 1)  # noqa: DTZ001 - naive UTC, as the raw tables have it


@dataclass(slots=True)
class Person:
    id: int
    first: str
    last: str
    email: str
    phone: str | None
    created: datetime
    updated: datetime
    consent: bool | None
    is_deleted: bool = False
    merged_into: int | None = None

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"

    @property
    def is_here(self) -> bool:
        return not self.is_deleted and self.merged_into is None


@dataclass(slots=True)
class Line:
    sku: str
    title: str
    quantity: int
    price: Decimal


@dataclass(slots=True)
class Order:
    id: int
    person: int | None
    created: datetime
    updated: datetime
    status: str
    """paid, pending or cancelled; what was given back is in `refunds`."""
    lines: list[Line]
    phone: str | None
    refunds: list[Decimal] = field(default_factory=list)
    is_deleted: bool = False

    @property
    def total(self) -> Decimal:
        return sum((line.price * line.quantity for line in self.lines), Decimal(0))

    @property
    def refunded(self) -> Decimal:
        return sum(self.refunds, Decimal(0))

    @property
    def our_status(self) -> str:
        """Give the status that ends in our table, refunds considered."""
        if self.status != "paid" or not self.refunds:
            return self.status
        return "refunded" if self.refunded >= self.total else "partially_refunded"


@dataclass(slots=True)
class Shop:
    people: dict[int, Person]
    orders: dict[int, Order]
    currency: str = "BRL"

    def orders_here(self) -> list[Order]:
        return [order for order in self.orders.values() if not order.is_deleted]

    def people_here(self) -> list[Person]:
        return [person for person in self.people.values() if person.is_here]


def build(orders: int = 10_000, seed: int = 7) -> Shop:
    """Make a shop with a third as many people as orders; one order is very long, some people have no phone."""
    chance = random.Random(seed)
    people = {n: _person(n, chance) for n in range(1, max(orders // 3, 3) + 1)}
    shop = Shop(people, {})
    for n in range(1, orders + 1):
        shop.orders[n] = _order(n, list(people), chance)
    shop.orders[orders // 2].lines = [_line(chance) for _ in range(61)]
    return shop


def live_on(shop: Shop, now: datetime, seed: int = 8) -> None:
    """Change, refund, cancel and delete orders, add some, merge and delete people; `now` is when."""
    chance = random.Random(seed)
    picked = iter(chance.sample(sorted(shop.orders), 40))
    for _ in range(10):
        order = shop.orders[next(picked)]
        order.lines, order.updated = [_line(chance), _line(chance)], now
    for _ in range(10):
        order = shop.orders[next(picked)]
        order.status, order.updated = "paid", now
        order.refunds.append((order.total / chance.choice((1, 3))).quantize(Decimal("0.01")))
    for _ in range(5):
        order = shop.orders[next(picked)]
        order.status, order.updated, order.refunds = "cancelled", now, []
    for _ in range(7):
        order = shop.orders[next(picked)]
        order.is_deleted, order.updated = True, now
    for n in range(max(shop.orders) + 1, max(shop.orders) + 5):
        order = _order(n, list(shop.people), chance)
        shop.orders[n], order.created, order.updated = order, now, now
    _live_on_people(shop, now, chance)


def _live_on_people(shop: Shop, now: datetime, chance: random.Random) -> None:
    merged, into, gone, renamed = chance.sample(sorted(shop.people), 4)
    shop.people[merged].merged_into, shop.people[merged].updated = into, now
    shop.people[into].updated = now
    shop.people[gone].is_deleted, shop.people[gone].updated = True, now
    shop.people[renamed].last, shop.people[renamed].updated = "Zimmermann", now
    for order in shop.orders.values():
        if order.person in (merged, gone):
            order.person, order.updated = (into if order.person == merged else None), now


def _person(n: int, chance: random.Random) -> Person:
    created = OPENED + timedelta(seconds=chance.randrange(86_400 * 150))
    return Person(
        id=n,
        first=chance.choice(FIRST),
        last=chance.choice(LAST),
        email=f"person{n}@example.com",
        phone=f"+551198{n:07d}" if chance.random() < 0.9 else None,
        created=created,
        updated=created + timedelta(days=chance.randrange(30)),
        consent=chance.choice((True, False, None)),
    )


def _order(n: int, people: list[int], chance: random.Random) -> Order:
    created = OPENED + timedelta(days=30, seconds=chance.randrange(86_400 * 150))
    order = Order(
        id=n,
        person=chance.choice(people) if chance.random() < 0.9 else None,
        created=created,
        updated=created + timedelta(seconds=chance.randrange(86_400 * 30)),
        status=chance.choice(("paid", "paid", "paid", "pending", "cancelled")),
        lines=[_line(chance) for _ in range(chance.randint(1, 3))],
        phone=f"+551197{n:07d}" if chance.random() < 0.5 else None,
    )
    if order.status == "paid" and chance.random() < 0.1:
        order.refunds = [Decimal("1.10")] if chance.random() < 0.5 else [order.total]
    return order


def _line(chance: random.Random) -> Line:
    n = chance.randint(1, 500)
    return Line(f"SKU-{n:03d}", f'Товар "{n}"\nazul', chance.randint(1, 4), Decimal(chance.randint(150, 99_99)) / 100)
