import base64
import fcntl
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import landing
from ingest.landing import LandingLog

AT = datetime(2026, 7, 1, 12, tzinfo=UTC)


def lines(folder: Path) -> list[bytes]:
    return [line for path in sorted(folder.glob("*/*.ndjson")) for line in path.read_bytes().splitlines()]


def test_a_query_is_kept_beside_the_body() -> None:
    line = landing.envelope(b'{"a":1}', AT, valid_json=True, query="callback=wb%3A1")
    assert landing.open_envelope(line[:-1]) == ("2026-07-01T12:00:00.000000Z", b'{"a":1}', "callback=wb%3A1")


@given(st.binary())
def test_an_envelope_gives_back_the_very_bytes_whatever_they_are(body: bytes) -> None:
    line = landing.envelope(body, AT, valid_json=landing.is_json(body))
    assert line.count(b"\n") == 1
    assert landing.open_envelope(line[:-1]) == ("2026-07-01T12:00:00.000000Z", body, "")
    assert landing.decode_envelope(line).raw() == body


@given(st.recursive(st.none() | st.booleans() | st.text() | st.integers(), lambda x: st.lists(x)))
def test_an_envelope_around_json_is_itself_json(value: object) -> None:
    import json

    body = json.dumps(value, indent=1).encode()
    assert json.loads(landing.envelope(body, AT, valid_json=True))["received_at"] == "2026-07-01T12:00:00.000000Z"


def test_what_is_no_text_is_kept_as_base64() -> None:
    line = landing.envelope(b"\xff\xfe", AT, valid_json=False)
    assert base64.b64encode(b"\xff\xfe") in line


def test_nothing_is_written_before_commit_and_all_of_it_after(tmp_path: Path) -> None:
    log = LandingLog(tmp_path, clock=lambda: AT)
    log.append(b'{"a":1}')
    log.append(b'{"a":2}')
    assert lines(tmp_path) == []
    log.commit()
    assert [landing.open_envelope(line)[1] for line in lines(tmp_path)] == [b'{"a":1}', b'{"a":2}']


def test_two_bodies_never_share_a_time_even_in_one_tick(tmp_path: Path) -> None:
    log = LandingLog(tmp_path, clock=lambda: AT)
    for _ in range(3):
        log.append(b"{}")
    log.commit()
    stamps = [landing.open_envelope(line)[0] for line in lines(tmp_path)]
    assert len(set(stamps)) == 3
    assert stamps == sorted(stamps)


def test_a_new_file_begins_at_the_size_limit_and_at_midnight(tmp_path: Path) -> None:
    now = [AT]
    log = LandingLog(tmp_path, clock=lambda: now[0], max_file_bytes=100)
    for _ in range(2):
        now[0] = now[0].replace(microsecond=now[0].microsecond + 1)
        log.append(b'{"padding":"%s"}' % (b"x" * 60))
        log.commit()
    now[0] = AT.replace(day=2)
    log.append(b"{}")
    log.commit()
    assert [path.parent.name for path in sorted(tmp_path.glob("*/*"))] == ["2026-07-01", "2026-07-01", "2026-07-02"]


def test_a_torn_tail_is_set_aside_and_the_lines_before_it_stay(tmp_path: Path) -> None:
    log = LandingLog(tmp_path, clock=lambda: AT)
    log.append(b'{"kept":1}')
    log.commit()
    log.close()
    (path,) = tmp_path.glob("*/*.ndjson")
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"received_at":"2026-')
    assert landing.recover(tmp_path) == [path.with_suffix(".ndjson.torn")]
    assert path.read_bytes() == whole
    assert path.with_suffix(".ndjson.torn").read_bytes() == b'{"received_at":"2026-'
    assert landing.recover(tmp_path) == []


def test_a_file_with_no_whole_line_at_all_is_set_aside_whole(tmp_path: Path) -> None:
    (tmp_path / "2026-07-01").mkdir()
    path = tmp_path / "2026-07-01" / "a.ndjson"
    path.write_bytes(b"torn")
    landing.recover(tmp_path)
    assert path.read_bytes() == b""


def test_recovery_leaves_the_file_of_a_living_writer_alone(tmp_path: Path) -> None:
    (tmp_path / "2026-07-01").mkdir()
    path = tmp_path / "2026-07-01" / "a.ndjson"
    path.write_bytes(b"half a li")
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert landing.recover(tmp_path) == []
    assert path.read_bytes() == b"half a li"


def test_a_full_disk_acknowledges_nothing_and_the_next_write_starts_clean(tmp_path: Path) -> None:
    log = LandingLog(tmp_path, clock=lambda: AT)
    log.append(b'{"n":1}')
    log.commit()
    broken = log._fd
    assert broken is not None
    os.close(broken)
    read_only = os.open(next(tmp_path.glob("*/*.ndjson")), os.O_RDONLY)
    assert read_only == broken, "the log's descriptor now refuses writes, as a full disk would"
    log.append(b'{"n":2}')
    with pytest.raises(OSError):
        log.commit()
    log._clock = lambda: AT.replace(second=1)
    log.append(b'{"n":3}')
    log.commit()
    assert [landing.open_envelope(line)[1] for line in lines(tmp_path)] == [b'{"n":1}', b'{"n":3}']


@given(st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b" ")), max_size=30), st.integers(1, 60))
def test_spans_cover_every_whole_line_once_and_cut_none(tmp_path_factory: pytest.TempPathFactory, rows, size) -> None:
    path = tmp_path_factory.mktemp("spans") / "a.ndjson"
    path.write_bytes(b"".join(row + b"\n" for row in rows) + b"torn")
    data = path.read_bytes()
    pieces = [data[start:end] for start, end in landing.spans(path, 0, size)]
    assert b"".join(pieces) == data[: -len(b"torn")]
    assert all(piece.endswith(b"\n") for piece in pieces)


def test_the_last_line_is_the_last_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b"one\ntwo\nthr")
    assert landing.last_line(path) == b"two"
    path.write_bytes(b"only\n")
    assert landing.last_line(path) == b"only"
    path.write_bytes(b"torn")
    assert landing.last_line(path) is None


def test_a_batch_killed_halfway_leaves_no_file_behind_that_would_be_loaded(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys, pathlib\n"
        "from ingest import landing\n"
        "def rows():\n"
        "    yield b'header\\n'\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "landing.write_batch(pathlib.Path(sys.argv[1]), 'abc', rows())\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path / "shop" / "orders")], check=False)
    assert killed.returncode == -9
    assert landing.files(tmp_path) == []
