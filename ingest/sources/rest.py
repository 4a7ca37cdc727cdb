"""Any JSON REST API, described in `wabench.toml`: its pages, one after the other."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

import httpx

from ingest.paths import expand, find, has_list, parse_path
from ingest.sources import base
from ingest.sources.base import Api, Cursor, Feeds, Page, PageRefused, Table
from wabench.errors import WabenchError
from wabench.settings import SourceSettings, StreamSettings

kind = "rest"
base_url = ""
secrets = ("token",)
OPTIONS: Mapping[str, str] = {}
IDENTITY: tuple[str, ...] = ()
page_size = 100
per_second = None
tells_deletions = False
throttled = base.throttled


def feeds(settings: SourceSettings) -> Feeds:
    return {name: (Table(name, stream.records, stream.map),) for name, stream in settings.streams.items()}


def is_whole(settings: SourceSettings, feed: str) -> bool:
    """Take a list for whole only where the shop says so, for any API may leave out what is old or archived."""
    return bool(settings.full_every_days)


def authorise(request: httpx.Request, secrets: Mapping[str, str], token: str | None) -> None:
    """Leave the request as it is: which header takes the token is a setting, and `pages` has put it there."""


def renew(api: Api) -> str | None:
    return None


def pages(api: Api, feed: str, since: datetime | None, start: Cursor | None) -> Iterator[Page]:
    """Ask for page after page from `start`; raises WabenchError when the source refuses or makes no sense."""
    stream = api.settings.stream(feed)
    assert stream is not None  # noqa: S101 - a feed of this kind is a stream of its settings
    cursor = start
    before: list[Any] = []
    while True:
        response, document = api.ask(_request(api, stream, since, cursor))
        here = _records(api, stream, response, document)
        following = _next(stream, cursor, document, response, len(here))
        if following is not None and following == cursor:
            raise WabenchError(f"source {api.name}: {response.url} names itself as its next page")
        if here and here == before:
            raise WabenchError(
                f"source {api.name}: {response.url} answers what the page before it did; see paging.style"
            )
        yield Page(response.content, len(here), following)
        if following is None:
            return
        cursor, before = following, here


def _records(api: Api, stream: StreamSettings, response: httpx.Response, document: Any) -> list[Any]:
    """Give a page's records; raises PageRefused without a list, as an expired place may be told with 200."""
    if not has_list(document, stream.records):
        where = f"a list at {stream.records!r}" if stream.records else "a list"
        said = api.hide(response.text)
        raise PageRefused(f"source {api.name}: {response.url} answered without {where}, but: {said}")
    return [record for record, _ in expand(document, stream.records)]


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


def _request(api: Api, stream: StreamSettings, since: datetime | None, cursor: Cursor | None) -> httpx.Request:
    headers = {"Accept": "application/json"}
    if token := api.secrets.get("token"):
        headers[api.settings.auth_header] = api.settings.auth_format.format(token=token)
    at = cursor or {}
    if "url" in at:
        return api.client.build_request("GET", httpx.URL(str(at["url"])), headers=headers)
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
    return api.client.build_request("GET", urljoin(api.base_url + "/", stream.path), params=params, headers=headers)


def _since(moment: datetime, form: str) -> str:
    seconds = moment.timestamp()
    forms = {"unix": str(int(seconds)), "unix_ms": str(int(seconds * 1000))}
    return forms.get(form) or moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
