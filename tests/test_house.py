"""The house rules that a machine can hold: who imports whom, and that docs say what is there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml

from wabench import providers
from wabench.cli import app
from wabench.schedule.table import ScheduleSettings
from wabench.settings import (
    LoginSettings,
    Paging,
    ProviderSettings,
    Settings,
    SourceSettings,
    StreamSettings,
    TemplateSettings,
)

ROOT = Path(__file__).parent.parent


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def test_only_the_command_line_and_refresh_import_ingest() -> None:
    guilty = [p for p in modules("wabench", "app") if any(re.match(r"ingest\b", name) for name in imports(p))]
    allowed = [p for p in guilty if p.is_relative_to(ROOT / "wabench/cli") or p.name == "refresh.py"]
    assert guilty == allowed


def test_nobody_imports_the_app() -> None:
    assert [p for p in modules("wabench", "ingest") if any(re.match(r"(app|app_pages)\b", n) for n in imports(p))] == []


def test_providers_stand_on_events_and_errors_alone() -> None:
    allowed = re.compile(r"wabench\.(events|providers)\b|(?!wabench|ingest)")
    wrong = {
        (p.name, n) for p in modules("wabench/providers") for n in imports(p) if n != "wabench" and not allowed.match(n)
    }
    assert wrong == set()


@pytest.mark.parametrize(
    "path",
    [
        *(
            ROOT / f"wabench/{name}.py"
            for name in (
                "campaigns/policy",
                "campaigns/pacing",
                "replies/policy",
                "replies/match",
                "replies/decide",
                "replies/bench",
                "lift",
                "lift_tables",
                "ltv_tables",
            )
        ),
        *modules("wabench/ltv"),
    ],
    ids=lambda path: path.stem,
)
def test_what_decides_or_computes_does_no_io(path: Path) -> None:
    outside = {"sqlalchemy", "httpx", "duckdb", "time", "pathlib", "os", "asyncio", "random", "wabench.settings"}
    assert imports(path) & outside == set()


def test_lifetime_value_stands_on_numpy_and_scipy_alone() -> None:
    allowed = re.compile(r"(wabench\.ltv|numpy|scipy|collections|dataclasses|enum|typing)\b")
    assert {(p.name, n) for p in modules("wabench/ltv") for n in imports(p) if not allowed.match(n)} == set()


def commands() -> Iterator[tuple[str, typer.core.TyperCommand]]:
    def walk(words: str, command: object) -> Iterator[tuple[str, typer.core.TyperCommand]]:
        if isinstance(command, typer.core.TyperGroup):
            for name, inner in command.commands.items():
                yield from walk(f"{words} {name}", inner)
        else:
            assert isinstance(command, typer.core.TyperCommand)
            yield words, command

    yield from walk("wabench", typer.main.get_command(app))


@pytest.mark.parametrize(("words", "command"), [pytest.param(*c, id=c[0]) for c in commands()])
def test_every_command_is_documented_with_its_options_and_an_example(
    words: str, command: typer.core.TyperCommand
) -> None:
    row = next((r for r in (ROOT / "docs/commands.md").read_text().splitlines() if f"`{words}`" in r), None)
    assert row is not None, f"docs/commands.md has no row for {words}"
    options = [o for p in command.params if isinstance(p, typer.core.TyperOption) for o in p.opts if o != "--help"]
    assert [o for o in options if o not in row] == []
    assert f"Example: {words}" in " ".join((command.help or "").split())


@pytest.mark.parametrize(
    "name",
    sorted(
        set(Settings.model_fields) - {"environment", "providers", "sources", "templates", "login", "roles", "schedule"}
    ),
)
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    row = next(r for r in (ROOT / "docs/settings.md").read_text().splitlines() if r.startswith(f"| `{name}` |"))
    default = Settings.model_fields[name].default
    assert name in ("home", "ledger_url") or f"| `{default}` |" in row


@pytest.mark.parametrize(
    "table",
    [LoginSettings, Paging, ProviderSettings, ScheduleSettings, SourceSettings, StreamSettings, TemplateSettings],
)
def test_every_key_of_every_table_is_documented(table: type) -> None:
    text = (ROOT / "docs/settings.md").read_text()
    assert [k for k in table.model_fields if not re.search(rf"[`.]{k}`", text) and k != "streams"] == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", providers.names())
def test_every_secret_of_a_provider_is_documented(name: str) -> None:
    for secret in providers.get(name).secrets:
        for page in (".env.example", "docs/settings.md"):
            assert f"WABENCH_{name}_{secret}".upper() in (ROOT / page).read_text()


def test_every_mart_column_is_described() -> None:
    bare = [
        f"{model['name']}.{column['name']}"
        for path in (ROOT / "models/marts").rglob("*.yml")
        for kind in ("models", "snapshots")
        for model in yaml.safe_load(path.read_text()).get(kind, [])
        for column in model.get("columns", [])
        if not column.get("description")
    ]
    assert bare == []


def test_every_alert_has_its_sentence_on_screen_and_its_line_in_the_docs() -> None:
    lines = (ROOT / "seeds/alert_thresholds.csv").read_text().splitlines()[1:]
    sentences, metrics = (ROOT / "app/parts/alerts.py").read_text(), (ROOT / "docs/metrics.md").read_text()
    alerts = [line.partition(",")[0] for line in lines]
    assert [a for a in alerts if f'"{a}": N_(' not in sentences or f"| `{a}` |" not in metrics] == []


def test_links_between_docs_lead_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.name}: {link}"
        for page in pages
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
        if not (page.parent / link).exists()
    ]
    assert broken == []
