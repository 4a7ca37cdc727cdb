"""Templates: which variables a body has, what fills them, and a customer's own values for them."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from wabench.errors import Refused, UsageError
from wabench.settings import Settings, TemplateSettings
from wabench.spelling import hint

_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_LITERAL = "literal:"


def find(settings: Settings, name: str) -> TemplateSettings:
    """Find a template of `wabench.toml`; raises UsageError with the nearest name."""
    if template := settings.templates.get(name):
        return template
    raise UsageError(f"there is no template {name!r} in wabench.toml{hint(name, settings.templates)}")


def approved(settings: Settings, name: str) -> TemplateSettings:
    """Find a template that may be sent; raises Refused for one that is not approved (any more)."""
    template = find(settings, name)
    if template.status != "approved":
        raise Refused(f"template {name!r} is {template.status}; only an approved one can be sent")
    return template


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
