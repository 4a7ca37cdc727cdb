"""The landing log: verbatim bodies in append-only NDJSON files, acknowledged only when they are on disk.

`data/landing/<source>/<stream>/<date>/<time>-<pid>.ndjson`. A line is an envelope around one body:

    {"received_at":"2026-07-01T12:00:00.000000Z","body":<the JSON as it came>}
    {"received_at":"…","text":"…"}      a body that is no one-line JSON, as text
    {"received_at":"…","base64":"…"}    a body that is no text either
    {"received_at":"…","query":"…",…}   the query it was posted with, where there was one

A writer never appends to another's file, so what follows the last newline of a file whose writer is gone is torn.
"""

import base64
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from wabench.disk import appearing, make_folder, sync

MAX_FILE_BYTES = 64 * 1024 * 1024
BATCH_PREFIX = "batch-"
"""Files of this name hold one ingested file: a header line, then its rows."""

_HEAD = b'{"received_at":"'
_BODY = b'","body":'
_STAMP_END = len(_HEAD) + len("2026-07-01T12:00:00.000000Z")
_BODY_START = _STAMP_END + len(_BODY)


class Envelope(msgspec.Struct, omit_defaults=True):
    """One landed line. Exactly one of `body`, `text` and `base64` is set; `pull` is where a pulled page came from."""

    received_at: str
    pull: dict[str, Any] | None = None
    query: str = ""
    body: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    text: str | None = None
    base64: str | None = None

    def raw(self) -> bytes:
        """Give the body's bytes as they came."""
        if self.body is not msgspec.UNSET:
            return bytes(self.body)
        return self.text.encode() if self.text is not None else base64.b64decode(self.base64 or "")


_envelopes = msgspec.json.Decoder(Envelope)


def utc_now() -> datetime:
    """Tell the time; the default clock."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """Write a UTC time with microseconds, always 27 characters."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def is_json(body: bytes) -> bool:
    """Tell whether the body is one JSON document that every reader can read."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
        body.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def is_loose_json(body: bytes) -> bool:
    """Tell whether it is JSON by its grammar, even with half a surrogate pair in it, as a cut emoji leaves behind."""
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def read_json(body: bytes) -> Any:
    """Read JSON, a `?` in place of half a surrogate pair; raises msgspec.DecodeError for what is none."""
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        if b"\\u" not in body:
            raise
    try:
        text = json.dumps(json.loads(body.decode()), ensure_ascii=False)
    except (ValueError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from None
    return msgspec.json.decode(text.encode(errors="replace"))


def envelope(
    body: bytes, received_at: datetime, *, valid_json: bool, pull: dict[str, Any] | None = None, query: str = ""
) -> bytes:
    """Wrap a body into one line, newline included, from which `open_envelope` gives back the same bytes."""
    head = _HEAD + stamp(received_at).encode() + b'"'
    if pull is not None:
        head += b',"pull":' + msgspec.json.encode(pull)
    if query:
        head += b',"query":' + msgspec.json.encode(query)
    if valid_json and b"\n" not in body and b"\r" not in body:
        return head + b',"body":' + body + b"}\n"
    try:
        return head + b',"text":' + msgspec.json.encode(body.decode()) + b"}\n"
    except UnicodeDecodeError:
        return head + b',"base64":"' + base64.b64encode(body) + b'"}\n'


def open_envelope(line: bytes) -> tuple[str, bytes, str]:
    """Give a line's received_at, body and query; raises msgspec.DecodeError where the line is damaged.

    The usual line is cut at fixed places: a third of the time a JSON decoder takes to find the same bytes.
    """
    if line[_STAMP_END:_BODY_START] == _BODY and line.startswith(_HEAD) and line.endswith(b"}"):
        return line[len(_HEAD) : _STAMP_END].decode(), line[_BODY_START:-1], ""
    opened = _envelopes.decode(line)
    return opened.received_at, opened.raw(), opened.query


def decode_envelope(line: bytes) -> Envelope:
    """Read a whole line, `pull` included; raises msgspec.DecodeError where the line is damaged."""
    return _envelopes.decode(line)


class LandingLog:
    """The writing end of one stream. `append` buffers; what it took is safe once `commit` has returned.

    After a failed write or fsync the file is abandoned and the next append opens a new one: what the failed call
    left behind is either whole lines (events are de-duplicated) or a torn tail (set aside).
    """

    def __init__(
        self, folder: Path, *, clock: Callable[[], datetime] = utc_now, max_file_bytes: int = MAX_FILE_BYTES
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._max = max_file_bytes
        self._pending: list[bytes] = []
        self._fd: int | None = None
        self._size = 0
        self._date = ""
        self._last = datetime.min.replace(tzinfo=UTC)
        recover(folder)

    def append(
        self, body: bytes, *, valid_json: bool = True, pull: dict[str, Any] | None = None, query: str = ""
    ) -> None:
        """Take one body; it is not safe before `commit`."""
        self._last = max(self._clock(), self._last + timedelta(microseconds=1))
        self._pending.append(envelope(body, self._last, valid_json=valid_json, pull=pull, query=query))

    def take(self) -> bytes:
        """Hand over what was appended since the last take, for `write`."""
        lines, self._pending = self._pending, []
        return b"".join(lines)

    def write(self, lines: bytes) -> None:
        """Put lines on disk: write, then fsync; raises OSError, after which nothing of `lines` may be acknowledged."""
        if not lines:
            return
        try:
            self._rotate(len(lines))
            assert self._fd is not None  # noqa: S101 - _rotate has opened it
            self._write_whole(self._fd, lines)
            os.fdatasync(self._fd)
            self._size += len(lines)
        except OSError:
            self.close()
            raise

    def commit(self) -> None:
        """Make everything appended safe."""
        self.write(self.take())

    def close(self) -> None:
        """Let go of the file; the next append opens a new one."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _write_whole(self, fd: int, lines: bytes) -> None:
        """Write all of it; on a full disk leave the file as it was, so that what is acknowledged is all there is."""
        view = memoryview(lines)
        try:
            while view:
                view = view[os.write(fd, view) :]
        except OSError:
            with suppress(OSError):
                os.ftruncate(fd, self._size)
            raise

    def _rotate(self, incoming: int) -> None:
        now = self._clock().astimezone(UTC)
        date = now.strftime("%Y-%m-%d")
        if self._fd is not None and date == self._date and self._size + incoming <= self._max:
            return
        self.close()
        folder = self._folder / date
        make_folder(folder)
        path = folder / f"{now.strftime('%Y%m%dT%H%M%S.%f')}-{os.getpid()}.ndjson"
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        sync(folder)
        self._size, self._date = 0, date


def recover(folder: Path) -> list[Path]:
    """Set aside the torn last lines of files whose writers are gone; gives the files the tails were put in.

    A crash while recovering leaves it to be done again: the tail is copied before it is cut.
    """
    aside = []
    for path in sorted(folder.glob("*/*.ndjson")):
        with path.open("rb+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # its writer is alive
            end = file.seek(0, os.SEEK_END)
            kept = complete_until(file.fileno(), end)
            if kept == end:
                continue
            torn = path.with_suffix(".ndjson.torn")
            file.seek(kept)
            with appearing(torn) as tail:
                tail.write(file.read())
            file.truncate(kept)
            os.fsync(file.fileno())
            aside.append(torn)
    return aside


def complete_until(fd: int, end: int, block: int = 65536) -> int:
    """Find the offset after the last newline before `end`; 0 where there is none."""
    while end > 0:
        start = max(0, end - block)
        at = os.pread(fd, end - start, start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0


@dataclass(frozen=True, slots=True, order=True)
class LandingFile:
    """A file of the log; `name` is relative to the landing folder and what `landing_ref` begins with."""

    source: str
    stream: str
    name: str
    path: Path

    @property
    def is_batch(self) -> bool:
        return self.path.name.startswith(BATCH_PREFIX)


def files(root: Path, source: str = "*", stream: str = "*") -> list[LandingFile]:
    """List the log's files, oldest first within a stream."""
    found = (p for p in root.glob(f"{source}/{stream}/*/*.ndjson"))
    return sorted(LandingFile(p.parts[-4], p.parts[-3], p.relative_to(root).as_posix(), p) for p in found)


def spans(path: Path, offset: int, size: int) -> Iterator[tuple[int, int]]:
    """Cut what follows `offset` into half-open spans of whole lines, each of about `size` bytes.

    A line longer than that comes whole; what follows the last newline is left for later.
    """
    with path.open("rb") as file:
        end = complete_until(file.fileno(), file.seek(0, os.SEEK_END))
        while offset < end:
            file.seek(min(offset + size, end) - 1)
            file.readline()
            until = file.tell()
            yield offset, until
            offset = until


def last_line(path: Path) -> bytes | None:
    """Read a file's last whole line, without its newline; None where there is none."""
    with path.open("rb") as file:
        end = complete_until(file.fileno(), file.seek(0, os.SEEK_END))
        if not end:
            return None
        start = complete_until(file.fileno(), end - 1)
        file.seek(start)
        return file.read(end - 1 - start)


def write_batch(folder: Path, name: str, lines: Iterator[bytes], clock: Callable[[], datetime] = utc_now) -> Path:
    """Land one ingested file whole or not at all; gives its path."""
    target = folder / clock().astimezone(UTC).strftime("%Y-%m-%d") / f"{BATCH_PREFIX}{name}.ndjson"
    make_folder(target.parent)
    with appearing(target) as file:
        file.writelines(lines)
    return target
