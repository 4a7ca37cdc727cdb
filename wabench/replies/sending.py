"""Sending one reply: claimed, called, recorded. A crash in between leaves an unknown one, never a second call."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx

from wabench import __version__, accounts, providers
from wabench.accounts import is_rehearsal
from wabench.campaigns import calls, ledger
from wabench.campaigns.plan import channel_settings
from wabench.campaigns.schema import SendState
from wabench.errors import Refused, UsageError
from wabench.providers.base import Accepted, Channel, Failed, Message
from wabench.replies import claims
from wabench.replies.claims import Draft, Reply
from wabench.replies.policy import Limits
from wabench.settings import Settings

_CONNECT_SECONDS = 5.0


def send(
    settings: Settings, draft: Draft, *, live: bool = False, transport: httpx.AsyncBaseTransport | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Reply:  # fmt: skip
    """Send a reply once and tell where it stands; asked again with its key, nothing is sent twice.

    Raises Refused for a real provider without `live`, UsageError for what the provider can't say; nothing is claimed
    then.
    """
    return asyncio.run(_send(settings, draft, live, transport, clock))


def is_real(settings: Settings, provider: str) -> bool:
    """Tell whether a provider's address reaches real customers."""
    return not is_rehearsal(accounts.channel(settings, provider).base_url)


async def _send(
    settings: Settings, draft: Draft, live: bool, transport: httpx.AsyncBaseTransport | None,
    clock: Callable[[], datetime],
) -> Reply:  # fmt: skip
    channel = _channel(settings, draft, live)
    _check(draft, channel)
    timeout = httpx.Timeout(channel_settings(settings, draft.provider).timeout_seconds, connect=_CONNECT_SECONDS)
    agent = {"User-Agent": f"wabench/{__version__}"}
    trusts = not is_rehearsal(channel.base_url)
    async with httpx.AsyncClient(timeout=timeout, transport=transport, trust_env=trusts, headers=agent) as client:
        with ledger.opened(settings) as opened:
            claims.abandon(opened, clock())
            reply = claims.claim(opened, draft, _limits(settings, draft.provider), clock())
            if not reply.is_ours:
                return reply
            try:
                result = await call(client, claims.message(draft, reply), channel, draft.provider)
            except calls.Unsendable as error:
                claims.give_back(opened, reply, clock())
                raise UsageError(str(error)) from None
            return claims.record(opened, reply, result, draft.author, clock())


async def call(client: httpx.AsyncClient, message: Message, channel: Channel, provider: str) -> Accepted | Failed:
    """Put one message on the wire; raises Unsendable where nothing can be with these settings."""
    spoken = providers.get(provider)
    request = calls.made(spoken, message, channel)
    request.headers.setdefault("User-Agent", client.headers["User-Agent"])
    try:
        return spoken.outcome(await client.send(request))
    except (httpx.RequestError, httpx.InvalidURL) as error:
        return calls.failed(error, request, channel)


def _channel(settings: Settings, draft: Draft, live: bool) -> Channel:
    channel = accounts.channel(settings, draft.provider)
    if not live and not is_rehearsal(channel.base_url):
        raise Refused(f"{channel.base_url} reaches real customers; confirm that this is meant for one")
    return replace(channel, channel_id=draft.channel_id or channel.channel_id)


def _check(draft: Draft, channel: Channel) -> None:
    """Find what can't be said before anything is claimed."""
    nobody = Reply(draft.reply_id, draft.customer_id, SendState.PLANNED)
    if draft.phone or draft.user_id:
        try:
            calls.made(providers.get(draft.provider), claims.message(draft, nobody), channel)
        except calls.Unsendable as error:
            raise UsageError(str(error)) from None


def _limits(settings: Settings, provider: str) -> Limits:
    can = accounts.capabilities(settings, provider)
    return Limits(timedelta(seconds=can.seconds_between_messages_to_one_customer), can.user_id_recipients)
