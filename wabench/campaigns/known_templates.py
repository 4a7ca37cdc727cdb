"""The templates as their providers have them: rows of the ledger that a sync, a submission or a webhook wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select, update

from wabench.campaigns.moves import note
from wabench.campaigns.policy import MARKETING
from wabench.campaigns.schema import audit, templates
from wabench.errors import Refused
from wabench.providers.base import TemplateState

GONE = "no longer at the provider"
_SYNC = "template sync"
ANY_LANGUAGE = ""
"""The language of a row that a webhook made without saying which one it is about."""

_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("approved", "reinstated", "unarchived", "active"), "approved"),
    **dict.fromkeys(("pending", "in_appeal", "submitted", "received"), "pending"),
    **dict.fromkeys(("rejected", "limit_exceeded"), "rejected"),
    **dict.fromkeys(("paused", "flagged", "locked"), "paused"),
    **dict.fromkeys(("disabled", "pending_deletion", "deleted", "archived"), "disabled"),
}
"""What a webhook says of a template -> our word; one that is not here changes nothing until the next sync."""

_CATEGORIES = frozenset(("marketing", "utility", "authentication"))
_WORST = ("disabled", "rejected", "paused", "pending", "approved")


@dataclass(frozen=True, slots=True)
class KnownTemplate:
    """One row; `told_at` is the moment it is known of, `body` is empty where only a webhook named it."""

    provider: str
    name: str
    language: str
    category: str
    status: str
    quality: str
    body: str
    provider_id: str | None
    reason: str | None
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """What one webhook event says of a template; `word` is the provider's."""

    provider: str
    name: str
    language: str | None
    word: str
    category: str | None
    reason: str | None
    provider_id: str | None
    is_quality: bool
    at: datetime


def rows(connection: Connection, provider: str | None = None) -> list[KnownTemplate]:
    """List what is known, of one provider or of all."""
    chosen = select(templates).order_by(templates.c.provider, templates.c.name, templates.c.language)
    found = connection.execute(chosen.where(templates.c.provider == provider) if provider else chosen)
    return [KnownTemplate(**row._asdict()) for row in found]


def was_synced(connection: Connection, provider: str) -> bool:
    """Tell whether a provider's whole list was ever read, so that what is not on it is not there."""
    noted = (audit.c.action == _SYNC) & audit.c.detail.startswith(f"{provider}: ", autoescape=True)
    return connection.execute(select(audit.c.audit_id).where(noted).limit(1)).first() is not None


def matching(provider: str, name: str, language: str | None, provider_id: str | None) -> ColumnElement[bool]:
    """Choose the rows about one template; without a language those of all its languages."""
    by_name = templates.c.name == name
    if language is not None:
        by_name &= templates.c.language.in_((language, ANY_LANGUAGE))
    by_id = [templates.c.provider_id == provider_id] if provider_id else []
    return (templates.c.provider == provider) & or_(by_name, *by_id)


def in_language(found: Sequence[KnownTemplate], language: str | None) -> Sequence[KnownTemplate]:
    """Choose of rows about one template those in a language; all, where it is told of none of them.

    One id may stand for all languages of a template, and for one that is written otherwise than here (`en`, `en_US`).
    """
    return [row for row in found if language is None or row.language in (language, ANY_LANGUAGE)] or found


def worst(found: Sequence[KnownTemplate]) -> KnownTemplate:
    """Choose of several rows about one template the one that allows least."""
    return min(found, key=lambda row: _WORST.index(row.status) if row.status in _WORST else 0)


def problem(
    connection: Connection, provider: str, name: str, language: str, provider_id: str | None, category: str
) -> str | None:
    """Say why a campaign's template must not be sent any more; None while it may, or nothing is known of it."""
    found = connection.execute(select(templates).where(matching(provider, name, language, provider_id))).all()
    if not found:
        return None
    row = worst(in_language([KnownTemplate(**each._asdict()) for each in found], language))
    why = f" ({row.reason})" if row.reason else ""
    if row.status != "approved":
        return f"template {name!r} is {row.status}{why} since {row.told_at:%Y-%m-%d %H:%M} UTC"
    if row.category == MARKETING != category:
        return f"template {name!r} counts as marketing at {provider} now; plan the campaign again"
    return None


def replace(
    connection: Connection, provider: str, listed: Sequence[TemplateState], actor: str, now: datetime,
    may_be_empty: bool = False,
) -> int:  # fmt: skip
    """Put what a provider lists in place of what was known of it; gives how many have vanished there since.

    Raises Refused for an empty list where something approved is known, unless it may be empty.
    """
    stored = _named(listed)
    known = {(row.name, row.language): row for row in rows(connection, provider)}
    approved = sum(row.status == "approved" for row in known.values())
    if approved and not stored and not may_be_empty:  # it would stop every campaign, and a wrong number lists as much
        have = f"{approved} {'was' if approved == 1 else 'were'} approved"
        raise Refused(f"{provider} lists no template and {have}; see that channel_id is right, or say --empty")
    gone = [row for key, row in known.items() if key not in stored and row.reason != GONE]
    mine = templates.c.provider == provider
    connection.execute(delete(templates).where(mine, templates.c.language == ANY_LANGUAGE))
    for row in gone:
        this = mine & (templates.c.name == row.name) & (templates.c.language == row.language)
        connection.execute(update(templates).where(this).values(status="disabled", reason=GONE, told_at=now))
    for (name, language), state in stored.items():
        this = mine & (templates.c.name == name) & (templates.c.language == language)
        connection.execute(delete(templates).where(this))
        connection.execute(insert(templates).values(_row(provider, state, now) | {"name": name}))
    note(connection, now, actor, _SYNC, detail=f"{provider}: {len(stored)} templates, {len(gone)} gone")
    return len(gone)


def keep(connection: Connection, provider: str, state: TemplateState, actor: str, now: datetime) -> None:
    """Store one template as it was just submitted."""
    this = templates.c.provider == provider, templates.c.name == state.name, templates.c.language == state.language
    connection.execute(delete(templates).where(*this))
    connection.execute(insert(templates).values(_row(provider, state, now)))
    said = f"{provider}: {state.name} {state.language} is {state.status}"
    note(connection, now, actor, "template submit", detail=said)


def tell(connection: Connection, told: Told) -> bool:
    """Apply what a webhook said, unless something newer is known; gives whether it changed anything.

    One that does not say its language is about all of the template's; good news only where there is but one.
    """
    about = _about(rows(connection, told.provider), told)
    changes = _changes(told)
    if not about:
        return _introduce(connection, told, changes)
    if told.language is None and len(about) > 1 and changes.get("status") == "approved":
        return False
    older = [row for row in about if row.told_at < told.at]
    for row in older if changes else ():
        this = and_(
            templates.c.provider == row.provider, templates.c.name == row.name, templates.c.language == row.language
        )
        # What says nothing of the status must not make an earlier status, posted late, look old.
        told_at = told.at if "status" in changes else row.told_at
        connection.execute(update(templates).where(this).values(**changes, told_at=told_at))
    return bool(changes and older)


def _about(known: Sequence[KnownTemplate], told: Told) -> Sequence[KnownTemplate]:
    """Choose the rows a webhook is about: by the provider's own id where both have one, else by name and language."""
    if told.provider_id and (by_id := [row for row in known if row.provider_id == told.provider_id]):
        return in_language(by_id, told.language)
    languages = (told.language, ANY_LANGUAGE)
    return [row for row in known if row.name == told.name and (told.language is None or row.language in languages)]


def _changes(told: Told) -> dict[str, str | None]:
    word = told.word.lower()
    if told.is_quality:
        return {"quality": word}
    changes: dict[str, str | None] = {}
    if word in _WORDS:
        reason = (told.reason or "").strip()
        changes = {"status": _WORDS[word], "reason": None if reason in ("", "NONE") else reason}
    if (category := (told.category or "").lower()) in _CATEGORIES:
        changes["category"] = category
    return changes


def _introduce(connection: Connection, told: Told, changes: Mapping[str, str | None]) -> bool:
    """Make a row of a template that no sync has seen: what is told of it holds all the same."""
    if "status" not in changes:
        return False
    language = told.language or ANY_LANGUAGE
    blank = {"category": "", "quality": "unknown", "body": "", "provider_id": told.provider_id, "told_at": told.at}
    key = {"provider": told.provider, "name": told.name, "language": language}
    connection.execute(insert(templates).values({**blank, **key, **changes}))
    return True


def _named(listed: Sequence[TemplateState]) -> dict[tuple[str, str], TemplateState]:
    """Key templates by name and language; where a provider lets two share a name, the others go by their ids."""
    named: dict[tuple[str, str], TemplateState] = {}
    for state in sorted(listed, key=lambda each: each.status != "approved"):
        key = (state.name or state.provider_id, state.language)
        named[key if key not in named else (state.provider_id or state.name, state.language)] = state
    return named


def _row(provider: str, state: TemplateState, now: datetime) -> dict[str, str | datetime | None]:
    values = asdict(state) | {"category": state.category.lower(), "reason": state.reason or None}
    return {**values, "provider_id": state.provider_id or None, "provider": provider, "told_at": now}
