"""A segment as CSV with its manifest: nothing in it runs as a formula, and a torn file never looks like a whole one."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO

import pyarrow as pa
from pyarrow import csv

from wabench import published
from wabench.disk import appearing
from wabench.errors import WabenchError
from wabench.published import Published
from wabench.segments import sets
from wabench.segments.compiler import compile_rule, named
from wabench.segments.fields import Field, Kind
from wabench.segments.files import Segment
from wabench.segments.queries import catalog, count
from wabench.segments.rules import rule_hash, to_data
from wabench.settings import Settings
from wabench.sheets import FORMULA, PHONE, iso

_MASKS = {
    "phone": "'•••• ' || right({column}, 4)",
    "email": "left({column}, 1) || '•••@' || split_part({column}, '@', 2)",
}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What stands beside an export: which rule, on which data, and that the file is whole.

    `segments` are the hashes of other segments' rules that the rule stands on, by their names.
    """

    file: str
    segment: str
    description: str
    rule: dict[str, object]
    rule_hash: str
    segments: dict[str, str]
    version: str
    as_of: str
    exported_at: str
    rows: int
    columns: list[str]
    masked: list[str]
    sha256: str
    complete: bool

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n"


def export(
    settings: Settings, segment: Segment, to: Path | None = None, with_phones: bool = False
) -> tuple[Path, Manifest]:
    """Write a segment's customers to `to` (default `data/exports/<name>-<version>.csv`), the manifest after it.

    Both appear by rename once they are on disk; a manifest that is there belongs to a file that is whole.
    """
    version = published.current(settings)
    target = to or settings.paths.exports / f"{segment.name}-{version.version}.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    manifest_path = target.with_suffix(".manifest.json")
    manifest_path.unlink(missing_ok=True)
    with appearing(target) as file:
        manifest = _write(file, settings, segment, version, target.name, with_phones)
    with appearing(manifest_path) as file:
        file.write(manifest.to_json().encode())
    return target, manifest


def render(settings: Settings, segment: Segment, with_phones: bool = False) -> tuple[bytes, Manifest]:
    """Give the same CSV and manifest in memory, for a download."""
    file = BytesIO()
    version = published.current(settings)
    manifest = _write(file, settings, segment, version, f"{segment.name}-{version.version}.csv", with_phones)
    return file.getvalue(), manifest


def _write(
    file: IO[bytes], settings: Settings, segment: Segment, version: Published, name: str, with_phones: bool
) -> Manifest:
    fields = catalog(settings, version).fields
    masked = [] if with_phones else [column for column in _MASKS if column in fields]
    rows = _copy(_rows(settings, segment, version, masked), file)
    expected = count(settings, segment.where, version).customers
    if rows != expected:
        raise WabenchError(f"wrote {rows} of {expected} customers; the export was given up, try again")
    return Manifest(
        file=name,
        segment=segment.name,
        description=segment.description,
        rule=to_data(segment.where),
        rule_hash=rule_hash(segment.where),
        segments={name: rule_hash(rule) for name, rule in named(segment.where, catalog(settings, version)).items()},
        version=version.version,
        as_of=iso(version.as_of),
        exported_at=iso(datetime.now(UTC).replace(microsecond=0, tzinfo=None)),
        rows=rows,
        columns=list(fields),
        masked=masked,
        sha256=_digest(file),
        complete=True,
    )


def _rows(settings: Settings, segment: Segment, version: Published, masked: list[str]) -> pa.RecordBatchReader:
    against = catalog(settings, version)
    compiled = compile_rule(segment.where, against)
    cells = ", ".join(f'{_cell(field, field.name in masked)} as "{field.name}"' for field in against.fields.values())
    # Only columns of the catalog and the compiler's own words are written in; every value is bound.
    sql = f"{compiled.people} select {cells} from people where {compiled.decided} order by customer_id"  # noqa: S608
    return version.stream(
        sql, {**compiled.params, "formula": FORMULA, "phone": PHONE}, tables=sets.tables(version, compiled)
    )


def _cell(field: Field, is_masked: bool) -> str:
    """Give the SQL of one cell: times as ISO with their Z, text that a spreadsheet would run behind an apostrophe."""
    column = f'"{field.name}"'
    if field.kind is Kind.TIME:
        return f"strftime({column}, '%Y-%m-%dT%H:%M:%SZ')"
    if field.kind is not Kind.TEXT:
        return column
    text = _MASKS[field.name].format(column=column) if is_masked else column
    runs = f"regexp_matches({text}, $formula) and not regexp_matches({text}, $phone)"
    return f"case when {runs} then chr(39) || {text} else {text} end"


def _copy(reader: pa.RecordBatchReader, file: IO[bytes]) -> int:
    rows = 0
    with csv.CSVWriter(file, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _digest(file: IO[bytes]) -> str:
    file.seek(0)
    digest = sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()
