"""The same project built on DuckDB and on Spark, and their tables read in a fixed order."""

import math
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from warehouse import AS_OF, ask

from ingest import loader
from wabench import dbt, parquet
from wabench.settings import ROOT, Settings

CLOSE = 1e-9
Columns = list[tuple[str, str]]
Rows = list[tuple[Any, ...]]


def build_on_spark(settings: Settings, as_of: datetime = AS_OF, project: Path = ROOT) -> dbt.Build:
    """Build, and put the marts into the warehouse in place of DuckDB's."""
    with parquet.lent(settings):
        done = dbt.build(settings, as_of, project=project, engine=dbt.Engine.SPARK)
        with closing(loader.connect(settings)) as connection:
            parquet.take(settings, connection)
    assert not done.failed, done.failed
    assert not done.errors, done.errors
    return done


def columns(settings: Settings, mart: str) -> Columns:
    sql = (
        "select column_name, data_type from duckdb_columns()"
        " where schema_name = 'marts' and table_name = ? order by column_index"
    )
    return [(name, kind) for name, kind in ask(settings, sql, mart)]


def rows(settings: Settings, mart: str) -> Rows:
    """Read a mart ordered by what is equal to the digit, then by what need not be."""
    told = sorted(columns(settings, mart), key=lambda column: column[1] in ("DOUBLE", "FLOAT"))
    order = ", ".join(f'"{name}" nulls first' for name, _ in told)
    return ask(settings, f'select * from marts."{mart}" order by {order}')


def differences(one: Rows, other: Rows) -> Iterator[str]:
    """Tell where two lists of rows differ: floats by more than 1e-9 of their size, everything else at all."""
    if len(one) != len(other):
        yield f"{len(one)} and {len(other)} rows"
    for number, (mine, theirs) in enumerate(zip(one, other, strict=False)):
        if apart := [(a, b) for a, b in zip(mine, theirs, strict=True) if not _equal(a, b)]:
            yield f"row {number} ({mine[0]}): {apart}"


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        both_nan = math.isnan(one) and math.isnan(other)
        return both_nan or math.isclose(one, other, rel_tol=CLOSE, abs_tol=CLOSE)
    return type(one) is type(other) and bool(one == other)
