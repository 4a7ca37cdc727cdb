"""The stand-in server: it speaks Meta's send call and keeps a log of all that it accepted, the truth for tests."""

import asyncio
import hmac
import json
import os
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wabench.providers import meta as wire
from wabench.sandbox import meta
from wabench.sandbox.fate import Fate, Shares, decide
from wabench.sandbox.webhooks import Webhooks
from wabench.settings import TemplateSettings

_PAIR_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Options:
    """How the sandbox behaves. Without `webhook` it posts none; without `throttle_per_second` it takes any rate."""

    log: Path
    token: str
    templates: Mapping[str, TemplateSettings]
    channel_id: str = ""
    app_secret: str = ""
    webhook: str = ""
    seed: int = 0
    latency: float = 0.0
    throttle_per_second: int | None = None
    shares: Shares = field(default_factory=Shares)


class Sandbox:
    """One running sandbox: what it accepted lately, and what it counted."""

    def __init__(self, options: Options) -> None:
        options.log.parent.mkdir(parents=True, exist_ok=True)
        self._options = options
        self._log = os.open(options.log, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o644)
        self._counts: Counter[str] = Counter()
        self._recent: deque[float] = deque()
        self._last_to: dict[str, float] = {}
        self._webhooks = Webhooks(options.webhook, self._compose, self._sign, self._counts) if options.webhook else None

    def app(self) -> Starlette:
        """Make the ASGI application."""
        routes = [
            Route("/", self.report),
            Route("/{version}/{channel_id}/messages", self.send, methods=["POST"]),
        ]
        return Starlette(routes=routes, lifespan=self._lifespan)

    async def report(self, request: Request) -> Response:
        """Answer with what was counted so far."""
        pending = self._webhooks.pending if self._webhooks else 0
        return JSONResponse({**self._counts, "webhook entries pending": pending})

    async def send(self, request: Request) -> Response:
        """Answer one call of the messages endpoint."""
        try:
            body = json.loads(await request.body())
        except ValueError:
            body = None
        refusal = self._refuse(request, body)
        if refusal:
            self._counts[f"refused {refusal.code}"] += 1
            await asyncio.sleep(self._options.latency)
            return JSONResponse(refusal.body(), refusal.status)
        message_id, fate = self._accept(body)
        await asyncio.sleep(self._options.latency)
        if not fate.is_answered:
            self._counts["unanswered"] += 1
            await request.receive()  # returns when the client has hung up
        return JSONResponse(meta.answer(body, message_id))

    def _refuse(self, request: Request, body: Any) -> meta.Refusal | None:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self._options.token}".encode()):
            return meta.Refusal(190, "the access token is not the one this sandbox was started with")
        if self._options.channel_id and request.path_params["channel_id"] != self._options.channel_id:
            return meta.Refusal(33, "there is no such phone number id")
        return meta.refusal(body, self._options.templates) or self._limit(body)

    def _limit(self, body: Mapping[str, Any]) -> meta.Refusal | None:
        """Keep Meta's two limits; to one person without its burst of 45, which only borrows from later."""
        now, limit = time.monotonic(), self._options.throttle_per_second
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if limit is not None and len(self._recent) >= limit:
            return meta.Refusal(130429, f"more than {limit} messages in a second")
        recipient = body.get("to") or body["recipient"]
        if now - self._last_to.get(recipient, -_PAIR_SECONDS) < _PAIR_SECONDS:
            return meta.Refusal(131056, "more than one message to this person in 6 seconds")
        self._recent.append(now)
        self._last_to[recipient] = now
        return None

    def _accept(self, body: Mapping[str, Any]) -> tuple[str, Fate]:
        self._counts["accepted"] += 1
        recipient = body.get("to") or body["recipient"]
        key = body.get("biz_opaque_callback_data") or f"{recipient} {body['template']['name']}"
        fate = decide(self._options.seed, key, self._options.shares)
        at = time.time()
        message_id = "wamid.sandbox" + sha256(f"{self._options.seed}\n{key}\n{at}".encode()).hexdigest()[:24]
        self._write(body, message_id, at, fate)
        self._post(body, message_id, at, fate)
        return message_id, fate

    def _write(self, body: Mapping[str, Any], message_id: str, at: float, fate: Fate) -> None:
        """Log before answering, straight to the kernel: a kill of this process loses nothing that was answered."""
        components = body["template"].get("components", [])
        line = {
            "at": at,
            "message_id": message_id,
            "to": body.get("to"),
            "recipient": body.get("recipient"),
            "template": body["template"]["name"],
            "parameters": [parameter["text"] for component in components for parameter in component["parameters"]],
            "callback_data": body.get("biz_opaque_callback_data"),
            "is_answered": fate.is_answered,
            "statuses": sorted({p.value for p in fate.postings} - {"reply"}) if self._webhooks else [],
            "error": fate.error if self._webhooks else None,
            "reply": fate.reply if self._webhooks else None,
        }
        os.write(self._log, json.dumps(line, ensure_ascii=False).encode() + b"\n")

    def _post(self, body: Mapping[str, Any], message_id: str, at: float, fate: Fate) -> None:
        if self._webhooks is None:
            return
        category = self._options.templates[body["template"]["name"]].category
        told = meta.by_user_id(body) if fate.is_by_user_id else body
        for posting in fate.postings:
            when = int(at + posting.offset)
            if posting.value == "reply":
                entry = meta.reply(told, message_id, f"{message_id}.reply", fate.reply or "", when)
                self._webhooks.put(("messages", entry), posting.after)
            else:
                error = fate.error if posting.value == "failed" else None
                status = meta.status(told, message_id, posting.value, when, category, error)
                self._webhooks.put(("statuses", status), posting.after)

    def _compose(self, entries: Any) -> Mapping[str, Any]:
        return meta.webhook(self._options.channel_id or "sandbox", entries)

    def _sign(self, body: bytes) -> str:
        return wire.sign(body, {"app_secret": self._options.app_secret})

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        posting = asyncio.create_task(self._webhooks.run()) if self._webhooks else None
        yield
        if posting:
            posting.cancel()
            with suppress(asyncio.CancelledError):
                await posting
        os.close(self._log)
