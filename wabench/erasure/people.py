"""Who an identity is of: everything that leads to them, by what is published, what is loaded and the ledger.

A customer is whom the models found; nothing is joined here that they keep apart. What the models do not know (e-mails,
what came since the last refresh) is followed only where it leads to nobody else.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

import duckdb

from wabench import phones, published
from wabench.erasure import ledger
from wabench.erasure.traces import Person, every_spelling
from wabench.errors import UsageError, WabenchError
from wabench.settings import Settings

_ROUNDS = 10
_USER_ID = re.compile(r"[A-Z]{2}\.[\w.-]+")
_Found = Mapping[str, frozenset[tuple[str, str]]]
"""Kind of identity -> (provider or source, value)."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """Who is meant. `shared` are identities that lead to others as well: they stay where those have them."""

    person: Person
    customer_id: str | None
    shared: frozenset[str]


def find(settings: Settings, identity: str) -> Resolved:
    """Find who an identity is of; raises UsageError where it may be several customers.

    One that no customer has is taken by itself: it may stand in what nobody could resolve. The caller holds the
    warehouse lock.
    """
    asked = identity.strip()
    phone = phones.normalise(asked, settings.region) if sum(c.isdigit() for c in asked) > 6 else None
    spelled = every_spelling([phone] if phone else [])
    owners = _ask(settings, "owners.sql", {"asked": asked, "phones": sorted(spelled)})
    if len(owners) > 1:
        names = ", ".join(sorted(row["customer_id"] for row in owners))
        raise UsageError(f"that leads to {len(owners)} customers ({names}); name the one by their customer id")
    customer = owners[0]["customer_id"] if owners else None
    known = _identities(settings, customer) if customer else _alone(asked, spelled)
    found, shared = _followed(settings, known, customer)
    person = _person(settings, found, customer)
    return Resolved(ledger.with_messages(settings, person), customer, shared)


def _identities(settings: Settings, customer: str) -> _Found:
    rows = _ask(settings, "identities.sql", {"customer": customer})
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in rows:
        found[row["identity_type"]].add(_split(row["identity_type"], row["identity"]))
    return {kind: frozenset(values) for kind, values in found.items()}


def _split(kind: str, identity: str) -> tuple[str, str]:
    if kind not in ("user_id", "customer_ref"):
        return "", identity
    of, _, value = identity.partition(":")
    return of, value


def _alone(asked: str, spelled: frozenset[str]) -> _Found:
    """Take an identity that no customer has for what it looks like."""
    if "@" in asked:
        return {"email": frozenset({("", asked.lower())})}
    if spelled:
        return {"phone": frozenset(("", each) for each in spelled)}
    of, _, value = asked.rpartition(":")
    kind = "user_id" if _USER_ID.fullmatch(value) else "customer_ref"
    return {kind: frozenset({(of, value)})}


def _followed(settings: Settings, found: _Found, customer: str | None) -> tuple[_Found, frozenset[str]]:
    """Follow what is told beside their identities, for as long as it leads on and to nobody else."""
    shared: frozenset[str] = frozenset()
    with _warehouse(settings) as connection:
        for _ in range(_ROUNDS):
            now = _spelled(found)
            seen = _seen(connection, now)
            others = _others(settings, seen, customer)
            more = _spelled(_joined(now, _but(seen, others)))
            shared |= others
            if more == found:
                break
            found = more
    return _but(found, shared), shared


def _spelled(found: _Found) -> _Found:
    numbers = every_spelling(value for _, value in found.get("phone", ()))
    return {**found, "phone": frozenset(("", each) for each in numbers)}


def _joined(one: _Found, other: _Found) -> _Found:
    return {k: one.get(k, frozenset()) | other.get(k, frozenset()) for k in sorted({*one, *other})}


def _but(found: _Found, shared: frozenset[str]) -> _Found:
    return {kind: frozenset(v for v in values if _name(kind, v) not in shared) for kind, values in found.items()}


def _name(kind: str, value: tuple[str, str]) -> str:
    return f"{value[0]}:{value[1]}" if kind in ("user_id", "customer_ref") else value[1]


def _seen(connection: duckdb.DuckDBPyConnection | None, found: _Found) -> _Found:
    if connection is None:
        return {}
    names = {kind: sorted(_name(kind, value) for value in values) for kind, values in found.items()}
    params = {
        "phones": names.get("phone", []), "users": names.get("user_id", []), "refs": names.get("customer_ref", []),
        "emails": names.get("email", []),
    }  # fmt: skip
    seen: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for kind, of, value in connection.execute(_sql("seen.sql"), params).fetchall():
        seen[kind].add((of, value))
    return {kind: frozenset(values) for kind, values in seen.items()}


def _others(settings: Settings, found: _Found, customer: str | None) -> frozenset[str]:
    """Name those of some identities that lead to somebody else."""
    kinds = ("phone", "user_id", "customer_ref", "email")
    names = sorted({_name(kind, value) for kind in kinds for value in found.get(kind, ())})
    rows = _ask(settings, "others.sql", {"identities": names, "customer": customer}) if names else []
    return frozenset(row["identity"] for row in rows)


def _person(settings: Settings, found: _Found, customer: str | None) -> Person:
    def of(kind: str) -> frozenset[tuple[str, str]]:
        return found.get(kind, frozenset())

    def values(kind: str) -> frozenset[str]:
        return frozenset(value for _, value in of(kind))

    person = Person(
        phones=values("phone"), user_ids=of("user_id"), emails=values("email"), refs=of("customer_ref"),
        orders=of("order_id"), message_ids=values("message_id"), region=settings.region,
    )  # fmt: skip
    ids = {customer} if customer else set()
    return replace(person, customer_ids=frozenset({*ids, *values("customer_id"), *_former_ids(person)}))


def _former_ids(person: Person) -> Iterator[str]:
    """Give the customer ids that the models have or had for them (the macro `customer_id_of`)."""
    yield from (_customer_id(f"phone:{phone}") for phone in person.phones)
    yield from (_customer_id(f"user_id:{provider}:{user_id}") for provider, user_id in person.user_ids)
    yield from (_customer_id(f"customer_ref:{source}:{ref}") for source, ref in person.refs)


def _customer_id(identity: str) -> str:
    return "c" + hashlib.md5(identity.encode(), usedforsecurity=False).hexdigest()[:16]


def _ask(settings: Settings, name: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Ask the published version; nothing while there is none."""
    try:
        with published.for_now(settings) as version:
            rows: list[dict[str, Any]] = version.query(_sql(name), params).to_pylist()
            return rows
    except WabenchError:
        return []


@contextmanager
def _warehouse(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """Open the warehouse to read, where it is there and something was loaded."""
    if not settings.paths.warehouse.exists():
        yield None
        return
    with closing(duckdb.connect(str(settings.paths.warehouse), read_only=True)) as connection:
        loaded = "select count(*) from duckdb_tables() where schema_name = 'raw' and table_name = 'customers_told'"
        yield connection if connection.execute(loaded).fetchall()[0][0] else None


def _sql(name: str) -> str:
    return resources.files("wabench.erasure").joinpath(name).read_text(encoding="utf-8")


def identities(person: Person) -> Iterable[str]:
    """Give their identities as the models write them, for the list of who was erased."""
    yield from sorted(f"phone:{phone}" for phone in person.phones)
    yield from sorted(f"user_id:{provider}:{user_id}" for provider, user_id in person.user_ids)
    yield from sorted(f"email:{email}" for email in person.emails)
    yield from sorted(f"customer_ref:{source}:{ref}" for source, ref in person.refs)
