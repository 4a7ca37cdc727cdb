"""The customers behind a figure on a screen: one SELECT of `customer_id` a figure, in `views/behind/`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from wabench.published import Published

_FOLDER = Path(__file__).parent / "views" / "behind"
_COUNT = "select count(*) as customers from dim_customers where customer_id in (select customer_id from ({behind}))"


@dataclass(frozen=True, slots=True)
class Behind:
    """A figure's own SELECT, by its file's name, what it is asked with, and what a person calls it."""

    view: str
    params: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""


def count(version: Published, of: Behind) -> int:
    """Count the customers behind a figure."""
    found: int = version.one(_COUNT.format(behind=_sql(of.view)), _asked(of))["customers"]
    return found


def sample(version: Published, of: Behind, size: int = 20) -> pa.Table:
    """Show those of them who brought most, phones masked to their last 4 digits."""
    return version.query(_people(of), {**_asked(of), "size": size, "is_masked": True})


def stream(version: Published, of: Behind, with_phones: bool) -> pa.RecordBatchReader:
    """Hand out all of them, phones masked unless they are asked for whole."""
    return version.stream(_people(of), {**_asked(of), "size": None, "is_masked": not with_phones})


def _asked(of: Behind) -> dict[str, Any]:
    """Give the parameters as DuckDB takes them: several values are a list, which a cache can't hold."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in of.params.items()}


def _people(of: Behind) -> str:
    return _sql("_people").replace("{behind}", _sql(of.view))


@cache
def _sql(view: str) -> str:
    return (_FOLDER / f"{view}.sql").read_text(encoding="utf-8")
