"""Run dbt as a child process that ends with us, and read what it did: its nodes as they run, its tests when it is done.

`python -m wabench.dbt …` is that child: dbt's own command line, that stops as soon as its standard input is closed. A
refresh that is killed so leaves nobody behind who writes to the warehouse.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from wabench.errors import WabenchError
from wabench.settings import ROOT, Settings

VARIABLES = ("currency", "timezone", "attribution_days", "attribution_model")
"""The settings that dbt knows by the same names; with others it parses the project anew."""
Progress = Callable[[str, int, int], None]
"""Called with a node's name, its number and the number of nodes."""


class Engine(StrEnum):
    """What a build runs on, as the target of the profile is called."""

    DUCKDB = "duckdb"
    SPARK = "spark"


_CHILDREN = {Engine.DUCKDB: "wabench.dbt", Engine.SPARK: "wabench.spark"}


@dataclass(frozen=True, slots=True)
class DataTest:
    """How one test came out; `relation` is the view of its failing rows, as SQL."""

    test: str
    model: str | None
    status: str
    failures: int | None
    seconds: float
    message: str | None
    relation: str | None


@dataclass(frozen=True, slots=True)
class Build:
    """What a build did. `errors` are models that could not be built, each with the reason in one line.

    `marts` are the tables of that schema that models and snapshots are there for.
    """

    tests: tuple[DataTest, ...]
    errors: tuple[str, ...]
    marts: tuple[str, ...]

    @property
    def failed(self) -> tuple[DataTest, ...]:
        return tuple(t for t in self.tests if t.status in ("fail", "error"))


def build(
    settings: Settings,
    as_of: datetime,
    full: bool = False,
    progress: Progress | None = None,
    project: Path = ROOT,
    without: Collection[str] = (),
    only: Collection[str] = (),
    is_tested: bool = True,
    engine: Engine = Engine.DUCKDB,
) -> Build:
    """Build every model of the project but those `without`, or `only` what dbt selects by these; `as_of` is naive UTC.

    `full` makes incremental models from scratch, never a snapshot. Unit tests are of the models' code, whatever the
    data: they are for `dbt build`, which developers run. Spark reads what `wabench.parquet` wrote, and leaves what it
    built there.

    Raises WabenchError where dbt could not begin or was stopped before it was through.
    """
    if engine is Engine.SPARK:
        _check_spark()
    results = target(settings) / "run_results.json"
    results.unlink(missing_ok=True)
    with subprocess.Popen(  # noqa: S603 - our own module with our own arguments
        [*_command(settings, project, engine), *_choices(full, without, only, is_tested)],
        cwd=settings.home,
        env=_environment(settings, as_of),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        said = _follow(process.stdout or (), progress)
        process.wait()  # before its standard input is closed, which would end it with another code
    if not results.exists():
        reason = " ".join((said or f"exit code {process.returncode}").split())
        raise WabenchError(f"dbt could not build: {reason}; see {log(settings)}")
    told, manifest = json.loads(results.read_bytes()), json.loads((target(settings) / "manifest.json").read_bytes())
    done = _read(told, manifest)
    left, code = set() if only else _left(told, manifest, without, is_tested), process.returncode
    is_told = code == 1 and (done.failed or done.errors)
    if (code or left) and not is_told:
        raise WabenchError(f"nothing published: dbt was stopped with {len(left)} nodes left; see {log(settings)}")
    return done


def target(settings: Settings) -> Path:
    """Tell where dbt puts what it compiles and its results."""
    return settings.paths.data / "dbt" / "target"


def log(settings: Settings) -> Path:
    """Tell where dbt's own log is."""
    return settings.paths.data / "dbt" / "logs" / "dbt.log"


def _check_spark() -> None:
    for module in ("pyspark", "dbt.adapters.spark"):
        if find_spec(module) is None:
            raise WabenchError(f"the target spark needs {module}, which is not installed: see docs/runbooks/spark.md")
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise WabenchError("the target spark needs Java 17 or newer (Debian: apt-get install openjdk-17-jre-headless)")


def _command(settings: Settings, project: Path, engine: Engine) -> list[str]:
    variables = {name: getattr(settings, name) for name in VARIABLES}
    command = [sys.executable, "-m", _CHILDREN[engine], "build", "--target", engine.value]
    command += ["--log-format", "json", "--log-level-file", "info"]
    return [*command, "--project-dir", str(project), "--profiles-dir", str(project), "--vars", json.dumps(variables)]


def _choices(full: bool, without: Collection[str], only: Collection[str], is_tested: bool) -> Iterator[str]:
    yield from ("--exclude-resource-type", "unit_test", *(() if is_tested else ("test",)))
    if without:
        yield from ("--exclude", *sorted(without))
    if only:
        yield from ("--select", *sorted(only))
    if full:
        yield "--full-refresh"


def _environment(settings: Settings, as_of: datetime) -> dict[str, str]:
    """Give dbt the shop's own places, and none of our secrets."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("WABENCH_", "DBT_"))}
    return ours | {
        "WABENCH_HOME": ".",  # where it runs: what dbt has parsed holds for any home then
        # Not one of --vars: dbt parses the whole project anew, 2 s, whenever one of those has changed.
        "WABENCH_AS_OF": as_of.isoformat(sep=" "),
        "DBT_TARGET_PATH": str(target(settings)),
        "DBT_LOG_PATH": str(log(settings).parent),
    }


def _follow(lines: Iterable[str], progress: Progress | None) -> str | None:
    """Report nodes as they start; gives the last error dbt told, or else whatever was said last."""
    said = told = None
    for line in lines:
        try:
            event = json.loads(line)
            info, data = event["info"], event["data"]
        except (ValueError, KeyError, TypeError):
            said = line.strip() or said
            continue
        if info["name"] == "LogStartLine" and progress:
            progress(data["node_info"]["node_name"], int(data["index"]), int(data["total"]))
        elif info["level"] == "error":
            told = info["msg"] or told
    return told or said


def _read(results: dict[str, Any], manifest: dict[str, Any]) -> Build:
    return Build(
        tests=tuple(_tests(results["results"], manifest["nodes"])),
        errors=tuple(
            f"{_name(r['unique_id'])}: {' '.join((r['message'] or 'no reason given').split())}"
            for r in results["results"]
            if r["status"] == "error" and not r["unique_id"].startswith("test.")
        ),
        marts=tuple(
            node["alias"]
            for node in manifest["nodes"].values()
            if node["resource_type"] in ("model", "snapshot") and node["schema"] == "marts"
        ),
    )


def _left(results: dict[str, Any], manifest: dict[str, Any], without: Collection[str], is_tested: bool) -> set[str]:
    """Name what did not come out well, or not at all: dbt writes down what was done when it is interrupted, too."""
    well = {r["unique_id"] for r in results["results"] if r["status"] in ("success", "pass", "warn")}
    nodes = manifest["nodes"].items()
    absent = {*without, *map(_name, manifest["disabled"])}  # a target's own, or left out; and so are their tests
    excluded = {name for name, node in nodes if node["name"] in without}
    tests = {name for name, node in nodes if node["resource_type"] == "test"}
    if is_tested:
        tests = {name for name in tests if absent.intersection(r["name"] for r in manifest["nodes"][name]["refs"])}
    inlined = {name for name, node in nodes if node["config"].get("materialized") == "ephemeral"}
    return {*manifest["nodes"]} - well - excluded - tests - inlined


def _tests(results: list[dict[str, Any]], nodes: dict[str, Any]) -> Iterator[DataTest]:
    for result in results:
        if not result["unique_id"].startswith("test."):
            continue
        node = nodes[result["unique_id"]]
        tested = node.get("attached_node") or next(iter(node["depends_on"]["nodes"]), None)
        yield DataTest(
            test=node["name"],
            model=_name(tested) if tested else None,
            status=result["status"],
            failures=result["failures"],
            seconds=result["execution_time"],
            message=result["message"],
            relation=(result["relation_name"] or "").replace("`", '"') or None,
        )


def _name(unique_id: str) -> str:
    return unique_id.split(".")[2]


def end_with_parent() -> None:
    while os.read(0, 1024):  # not through sys.stdin: its lock, held by this thread, would abort a normal end
        pass
    os._exit(1)


def give_way() -> None:
    """Let who looks at the app meanwhile go first; on a machine that has nothing else to do it costs no time."""
    os.nice(10)


if __name__ == "__main__":
    give_way()
    threading.Thread(target=end_with_parent, daemon=True).start()
    from dbt.cli.main import cli

    cli()
