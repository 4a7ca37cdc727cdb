"""The webhook receiver: checks who sent a body, makes it durable, and only then answers 200."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from time import perf_counter

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ingest import landing
from ingest.answers import Answers
from ingest.landing import LandingLog
from ingest.traffic import Traffic
from wabench import accounts, providers
from wabench.errors import UsageError
from wabench.providers.base import Provider
from wabench.replies.answering import channels
from wabench.settings import Settings

MAX_BODY_BYTES = 3 * 1024 * 1024
"""What Meta sends at most; the largest of the providers' limits."""

MAX_WAITING_BYTES = 256 * 1024 * 1024
"""Bodies waiting for the disk; beyond it the provider is told to come again, so that memory is bounded."""


class GroupCommit:
    """Share one fsync among all bodies that wait for it: the next begins as soon as the last ended.

    No timer: measured, it is both the fastest and the quickest to answer.
    """

    def __init__(self, log: LandingLog) -> None:
        self._log = log
        self._waiting: list[asyncio.Future[None]] = []
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        return self._bytes > MAX_WAITING_BYTES

    async def land(self, body: bytes, *, valid_json: bool, query: str = "") -> None:
        """Return once the body is on disk; raises OSError when it could not be put there."""
        done = asyncio.get_running_loop().create_future()
        self._log.append(body, valid_json=valid_json, query=query)
        self._bytes += len(body)
        self._waiting.append(done)
        if self._task is None:
            self._task = asyncio.create_task(self._commit())
        await done

    async def _commit(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            lines, self._bytes = self._log.take(), 0
            try:
                await asyncio.to_thread(self._log.write, lines)
            except OSError as error:
                for done in waiting:
                    if not done.done():
                        done.set_exception(OSError(error.errno, error.strerror))
                continue
            for done in waiting:
                if not done.done():  # its client may have gone meanwhile
                    done.set_result(None)
        self._task = None


@dataclass(frozen=True, slots=True)
class Channel:
    """What the receiver needs of one provider."""

    provider: Provider
    secrets: Mapping[str, str]
    commit: GroupCommit
    webhook_url: str
    """Its address as the provider sees it, which signatures cover; empty: as it reaches us."""
    on_landed: Callable[[], None]

    def url_of(self, request: Request) -> str:
        """Give the URL the provider posted to."""
        if not self.webhook_url:
            return str(request.url)
        return f"{self.webhook_url}?{request.url.query}" if request.url.query else self.webhook_url


def create(settings: Settings) -> Starlette:
    """Build the receiver for every provider whose webhooks can be checked; raises UsageError where none's can.

    Also what another of a provider's APIs posts is taken where its secret is set: a shop may be moving between two.
    """
    names = _receivable(settings)
    answers, traffic = Answers(settings, names), Traffic(names)
    channels = {name: _channel(settings, name, answers.wake) for name in names}
    app = Starlette(
        lifespan=_beside(answers),
        routes=[
            Route("/webhooks/{provider}", _per_channel(channels, _handshake), methods=["GET"]),
            Route("/webhooks/{provider}", _counted(traffic, _per_channel(channels, _receive)), methods=["POST"]),
            Route("/healthz", _health),
        ],
    )
    app.state.traffic = traffic
    return app


def _beside(answers: Answers) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        answers.start()
        yield
        await asyncio.to_thread(answers.stop)

    return lifespan


def _receivable(settings: Settings) -> list[str]:
    missing = {name: accounts.missing_to_receive(settings, name) for name in providers.names()}
    if all(missing.values()):
        lacking = "; or ".join(", ".join(lacks) for lacks in missing.values())
        raise UsageError(f"no webhook can be checked without its secrets; set in .env {lacking}")
    return [name for name in missing if _checks_any(settings, name)]


def _checks_any(settings: Settings, name: str) -> bool:
    alternatives = providers.get(name).webhook_secrets
    return any(all(settings.secret(f"{name}_{secret}") for secret in wanted) for wanted in alternatives)


def unheard(settings: Settings) -> dict[str, list[str]]:
    """Tell of which providers that are set up the webhooks are refused, and which secrets would change that."""
    known = [name for name in settings.providers if name in providers.names()]
    return {name: lacks for name in known if (lacks := accounts.missing_to_receive(settings, name))}


def answering(settings: Settings) -> str:
    """Say who is answered by rule."""
    names = ", ".join(channels(settings))
    whom = "whoever writes" if settings.auto_reply == "live" else "a sandbox alone"
    return f"answering by rule at {names}, {whom}" if names else "answering nobody by rule (auto_reply)"


def _channel(settings: Settings, name: str, on_landed: Callable[[], None]) -> Channel:
    provider = providers.get(name)
    log = LandingLog(settings.paths.landing / name / "webhooks")
    url = settings.webhook_url(name) if settings.public_url else ""
    return Channel(provider, settings.provider_secrets(name, provider.secrets), GroupCommit(log), url, on_landed)


Handler = Callable[[Request, Channel], Awaitable[Response]]


def _per_channel(channels: Mapping[str, Channel], handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        channel = channels.get(request.path_params["provider"])
        if channel is None:
            return PlainTextResponse("no such provider here", 404)
        return await handler(request, channel)

    return handle


def _counted(
    traffic: Traffic, handler: Callable[[Request], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        began = perf_counter()
        response = await handler(request)
        traffic.seen(request.path_params["provider"], response.status_code, began)
        return response

    return handle


async def _handshake(request: Request, channel: Channel) -> Response:
    answer = channel.provider.challenge(dict(request.query_params), channel.secrets)
    return PlainTextResponse(answer) if answer is not None else PlainTextResponse("not our token", 403)


async def _receive(request: Request, channel: Channel) -> Response:
    try:
        body = await _body(request)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it
    if body is None:
        return PlainTextResponse(f"over {MAX_BODY_BYTES} bytes", 413)
    if not channel.provider.verify(body, request.headers, channel.url_of(request), channel.secrets, landing.utc_now()):
        return PlainTextResponse("wrong signature", 401)
    if channel.commit.is_full:
        return PlainTextResponse("too much is waiting for the disk; send it again", 503)
    valid = landing.is_json(body)
    try:
        await channel.commit.land(body, valid_json=valid, query=request.url.query)
    except OSError:
        return PlainTextResponse("could not be stored; send it again", 503)
    if channel.provider.sends_json and not valid and not landing.is_loose_json(body):
        return PlainTextResponse("not JSON; kept for inspection", 400)
    channel.on_landed()
    content_type, answer = channel.provider.acknowledgement
    return Response(answer, 200, media_type=content_type)


async def _body(request: Request) -> bytes | None:
    """Read the body, or None as soon as it is over the limit."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        return None
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


async def _health(_: Request) -> Response:
    return PlainTextResponse("ok")
