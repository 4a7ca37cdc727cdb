"""Settings, read once into one frozen object: secrets from the environment and `.env`, tables from `wabench.toml`."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from wabench import hours
from wabench.errors import UsageError
from wabench.roles import Role
from wabench.schedule.table import ScheduleSettings

ROOT = Path(__file__).resolve().parent.parent
"""Where the dbt project and the app stand: beside the package."""


_CLOCK = "^([01][0-9]|2[0-3]):[0-5][0-9]$"


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
    def _is_web_address(cls, value: str) -> str:
        return _web_address(value) if value else value


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
    def _is_web_address(cls, value: str) -> str:
        return _web_address(value) if value else value

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
        if value and not _is_private(_web_address(value)):
            raise ValueError(f"{value} is not https: who signs in could be overheard")
        return value

    @field_validator("app_url")
    @classmethod
    def _has_no_path(cls, value: str) -> str:
        if urlsplit(value).path.strip("/"):
            raise ValueError(f"{value} has a path; the app needs a host of its own")
        return value.rstrip("/")


class Paths(BaseModel):
    """Where a shop's stores lie, all under its home."""

    model_config = ConfigDict(frozen=True)
    home: Path

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def landing(self) -> Path:
        return self.data / "landing"

    @property
    def warehouse(self) -> Path:
        return self.data / "warehouse.duckdb"

    @property
    def warehouse_lock(self) -> Path:
        return self.data / "warehouse.lock"

    @property
    def published(self) -> Path:
        return self.data / "published"

    @property
    def ledger(self) -> Path:
        return self.data / "ledger.db"

    @property
    def exports(self) -> Path:
        return self.data / "exports"

    @property
    def segments(self) -> Path:
        return self.home / "segments"

    @property
    def replies(self) -> Path:
        return self.home / "replies.csv"

    @property
    def canned_replies(self) -> Path:
        return self.home / "canned_replies.csv"

    @property
    def promo_codes(self) -> Path:
        return self.home / "promo_codes.csv"

    @property
    def segment_history(self) -> Path:
        return self.data / "segments.ndjson"


class Settings(BaseModel):
    """All settings. Scalars are `WABENCH_<NAME>` in the environment or `name` in `wabench.toml`; tables only there."""

    model_config = ConfigDict(frozen=True)

    home: Path = Field(ROOT, description="the shop's folder: data/, segments/, wabench.toml, .env")
    currency: str = Field("USD", pattern="^[A-Z]{3}$", description="project currency, ISO 4217")
    timezone: str = Field("UTC", description="the shop's time zone: for times without one and for local hours")
    region: str = Field("US", pattern="^[A-Z]{2}$", description="country of phones written without a country code")
    consent: Literal["explicit", "implied"] = Field(
        "explicit", description="explicit: marketing only to who opted in; implied: to who did not opt out"
    )
    pace_per_minute: float = Field(
        30, gt=0, description="messages a minute per channel, unless the provider's table says"
    )
    promo_cap_hours: float = Field(24, gt=0, description="one promotional message per customer in this many hours")
    promo_per_7_days: int = Field(3, gt=0, description="promotional messages per customer in 7 days, at most")
    promo_per_30_days: int = Field(8, gt=0, description="promotional messages per customer in 30 days, at most")
    no_marketing_in: str = Field(
        "US", pattern="^([A-Z]{2}(, ?[A-Z]{2})*)?$", description="countries where marketing is not delivered"
    )
    cold_days: float = Field(
        90, gt=0, description="who gave no sign of life for so long is cold; a plan with --skip-cold leaves them out"
    )
    quiet_from: str = Field(
        "21:00", pattern=_CLOCK, description="no marketing from this time of the customer's day on; held until its end"
    )
    quiet_until: str = Field(
        "09:00", pattern=_CLOCK, description="when quiet hours end; the same as quiet_from: there are none"
    )
    best_hour_messages: int = Field(
        5, gt=0, description="so many interactions of their own make a customer's best hour theirs"
    )
    best_hour_within_hours: float = Field(
        24, gt=0, description="a plan with --best-hour is spread over so many hours from its start on"
    )
    first_share_customers: int = Field(
        100, gt=0, description="a first share that the rest waits for has at least so many customers"
    )
    canary_hours: float = Field(
        2, ge=0, description="so long after the last of a canary left it is decided whether the rest goes"
    )
    canary_failure_share: float = Field(
        0.1, gt=0, lt=1, description="a canary whose failures are proven to be more than this share stops the campaign"
    )
    canary_opt_out_share: float = Field(
        0.02, gt=0, lt=1, description="the same, for those who opted out since they got it"
    )
    canary_block_share: float = Field(
        0.01, gt=0, lt=1, description="the same, for those who blocked the number, where the provider tells"
    )
    canary_known_share: float = Field(
        0.5, ge=0, le=1, description="of so many of a canary it must be known whether it was delivered or failed"
    )
    canary_unknown: Literal["hold", "go_on"] = Field(
        "hold", description="what becomes of the rest where that is known of fewer: hold pauses the campaign"
    )
    winner_hours: float = Field(
        24, ge=0, description="so long after the last of the first share left the rest waits for a proven winner"
    )
    winner_unproven: Literal["best", "drawn"] = Field(
        "best", description="what the rest gets then: best, the best text so far; drawn, each the one chance drew"
    )
    stage_error: float = Field(
        0.05, gt=0, lt=0.5, description="how likely a canary may be stopped, or a winner named, by chance alone"
    )
    failure_share: float = Field(
        0.15, gt=0, le=1, description="a campaign pauses itself when more than this share of its messages failed"
    )
    failure_messages: int = Field(50, gt=0, description="so many messages must have ended before that is judged")
    reply_share: float = Field(
        0.05, ge=0, le=1, description="a campaign that runs for over a day pauses itself when fewer than this replied"
    )
    reply_messages: int = Field(100, gt=0, description="so many must have been delivered before that is judged")
    give_up_seconds: float = Field(
        60, gt=0, description="a campaign pauses itself when its provider takes nothing for so long"
    )
    campaign_expires_hours: float = Field(
        24, gt=0, description="a campaign that could not begin so long after its start does not begin any more"
    )
    unknown_wait_minutes: float = Field(
        60, ge=0, description="how long an unknown send waits for a status before it is listed"
    )
    failed_settles_minutes: float = Field(
        15,
        ge=0,
        description="so long after a status said that a send failed, that is believed: others may overtake it",
    )
    retry_within_hours: float = Field(
        24, gt=0, description="a retry takes those along whose wait ends within so many hours from its start"
    )
    advice_messages: int = Field(
        100, gt=0, description="so many delivered promotions on each side before advice says what it was worth here"
    )
    retry_most: int = Field(2, ge=0, description="a send that failed is tried again so many times, at most")
    business_hours: str = Field(
        "mon-fri 09:00-18:00", description="when somebody answers, in the shop's zone; always: around the clock"
    )
    attribution_days: int = Field(5, gt=0, description="an order this many days after delivery counts for the message")
    attribution_model: Literal["last_touch", "first_touch", "linear"] = Field(
        "last_touch", description="which of the campaign messages before an order it counts for; linear: all alike"
    )
    holdout_share: float = Field(0, ge=0, lt=1, description="share of a plan's customers that is not written to")
    segment_sql_seconds: float = Field(10, gt=0, le=600, description="how long a SQL segment may run")
    segment_sql_memory: str = Field(
        "512MB", pattern="^[1-9][0-9]*(MB|GB)$", description="how much memory a SQL segment may take"
    )
    auto_reply: Literal["off", "rehearsal", "live"] = Field(
        "off", description="whom `wabench receive` answers by rule: nobody, a sandbox on this machine, everybody"
    )
    reply_within_minutes: float = Field(
        5, gt=0, description="a message that is older is not answered by rule any more, nor is one put off so long"
    )
    reply_pause_hours: float = Field(
        24, ge=0, description="so long after a person answered, or was handed a dialog, no rule answers in it"
    )
    reply_loop_count: int = Field(
        5, gt=0, description="so many automatic replies to one person within reply_loop_minutes, then no more"
    )
    reply_loop_minutes: float = Field(10, gt=0, description="the time in which reply_loop_count counts")
    receive_host: str = Field("127.0.0.1", description="address the webhook receiver listens on")
    receive_port: int = Field(8400, ge=0, le=65535, description="port the webhook receiver listens on")
    public_url: str = Field(
        "",
        description="the receiver's address as providers see it, through a proxy; signatures cover it",
    )
    metrics_host: str = Field("127.0.0.1", description="address at which metrics are told")
    receive_metrics_port: int = Field(8403, ge=0, le=65535, description="port of the receiver's metrics; 0: none")
    schedule_port: int = Field(8402, ge=0, le=65535, description="port of the scheduler's health and metrics; 0: none")
    alert_again_hours: float = Field(24, gt=0, description="an alert that still stands after so long is told again")
    alert_dialog_hours: str = Field(
        "2, 4",
        pattern=r"^\d+(\.\d+)?( ?, ?\d+(\.\d+)?)*$",
        description="after these waits an open dialog is told, each time",
    )
    ledger_url: str = Field("", description="SQLAlchemy URL of the ledger; empty is data/ledger.db")

    providers: dict[str, ProviderSettings] = Field(default_factory=dict)
    sources: dict[str, SourceSettings] = Field(default_factory=dict)
    templates: dict[str, TemplateSettings] = Field(default_factory=dict)
    login: LoginSettings = LoginSettings()
    roles: dict[str, Role] = Field(default_factory=dict)
    schedule: ScheduleSettings = ScheduleSettings()
    environment: dict[str, SecretStr] = Field(default_factory=dict, repr=False)

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"no time zone is called {value!r}; write it like America/Sao_Paulo")
        return value

    @field_validator("business_hours")
    @classmethod
    def _are_hours(cls, value: str) -> str:
        hours.parse(value)
        return value

    @field_validator("public_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        return _web_address(value).rstrip("/") if value else value

    @field_validator("roles", mode="before")
    @classmethod
    def _name_people(cls, value: object) -> object:
        """Take e-mail addresses and `*@domain` in any case; two lines that differ by it alone are an error."""
        if not isinstance(value, dict):
            return value
        for address in value:
            if not _ADDRESS.fullmatch(address):
                raise ValueError(f"{address!r} is no e-mail address; write it like ana@shop.example or *@shop.example")
        roles = {address.lower(): role for address, role in value.items()}
        if len(roles) < len(value):
            raise ValueError("an address has two lines")
        return roles

    @property
    def paths(self) -> Paths:
        return Paths(home=self.home)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def closed_countries(self) -> frozenset[str]:
        """Where marketing is not delivered."""
        return frozenset(filter(None, (country.strip() for country in self.no_marketing_in.split(","))))

    @property
    def open_hours(self) -> hours.BusinessHours:
        return hours.parse(self.business_hours)

    def secret(self, name: str) -> str | None:
        """Give the secret `WABENCH_<NAME>`, or None where it is not set."""
        value = self.environment.get(f"WABENCH_{name.upper()}")
        return value.get_secret_value() if value else None

    def source_secrets(self, source: str, wanted: tuple[str, ...]) -> dict[str, str]:
        """Give those of a source's secrets that are set, by their short names."""
        return self.provider_secrets(f"source_{source.replace('-', '_')}", wanted)

    def webhook_url(self, provider: str) -> str:
        """Give the address a provider posts its webhooks to: of `public_url`, else of the receiver on this machine."""
        return f"{self.public_url or f'http://{self.receive_host}:{self.receive_port}'}/webhooks/{provider}"

    def provider_secrets(self, provider: str, wanted: tuple[str, ...]) -> dict[str, str]:
        """Give those of a provider's secrets that are set, by their short names."""
        found = {name: self.secret(f"{provider}_{name}") for name in wanted}
        return {name: value for name, value in found.items() if value}


_TABLES = ("providers", "sources", "templates", "login", "roles", "schedule")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s*]+")
_SCALARS = frozenset(Settings.model_fields) - {"home", "environment", *_TABLES}


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; raises UsageError with the file and key that is wrong.

    Precedence: the environment, then `.env`, then `wabench.toml`, then the defaults.
    """
    given = os.environ if environ is None else environ
    home = Path(given.get("WABENCH_HOME") or ROOT).expanduser().resolve()
    merged = {**{k: v for k, v in dotenv_values(home / ".env").items() if v is not None}, **given}
    env = {name: value for name, value in merged.items() if name.startswith("WABENCH_")}
    tables = _read_toml(home / "wabench.toml")
    values = {name: env[f"WABENCH_{name.upper()}"] for name in _SCALARS if env.get(f"WABENCH_{name.upper()}")}
    if unknown := set(tables) - _SCALARS - set(_TABLES):
        raise UsageError(f"wabench.toml: unknown key {min(unknown)!r}; see docs/settings.md")
    try:
        return Settings.model_validate({**tables, **values, "home": home, "environment": env})
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"setting {where}: {first['msg']} (see docs/settings.md)") from None


def _web_address(value: str) -> str:
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


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None
