"""The shop of `bench_refresh.py`, refreshed and published, for what reads a published file at size."""

import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import bench_refresh
from measure import measure

from ingest import loader
from wabench import dbt, publish, runs
from wabench.settings import ROOT, load

SETTINGS = """
timezone = "America/Sao_Paulo"
[templates.spring_sale]
body = "Hi {{1}}, our spring sale has begun."
"""


def make(home: Path, customers: int) -> None:
    """Invent a shop of so many customers and publish it; some minutes and 10 GB of memory for a million."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "wabench.toml").write_text(SETTINGS, encoding="utf-8")
    shutil.copytree(ROOT / "segments", home / "segments", dirs_exist_ok=True)
    for load_id in (1, 2):
        measure(bench_refresh.invent, str(home), customers, load_id)
    refresh(str(home))


def refresh(home: str) -> None:
    """Build, test and publish as a refresh does from then on: it would take the invented ledger's rows away."""
    settings = load({"WABENCH_HOME": home})
    now = datetime.now(UTC).replace(tzinfo=None)
    with closing(loader.connect(settings)) as connection:
        run = publish.Run(runs.new_id(connection, now), now, bench_refresh.ENDED)
        runs.start(connection, run, publish.version(settings))
    done = build(home)
    with closing(loader.connect(settings)) as connection:
        runs.keep_tests(connection, run, done.tests)
        runs.note(connection, run, tests_passed=len(done.tests), tests_failed=0)
    publish.publish(settings, run, done.marts)


def build(home: str) -> dbt.Build:
    """Build and test everything from scratch."""
    settings = load({"WABENCH_HOME": home})
    loader.connect(settings).close()  # which makes what the models read and this warehouse has not yet
    done = dbt.build(settings, bench_refresh.ENDED, full=True)
    assert not done.failed, done.failed
    assert not done.errors, done.errors
    return done
