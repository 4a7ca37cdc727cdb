"""The tables of `wabench.toml`: providers, sources, templates, the login. Secrets are in none of them."""

from typing import Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class _Table(BaseModel):
    """A table of `wabench.toml`: frozen, and an unknown key is an error rather than a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ProviderSettings(_Table):
    """One `[providers.NAME]`: the channel to send from. Secrets are not here but in `WABENCH_NAME_…`."""

    channel_id: str = Field("", description="the sending number's id at the provider (Meta: phone number id)")
    base_url: str = Field("", description="the API's address; empty is the provider's own")
    pace_per_minute: float | None = Field(None, gt=0, description="messages a minute on this channel")
    timeout_seconds: float = Field(30, gt=0, description="how long a call may take before its answer counts as lost")
    history_days: float = Field(30, gt=0, description="how far back the first pull of its history reaches")
    history_overlap_hours: float = Field(48, ge=0, description="how far before the last pull the next one starts")
    history_every_hours: float = Field(6, ge=0, description="a refresh reads the history this often at most")
    options: dict[str, str] = Field(default_factory=dict, description="what only this provider knows")

    @field_validator("base_url")
    @classmethod
    def _isweb_address(cls, value: str) -> str:
        return web_address(value) if value else value


class Paging(_Table):
    """How a REST source hands out its pages."""

    style: Literal["none", "page", "offset", "cursor", "link", "next_url"] = "none"
    parameter: str = Field("page", description="query parameter of the page number, offset or cursor")
    size_parameter: str = Field("", description="query parameter of the page size; empty sends none")
    size: int = Field(100, gt=0, description="records a page")
    first: int = Field(1, description="the first page's number (style page)")
    next_path: str = Field("", description="where the answer holds the next cursor or URL, e.g. meta.next")


class StreamSettings(_Table):
    """One `[sources.NAME.streams.STREAM]`: a list endpoint and how its fields map to ours."""

    path: str = Field(description="path or URL of the list, relative to the source's base_url")
    records: str = Field("", description="where the answer holds the list of records; empty: the answer is the list")
    params: dict[str, str] = Field(default_factory=dict, description="fixed query parameters")
    updated_since: str = Field("", description="query parameter for the time of the last pull; empty pulls all")
    updated_format: Literal["iso", "unix", "unix_ms"] = "iso"
    paging: Paging = Paging()
    map: dict[str, str] = Field(description="our field = their nested path, e.g. phone = customer.phones[0].number")


Stream = Literal["orders", "order_lines", "customers"]
OrderStatus = Literal["paid", "pending", "cancelled", "refunded", "partially_refunded", "unknown"]


class SourceSettings(_Table):
    """One `[sources.NAME]`: a shop system, CRM or JSON REST API to pull from. Secrets are `WABENCH_SOURCE_NAME_…`."""

    kind: str = Field("rest", description="which system: rest, shopify, woocommerce, hubspot, bitrix24 or amocrm")
    base_url: str = Field("", description="its address; may be empty where a kind has one for all")
    options: dict[str, str] = Field(default_factory=dict, description="what only this kind knows")
    map: dict[Stream, dict[str, str]] = Field(
        default_factory=dict, description="fields that this shop keeps elsewhere than its kind's map says"
    )
    statuses: dict[str, OrderStatus] = Field(default_factory=dict, description="this shop's own order statuses")
    auth_header: str = Field("Authorization", description="header that carries the token (rest)")
    auth_format: str = Field("Bearer {token}", description="what stands in it (rest)")
    overlap_seconds: int = Field(300, ge=0, description="how far before the last pull the next one starts")
    full_every_days: int | None = Field(
        None, ge=0, description="after how many days a pull asks for everything again, to notice what was deleted"
    )
    timezone: str = Field("", description="zone of times without one; empty is the shop's")
    currency: str = Field("", description="currency of amounts without one; empty is the shop's")
    streams: dict[Stream, StreamSettings] = Field(default_factory=dict)

    @field_validator("base_url")
    @classmethod
    def _isweb_address(cls, value: str) -> str:
        return web_address(value) if value else value

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        if self.kind == "rest" and not (self.streams and self.base_url):
            raise ValueError("a source of kind rest needs base_url and streams")
        if self.kind != "rest" and self.streams:
            raise ValueError(f"a source of kind {self.kind} knows its streams; leave them out, and map single fields")
        if self.kind != "rest" and self.base_url and not _is_private(self.base_url):
            raise ValueError(f"{self.base_url} is not https: the secrets would travel in the open")
        return self

    @property
    def zone(self) -> ZoneInfo | None:
        return ZoneInfo(self.timezone) if self.timezone else None

    def stream(self, name: str) -> StreamSettings | None:
        """Give a stream's table by its name, or None."""
        return next((table for stream, table in self.streams.items() if stream == name), None)


class TemplateSettings(_Table):
    """One `[templates.NAME]`: an approved template as the provider knows it."""

    language: str = "en"
    category: Literal["marketing", "utility", "authentication"] = "marketing"
    status: Literal["approved", "pending", "rejected", "paused", "disabled"] = "approved"
    body: str = Field(description="the text with {{1}} or {{name}} where parameters go")
    examples: dict[str, str] = Field(default_factory=dict, description="a value for each variable, for review")
    ids: dict[str, str] = Field(default_factory=dict, description="provider = its own id of the template, e.g. HX…")


class LoginSettings(_Table):
    """`[login]`: the provider people sign in at. Its secrets are `WABENCH_LOGIN_…`."""

    client_id: str = Field("", description="the app's id at the provider")
    server_metadata_url: str = Field("", description="the provider's …/.well-known/openid-configuration")
    app_url: str = Field("", description="the app's address as browsers see it, through a proxy")
    verified_claim: str = Field("email_verified", min_length=1, description="what says that an e-mail is the person's")
    hours: float = Field(12, gt=0, description="so long after signing in, one signs in again")

    @field_validator("server_metadata_url", "app_url")
    @classmethod
    def _is_https(cls, value: str) -> str:
        if value and not _is_private(web_address(value)):
            raise ValueError(f"{value} is not https: who signs in could be overheard")
        return value

    @field_validator("app_url")
    @classmethod
    def _has_no_path(cls, value: str) -> str:
        if urlsplit(value).path.strip("/"):
            raise ValueError(f"{value} has a path; the app needs a host of its own")
        return value.rstrip("/")


def web_address(value: str) -> str:
    """Take an http or https address; raises ValueError for what is none."""
    try:
        parts = urlsplit(value)
        is_one = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        raise ValueError(f"{value!r} is no web address; write it like https://api.example.com/v1")
    return value


def _is_private(address: str) -> bool:
    """Tell whether what is sent there stays between the two: https, or this machine itself."""
    parts = urlsplit(address)
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")
