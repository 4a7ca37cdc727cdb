"""The stand-in server: each provider's API under its name, a log of all that was accepted, and webhooks."""

import asyncio
import base64
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wabench import sandbox
from wabench.sandbox.base import Call, Shop
from wabench.sandbox.desk import Desk, Message, Result
from wabench.sandbox.fate import Answered
from wabench.sandbox.scenario import CALM, Scenario
from wabench.sandbox.webhooks import Webhooks

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_SECRET_HEADERS = {"authorization", "proxy-authorization", "cookie", "x-api-token", "x-api-key"}


@dataclass(frozen=True, slots=True)
class Options:
    """What one sandbox is: a shop for each provider it serves. `webhook` is the receiver's address; empty posts none.

    `calls` is a file that keeps every call as it came, without its secrets.
    """

    log: Path
    shops: Mapping[str, Shop]
    scenario: Scenario = CALM
    webhook: str = ""
    calls: Path | None = None
    clock: Callable[[], float] = time.time
    transport: httpx.AsyncBaseTransport | None = None


class Sandbox:
    """One running sandbox: a desk for each provider, and what it counted."""

    def __init__(self, options: Options) -> None:
        self._log = _appended(options.log)
        self._calls = _appended(options.calls) if options.calls else None
        self._counts: Counter[str] = Counter()
        self._by_provider = {name: Counter[str]() for name in options.shops}
        self._desks = {name: _desk(name, shop, options) for name, shop in options.shops.items()}
        posted = self._desks.items() if options.webhook else ()
        self._webhooks = {name: Webhooks(desk.posts, self._counts, options.transport) for name, desk in posted}
        self._posting: list[asyncio.Task[None]] = []

    def app(self) -> Starlette:
        """Make the ASGI application."""
        paths = ("/{provider}", "/{provider}/{path:path}")
        calls = [Route(path, self.call, methods=_METHODS) for path in paths]
        return Starlette(routes=[Route("/", self.report), *calls], lifespan=self._lifespan)

    async def report(self, request: Request) -> Response:
        """Answer with what was counted so far, in all and of each provider."""
        self._raise_what_broke()
        pending = {"webhook entries pending": sum(webhooks.pending for webhooks in self._webhooks.values())}
        return JSONResponse({**self._counts, **pending, "providers": self._by_provider})

    async def idle(self) -> None:
        """Return once no webhook is waiting to be posted."""
        for webhooks, posting in zip(self._webhooks.values(), self._posting, strict=True):
            idle = asyncio.create_task(webhooks.idle())
            await asyncio.wait({idle, posting}, return_when=asyncio.FIRST_COMPLETED)
            idle.cancel()
        self._raise_what_broke()

    def _raise_what_broke(self) -> None:
        for task in self._posting:
            if task.done():
                task.result()

    async def call(self, request: Request) -> Response:
        """Answer one call of a provider's API."""
        provider = request.path_params["provider"]
        desk = self._desks.get(provider)
        if desk is None:
            return JSONResponse({"error": f"the sandbox does not serve {provider}"}, 404)
        try:
            call = await _read(request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        self._keep(provider, call, desk.shop)
        result = desk.take(call)
        if result.refused:
            self._count(provider, f"refused {result.refused}")
        if result.message:
            self._count(provider, "accepted")
            self._write(provider, result.message)
            self._post(provider, result.message)
        return await self._answer(request, provider, result)

    async def _answer(self, request: Request, provider: str, result: Result) -> Response:
        await asyncio.sleep(result.latency)
        if result.answer is None:
            self._count(provider, "unanswered")
            await request.receive()  # returns when the client has hung up
            return Response(status_code=504)
        return Response(result.answer.body, result.answer.status, dict(result.answer.headers))

    def _count(self, provider: str, what: str) -> None:
        self._counts[what] += 1
        self._by_provider[provider][what] += 1

    def _write(self, provider: str, message: Message) -> None:
        """Log before answering, straight to the kernel: a kill of this process loses nothing that was answered."""
        taken, drawn = message.taken, message.fate
        told = drawn.values if self._webhooks else frozenset[str]()
        line = {
            "at": message.at,
            "provider": provider,
            "message_id": message.message_id,
            "to": taken.phone,
            "recipient": taken.user_id,
            "kind": taken.kind,
            "template": taken.template,
            "parameters": list(taken.parameters),
            "text": taken.text,
            "callback_data": taken.callback_data,
            "is_answered": drawn.answered is Answered.WELL,
            "statuses": sorted(told - {"reply", "opt_out"}),
            "error": drawn.failure if "failed" in told else None,
            "reply": drawn.reply if "reply" in told else None,
            "opted_out": "opt_out" in told,
        }
        _append(self._log, line)

    def _keep(self, provider: str, call: Call, shop: Shop) -> None:
        if self._calls is None:
            return
        try:
            body, encoding = call.body.decode(), "utf-8"
        except UnicodeDecodeError:
            body, encoding = base64.b64encode(call.body).decode(), "base64"
        headers = {k: v for k, v in call.headers.items() if not _is_secret(k, v, shop)}
        line = {"provider": provider, "method": call.method, "path": call.path, "query": dict(call.query)}
        _append(self._calls, {**line, "headers": headers, "body": body, "encoding": encoding})

    def _post(self, provider: str, message: Message) -> None:
        if webhooks := self._webhooks.get(provider):
            for posting, happening in zip(message.fate.postings, message.happenings[1:], strict=True):
                webhooks.put(happening, posting.after)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self._posting = [asyncio.create_task(webhooks.run()) for webhooks in self._webhooks.values()]
        yield
        for task in self._posting:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        os.close(self._log)
        if self._calls is not None:
            os.close(self._calls)


def _desk(name: str, shop: Shop, options: Options) -> Desk:
    url = f"{options.webhook.rstrip('/')}/webhooks/{name}" if options.webhook else ""
    return Desk(sandbox.get(name), replace(shop, webhook_url=url), options.scenario, options.clock)


async def _read(request: Request) -> Call:
    path = "/" + request.path_params.get("path", "")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(request.method, path, dict(request.query_params), headers, await request.body())


def _is_secret(header: str, value: str, shop: Shop) -> bool:
    return header in _SECRET_HEADERS or any(secret in value for secret in shop.secrets.values() if secret)


def _appended(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o644)


def _append(file: int, line: Mapping[str, Any]) -> None:
    os.write(file, json.dumps(line, ensure_ascii=False).encode() + b"\n")
