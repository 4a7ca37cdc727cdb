"""What docs/deploy says can be done: its commands and options exist, and the image is made of what is there."""

import configparser
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from wabench.cli import app

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "docs/deploy"
IMAGE = (DEPLOY / "Containerfile").read_text(encoding="utf-8").splitlines()


def unit(name: str) -> configparser.RawConfigParser:
    read = configparser.RawConfigParser()
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read(DEPLOY / f"wabench-{name}.service", encoding="utf-8")
    return read


def told() -> Iterator[list[str]]:
    """List the words after `wabench` of every line that is to be run by something else than a person."""
    for name in ("receive", "schedule", "app"):
        yield shlex.split(unit(name)["Service"]["ExecStart"])[1:]
    for line in (DEPLOY / "README.md").read_text(encoding="utf-8").splitlines():
        if found := re.match(r" {4}podman run .* wabench (\w+.*)", line):
            yield found[1].split()
    for line in (ROOT / "docs/runbooks/schedule.md").read_text(encoding="utf-8").splitlines():
        if found := re.match(r" {4}(?:\S+ ){5}WABENCH_HOME=\S+ \S+/wabench (.*)", line):
            yield found[1].split()


@pytest.mark.parametrize("words", [pytest.param(words, id=" ".join(words)) for words in told()])
def test_what_services_and_crontabs_run_exists_with_its_options(words: list[str]) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    command = group.commands[words[0]]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert [word for word in words[1:] if word.startswith("-") and word not in known] == []


def test_units_let_campaigns_end_in_order_or_live_on() -> None:
    assert unit("schedule")["Service"]["KillMode"] == "mixed"
    assert float(unit("schedule")["Service"]["TimeoutStopSec"]) > 60
    assert unit("app")["Service"]["KillMode"] == "process"
    assert {unit(name)["Service"]["User"] for name in ("receive", "schedule", "app")} == {"wabench"}


def test_the_image_is_made_of_files_that_are_there_and_runs_as_nobody_special() -> None:
    copied = [word for line in IMAGE if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert [word for word in copied if not (ROOT / word).exists()] == []
    assert {"ingest", "wabench", "models", "macros", "seeds", "app"} <= set(copied)
    assert "USER wabench" in IMAGE
    assert "VOLUME /shop" in IMAGE
    assert IMAGE.index("USER wabench") > max(n for n, line in enumerate(IMAGE) if line.startswith("RUN "))


def test_crontab_lines_are_among_them() -> None:
    assert ["schedule", "--once"] in list(told())
    assert ["refresh"] in list(told())
