"""The address a provider is given with a message, for its statuses; left out where the provider could not reach it."""

import ipaddress
from urllib.parse import quote, urlsplit

from wabench.providers.base import Channel

_OURS_ALONE = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


def callback_url(channel: Channel, callback: str) -> str:
    """Give our receiver's address with what tells the send in its query; empty where there is none to give.

    A real provider is given no address of this machine or network: one refuses the message for it, another posts into
    the void. A sandbox here is given any.
    """
    address = channel.webhook_url
    if not address or (is_public(channel.base_url) and not is_public(address)):
        return ""
    joint = "&" if urlsplit(address).query else "?"
    return f"{address}{joint}callback={quote(callback, safe='')}"


def is_public(url: str) -> bool:
    """Tell whether an address may be reached from outside this network, by its host's name alone."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host.rstrip(".") and not host.rstrip(".").endswith(_OURS_ALONE)
