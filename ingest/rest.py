"""Any JSON REST API, described in `wabench.toml`: its pages, one after the other, politely."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

import httpx
import msgspec

from ingest.records import expand, find, has_list, parse_path
from wabench.errors import WabenchError
from wabench.settings import SourceSettings, StreamSettings

ATTEMPTS = 8
"""Times a page is asked for before the pull gives up and waits for the next run."""

LONGEST_WAIT = 60.0
"""Seconds between two attempts where the server does not say; what it says is kept, to an hour."""

Cursor = dict[str, str | int]
"""Where a list goes on: one of page, offset, cursor or url."""


class PageRefused(WabenchError):
    """The source will not answer this request, however often it is asked."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer, verbatim, and where the list goes on; `next` is None on the last."""

    body: bytes
    records: int
    next: Cursor | None


@dataclass(frozen=True, slots=True)
class Api:
    """One source's API: what every request to it needs."""

    name: str
    source: SourceSettings
    token: str | None
    client: httpx.Client
    sleep: Callable[[float], None] = time.sleep


def pages(api: Api, stream: StreamSettings, since: datetime | None, start: Cursor | None) -> Iterator[Page]:
    """Ask for page after page from `start`; raises WabenchError when the source refuses or makes no sense."""
    cursor = start
    while True:
        response = _get(api, stream, since, cursor)
        try:
            document = msgspec.json.decode(response.content)
        except msgspec.DecodeError:
            raise WabenchError(
                f"source {api.name}: {response.url} answered no JSON; nothing was taken from it"
            ) from None
        if not has_list(document, stream.records):
            where = f"a list at {stream.records!r}" if stream.records else "a list"
            said = response.text[:200].replace("\n", " ")
            raise WabenchError(f"source {api.name}: {response.url} answered without {where}, but: {said}")
        records = sum(1 for _ in expand(document, stream.records))
        following = _next(stream, cursor, document, response, records)
        if following is not None and following == cursor:
            raise WabenchError(f"source {api.name}: {response.url} names itself as its next page")
        yield Page(response.content, records, following)
        if following is None:
            return
        cursor = following


def _next(
    stream: StreamSettings, cursor: Cursor | None, document: Any, response: httpx.Response, records: int
) -> Cursor | None:
    """Tell where the list goes on.

    Numbered pages end at an empty one: a server may hand out fewer records a page than asked, so a short page proves
    nothing.
    """
    paging, at = stream.paging, cursor or {}
    match paging.style:
        case "page":
            return {"page": int(at.get("page", paging.first)) + 1} if records else None
        case "offset":
            return {"offset": int(at.get("offset", 0)) + records} if records else None
        case "cursor":
            token = find(document, parse_path(paging.next_path))
            return {"cursor": str(token)} if token not in (None, "", False) else None
        case "next_url":
            url = find(document, parse_path(paging.next_path))
            return {"url": urljoin(str(response.url), str(url))} if url else None
        case "link":
            url = response.links.get("next", {}).get("url")
            return {"url": urljoin(str(response.url), url)} if url else None
        case _:
            return None


def _get(api: Api, stream: StreamSettings, since: datetime | None, cursor: Cursor | None) -> httpx.Response:
    request = _request(api, stream, since, cursor)
    problem = ""
    for attempt in range(ATTEMPTS):
        try:
            response = api.client.send(request)
        except httpx.RequestError as error:
            problem, wait = str(error) or type(error).__name__, None
        else:
            if response.is_success:
                return response
            if response.status_code != 429 and response.status_code < 500:
                raise PageRefused(_refusal(api, response))
            problem, wait = f"HTTP {response.status_code}", _retry_after(response)
        if attempt + 1 < ATTEMPTS:
            api.sleep(min(2.0**attempt, LONGEST_WAIT) if wait is None else wait)
    raise WabenchError(
        f"source {api.name}: {request.url} did not answer {ATTEMPTS} times ({problem}); it goes on there"
    )


def _request(api: Api, stream: StreamSettings, since: datetime | None, cursor: Cursor | None) -> httpx.Request:
    base = api.source.base_url.rstrip("/") + "/"
    headers = {"Accept": "application/json"}
    if api.token:
        headers[api.source.auth_header] = api.source.auth_format.format(token=api.token)
    at = cursor or {}
    if "url" in at:
        url = httpx.URL(str(at["url"]))
        if (url.host, url.scheme) != (httpx.URL(base).host, httpx.URL(base).scheme):
            raise WabenchError(
                f"source {api.name}: the next page is at {url.host}, another host; it is not given the token"
            )
        return api.client.build_request("GET", url, headers=headers)
    params: dict[str, str | int] = dict(stream.params)
    paging = stream.paging
    if paging.size_parameter:
        params[paging.size_parameter] = paging.size
    if stream.updated_since and since:
        params[stream.updated_since] = _since(since, stream.updated_format)
    if paging.style in ("page", "offset"):
        params[paging.parameter] = at.get(paging.style, paging.first if paging.style == "page" else 0)
    elif "cursor" in at:
        params[paging.parameter] = at["cursor"]
    return api.client.build_request("GET", urljoin(base, stream.path), params=params, headers=headers)


def _since(moment: datetime, form: str) -> str:
    seconds = moment.timestamp()
    forms = {"unix": str(int(seconds)), "unix_ms": str(int(seconds * 1000))}
    return forms.get(form) or moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _retry_after(response: httpx.Response) -> float | None:
    """Read Retry-After, seconds or a date, an hour at most."""
    value = response.headers.get("retry-after", "")
    if value.isdigit():
        return min(float(value), 3600.0)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    seconds: float = (at - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), 3600.0)


def _refusal(api: Api, response: httpx.Response) -> str:
    if response.status_code in (401, 403):
        setting = f"WABENCH_SOURCE_{api.name.upper()}_TOKEN"
        return f"source {api.name} refuses the token (HTTP {response.status_code}); set {setting}"
    return f"source {api.name}: {response.url.copy_with(query=None)} answered HTTP {response.status_code}"
