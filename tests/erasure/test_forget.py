"""One of two people is erased from a whole shop; the other does not notice."""

import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import known_shop as shop
import pytest
from known_traces import copied, customers, raw, traces_in
from typer.testing import CliRunner

from ingest import loader
from wabench import published
from wabench.cli import app
from wabench.erasure import forgetting, people, suppressed
from wabench.errors import Busy, Refused, UsageError
from wabench.locks import held
from wabench.refresh import refresh
from wabench.settings import Settings

PERSONAL = ("customer_ref", "phone", "email", "name")
ERASE = ["forget", "+55 (11) 97331-0264", "--erased-by", "Ana"]

pytestmark = pytest.mark.slow


def run(settings: Settings, *words: str, answer: str | None = None) -> Any:
    return CliRunner().invoke(app, list(words), env={"WABENCH_HOME": str(settings.home)}, input=answer)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The shop, refreshed and with a campaign that waits."""
    settings = shop.make(tmp_path_factory.mktemp("known") / "shop")
    refresh(settings, shop.AS_OF)
    known = customers(settings)
    shop.plan(settings, known[shop.OTHER_PHONE], known[shop.PHONE])
    return settings


@pytest.fixture(scope="module")
def erased(before: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = copied(before, tmp_path_factory.mktemp("erased") / "shop")
    (settings.home / "segments").mkdir()
    (settings.home / "segments/one.yml").write_text(f"where: {{field: phone, is: '{shop.OTHER_PHONE}'}}")
    done = run(settings, *ERASE, "--yes", "--json")
    assert done.exit_code == 0, done.output
    return settings


def test_no_byte_of_them_is_left(before: Settings, erased: Settings) -> None:
    former = customers(before)[shop.PHONE]
    assert len(traces_in(before.home, former)) > 100
    assert traces_in(erased.home, former) == []


def test_what_is_loaded_of_others_is_what_it_was_and_orders_stay_as_a_guests(
    before: Settings, erased: Settings
) -> None:
    assert raw(erased) == {name: expected(name, rows) for name, rows in raw(before).items()}


def expected(table: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Say by hand what is left: no event and no record of theirs, their orders without them, their phone in no text."""
    kept = [row for row in rows if table not in ("message_events", "customers") or not is_theirs(row)]
    if table in ("orders", "order_lines"):
        kept = [row | dict.fromkeys(PERSONAL) if is_theirs(row) else row for row in kept]
    return sorted(({name: hidden(value) for name, value in row.items()} for row in kept), key=str)


def is_theirs(row: dict[str, Any]) -> bool:
    ids = (shop.PHONE, "+551173310264", shop.USER_ID, shop.REF, "70078")
    named = {str(value) for name, value in row.items() if name not in ("landing_ref", "body_text")}
    return bool(named.intersection(ids)) or "HISHERS" in str(row.get("message_id"))


def hidden(value: Any) -> Any:
    for written in ("55 (11) 97331-0264", "55 11 97331 0264"):
        value = value.replace(written, "x" * len(written)) if isinstance(value, str) else value
    return value


def test_landing_loaded_anew_gives_the_same_rows(erased: Settings, tmp_path: Path) -> None:
    anew = copied(erased, tmp_path / "shop")
    anew.paths.warehouse.unlink()
    loader.load(anew)
    assert raw(anew) == raw(erased)


def test_nobody_is_sent_what_was_planned_to_them_and_totals_stay(before: Settings, erased: Settings) -> None:
    sends = "select state, reason, phone, customer_id, parameters from sends order by phone nulls last"
    with closing(sqlite3.connect(erased.paths.ledger)) as connection:
        other, theirs = connection.execute(sends).fetchall()
        said = connection.execute("select phone, consent from consent").fetchall()
        audit = connection.execute("select action, actor, detail from audit order by audit_id").fetchall()
    assert other[:3] == ("planned", None, shop.OTHER_PHONE)
    assert theirs[:3] == ("suppressed", "erased", None)
    assert theirs[3].startswith("erased-")
    assert json.loads(theirs[4]) == []
    assert said == [(shop.OTHER_PHONE, "opted_in")]
    assert ("opted_out", "erased", None) in audit
    assert ("test send", "ana", "•••• erased") in audit
    assert audit[-1][:2] == ("erase", "Ana")


def test_a_receipt_says_what_was_done_and_of_nobody(erased: Settings) -> None:
    [receipt] = forgetting.receipts(erased)
    assert receipt.erased_by == "Ana"
    assert receipt.records["landing"] == 14
    assert receipt.sha256 == forgetting.digest(receipt)
    assert suppressed.slow(suppressed.read(erased), f"phone:{shop.PHONE}") in receipt.identities
    assert receipt.left == []
    assert list((erased.paths.data / "erasing").iterdir()) == []


def test_a_reader_finds_one_version_without_them(erased: Settings) -> None:
    assert len(list(erased.paths.published.glob("*.duckdb"))) == 2  # and the pointer to it
    rows = published.query(erased, "select phone, net_revenue from dim_customers").to_pylist()
    assert [row["phone"] for row in rows] == [shop.OTHER_PHONE]
    orders = "select count(*) as orders, sum(net) as net from fct_orders"
    assert published.query(erased, orders).to_pylist() == [{"orders": 7, "net": Decimal(360)}]


def test_erased_twice_is_the_same_receipt(erased: Settings) -> None:
    before = list((erased.paths.data / "receipts").iterdir())
    again = run(erased, *ERASE, "--yes", "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.output)["receipt_id"] == before[0].stem
    assert list((erased.paths.data / "receipts").iterdir()) == before


def test_nobody_is_erased_who_is_not_known(before: Settings) -> None:
    unknown = run(before, "forget", "+5511900000000", "--yes")
    assert unknown.exit_code != 0
    assert isinstance(unknown.exception, UsageError)
    assert "nobody here" in str(unknown.exception)


@pytest.mark.parametrize("identity", [shop.EMAIL.lower(), shop.USER_ID, f"shopify:{shop.REF}", "70078", "11973310264"])
def test_whichever_identity_is_named_the_same_is_found(before: Settings, identity: str) -> None:
    assert people.find(before, identity) == people.find(before, shop.PHONE)


def test_nothing_is_erased_without_a_yes(before: Settings) -> None:
    refused = run(before, *ERASE, answer="n\n")
    assert isinstance(refused.exception, Refused)
    assert not (before.paths.data / "receipts").exists()


def test_nothing_is_erased_during_a_refresh(before: Settings) -> None:
    with held(before.paths.warehouse_lock, "refresh"):
        assert isinstance(run(before, *ERASE, "--yes").exception, Busy)
