"""Every mart and column is described, and described columns exist."""

from pathlib import Path

import yaml
from warehouse import ask

from wabench import snapshots
from wabench.settings import ROOT, Settings

RATED = ("dim_customers", "fct_campaigns", "fct_content_effectiveness", "fct_engagement_hours")


def _models(folder: Path) -> dict[str, dict[str, str]]:
    found = {}
    for path in folder.rglob("*.yml"):
        described = yaml.safe_load(path.read_text())
        for model in (*described.get("models", ()), *described.get("snapshots", ())):
            assert model["description"].strip(), model["name"]
            found[model["name"]] = {c["name"]: c["description"] for c in model.get("columns", ())}
    return found


def test_every_mart_column_is_described(at_once: Settings) -> None:
    sql = "select column_name from information_schema.columns where table_schema = 'marts' and table_name = ?"
    for mart, columns in _models(ROOT / "models" / "marts").items():
        assert [c for (c,) in ask(at_once, f"{sql} order by ordinal_position", mart)] == list(columns), mart
        assert all(text.strip() for text in columns.values()), mart


def test_every_model_is_described() -> None:
    models = {path.stem for kind in ("*.sql", "*.py") for path in (ROOT / "models").rglob(kind)}
    assert models | {snapshots.TABLE} == set(_models(ROOT / "models"))


def test_every_rate_and_tag_is_in_the_docs() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text()
    marts = _models(ROOT / "models" / "marts")
    rates = [c for mart in RATED for c in marts[mart] if c.endswith(("_rate", "_tag"))]
    assert rates
    assert [name for name in [*rates, "roi", "revenue_per_1_spent"] if f"`{name}`" not in text] == []
