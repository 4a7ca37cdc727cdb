"""Templates: which variables a body has, what fills them, and a customer's own values for them."""

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from wabench import accounts, providers
from wabench.campaigns import known_templates, ledger
from wabench.campaigns.known_templates import KnownTemplate
from wabench.errors import Refused, UsageError
from wabench.settings import Settings, TemplateSettings
from wabench.spelling import hint

_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_LITERAL = "literal:"
_NAMES = ("name", "username")
"""Columns of customers that call them something."""


def find(settings: Settings, name: str, provider: str) -> TemplateSettings:
    """Find a template as a provider has it: what a sync or a webhook told wins over what `wabench.toml` says.

    One that only `wabench.toml` has is `pending` once the provider's list was read: it is not on it. Raises UsageError
    with the nearest name, and where the provider has it in several languages and none is chosen.
    """
    written = settings.templates.get(name)
    rows = _rows(settings, name, provider, written)
    worst = known_templates.worst(rows) if rows else None
    if worst is None or not (worst.body or written):
        if written and written.status == "approved" and lists_others(settings, provider):
            return written.model_copy(update={"status": "pending"})
        if written:
            return written
        known = {*settings.templates, *_names(settings, provider)}
        raise UsageError(
            f"there is no template {name!r} in wabench.toml or at {provider}{hint(name, known)}; "
            f"`wabench template sync {provider}` reads those it has"
        )
    return _merged(written, worst, provider)


def approved(settings: Settings, name: str, provider: str) -> TemplateSettings:
    """Find a template that may be sent; raises Refused for one that is not approved (any more)."""
    template = find(settings, name, provider)
    if template.status != "approved":
        raise Refused(
            f"template {name!r} is {template.status}; only an approved one can be sent "
            f"(`wabench template list`; `wabench template sync {provider}` asks anew)"
        )
    return template


def lists_others(settings: Settings, provider: str) -> bool:
    """Tell whether a provider's templates were read by a sync, so that one that is not among them was not approved.

    At a sandbox whatever `wabench.toml` has is there.
    """
    table = settings.providers.get(provider)
    if table is None or provider not in providers.names() or accounts.problem(settings, provider):
        return False
    if accounts.is_rehearsal(table.base_url or "https://") or not accounts.lists_templates(settings, provider):
        return False
    if not ledger.exists(settings):
        return False
    with ledger.opened(settings) as opened, opened.reading() as connection:
        return known_templates.was_synced(connection, provider)


def sendable(settings: Settings, provider: str) -> dict[str, TemplateSettings]:
    """Give the templates a campaign of a provider may name, as it has them; of several languages the chosen one."""
    found = {}
    for name in dict.fromkeys((*settings.templates, *_names(settings, provider))):
        with suppress(UsageError):
            found[name] = find(settings, name, provider)
    return found


def told(settings: Settings, name: str | None = None, provider: str | None = None) -> list[KnownTemplate]:
    """List what providers said of their templates, by a sync or since by webhook; nothing before anything was said."""
    if not ledger.exists(settings):
        return []
    with ledger.opened(settings) as opened, opened.reading() as connection:
        return [row for row in known_templates.rows(connection, provider) if name in (None, row.name)]


def _rows(settings: Settings, name: str, provider: str, written: TemplateSettings | None) -> Sequence[KnownTemplate]:
    """Choose what is known of a template in its one language."""
    rows = told(settings, provider=provider)
    provider_id = written.ids.get(provider) if written else None
    by_id = [row for row in rows if provider_id and row.provider_id == provider_id]
    if by_id and len({row.language for row in by_id if row.language}) < 2:  # else the id is that of all its languages
        return by_id
    found = by_id or [row for row in rows if row.name == name]
    if written and "language" in written.model_fields_set:
        return [row for row in found if row.language in (written.language, known_templates.ANY_LANGUAGE)]
    languages = sorted({row.language for row in found if row.language and row.reason != known_templates.GONE})
    if len(languages) > 1 and (written is None or written.language not in languages):
        raise UsageError(
            f"{provider} has template {name!r} in {', '.join(languages)}; say which: language in [templates.{name}]"
        )
    chosen = written.language if written and written.language in languages else next(iter(languages), None)
    return [row for row in found if chosen is None or row.language in (chosen, known_templates.ANY_LANGUAGE)]


def _names(settings: Settings, provider: str) -> list[str]:
    return [row.name for row in told(settings, provider=provider) if row.body]


def _merged(written: TemplateSettings | None, row: KnownTemplate, provider: str) -> TemplateSettings:
    said = {"body": row.body, "language": row.language, "category": row.category, "status": row.status}
    values = {key: value for key, value in said.items() if value}
    template = written or TemplateSettings(body=row.body)
    ids = template.ids | ({provider: row.provider_id} if row.provider_id else {})
    return template.model_copy(update={**values, "ids": ids})


def listed_variables(body: str) -> list[str]:
    """List a body's variables to be shown, whatever is wrong with them."""
    try:
        return variables(body)
    except UsageError:
        return list(dict.fromkeys(_VARIABLE.findall(body)))


def variables(body: str) -> list[str]:
    """List a body's variables in the order a provider counts them: by number, or as they first appear.

    Raises UsageError for numbers with a gap or mixed with names.
    """
    found = list(dict.fromkeys(_VARIABLE.findall(body)))
    numbers = sorted(int(name) for name in found if name.isdigit())
    if not numbers:
        return found
    if len(numbers) < len(found) or numbers != list(range(1, len(numbers) + 1)):
        raise UsageError(f"template variables are either names or 1, 2, 3 without a gap, not {', '.join(found)}")
    return [str(number) for number in numbers]


def sources(template: TemplateSettings, params: Sequence[str], columns: Collection[str]) -> dict[str, str]:
    """Read `variable=column` and `variable=literal:text` into variable -> source, in the template's order.

    Raises UsageError for a variable that is missing, unknown or filled twice, and for an unknown column.
    """
    given: dict[str, str] = {}
    for param in params:
        variable, equals, source = param.partition("=")
        if not equals or not source or variable in given:
            raise UsageError(f"--param {param}: write each variable once, as variable=column or variable=literal:text")
        if not source.startswith(_LITERAL) and source not in columns:
            raise UsageError(f"--param {param}: customers have no column {source!r}{hint(source, columns)}")
        given[variable] = source
    wanted = variables(template.body)
    if wrong := set(given) ^ set(wanted):
        problem = "is not filled: add --param" if min(wrong) in wanted else "is not in the template"
        raise UsageError(f"template variable {min(wrong)} {problem} (its variables: {', '.join(wanted) or 'none'})")
    return {variable: given[variable] for variable in wanted}


def render(sources: Mapping[str, str], customer: Mapping[str, Any]) -> dict[str, str]:
    """Fill the variables for one customer; an unknown value is empty, for the policy to refuse."""
    return {
        variable: source.removeprefix(_LITERAL) if source.startswith(_LITERAL) else _text(customer.get(source))
        for variable, source in sources.items()
    }


def shared_text(body: str, sources: Mapping[str, str]) -> str:
    """Show what is the same for every customer: literals filled in, their own variables left open."""
    return fill(
        body, {v: source.removeprefix(_LITERAL) for v, source in sources.items() if source.startswith(_LITERAL)}
    )


def names_customer(sources: Mapping[str, str], parameters: Mapping[str, str]) -> bool:
    """Tell whether the customer's name is in their text."""
    return any(source in _NAMES and parameters[variable] for variable, source in sources.items())


def fill(body: str, parameters: Mapping[str, str]) -> str:
    """Show the text a customer would read."""
    return _VARIABLE.sub(lambda match: parameters.get(match[1], match[0]), body)


def _text(value: Any) -> str:
    """Write a value as people read it. Line breaks and runs of spaces go: Meta refuses them in a parameter."""
    match value:
        case None:
            return ""
        case datetime() | date():
            return f"{value:%Y-%m-%d}"
        case Decimal() | float():
            return f"{value:.2f}"
    return " ".join(str(value).split())
