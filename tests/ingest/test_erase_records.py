"""A person taken out of what each kind of CRM gives: others load as before, their orders stay as a guest's."""

from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from crm import KINDS, serve
from crm.shop import Person as Somebody
from crm.shop import build

from ingest import erase, loader
from ingest.pull import pull
from wabench.erasure.traces import Person, every_spelling
from wabench.settings import Settings, load

NAME, EMAIL = "Незабудкина", "nezabudkina@example.com"
PERSONAL = ("customer_ref", "phone", "email", "name")
TABLES = ("orders", "order_lines", "customers", "customers_told", "pulls", "rejected")
Tables = dict[str, list[dict[str, Any]]]


def tables(settings: Settings) -> Tables:
    with closing(duckdb.connect(str(settings.paths.warehouse), read_only=True)) as connection:
        found = {
            name: connection.sql(f"select * exclude (load_id) from raw.{name}").to_arrow_table() for name in TABLES
        }
        return {name: sorted(table.to_pylist(), key=str) for name, table in found.items()}


def settings_of(home: Path, server: Any) -> Settings:
    """Write the settings of a shop that has one CRM."""
    system = server.system
    options = "\n".join(f'{name} = "{value}"' for name, value in system.options.items())
    (home / "wabench.toml").write_text(
        f'region = "BR"\n[sources.shop]\nkind = "{system.kind}"\nbase_url = "{server.url}"\n'
        f"[sources.shop.options]\n{options}\n"
    )
    secrets = {f"WABENCH_SOURCE_SHOP_{name.upper()}": value for name, value in system.secrets.items()}
    return load({"WABENCH_HOME": str(home), **secrets})


def loaded(home: Path, kind: str) -> tuple[Settings, Somebody]:
    """Pull a shop of a CRM in which somebody has a name and an e-mail of their own."""
    shop = build(120)
    bought = [order.person for order in shop.orders.values() if order.person is not None and order.status == "paid"]
    somebody = next(person for person in shop.people.values() if person.id in bought and person.phone)
    somebody.last, somebody.email = NAME, EMAIL
    with serve(kind, shop) as server:
        settings = settings_of(home, server)
        assert [outcome.error for outcome in pull(settings) if outcome.error] == []
    loader.load(settings)
    return settings, somebody


def as_guest(row: dict[str, Any], ref: str, orders: set[str]) -> dict[str, Any]:
    """Give an order of theirs without them; any other row as it is."""
    is_theirs = row.get("customer_ref") == ref or row.get("order_id") in orders
    return row | {name: None for name in PERSONAL if name in row} if is_theirs else row


@pytest.mark.parametrize("kind", KINDS)
def test_others_load_as_before_and_orders_stay_as_a_guests(home: Path, kind: str) -> None:
    settings, somebody = loaded(home, kind)
    before = tables(settings)
    [record] = [row for row in before["customers"] if row["email"] == EMAIL]
    ref = record["customer_ref"]
    orders = {row["order_id"] for row in before["orders"] if row["customer_ref"] == ref}
    assert orders
    person = Person(
        phones=every_spelling([somebody.phone] if somebody.phone else []),
        emails=frozenset({EMAIL}),
        refs=frozenset({("shop", ref)}),
        orders=frozenset(("shop", order) for order in orders),
        region="BR",
    )
    sizes = {path: path.stat().st_size for path in settings.paths.landing.rglob("*.ndjson")}
    assert erase.erase(settings, person) > 0
    settings.paths.warehouse.unlink()
    loader.load(settings)
    after = tables(settings)
    for name, rows in before.items():
        kept = [row for row in rows if name not in ("customers", "customers_told") or row.get("customer_ref") != ref]
        assert after[name] == sorted((as_guest(row, ref, orders) for row in kept), key=str), name
    landed = b"".join(path.read_bytes() for path in sizes)
    assert NAME.encode() not in landed
    assert not person.traces.is_in(landed)
    assert {path: path.stat().st_size for path in sizes} == sizes
    assert erase.erase(settings, person) == 0
