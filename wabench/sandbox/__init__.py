"""Stand-ins of the providers' APIs on this machine, for rehearsals and tests: they write to nobody.

A provider's stand-in is the module of its name here.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from typing import cast

import httpx

from wabench import accounts, providers
from wabench.campaigns import templates
from wabench.errors import Refused
from wabench.providers.base import Failed
from wabench.sandbox.base import Call, Refusal, Shop, StandIn
from wabench.settings import Settings


def names() -> list[str]:
    """List the providers there is a stand-in for."""
    found = {module.name for module in pkgutil.iter_modules(__path__)}
    return [name for name in providers.names() if name in found]


def get(name: str) -> StandIn:
    """Load a provider's stand-in; raises KeyError for a name there is none for."""
    if name not in names():
        raise KeyError(name)
    return cast(StandIn, importlib.import_module(f"{__name__}.{name}"))


def check(provider: str, request: httpx.Request, shop: Shop) -> str | None:
    """Say what the provider would find wrong with a send, or None; its token is not looked at.

    The request is one to a base URL without a path. Raises Refused where the sandbox can't tell.
    """
    if provider not in names():
        raise Refused(f"the sandbox does not know {provider}, so a campaign can't be tested; see adding-a-provider.md")
    headers = {name.lower(): value for name, value in request.headers.items()}
    call = Call(request.method, request.url.path, dict(request.url.params), headers, request.content)
    found = get(provider).read(call, shop)
    return _told(provider, found) if isinstance(found, Refusal) else None


def _told(provider: str, refusal: Refusal) -> str:
    """Say a refusal with the code that the campaign would get."""
    answer = get(provider).refuse(refusal)
    outcome = providers.get(provider).outcome(httpx.Response(answer.status, content=answer.body))
    return f"{outcome.code} {refusal.detail}" if isinstance(outcome, Failed) else refusal.detail


def shops(settings: Settings, posts: bool) -> tuple[Mapping[str, Shop], Mapping[str, str]]:
    """Set up a shop at each provider that can be served, and say of the others what is missing.

    `posts`: webhooks are to be signed, so the secrets to check them are needed too.
    """
    lacking = {name: _lacking(settings, name, posts) for name in names()}
    served = {name: _shop(settings, name) for name, missing in lacking.items() if not missing}
    return served, {name: missing for name, missing in lacking.items() if missing}


def _shop(settings: Settings, name: str) -> Shop:
    channel = settings.providers[name]
    secrets = settings.provider_secrets(name, providers.get(name).secrets)
    return Shop(channel.channel_id, channel.options, secrets, templates.sendable(settings, name))


def _lacking(settings: Settings, name: str, posts: bool) -> str:
    channel = settings.providers.get(name)
    if channel is None or not channel.channel_id:
        return f"[providers.{name}] with channel_id"
    if wrong := accounts.problem(settings, name):
        return wrong
    needed = accounts.missing_secrets(settings, name) + (accounts.missing_to_receive(settings, name) if posts else [])
    return ", ".join(dict.fromkeys(needed))
