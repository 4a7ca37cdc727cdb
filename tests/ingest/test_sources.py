"""Every kind of source, against a local server that answers as its system does, through kills and an expired token."""

import json
import random
from collections.abc import Iterator, Set
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import processes
import pytest
from crm import COLUMNS, KINDS, Rows, Server, serve
from crm.shop import build, live_on

from ingest import loader, sources
from ingest.pull import pull
from wabench.errors import UsageError
from wabench.settings import SourceSettings, load

ORDERS = 10_000

ALIVE = """
select {columns}
from raw.{table} as here
where here.source = 'shop' and not coalesce(here.is_deleted, false)
    and here.received_at >= coalesce(
        (select max(started_at) from raw.pulls where source = 'shop' and stream = '{table}' and is_full),
        here.received_at
    )
"""
QUERIES = {
    "orders": ALIVE.format(table="orders", columns=COLUMNS["orders"]),
    "order_lines": f"""
        select {COLUMNS["order_lines"]} from raw.order_lines
        where source = 'shop' and order_id in (select order_id from ({{orders}}))
    """.replace("{orders}", ALIVE.format(table="orders", columns="order_id")),
    "customers": ALIVE.format(table="customers", columns=COLUMNS["customers"]) + "and here.merged_into is null",
    "merged": f"select {COLUMNS['merged']} from raw.customers where merged_into is not null",
}


class Puller:
    """Runs `wabench ingest` as a shop does: a process, its settings in files."""

    def __init__(self, home: Path, server: Server) -> None:
        self.home, self.server = home, server

    def __call__(self) -> dict[str, Any]:
        """Pull to the end; a token that was revoked on the way is named, exchanged, and the pull goes on."""
        for _ in range(3):
            self.write_settings()
            process = processes.start(self.home, "ingest", "--json")
            printed = process.communicate()[0].decode()
            if process.returncode == 0:
                return json.loads(printed[printed.index("{") :])
            assert "set WABENCH_SOURCE_SHOP_" in printed, printed
            assert not any(secret in printed for secret in self.server.system.secrets.values())
        raise AssertionError(printed)

    def kill_at(self, requests: int) -> None:
        """Start a pull and pull the plug once so many requests have come in all."""
        self.write_settings()
        process = processes.start(self.home, "ingest")
        try:
            self.server.await_requests(requests, process)
        finally:
            processes.kill_group(process)

    def write_settings(self) -> None:
        system = self.server.system
        options = "\n".join(f'{name} = "{value}"' for name, value in system.options.items())
        (self.home / "wabench.toml").write_text(
            f'region = "BR"\ncurrency = "{system.shop.currency}"\n[sources.shop]\nkind = "{system.kind}"\n'
            f'base_url = "{self.server.url}"\n[sources.shop.options]\n{options}\n'
        )
        secrets = (f"WABENCH_SOURCE_SHOP_{name.upper()}={value}\n" for name, value in system.secrets.items())
        (self.home / ".env").write_text("".join(secrets))

    def tables(self) -> Rows:
        with closing(duckdb.connect(str(self.home / "data/warehouse.duckdb"), read_only=True)) as warehouse:
            return {table: sorted(warehouse.execute(sql).fetchall(), key=repr) for table, sql in QUERIES.items()}

    def pull_here(self, full: bool = False) -> None:
        """Pull in this process, which starts sooner."""
        self.write_settings()
        settings = load({"WABENCH_HOME": str(self.home)})
        assert [outcome.error for outcome in pull(settings, full=full) if outcome.error] == []
        loader.load(settings)

    def assert_none_is_missing(self, but: Set[str] = frozenset()) -> None:
        wanted = {row[0] for row in self.server.system.expected()["orders"] if row[0] not in but}
        assert wanted - {row[0] for row in self.tables()["orders"]} == set()

    def assert_changes_came(self, since: datetime) -> None:
        """Check that orders changed since then, and still there, are as on the server."""
        wanted = [_plain(row) for row in self.server.system.expected()["orders"] if row[3] >= since]
        missing = set(wanted) - set(map(_plain, self.tables()["orders"]))
        assert sorted(missing)[:3] == []

    def assert_as_on_the_server(self) -> None:
        found, expected = self.tables(), self.server.system.expected()
        for table, columns in COLUMNS.items():
            wanted = sorted(map(_plain, expected[table]), key=repr)
            got = sorted(map(_plain, found[table]), key=repr)
            assert len(got) == len(wanted), table
            different = [pair for pair in zip(got, wanted, strict=True) if pair[0] != pair[1]]
            assert different[:3] == [], f"{table} ({columns})"


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(f"{cell:.4f}" if hasattr(cell, "quantize") or type(cell) is int else cell for cell in row)


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


@pytest.fixture(params=KINDS)
def puller(request: pytest.FixtureRequest, home: Path) -> Iterator[Puller]:
    with serve(request.param, build(ORDERS), throttle_at=(5, 19, 37), expire_at=31) as server:
        yield Puller(home, server)


@pytest.mark.slow
def test_ten_thousand_orders_arrive_exactly_through_kills_throttling_and_an_expired_token(puller: Puller) -> None:
    server, chance = puller.server, random.Random(puller.server.system.kind)
    puller.kill_at(chance.randint(8, 16))
    puller.kill_at(chance.randint(22, 29))
    outcome = puller()
    assert any(feed["resumed"] for feed in outcome["pulled"])
    assert (server.throttles, server.refusals > 0) == (3, True)
    assert outcome["loaded"]["rejected"] == 0
    puller.assert_as_on_the_server()

    server.pages.clear()
    server.records.clear()
    again = puller()
    assert {feed["error"] for feed in again["pulled"]} == {None}
    assert max(server.pages.values()) == 1, server.pages
    assert max(server.records.values()) <= sources.get(server.system.kind).page_size, server.records

    moment = now()
    live_on(server.system.shop, moment)
    puller.pull_here()
    puller.assert_changes_came(moment)
    if sources.get(server.system.kind).tells_deletions:
        puller.assert_as_on_the_server()
    puller.pull_here(full=True)
    puller.assert_as_on_the_server()


@pytest.mark.slow
@pytest.mark.parametrize("request_number", [2, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_what_happens_while_a_pull_runs_costs_no_order(kind: str, request_number: int, home: Path) -> None:
    with serve(kind, build(600)) as server:
        puller, begun = Puller(home, server), now()
        old = set(server.system.shop.orders)
        server.meanwhile[request_number] = lambda: live_on(server.system.shop, now())
        puller.pull_here()
        assert not server.meanwhile
        new = set(server.system.shop.orders) - old
        puller.assert_none_is_missing(but={str(number) for number in new})
        puller.pull_here()
        puller.assert_none_is_missing()
        puller.assert_changes_came(begun)
        puller.pull_here(full=True)
        puller.assert_as_on_the_server()


DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.mark.parametrize("kind", sources.names())
def test_every_kind_has_a_page_with_its_secrets_and_options(kind: str) -> None:
    source = sources.get(kind)
    page = (DOCS / f"sources/{kind}.md").read_text()
    assert [name for name in source.secrets if f"WABENCH_SOURCE_<NAME>_{name.upper()}" not in page] == []
    assert [name for name in source.OPTIONS if f"| `{name}` |" not in page] == []
    assert f"`{kind}`" in (DOCS / "sources/README.md").read_text()
    for text in ((DOCS / "settings.md").read_text(), (DOCS.parent / ".env.example").read_text()):
        assert [name for name in source.secrets if f"_{name.upper()}" not in text] == []


@pytest.mark.parametrize("kind", [kind for kind in sources.names() if kind != "rest"])
def test_every_kind_says_where_to_read_on_and_maps_only_fields_there_are(kind: str) -> None:
    settings = SourceSettings(kind=kind, base_url="https://crm.example")
    source = sources.check("shop", settings)
    assert source.kind == kind
    assert {"orders", "customers"} <= sources.feeds(settings).keys()


@pytest.mark.parametrize("value", ["0", "-1", "many", "1e3", "", "0.5", "2.5", "²"])
def test_a_page_size_that_is_no_number_is_named(value: str) -> None:
    settings = SourceSettings(kind="woocommerce", base_url="https://shop.example", options={"page_size": value})
    with pytest.raises(UsageError, match="page_size is"):
        sources.check("shop", settings)
