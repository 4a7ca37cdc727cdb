"""What a kind of source is, and the one polite client that all of them ask through.

A kind is a module of this folder: a table of feeds (which records of an answer become which of our rows) and a
generator of pages. Waiting, trying again, renewing a token, staying on the host and keeping secrets out of what is
said are done here, once.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import httpx
import msgspec

from ingest import landing
from ingest.patience import PATIENCE, Patience
from wabench.errors import WabenchError
from wabench.settings import SourceSettings

ATTEMPTS = 8
"""Times a page is asked for before the pull gives up and waits for the next run."""

LONGEST_WAIT = 60.0
"""Seconds between two attempts where the server does not say; what it says is kept, to an hour."""

COMMON_OPTIONS = {
    "page_size": "records a page, where less than the most is wanted",
    "requests_per_second": "how fast to ask at most; what the system allows is the default",
    "waiting_seconds": "how long the pull of one list may wait in all, where it is throttled or fails; 600 unless said",
}

Cursor = dict[str, str | int]
"""Where a list goes on, in whatever words the kind needs; it is kept with the page, so a resumed pull has it."""


class PageRefused(WabenchError):
    """The source will not answer this request, however often it is asked."""


class AccessRefused(WabenchError):
    """The source does not take what it was given to know us by; the message names the variable."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one step of a pull lands, and where the list goes on; `next` is None on the last.

    `body` is the answer verbatim, or a JSON object of several (see `combine`).
    """

    body: bytes
    records: int
    next: Cursor | None


@dataclass(frozen=True, slots=True)
class Table:
    """Where the records of one of our tables stand in a page's body, and how their fields map to ours.

    `records` is a path of `ingest.records.expand`, `map` our field = their path. `words` translates what a field says
    before it is read (their word, in lower case -> ours; `*` is any other), e.g. `{"status": {"won": "paid"}}`.
    `shape` is what the document becomes before `records` is looked for in it, where one record's parts came in
    several answers or hide in lists of codes: a pure function of its module, so that a loading process can have it.
    """

    name: str
    records: str
    map: Mapping[str, str]
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    shape: Callable[[Any], Any] | None = None
    zone: str = ""
    """Zone of times without one, where the system has one for all shops; empty is the source's."""
    is_note: bool = False
    """Whether it only says that something is gone: its records have no more than that, and a shop's own map, which
    is about whole records, is not theirs."""


Feeds = Mapping[str, tuple[Table, ...]]
"""Landing stream -> the tables its pages fill. The feed that lists all orders is called `orders`, the one that lists
all customers `customers`; only what these show in a whole pull counts as there (`raw.pulls`)."""


class Source(Protocol):
    """A kind of source, as a module."""

    kind: str
    base_url: str
    """The system's address where all shops share one; else empty, and wabench.toml must say it."""
    secrets: tuple[str, ...]
    """Short names: a secret is `WABENCH_SOURCE_<NAME>_<SECRET>`."""
    OPTIONS: Mapping[str, str]
    """What `options` may hold beside COMMON_OPTIONS, and what it does."""
    IDENTITY: tuple[str, ...]
    """Those of them with another value of which other records are meant."""
    page_size: int
    per_second: float | None
    """Requests a second that the system allows; None where it says in its answers."""
    tells_deletions: bool
    """Whether an incremental pull learns of what was deleted; if not, a whole pull now and then has to."""

    def feeds(self, settings: SourceSettings) -> Feeds:
        """Give what is pulled, in the order it is pulled in."""
        ...

    def is_whole(self, settings: SourceSettings, feed: str) -> bool:
        """Tell whether a pull without `since` shows every record there is, so that what it lacks was deleted."""
        ...

    def pages(self, api: "Api", feed: str, since: datetime | None, start: Cursor | None) -> Iterator[Page]:
        """Ask for what changed since (None: all), from `start` (None: the beginning); the last page's next is None."""
        ...

    def authorise(self, request: httpx.Request, secrets: Mapping[str, str], token: str | None) -> None:
        """Put the token (what `renew` gave, else a secret) on a request; it is a copy, and its URL may be set too."""
        ...

    def throttled(self, response: httpx.Response) -> float | None:
        """Give the seconds to wait where the answer says to slow down (0: it does not say how long), else None."""
        ...

    def renew(self, api: "Api") -> str | None:
        """Fetch a new access token, kept in memory only; None where there is no way to."""
        ...


@dataclass(slots=True)
class Api:
    """One configured source: what every request to it needs."""

    name: str
    source: Source
    settings: SourceSettings
    client: httpx.Client
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    token: str | None = field(default=None, repr=False)
    server_time: datetime | None = None
    """The time that the first answer of this feed's pull was given at, by the source's own clock, where it says."""
    _last: datetime | None = None
    _wait: Patience = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin the pull of a feed, with all the patience there is for one."""
        seconds = float(self.options.get("waiting_seconds", PATIENCE))
        self._wait, self.server_time = Patience(self.sleep, f"source {self.name}", seconds), None

    @property
    def base_url(self) -> str:
        return (self.settings.base_url or self.source.base_url).rstrip("/")

    @property
    def options(self) -> Mapping[str, str]:
        return self.settings.options

    @property
    def page_size(self) -> int:
        return int(self.options.get("page_size", self.source.page_size))

    def request(self, method: str, path: str, **parts: Any) -> httpx.Request:
        """Build a request to a path under base_url; `parts` are httpx's: params, json, data, headers."""
        headers = {"Accept": "application/json", **parts.pop("headers", {})}
        return self.client.build_request(method, f"{self.base_url}/{path.lstrip('/')}", headers=headers, **parts)

    def ask(self, request: httpx.Request) -> tuple[httpx.Response, Any]:
        """Send, and read the answer as JSON; raises WabenchError where it is none."""
        response = self.send(request)
        try:
            return response, landing.read_json(response.content)
        except msgspec.DecodeError:
            raise WabenchError(f"{self._at(request)} answered no JSON; nothing was taken from it") from None

    def send(self, request: httpx.Request, *, is_authorised: bool = True) -> httpx.Response:
        """Send until it is answered: waits out throttling and failures, renews an expired token once.

        Raises AccessRefused, PageRefused where the source will never answer this, else WabenchError.
        """
        self._stay_on_host(request)
        problem, may_renew = "", is_authorised
        for attempt in range(ATTEMPTS):
            wait, begun = 0.0, self.clock()
            try:
                response = self._send_once(request, is_authorised)
                if may_renew and response.status_code == 401 and (token := self.source.renew(self)):
                    self.token, may_renew = token, False
                    response = self._send_once(request, is_authorised)
            except httpx.RequestError as error:
                problem = str(error) or type(error).__name__
            else:
                told = self.source.throttled(response)
                if told is None and response.is_success:
                    return response
                if told is None and response.status_code < 500:
                    raise self._refusal(request, response)
                problem = f"HTTP {response.status_code}" + (", throttled" if response.is_success else "")
                wait = told or retry_after(response) or 0.0
            self._wait.lose((self.clock() - begun).total_seconds())
            if attempt + 1 < ATTEMPTS:
                self._wait(wait or min(2.0**attempt, LONGEST_WAIT))
        raise WabenchError(
            f"{self._at(request)} did not answer {ATTEMPTS} times ({self.hide(problem)}); it goes on there"
        )

    def hide(self, text: str, most: int = 200) -> str:
        """Give what a source said, fit for a line of ours: short, and without our secrets."""
        for secret in sorted((*self.secrets.values(), self.token or ""), key=len, reverse=True):
            text = text.replace(secret, "…") if secret else text
        return " ".join(text.split())[:most]

    def variables(self, names: Iterable[str] = ()) -> str:
        """Name the environment variables of these secrets (none given: of all the kind has)."""
        stem = f"WABENCH_SOURCE_{self.name.replace('-', '_')}"
        return ", ".join(f"{stem}_{name}".upper() for name in names or self.source.secrets)

    def need(self, *names: str) -> None:
        """Raise AccessRefused naming the variables of these secrets that are not set."""
        if lacking := [name for name in names if not self.secrets.get(name)]:
            raise AccessRefused(f"source {self.name} needs {self.variables(lacking)}")

    def _send_once(self, request: httpx.Request, is_authorised: bool) -> httpx.Response:
        self._keep_pace()
        copy = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        copy.extensions = dict(request.extensions)
        if is_authorised:
            self.source.authorise(copy, self.secrets, self.token)
        response = self.client.send(copy)
        self.server_time = self.server_time or _date(response.headers.get("date", ""))
        return response

    def _keep_pace(self) -> None:
        per_second = float(self.options.get("requests_per_second") or self.source.per_second or math.inf)
        now = self.clock()
        if self._last is not None and (wait := 1 / per_second - (now - self._last).total_seconds()) > 0:
            self.sleep(min(wait, 1 / per_second))
        self._last = self.clock()

    def _stay_on_host(self, request: httpx.Request) -> None:
        ours, theirs = httpx.URL(self.base_url), request.url
        if (theirs.scheme, theirs.host, theirs.port) != (ours.scheme, ours.host, ours.port):
            raise WabenchError(
                f"source {self.name}: the next page is at {theirs.host}, another host; it is not given the token"
            )

    def _refusal(self, request: httpx.Request, response: httpx.Response) -> WabenchError:
        if response.status_code in (401, 403):
            said = f"source {self.name} refuses the token (HTTP {response.status_code})"
            return AccessRefused(f"{said}; set {self.variables()}")
        return PageRefused(f"{self._at(request)} answered HTTP {response.status_code}: {self.hide(response.text)}")

    def _at(self, request: httpx.Request) -> str:
        return f"source {self.name}: {self.hide(str(request.url.copy_with(query=None)))}"


def throttled(response: httpx.Response) -> float | None:
    """Read 429 as HTTP has it; the `throttled` of a system that adds nothing of its own."""
    return (retry_after(response) or 0.0) if response.status_code == 429 else None


def retry_after(response: httpx.Response) -> float | None:
    """Read Retry-After, seconds or a date, an hour at most."""
    value = response.headers.get("retry-after", "")
    if value.isascii() and value.replace(".", "", 1).isdigit():
        return min(float(value), 3600.0)
    if (at := _date(value)) is None:
        return None
    return min(max((at - datetime.now(UTC)).total_seconds(), 0.0), 3600.0)


def _date(value: str) -> datetime | None:
    """Read a date as HTTP has it; one without a zone is UTC, as they all should be."""
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def combine(**parts: bytes | list[bytes]) -> bytes:
    """Make one JSON object of several answers, each as it came: `combine(deals=answer, contacts=[first, second])`."""

    def text(part: bytes | list[bytes]) -> bytes:
        return part if isinstance(part, bytes) else b"[" + b",".join(part) + b"]"

    return b"{" + b",".join(msgspec.json.encode(name) + b":" + text(part) for name, part in parts.items()) + b"}"
