"""The scenario of a sandbox: how slow, strict and unlucky its providers are, from a TOML file or the command line."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wabench.errors import UsageError
from wabench.spelling import hint


class Table(BaseModel):
    """A table of a scenario: frozen, and an unknown key is an error rather than a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Latency(Table):
    """How long an answer takes, in milliseconds: each call's is drawn from between the two."""

    min: float = Field(0, ge=0, description="the shortest")
    max: float = Field(0, ge=0, description="the longest; less than `min`: as long as `min`")


class Failures(Table):
    """Which share of accepted messages fails by webhook after all, by why."""

    undeliverable: float = Field(0.0, ge=0, le=1, description="the phone has no WhatsApp")
    marketing_limit: float = Field(0.0, ge=0, le=1, description="the person's own limit of promotions is reached")
    opted_out: float = Field(0.0, ge=0, le=1, description="the person stopped the shop's promotions at WhatsApp itself")


class Shares(Table):
    """How often what happens, each from 0 to 1."""

    timeout: float = Field(0.0, ge=0, le=1, description="accepted, but never answered")
    server_error: float = Field(
        0.0, ge=0, le=1, description="answered with the provider's own server error; half of those were accepted"
    )
    duplicate: float = Field(0.0, ge=0, le=1, description="webhooks posted twice")
    reorder: float = Field(0.05, ge=0, le=1, description="messages whose statuses are posted in the wrong order")
    late: float = Field(0.0, ge=0, le=1, description="messages whose webhooks come `late_seconds` later")
    read: float = Field(0.6, ge=0, le=1, description="delivered messages that are read")
    reply: float = Field(0.1, ge=0, le=1, description="delivered messages that are answered, after they were read")
    opt_out: float = Field(0.0, ge=0, le=1, description="delivered messages whose person then stops promotions")
    user_id: float = Field(0.0, ge=0, le=1, description="people whom webhooks name by a business-scoped id alone")


class Limits(Table):
    """What a provider takes; each is kept for each provider on its own. An empty one is no limit."""

    messages_per_second: int | None = Field(None, ge=1, description="calls accepted in any second")
    seconds_between_messages: float = Field(6, ge=0, description="to one person")
    people_per_day: int | None = Field(None, ge=1, description="people written to in 24 hours: the messaging limit")
    window: Literal["open", "replied"] = Field(
        "open", description="`replied`: free-form content only to who wrote here in the last 24 hours"
    )


class Token(Table):
    """When the token stops being good: the calls are counted for each provider, refused ones too."""

    revoked_after_calls: int | None = Field(None, ge=0, description="calls that the token is good for")
    good_again_after_calls: int | None = Field(None, ge=0, description="calls after which it is good again")


class Templates(Table):
    """What happens to templates meanwhile."""

    paused_after_messages: int | None = Field(None, ge=0, description="messages after which a template is paused")


class Scenario(Table):
    """How the sandbox behaves. The same scenario and the same calls have the same fates."""

    seed: int = Field(0, description="another seed draws other fates")
    late_seconds: float = Field(5, ge=0, description="how late the webhooks of `shares.late` come")
    latency_ms: Latency = Latency()
    failures: Failures = Failures()
    shares: Shares = Shares()
    limits: Limits = Limits()
    token: Token = Token()
    templates: Templates = Templates()


CALM = Scenario()


def load(path: Path | None, overrides: Mapping[str, Any] | None = None) -> Scenario:
    """Read a scenario file, `overrides` by dotted key (`shares.read`) winning over it; no file is the defaults.

    Raises UsageError with the key that is wrong and the nearest one there is.
    """
    tables = _read(path) if path else {}
    for key, value in (overrides or {}).items():
        _put(tables, key, value)
    try:
        return Scenario.model_validate(tables)
    except ValidationError as error:
        raise UsageError(f"{path or 'scenario'}: {_problem(error.errors(include_input=False)[0])}") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None


def _put(tables: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    place = tables
    for parent in parents:
        inner = place.setdefault(parent, {})
        if not isinstance(inner, dict):
            return  # what stands there is refused in a moment, by its own name
        place = inner
    place[last] = value


def _problem(error: Any) -> str:
    *where, last = [str(part) for part in error["loc"]]
    if error["type"] != "extra_forbidden":
        return f"{'.'.join([*where, last])}: {error['msg']}"
    table: Any = Scenario
    for name in where:
        table = table.model_fields[name].annotation
    return f"unknown key {'.'.join([*where, last])!r}{hint(last, table.model_fields)}"
