"""A shop's accounts at its providers: found by their settings, asked politely, their tokens kept from other hosts."""

import ipaddress
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from wabench import __version__, providers
from wabench.errors import UsageError, WabenchError
from wabench.providers.base import Capabilities, Channel, Failed, Provider, TemplateState
from wabench.redaction import cleaned
from wabench.settings import Settings
from wabench.spelling import hint

ATTEMPTS = 6
"""Times a question is asked before it is given up until the next run."""

LONGEST_WAIT = 60.0
"""Seconds between two attempts where the provider does not say; what it says is kept, to an hour."""

_PATIENCE = httpx.Timeout(60.0, connect=10.0)
_PAGES = 10_000  # no account has so many; a list that never ends is one that names its own pages again


@dataclass(frozen=True, slots=True)
class Account:
    """One provider's account and the client to ask it with."""

    provider: Provider
    channel: Channel
    client: httpx.Client = field(repr=False)
    sleep: Callable[[float], None] = time.sleep

    def ask(self, request: httpx.Request) -> httpx.Response:
        """Put a question, waiting as long as a throttle asks; gives any answer that is no throttle and no breakdown.

        What changes something (a POST) is put again only where it was throttled. Raises WabenchError where no answer
        comes.
        """
        may_repeat, problem = request.method == "GET", "it was not asked"
        request.headers.setdefault("User-Agent", f"wabench/{__version__}")
        for attempt in range(ATTEMPTS):
            wait = min(2.0**attempt, LONGEST_WAIT)
            try:
                response = self.client.send(request)
            except httpx.RequestError as error:
                problem = self.clean(str(error) or type(error).__name__)
                if not may_repeat:
                    break
            else:
                if response.status_code != 429 and (response.status_code < 500 or not may_repeat):
                    return response
                problem, wait = f"HTTP {response.status_code}", _retry_after(response, wait)
            if attempt + 1 < ATTEMPTS:
                self.sleep(wait)
        raise WabenchError(f"{self.provider.name}: {request.url.host} gave no answer ({problem}); try it again later")

    def follow(self, request: httpx.Request, first: httpx.Request) -> httpx.Response:
        """Ask for a page that the page before named; raises WabenchError for one that is not where the first was."""
        if (request.url.scheme, request.url.netloc) != (first.url.scheme, first.url.netloc):
            where = request.url.host
            raise WabenchError(f"{self.provider.name}: the next page is at {where}, another host; it gets no token")
        return self.ask(request)

    @contextmanager
    def building(self) -> Iterator[None]:
        """Turn what building a question may raise (an option that is missing, say) into one line, for a `with`."""
        try:
            yield
        except (httpx.InvalidURL, KeyError, ValueError) as error:
            raise UsageError(self.clean(f"{self.provider.name}: {error}; see docs/providers")) from None

    def clean(self, text: str) -> str:
        """Take our secrets out of what is shown."""
        return cleaned(text, self.channel.secrets)

    def why(self, failed: Failed) -> str:
        """Say in one line what the provider refused."""
        return f"{self.provider.name} answered {self.clean(f'{failed.code}: {failed.detail}')}"


def is_rehearsal(base_url: str) -> bool:
    """Tell whether an address is on this machine, where a sandbox listens and no customer does."""
    host = httpx.URL(base_url).host
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def find(name: str) -> Provider:
    """Find a provider's module; raises UsageError with those there are."""
    try:
        return providers.get(name)
    except KeyError:
        raise UsageError(f"there is no provider {name!r}; there are {', '.join(providers.names())}") from None


def capabilities(settings: Settings, name: str) -> Capabilities:
    """Say what a provider can do with the options that are set for it; raises UsageError for a wrong one."""
    provider, table = find(name), settings.providers.get(name)
    options = table.options if table else {}
    if unknown := next((key for key in options if key not in provider.OPTIONS), None):
        raise UsageError(f"[providers.{name}.options] knows no {unknown!r}{hint(unknown, provider.OPTIONS)}")
    try:
        return provider.describe(options)
    except ValueError as error:
        raise UsageError(f"[providers.{name}.options]: {error}") from None


def problem(settings: Settings, name: str) -> str | None:
    """Say what is wrong with a provider's options, or None; it must stop that provider alone."""
    try:
        capabilities(settings, name)
    except UsageError as error:
        return str(error)
    return None


def lists_templates(settings: Settings, name: str) -> bool:
    """Tell whether a provider's templates can be read with the options it has."""
    return providers.get(name).templates is not None and capabilities(settings, name).has_templates


def missing_secrets(settings: Settings, name: str) -> list[str]:
    """List the variables that asking a provider still needs."""
    needed = capabilities(settings, name).sending_secrets
    found = settings.provider_secrets(name, needed)
    return [f"WABENCH_{name}_{secret}".upper() for secret in needed if secret not in found]


def missing_to_receive(settings: Settings, name: str) -> list[str]:
    """List the variables that receiving from a provider still needs: of the sets that would do, that lacking least.

    Where a table says how its messages are sent, only what checks the webhooks of those counts.
    """
    wanted = providers.get(name).webhook_secrets
    if name in settings.providers and not problem(settings, name):
        wanted = capabilities(settings, name).receiving_secrets or wanted
    lacking = [[secret for secret in each if not settings.secret(f"{name}_{secret}")] for each in wanted]
    return [f"WABENCH_{name}_{secret}".upper() for secret in min(lacking, key=len)]


def configured(settings: Settings) -> list[str]:
    """List the providers that `wabench.toml` names and whose secrets are set, or whose options are wrong.

    The latter are nobody's to pass over: whoever asks all of them reports such a one's problem and goes on.
    """
    known = [name for name in settings.providers if name in providers.names()]
    return [name for name in known if problem(settings, name) or not missing_secrets(settings, name)]


def channel(settings: Settings, name: str) -> Channel:
    """Give the number to ask and send as, with its secrets; raises UsageError for a provider that is not set up."""
    provider, table = find(name), settings.providers.get(name)
    if table is None:
        raise UsageError(f"wabench.toml has no [providers.{name}]; see docs/registration.md")
    if lacking := missing_secrets(settings, name):
        raise UsageError(f"set {lacking[0]} in the environment or .env")
    base_url = table.base_url or capabilities(settings, name).base_url
    secrets = settings.provider_secrets(name, provider.secrets)
    return Channel(base_url, table.channel_id, table.options, secrets, settings.webhook_url(name))


@contextmanager
def opened(
    settings: Settings,
    name: str,
    transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Account]:
    """Open a provider's account for a `with` block; raises UsageError for one that is not set up."""
    as_whom = channel(settings, name)
    with httpx.Client(timeout=_PATIENCE, transport=transport) as client:
        yield Account(find(name), as_whom, client, sleep)


def listed(account: Account) -> list[TemplateState]:
    """List all templates of an account; raises WabenchError where it refuses."""
    wire = account.provider.templates
    if wire is None:
        raise WabenchError(f"{account.provider.name} has no list of templates; write them into wabench.toml")
    with account.building():
        first = wire.list_request(account.channel, None)
    found: list[TemplateState] = []
    cursor: str | None = None
    for _ in range(_PAGES):
        page = wire.read_list(account.follow(wire.list_request(account.channel, cursor), first))
        if isinstance(page, Failed):
            raise WabenchError(account.why(page))
        states, following = page
        found += states
        if following is None:
            return found
        if following == cursor:
            break
        cursor = following
    raise WabenchError(f"{account.provider.name}: its list of templates names itself as its next page")


def _retry_after(response: httpx.Response, otherwise: float) -> float:
    value = response.headers.get("retry-after", "")
    return min(float(value), 3600.0) if value.isascii() and value.isdigit() else otherwise
