"""Landing -> raw.message_events beside DuckDB's own read_json of the same file: `bench_landing.py [LINES]`."""

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from measure import measure
from traffic import bodies

from ingest import landing, loader
from wabench.settings import load


def ours(home: str) -> None:
    settings = load({"WABENCH_HOME": home})
    outcome = loader.load(settings)
    with duckdb.connect(str(settings.paths.warehouse), read_only=True) as connection:  # a STOP is a row of its own
        row = connection.execute("select count(distinct landing_ref) from raw.message_events").fetchone()
    assert row is not None
    Path(home, "ours").write_text(f"{outcome.seconds} {row[0]}")


def theirs(home: str) -> None:
    began = time.monotonic()
    connection = duckdb.connect(str(Path(home, "reference.duckdb")))
    connection.execute("set enable_progress_bar = false")
    path = str(next(Path(home).glob("data/landing/meta/webhooks/*/*.ndjson")))
    connection.execute(Path(__file__).with_name("read_json.sql").read_text(), {"path": path})
    connection.execute("checkpoint")
    row = connection.execute("select count(*) from reference").fetchone()
    assert row is not None
    Path(home, "theirs").write_text(f"{time.monotonic() - began} {row[0]}")


def main(lines: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home, "data/landing/meta/webhooks/2026-07-01")
        folder.mkdir(parents=True)
        at = datetime(2026, 7, 1, tzinfo=UTC)
        with (folder / "bench.ndjson").open("wb") as file:
            file.writelines(landing.envelope(body, at, valid_json=True) for body in bodies(lines))
        size = (folder / "bench.ndjson").stat().st_size / 1e6
        print(f"{lines:,} Meta webhook lines, {size:,.0f} MB, an event each")
        rates = {}
        for name, work in (("read_json", theirs), ("wabench", ours)):
            memory = measure(work, home).peak_mb
            seconds, rows = Path(home, work.__name__).read_text().split()
            assert int(rows) == lines, f"{name} took {rows} of {lines} lines"
            rates[name] = lines / float(seconds)
            print(f"{name:<10} {rates[name]:>10,.0f} lines/s {float(seconds):6.1f} s  peak {memory:6,.0f} MB")
        print(f"ratio      {rates['wabench'] / rates['read_json']:10.2f} of read_json (budget 0.50)")


if __name__ == "__main__":
    main(int(sys.argv[1].replace("_", "")) if len(sys.argv) > 1 else 1_000_000)
