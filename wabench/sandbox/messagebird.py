"""MessageBird's, now Bird's, side of the wire: three APIs, told apart by their paths, each in a module of its own."""

import hmac
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Protocol

from wabench.sandbox import _bird_channels, _bird_v1, _bird_v1_lists, _messagebird_classic
from wabench.sandbox.base import Answer, Call, Happening, Post, Refusal, Shop, Taken

name = "messagebird"


class _Api(Protocol):
    """One API's module; its functions are those of a stand-in, but for one happening."""

    def authorisation(self, shop: Shop) -> str: ...
    def is_send(self, call: Call) -> bool: ...
    def read(self, call: Call, shop: Shop) -> Taken | Refusal: ...
    def message_id(self, key: str) -> str: ...
    def answer(self, taken: Taken, message_id: str, at: float) -> Answer: ...
    def refuse(self, refusal: Refusal) -> Answer: ...
    def posts(self, happening: Happening, shop: Shop, now: float) -> Sequence[Post]: ...


_APIS: Mapping[str, _Api] = {"v1": _bird_v1, "channels": _bird_channels, "classic": _messagebird_classic}
_LISTS = {"v1": _bird_v1_lists.look_up, "channels": _bird_channels.look_up, "classic": _messagebird_classic.look_up}
_PATHS = {"/whatsapp/": "v1", "/workspaces/": "channels"}

_spoken: ContextVar[str] = ContextVar("messagebird_dialect", default="v1")
"""The dialect of the call at hand, of each task its own: refusals and ids are asked for without their call."""


def _dialect(call: Call) -> str:
    spoken = next((api for path, api in _PATHS.items() if call.path.startswith(path)), "classic")
    _spoken.set(spoken)
    return spoken


def _api(call: Call) -> _Api:
    return _APIS[_dialect(call)]


def is_authorised(call: Call, shop: Shop) -> bool:
    """Tell whether the call carries the key of the API it calls."""
    wanted = _api(call).authorisation(shop).encode()
    given = call.headers.get("authorization", "").encode(errors="replace")
    return bool(wanted) and hmac.compare_digest(wanted, given)


def is_send(call: Call) -> bool:
    """Tell whether the call sends a message."""
    return _api(call).is_send(call)


def read(call: Call, shop: Shop) -> Taken | Refusal:
    """Check a send and read it, in the dialect of its path."""
    return _api(call).read(call, shop)


def message_id(key: str) -> str:
    """Make an id in the shape of the API that was called."""
    return _APIS[_spoken.get()].message_id(key)


def answer(taken: Taken, message_id: str, at: float) -> Answer:
    """Say that a message was taken."""
    return _APIS[taken.given["dialect"]].answer(taken, message_id, at)


def refuse(refusal: Refusal) -> Answer:
    """Say that a call was not taken, in the shape of the API that was called."""
    return _APIS[_spoken.get()].refuse(refusal)


def look_up(call: Call, shop: Shop, happened: Sequence[Happening]) -> Answer | None:
    """Answer a question; each API lists its own messages."""
    spoken = _dialect(call)
    own = [happening for happening in happened if happening.taken.given["dialect"] == spoken]
    return _LISTS[spoken](call, shop, own)


def posts(happenings: Sequence[Happening], shop: Shop, now: float) -> Sequence[Post]:
    """Write the webhooks that tell these happenings: one each, as none of the three gathers several."""
    told = [(happening, _APIS[happening.taken.given["dialect"]]) for happening in happenings]
    return [post for happening, api in told for post in api.posts(happening, shop, now)]
