"""One call to a provider: what can't be put on the wire, and what an answer that never came is taken for."""

import httpx

from wabench.providers.base import Channel, Failed, Message, Provider
from wabench.providers.errors import ErrorFamily
from wabench.redaction import cleaned

NEVER_WRITTEN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_NEVER_SENDABLE = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL)


class Unsendable(Exception):
    """Nothing was sent, nor would be if it were tried again: the settings or the message are wrong."""


def made(provider: Provider, message: Message, channel: Channel) -> httpx.Request:
    """Build the request of a message; raises Unsendable with one line, free of secrets."""
    try:
        return provider.request(message, channel)
    except (httpx.InvalidURL, UnicodeError):
        raise _unsendable(channel, "no request can be made of") from None
    except ValueError as error:  # what this provider can't say: an id, an option, a text that is too long
        raise Unsendable(cleaned(f"{provider.name}: {error}", channel.secrets)) from None


def failed(error: Exception, request: httpx.Request, channel: Channel) -> Failed:
    """Read what `send` raised; raises Unsendable where nothing could leave, and what is no error of a call again."""
    if isinstance(error, _NEVER_SENDABLE):
        raise _unsendable(channel, "nothing can be written to") from None
    if isinstance(error, NEVER_WRITTEN):
        return Failed(ErrorFamily.RETRY, "not_connected", f"{request.url.host} can't be reached: {error}")
    if isinstance(error, httpx.RequestError):
        return Failed(ErrorFamily.MAYBE_SENT, type(error).__name__, str(error) or "no answer came")
    raise error


def _unsendable(channel: Channel, problem: str) -> Unsendable:
    return Unsendable(f"{problem} {channel.base_url!r} with this token; correct base_url or the token")
