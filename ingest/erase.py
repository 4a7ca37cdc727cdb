"""A person taken out of landing: the one edit it knows.

A line keeps its length, spaces where something was, so every offset stays: what is loaded, where a pull stopped, each
`landing_ref`. Lines are written over where they stand, so a receiver may go on appending to the same file. The new
lines of a file are on disk in a redo log before the first is written: after a kill they are written again, all of them.
"""

import base64
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ingest import erase_events, erase_records, landing, readings
from ingest.erase_records import Layout
from ingest.landing import Envelope, LandingFile
from ingest.parse import EVENT_STREAMS, Span, batch_header, reads
from ingest.sources.base import Table
from wabench import providers
from wabench.disk import appearing, make_folder
from wabench.erasure.traces import Person
from wabench.errors import WabenchError
from wabench.settings import Settings

Edit = tuple[int, bytes]
"""Where in its file a line begins, and what it becomes."""


class _Redo(msgspec.Struct):
    """What is to be written over in one file."""

    path: str
    edits: list[Edit]


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the lines of one landing file are read: as events, as records, or by nobody."""

    file: LandingFile
    span: Span | None
    person: Person

    @property
    def is_of_events(self) -> bool:
        return self.file.stream in EVENT_STREAMS

    def may_hold(self, line: bytes) -> bool:
        """Tell whether the person may stand in a line; most lines are not looked at any closer."""
        traces = self.person.traces
        if traces.is_in(line) or b'","base64":"' in line:
            return True
        if self.is_of_events:
            return traces.names_message(line)
        of = self.file.source
        return any(each.encode() in line for each in (*self.person.refs_of(of), *self.person.orders_of(of)))


def erase(settings: Settings, person: Person, only: Collection[str] | None = None) -> int:
    """Take a person out of every line, or of the files named `only`; gives how many lines were changed.

    The caller holds the warehouse lock. A second call changes nothing.
    """
    finish(settings)
    redo = _redo_file(settings)
    make_folder(redo.parent)
    changed = 0
    for file, edits in _edits(settings, person, only):
        with appearing(redo) as log:
            log.write(msgspec.msgpack.encode(_Redo(str(file.path), edits)))
        finish(settings)
        changed += len(edits)
    return changed + (_erase_torn(settings, person) if only is None else 0)


def count(settings: Settings, person: Person) -> int:
    """Tell how many lines hold a person."""
    return sum(len(edits) for _, edits in _edits(settings, person, None))


def finish(settings: Settings) -> None:
    """Write what a killed erasure had begun to write."""
    redo = _redo_file(settings)
    if not redo.exists():
        return
    found = msgspec.msgpack.decode(redo.read_bytes(), type=_Redo)
    descriptor = os.open(found.path, os.O_RDWR)
    try:
        for offset, line in found.edits:
            os.pwrite(descriptor, line, offset)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    redo.unlink()


def _redo_file(settings: Settings) -> Path:
    return settings.paths.data / "erasing" / "landing.redo"


def _edits(
    settings: Settings, person: Person, only: Collection[str] | None
) -> Iterator[tuple[LandingFile, list[Edit]]]:  # fmt: skip
    for file in landing.files(settings.paths.landing):
        if only is not None and file.name not in only:
            continue
        read = readings.reader(settings, file)
        reading = _Reading(file, read(0, 0) if read else None, person)
        if edits := list(_edits_of(reading)):
            yield file, edits


def _edits_of(reading: _Reading) -> Iterator[Edit]:
    offset = 0
    with reading.file.path.open("rb") as lines:
        for line in lines:
            text = line.rstrip(b"\n")
            if line.endswith(b"\n") and text and reading.may_hold(text):
                changed = _changed(reading, text, offset)
                if changed != text:
                    yield offset, changed
            offset += len(line)


def _changed(reading: _Reading, line: bytes, offset: int) -> bytes:
    """Give a line as long as it was, without the person."""
    traces = reading.person.traces
    try:
        changed = _without(reading, line, offset)
    except (msgspec.DecodeError, WabenchError):
        changed = None if traces.is_in(line) else line  # damaged: nobody can load it
    if changed is None:
        return b" " * len(line)
    return traces.masked_bytes(changed) if traces.is_in(changed) else changed


def _without(reading: _Reading, line: bytes, offset: int) -> bytes | None:
    """Give a line without the person; None where nothing of it stays. A pulled page's envelope always does."""
    file, span, person = reading.file, reading.span, reading.person
    if file.is_batch:
        return _batch_line(reading, line) if offset else person.traces.masked_bytes(line)
    opened = landing.decode_envelope(line)
    body, must_stay = opened.raw(), opened.pull is not None
    if span is None:
        changed: bytes | None = erase_records.without_layout(body, person)
    elif reading.is_of_events:
        parse = reads(providers.get(file.source), file.stream)
        changed = erase_events.without(body, lambda each: parse(each, opened.query), person, must_stay)
    else:
        changed = erase_records.without(body, Layout(file.source, span.tables, span.reading), person)
    if changed is None and must_stay:
        changed = erase_records.without_layout(body, person)
    return None if changed is None else _closed(line, opened, body, changed)


def _batch_line(reading: _Reading, line: bytes) -> bytes | None:
    if reading.span is None:
        return erase_records.without_layout(line, reading.person)
    header = batch_header(reading.file.path)
    table = Table(reading.file.stream, "", header.map)
    layout = Layout(reading.file.source, (table,), header.reading(reading.span.reading))
    return erase_records.without(line, layout, reading.person)


def _closed(line: bytes, opened: Envelope, before: bytes, body: bytes) -> bytes:
    """Put a body back into its envelope, which stays as long as it was; raises DecodeError where it can't be found."""
    if opened.text is not None:
        before, body = (msgspec.json.encode(each.decode(errors="replace")) for each in (before, body))
    elif opened.base64 is not None:
        before, body = (b'"' + base64.b64encode(each) + b'"' for each in (before, body))
    end = line.rindex(b"}")
    if line[end - len(before) : end].strip() != before.strip() or len(body) > len(before):
        raise msgspec.DecodeError("an envelope that nobody here has written")
    return line[: end - len(before)] + body.ljust(len(before)) + line[end:]


def _erase_torn(settings: Settings, person: Person) -> int:
    """Blank torn tails that name the person: they were never acknowledged, and nobody reads them."""
    found = [p for p in settings.paths.landing.glob("*/*/*/*.torn") if person.traces.is_in(p.read_bytes())]
    for path in found:
        with path.open("r+b") as file:
            file.write(b" " * path.stat().st_size)
            file.flush()
            os.fsync(file.fileno())
    return len(found)
