"""One-time files: CSV, Parquet, XLSX or NDJSON into landing, each whole or not at all, and each once."""

import csv
import hashlib
import io
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import polars as pl
import pyarrow.parquet as pq

from ingest import landing
from ingest.parse import BatchHeader
from ingest.paths import parse_path
from ingest.records import FIELDS, SURPLUS, Reading, compile_mapping
from wabench.errors import UsageError
from wabench.settings import Settings
from wabench.spelling import hint

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Landed:
    """What became of one file."""

    path: Path
    stream: str
    rows: int
    is_new: bool


def land_file(
    settings: Settings,
    stream: str,
    path: Path,
    fields: Mapping[str, str],
    *,
    source: str = "file",
    date_format: str | None = None,
    encoding: str = "utf-8",
    clock: Callable[[], datetime] = landing.utc_now,
) -> Landed:
    """Put a file's rows into landing; the same file with the same mapping is landed once.

    `fields` maps our fields to the file's columns; a column that already has our name needs no mapping. Raises
    UsageError for a file, column or field that is not there, naming the nearest.
    """
    if stream not in FIELDS:
        raise UsageError(f"a file holds {', '.join(FIELDS)}, not {stream!r}; write --file orders=PATH")
    if not re.fullmatch(r"[\w-]+", source):
        raise UsageError(f"--source {source!r}: name the shop in letters, digits, _ and -")
    columns, records = _open(path, encoding)
    mapping = _mapping(stream, columns, fields)
    reading = Reading(ZoneInfo(settings.timezone), settings.region, settings.currency, date_format)
    compile_mapping(stream, mapping, reading)
    digest = hashlib.sha256(path.read_bytes())
    digest.update(
        msgspec.json.encode(
            [stream, mapping, date_format, encoding, settings.timezone, settings.currency], order="sorted"
        )
    )
    name = digest.hexdigest()[:32]
    folder = settings.paths.landing / source / stream
    if earlier := next(folder.glob(f"*/{landing.BATCH_PREFIX}{name}.ndjson"), None):
        with earlier.open("rb") as file:
            return Landed(earlier, stream, sum(1 for _ in file) - 1, is_new=False)
    header = BatchHeader(
        received_at=landing.stamp(clock()),
        file=path.name,
        sha256=digest.hexdigest(),
        map=mapping,
        timezone=settings.timezone,
        currency=settings.currency,
        date_format=date_format,
    )
    rows = _Counted(records)
    target = landing.write_batch(folder, name, _lines(header, rows), clock)
    return Landed(target, stream, rows.count, is_new=True)


class _Counted:
    """Passes records on and counts them."""

    def __init__(self, records: Iterator[Record]) -> None:
        self._records = records
        self.count = 0

    def __iter__(self) -> Iterator[Record]:
        for record in self._records:
            self.count += 1
            yield record


def _lines(header: BatchHeader, records: _Counted) -> Iterator[bytes]:
    yield msgspec.json.encode(header) + b"\n"
    for record in records:
        yield msgspec.json.encode(record, enc_hook=_plain) + b"\n"


def _mapping(stream: str, columns: list[str], fields: Mapping[str, str]) -> dict[str, str]:
    named = {name: f'["{name}"]' for name in columns if name in FIELDS[stream]}
    return named | {name: path if path.startswith("=") else _column(path, columns) for name, path in fields.items()}


def _column(path: str, columns: list[str]) -> str:
    """Resolve a mapped column: its exact name first, as names may hold dots, then a path into nested values."""
    if path in columns:
        return f'["{path}"]'
    if parse_path(path)[:1] and parse_path(path)[0] in columns:
        return path
    raise UsageError(f"the file has no column {path!r}{hint(path, columns)}")


def _open(path: Path, encoding: str) -> tuple[list[str], Iterator[Record]]:
    readers: dict[str, Callable[[], tuple[list[str], Iterator[Record]]]] = {
        ".csv": lambda: _csv(path, encoding),
        ".tsv": lambda: _csv(path, encoding),
        ".parquet": lambda: _parquet(path),
        ".xlsx": lambda: _xlsx(path),
        ".ndjson": lambda: _ndjson(path),
        ".jsonl": lambda: _ndjson(path),
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UsageError(
            f"{path.name}: can't read {path.suffix or 'a file without a suffix'}; give {', '.join(readers)}"
        )
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file")
    try:
        return reader()
    except UsageError:
        raise
    except UnicodeDecodeError:
        raise UsageError(f"{path.name} is not {encoding}; say which with --encoding, e.g. cp1251 or latin-1") from None
    except Exception as error:  # noqa: BLE001 - four libraries, each with its own errors, for the same mishap
        raise UsageError(f"{path.name} can't be read as {path.suffix}: {str(error).splitlines()[0]}") from None


def _csv(path: Path, encoding: str) -> tuple[list[str], Iterator[Record]]:
    text = path.read_bytes().decode("utf-8-sig" if encoding == "utf-8" else encoding)
    head = text[: text.find("\n")] if "\n" in text else text
    delimiter = max(",;\t|", key=head.count)
    csv.field_size_limit(sys.maxsize)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey=SURPLUS)
    return list(reader.fieldnames or []), iter(reader)


def _parquet(path: Path) -> tuple[list[str], Iterator[Record]]:
    file = pq.ParquetFile(path)
    return list(file.schema_arrow.names), (row for batch in file.iter_batches(20_000) for row in batch.to_pylist())


def _xlsx(path: Path) -> tuple[list[str], Iterator[Record]]:
    frame = pl.read_excel(path)
    return frame.columns, frame.iter_rows(named=True)


def _ndjson(path: Path) -> tuple[list[str], Iterator[Record]]:
    lines = [line for line in path.read_bytes().splitlines() if line.strip()]
    for number, line in enumerate(lines, 1):
        if not isinstance(_decoded(line, path, number), dict):
            raise UsageError(f"{path.name} line {number} is no JSON object")
    columns = {name: None for line in lines for name in msgspec.json.decode(line)}
    return list(columns), (msgspec.json.decode(line) for line in lines)


def _decoded(line: bytes, path: Path, number: int) -> Any:
    try:
        return msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        raise UsageError(f"{path.name} line {number} is no JSON: {error}") from None


def _plain(value: Any) -> Any:
    match value:
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal():
            return str(value)
    return str(value)
