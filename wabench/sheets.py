"""Tables as CSV for people's spreadsheets: nothing in a cell runs as a formula, and a manifest says what it is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from wabench.published import Published

FORMULA = "^[=+\\-@\t\r\n＝＋－＠]"
PHONE = r"^\+[0-9]{6,15}$"  # a plus and digits call nothing, and an apostrophe would break every import of phones


@dataclass(frozen=True, slots=True)
class Sheet:
    """A CSV file in UTF-8, and its manifest in JSON."""

    csv: bytes
    manifest: str
    rows: int


def sheet(rows: pa.RecordBatchReader, of: Published, name: str, about: Mapping[str, Any]) -> Sheet:
    """Write rows as CSV, and beside it `about`, the version, as-of, rows, columns and SHA-256."""
    written, count = _written(rows)
    manifest = {
        "file": name,
        **about,
        "version": of.version,
        "as_of": iso(of.as_of),
        "exported_at": iso(datetime.now(UTC).replace(microsecond=0, tzinfo=None)),
        "rows": count,
        "columns": rows.schema.names,
        "sha256": sha256(written).hexdigest(),
        "complete": True,
    }
    return Sheet(written, json.dumps(manifest, ensure_ascii=False, indent=2, default=str) + "\n", count)


def content(rows: pa.RecordBatchReader) -> bytes:
    """Write rows as CSV without a manifest, for figures that name nobody."""
    return _written(rows)[0]


def _written(rows: pa.RecordBatchReader) -> tuple[bytes, int]:
    file, count = BytesIO(), 0
    with csv.CSVWriter(file, rows.schema) as writer:
        for batch in rows:
            writer.write_batch(neutral(batch))
            count += batch.num_rows
    return file.getvalue(), count


def neutral(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Put an apostrophe before each text that a spreadsheet would run."""
    columns = [_neutral(column) if pa.types.is_string(column.type) else column for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _neutral(texts: pa.Array) -> pa.Array:
    runs = pc.and_not(pc.match_substring_regex(texts, FORMULA), pc.match_substring_regex(texts, PHONE))
    return pc.if_else(runs, pc.binary_join_element_wise("'", texts, ""), texts)


def iso(moment: datetime) -> str:
    """Write a naive UTC time with its Z."""
    return f"{moment.isoformat()}Z"
