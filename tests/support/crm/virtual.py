"""A source of any kind pulled from a CRM in this process, in time that only passes when somebody waits."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec

from ingest import loader, sources
from ingest.paths import expand
from ingest.pull import PullOutcome, pull
from ingest.records import Reading, compile_mapping, convert
from ingest.sources.base import Api
from wabench.settings import Settings, SourceSettings, load

READING = Reading(UTC, "RU", "RUB")

Answers = Callable[[httpx.Request], httpx.Response]
Row = dict[str, Any]


class Time:
    """A clock that goes on by what is waited, and a little by each look at it."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.waited: list[float] = []

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += timedelta(seconds=seconds)


class Pulls:
    """A home with one source, `crm`, that is pulled and loaded as often as called."""

    def __init__(self, home: Path, time: Time, server: Answers, secrets: Mapping[str, str], toml: str) -> None:
        (home / "wabench.toml").write_text(f'region = "RU"\n[sources.crm]\n{toml}')
        environ = {f"WABENCH_SOURCE_CRM_{name.upper()}": secret for name, secret in secrets.items()}
        self.settings: Settings = load({"WABENCH_HOME": str(home), **environ})
        self.time, self.server = time, server

    def __call__(self, full: bool = False) -> dict[str, PullOutcome]:
        """Pull every feed and load what came."""
        transport = httpx.MockTransport(self.server)
        outcomes = pull(self.settings, full=full, transport=transport, sleep=self.time.sleep, clock=self.time)
        loader.load(self.settings)
        return {outcome.stream: outcome for outcome in outcomes}

    def rows(self, table: str, columns: str) -> list[tuple[Any, ...]]:
        """Read columns of a raw table, sorted."""
        connection = loader.connect(self.settings)
        try:
            return sorted(connection.execute(f"select {columns} from raw.{table}").fetchall(), key=repr)
        finally:
            connection.close()

    def landed(self) -> bytes:
        """Give all that landed."""
        return b"".join(path.read_bytes() for path in self.settings.paths.landing.rglob("*.ndjson"))


def api(kind: str, server: Answers, secrets: Mapping[str, str], time: Time, toml: str) -> Api:
    """Make what asks a server, without a home."""
    settings = SourceSettings.model_validate({"kind": kind, **tomllib.loads(toml)})
    client = httpx.Client(transport=httpx.MockTransport(server))
    return Api("crm", sources.check("crm", settings), settings, client, secrets, time.sleep, time)


def rows(asked: Api, feed: str, since: datetime | None = None) -> Iterator[tuple[str, Row]]:
    """Pull a feed and read its records as the loader does: table and row, in the order they came."""
    for page in asked.source.pages(asked, feed, since, None):
        yield from read(asked, feed, page.body)


def read(asked: Api, feed: str, body: bytes) -> Iterator[tuple[str, Row]]:
    """Read one page's body as the loader does; raises what it would reject."""
    for table in sources.feeds(asked.settings)[feed]:
        mapping = compile_mapping(table.name, table.map, READING, table.words)
        document = msgspec.json.decode(body)
        for record, parents in expand(table.shape(document) if table.shape else document, table.records):
            yield table.name, convert(record, parents, mapping, READING)
