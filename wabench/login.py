"""Who may come in: what a provider of logins says of a person, held against the shop's roles. It asks nobody itself.

On this machine's own address the app needs no login: whoever can open it there has the files as well.
"""

import getpass
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from wabench.errors import Refused
from wabench.roles import Actor, Role
from wabench.settings import Settings

CALLBACK = "/oauth2callback"
"""Where the provider sends people back to, below `login.app_url`: Streamlit's own path."""

Secrets: TypeAlias = dict[str, dict[str, str]]

_COOKIE_SECRET_LENGTH = 32  # characters; who guesses it signs in as anybody
_TRUE = (True, "true", "True", 1, "1")  # providers write it in each of these ways
_AHEAD = timedelta(minutes=5)  # a provider's clock may be so far before ours


class Why(StrEnum):
    """Why somebody may not come in."""

    NO_EMAIL = "the provider tells no e-mail"
    UNVERIFIED = "the e-mail is not verified at the provider"
    NO_ROLE = "no line of [roles] names them"
    LONG_AGO = "they signed in too long ago"


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who signed in and may see nothing."""

    email: str
    why: Why


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine alone; a name other than localhost may be anywhere."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_wanted(settings: Settings) -> bool:
    """Tell whether the shop has begun to set up a login; then nobody comes in without."""
    return bool(settings.login.model_fields_set or settings.secret("login_client_secret"))


def missing(settings: Settings) -> tuple[str, ...]:
    """Name the settings that a login still needs, as they are written; empty where it is complete."""
    keys = ("client_id", "server_metadata_url", "app_url")
    lacking = [f"login.{key}" for key in keys if not getattr(settings.login, key)]
    lacking += [] if settings.roles else ["roles"]
    names = ("login_client_secret", "login_cookie_secret")
    return (*lacking, *(f"WABENCH_{name.upper()}" for name in names if not settings.secret(name)))


def check(settings: Settings, host: str) -> None:
    """Raise Refused unless the app may listen on this address with these settings."""
    if is_loopback(host) and not is_wanted(settings):
        return
    if lacking := missing(settings):
        why = "the login is half set up" if is_loopback(host) else f"{host} is reached from elsewhere: it needs a login"
        raise Refused(f"{why}; set {', '.join(lacking)} (docs/runbooks/login.md)")
    if len(settings.secret("login_cookie_secret") or "") < _COOKIE_SECRET_LENGTH:
        raise Refused(
            f"WABENCH_LOGIN_COOKIE_SECRET is shorter than {_COOKIE_SECRET_LENGTH} characters, so it can be guessed; "
            'make one with `python -c "import secrets; print(secrets.token_urlsafe(48))"`'
        )


def secrets(settings: Settings) -> Secrets:
    """Give what Streamlit's login works with, as its secrets; empty where there is no login."""
    if not is_wanted(settings) or missing(settings):
        return {}
    return {
        "auth": {
            "client_id": settings.login.client_id,
            "client_secret": settings.secret("login_client_secret") or "",
            "cookie_secret": settings.secret("login_cookie_secret") or "",
            "redirect_uri": settings.login.app_url + CALLBACK,
            "server_metadata_url": settings.login.server_metadata_url,
        }
    }


def hosts(settings: Settings) -> list[str]:
    """Name the hosts under which browsers may speak to the app: another name that leads here is somebody's trick."""
    names = ["127.0.0.1", "localhost", "::1"]
    public = urlsplit(settings.login.app_url).hostname
    return [*names, public] if public and public not in names else names


def local() -> Actor:
    """Give who sits at this machine: there is no login, and who has the files is an admin."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number alone
        name = f"user {os.getuid()}"
    return Actor(name, Role.ADMIN, is_signed_in=False)


def admit(settings: Settings, claims: Mapping[str, Any], now: datetime) -> Actor | Stranger:
    """Tell who the person of a signed token is to the shop; `now` is aware."""
    email = str(claims.get("email") or "").strip().lower()
    if not email:
        return Stranger(email, Why.NO_EMAIL)
    if claims.get(settings.login.verified_claim) not in _TRUE:
        return Stranger(email, Why.UNVERIFIED)
    role = _role(settings.roles, email)
    if role is None:
        return Stranger(email, Why.NO_ROLE)
    age = now.timestamp() - _issued(claims)
    if not -_AHEAD.total_seconds() <= age < settings.login.hours * 3600:
        return Stranger(email, Why.LONG_AGO)
    return Actor(email, role)


def _role(roles: Mapping[str, Role], email: str) -> Role | None:
    """Find the line of an address, or else of its whole domain."""
    name, _, domain = email.partition("@")
    if not name or not domain or "@" in domain:
        return None
    return roles.get(email) or roles.get(f"*@{domain}")


def _issued(claims: Mapping[str, Any]) -> float:
    at = claims.get("iat")
    return float(at) if isinstance(at, int | float) and not isinstance(at, bool) else float("-inf")
