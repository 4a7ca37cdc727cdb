"""What has a Spark branch of its own gives what DuckDB's does, on a project of its own: graphs with long chains, cycles
and ties, and a Python model."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from engines import Rows, build_on_spark, differences, rows
from warehouse import build, put, shop

from wabench.settings import ROOT, Settings

pytestmark = pytest.mark.spark

CHAIN = 300
PROJECT = """
name: probes
profile: wabench
version: 0.1.0
flags: {send_anonymous_usage_stats: false}
vars: {as_of: null}
models: {+materialized: table, +schema: marts}
seeds: {+schema: seeds}
"""
MODELS = {
    "components.sql": "select * from ({{ connected_components(ref('edges')) }}) as found",
    "ends.sql": "select * from ({{ nearest_ends(ref('lines'), ref('ways')) }}) as found",
    "quoted.sql": "select * from {{ ref('texts') }}",
    "measured.sql": """
        select
            name,
            {{ bucket("name") }} as bucket,
            {{ seconds_between("one", "other") }} as seconds,
            {{ money(rate("amount", "parts")) }} as share,
            {{ in_window("one", 1) }} as is_of_yesterday
        from {{ ref("moments") }}
    """,
    "counted.py": """
import pyarrow as pa
import pyarrow.compute as pc


def model(dbt, session):
    dbt.config(materialized="table")
    moments = dbt.ref("moments").filter("parts >= 0").to_arrow_table().sort_by("name")
    return pa.table(
        {
            "name": moments["name"],
            "at": moments["one"],
            "amount": moments["amount"],
            "half": pc.divide(pc.cast(moments["parts"], pa.float64()), 2.0),
            "is_big": pc.greater(moments["parts"], 4),
        }
    )
""",
}
CHAINED = [(f"n{n * 7919 % CHAIN:04}", f"n{(n + 1) * 7919 % CHAIN:04}") for n in range(CHAIN - 1)]
SORTED = [(f"s{n:04}", f"s{n + 1:04}") for n in range(CHAIN)]
SMALL = [("a", "b"), ("b", "a"), ("b", "c"), ("c", "a"), ("ж", "я"), ("p", "q"), ("q", "r"), ("r", "s")]
SEEDS = {
    "edges": [("a", "b"), *CHAINED, *SORTED, *SMALL],
    "ways": [("a", "b", "is_of_spellings"), *((a, b, "false") for a, b in (*SORTED[:30], *SMALL)), ("p", "s", "true")],
    "lines": [
        ("line", "identity_key", "other_key", "is_of_spellings"),
        ("far", "s0000", "s0030", "false"),
        ("odd", "p", "s", "false"),
        ("spelt", "p", "s", "true"),
        ("nowhere", "gone", "a", "false"),
    ],
    "texts": [("name", "number"), ("O'Connor", "1"), ("back\\\\slash", ""), ("", "2"), ('"Ж" %s', "3")],
    "moments": [
        ("name", "one", "other", "amount", "parts"),
        ("ann", "2026-06-30 11:59:59.999999", "2026-06-30 12:00:00.000001", "100.01", "8"),
        ("bob", "2026-06-29 12:00:00", "2026-03-29 01:30:00", "0.01", "3"),
        ("cid", "2026-06-29 11:59:59.999999", "1999-12-31 23:59:59", "-12.55", "0"),
    ],
}
TYPES = """
seeds:
  - {name: edges, config: {column_types: {a: text, b: text}}}
  - {name: ways, config: {column_types: {a: text, b: text, is_of_spellings: boolean}}}
  - {name: lines, config: {column_types: {line: text, identity_key: text, other_key: text, is_of_spellings: boolean}}}
  - {name: texts, config: {column_types: {name: varchar, number: integer}}}
  - name: moments
    config: {column_types: {name: text, one: timestamp, other: timestamp, amount: "decimal(18, 4)", parts: bigint}}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("probes")
    shutil.copytree(ROOT / "macros", folder / "macros")
    shutil.copy(ROOT / "profiles.yml", folder)
    (folder / "models").mkdir()
    (folder / "seeds").mkdir()
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "seeds" / "_seeds.yml").write_text(TYPES)
    for name, text in MODELS.items():
        (folder / "models" / name).write_text(text)
    for name, lines in SEEDS.items():
        quoted = [",".join('"' + v.replace('"', '""') + '"' if v else "" for v in line) for line in lines]
        (folder / "seeds" / f"{name}.csv").write_text("\n".join(quoted) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def built(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[Rows, Rows]]:
    settings = shop(tmp_path_factory.mktemp("shop"))
    put(settings, 1, {})
    names = [Path(name).stem for name in MODELS]

    def read(settings: Settings) -> dict[str, Rows]:
        return {name: rows(settings, name) for name in names}

    build(settings, project=project)
    one = read(settings)
    build_on_spark(settings, project=project)
    other = read(settings)
    return {name: (one[name], other[name]) for name in names}


@pytest.mark.parametrize("name", [Path(name).stem for name in MODELS])
def test_both_engines_give_the_same(name: str, built: Mapping[str, tuple[Rows, Rows]]) -> None:
    one, other = built[name]
    assert one
    assert list(differences(one, other)) == []


def test_a_chain_of_hundreds_is_one_component(built: Mapping[str, tuple[Rows, Rows]]) -> None:
    components = dict(built["components"][1])
    assert {components[f"n{n:04}"] for n in range(CHAIN)} == {"n0000"}
    assert {components[f"s{n:04}"] for n in range(CHAIN + 1)} == {"s0000"}
