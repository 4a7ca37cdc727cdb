import csv
import io
import json
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest
from published_shop import customer, publish_shop

from wabench import segments
from wabench.errors import WabenchError
from wabench.segments import EVERYONE, Segment
from wabench.segments.rules import Leaf, Operator
from wabench.settings import Settings

EVERYBODY = Segment("everybody", "Everybody", EVERYONE)


def rows_of(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["customer_id"]: row for row in csv.DictReader(file)}


def test_an_export_holds_every_customer_and_a_manifest_that_vouches_for_it(shop: Path, settings: Settings) -> None:
    path, manifest = segments.export(settings, EVERYBODY)
    rows = rows_of(path)
    told = json.loads(path.with_suffix(".manifest.json").read_text(encoding="utf-8"))
    assert path == settings.paths.exports / "everybody-20261122T180000Z.csv"
    assert len(rows) == told["rows"] == 120
    assert told["sha256"] == sha256(path.read_bytes()).hexdigest()
    assert told["complete"] is True
    assert told["rule_hash"] == segments.rule_hash(EVERYONE)
    assert (told["version"], told["as_of"]) == ("20261122T180000Z", "2026-11-22T18:00:00Z")
    assert told["columns"] == manifest.columns == list(rows["c0001"])
    assert rows["c0000"]["name"] == "Анна Петрова"
    assert rows["c0001"]["last_order_at"] == "2026-11-15T18:00:00Z"


def test_phones_and_emails_are_masked_unless_asked_for(shop: Path, settings: Settings, tmp_path: Path) -> None:
    masked, manifest = segments.export(settings, EVERYBODY)
    whole, open_manifest = segments.export(settings, EVERYBODY, tmp_path / "whole.csv", with_phones=True)
    assert rows_of(masked)["c0001"]["phone"] == "•••• 0001"
    assert rows_of(masked)["c0001"]["email"] == "p•••@example.com"
    assert "900000001" not in masked.read_text(encoding="utf-8")
    assert rows_of(whole)["c0001"]["phone"] == "+5511900000001"
    assert (manifest.masked, open_manifest.masked) == (["phone", "email"], [])


@pytest.mark.parametrize("name", ["=1+1", "+1+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "+55 (11) x"])
def test_no_cell_runs_as_a_formula(name: str, home: Path, settings: Settings) -> None:
    publish_shop(home, "20261122T180000Z", [customer(1) | {"name": name}])
    path, _ = segments.export(settings, EVERYBODY, with_phones=True)
    assert rows_of(path)["c0001"]["name"] == f"'{name}"


def test_numbers_and_quotes_come_through_as_they_are(home: Path, settings: Settings) -> None:
    name = "Ольга \"О\", \nвторая строка; 'x'"
    publish_shop(home, "20261122T180000Z", [customer(1) | {"name": name, "net_revenue": "-12.5"}])
    path, _ = segments.export(settings, EVERYBODY)
    row = rows_of(path)["c0001"]
    assert row["name"] == name
    assert row["net_revenue"] == "-12.5000"


def test_an_export_that_fails_leaves_neither_file_nor_manifest(shop: Path, settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    wrong = Segment("wrong", "", Leaf("no_such_field", Operator.IS, ("1",)))
    segments.export(settings, EVERYBODY, target)
    with pytest.raises(WabenchError):
        segments.export(settings, wrong, target)
    assert not target.with_suffix(".manifest.json").exists()
    assert not list(tmp_path.glob(".*.part"))


def test_an_empty_segment_is_a_header_and_a_manifest_of_no_rows(shop: Path, settings: Settings) -> None:
    nobody = Segment("nobody", "", Leaf("name", Operator.IS, ("nobody",)))
    path, manifest = segments.export(settings, nobody)
    assert manifest.rows == 0
    assert path.read_text(encoding="utf-8").startswith('"customer_id",')


def test_a_download_is_the_same_file(shop: Path, settings: Settings) -> None:
    path, written = segments.export(settings, EVERYBODY)
    content, manifest = segments.render(settings, EVERYBODY)
    assert content == path.read_bytes()
    assert manifest.sha256 == written.sha256


def test_a_spreadsheets_own_reader_finds_the_same_rows(shop: Path, settings: Settings) -> None:
    path, _ = segments.export(settings, EVERYBODY, with_phones=True)
    with duckdb.connect() as connection:
        connection.execute("create table t as select * from read_csv($path, all_varchar = true)", {"path": str(path)})
        assert connection.execute("select count(*), count(phone) from t").fetchall() == [(120, 102)]
    assert io.StringIO(path.read_text(encoding="utf-8")).readline().count(",") == len(rows_of(path)["c0001"]) - 1
