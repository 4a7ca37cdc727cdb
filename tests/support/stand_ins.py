"""A provider's stand-in behind an httpx transport: what the sandbox answers, without a server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from dialects import Dialect

from wabench import providers, sandbox
from wabench.providers.base import Channel, Content, Message
from wabench.sandbox.base import Call, Happening, Shop, Taken
from wabench.settings import Settings, TemplateSettings

BASE = "http://127.0.0.1:8500"


@dataclass
class Provider:
    """A provider's stand-in behind a transport; `faults` are answered first."""

    dialect: Dialect
    templates: Mapping[str, TemplateSettings]
    happened: list[Happening] = field(default_factory=list)
    faults: list[httpx.Response | Exception] = field(default_factory=list)
    asked: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault
        known, call = _shop(self.dialect, self.templates), _call(request, f"/{self.dialect.provider}")
        stand_in = sandbox.get(self.dialect.provider)
        if not stand_in.is_authorised(call, known):
            return httpx.Response(401, text="no")
        answer = stand_in.look_up(call, known, self.happened)
        return (
            httpx.Response(answer.status, content=answer.body) if answer else httpx.Response(404, text="no such call")
        )

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)


def message(content: Content, callback_data: str = "wb:1") -> Message:
    """Address something to somebody."""
    return Message("+5511987654321", None, content, callback_data)


def happened(settings: Settings, dialect: Dialect, sent: Message) -> list[Happening]:
    """Let one message be sent to a stand-in a minute ago and be delivered."""
    channel = Channel(BASE, dialect.channel_id, dialect.options, dialect.secrets, f"{BASE}/webhooks")
    request = providers.get(dialect.provider).request(sent, channel)
    there = sandbox.get(dialect.provider)
    taken = there.read(_call(request, ""), _shop(dialect, settings.templates))
    assert isinstance(taken, Taken), taken
    at, message_id = datetime.now(UTC).timestamp() - 60, there.message_id("0" * 31 + "1")
    values = ("accepted", "sent", "delivered")
    return [Happening(message_id, value, at + n, taken.phone, None, taken) for n, value in enumerate(values)]


def _shop(dialect: Dialect, templates: Mapping[str, TemplateSettings]) -> Shop:
    return Shop(dialect.channel_id, dialect.options, dialect.secrets, templates, f"{BASE}/webhooks")


def _call(request: httpx.Request, prefix: str) -> Call:
    headers = {key.lower(): value for key, value in request.headers.items()}
    path = request.url.path.removeprefix(prefix)
    return Call(request.method, path, dict(request.url.params), headers, request.content)
