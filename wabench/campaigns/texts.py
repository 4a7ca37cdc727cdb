"""The texts of a plan: its template or variants, what fills each, and each as one customer would read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wabench.campaigns import templates
from wabench.campaigns import variants as variants_of
from wabench.campaigns.variants import Variant, Wanted
from wabench.errors import UsageError
from wabench.settings import Settings, TemplateSettings


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a plan, and the columns and literals that fill its variables."""

    variant: Variant
    category: str
    body: str
    sources: Mapping[str, str]


def texts_of(
    settings: Settings, provider: str, template_name: str, wanted: Sequence[Wanted], params: Sequence[str],
    columns: Sequence[str],
) -> list[Text]:  # fmt: skip
    """Find what is asked for; raises UsageError where it doesn't go together, Refused for what is not approved."""
    if bool(template_name) == bool(wanted):
        raise UsageError("a campaign has either one --template or two and more --variant name=template")
    asked = sorted(wanted, key=lambda w: w.name) or [Wanted("", template_name)]
    found = {w.name: templates.approved(settings, w.template_name, provider) for w in asked}
    categories = {w.name: found[w.name].category for w in asked}
    if len(set(categories.values())) > 1:
        said = ", ".join(f"{name} is {category}" for name, category in categories.items())
        raise UsageError(f"variants need one category, for other rules hold for each: {said}")
    variables = {name: templates.variables(template.body) for name, template in found.items()}
    return [
        _text(w, share, provider, found[w.name], variants_of.params(w.name, params, variables), columns)
        for w, share in zip(asked, variants_of.shares(asked), strict=True)
    ]


def _text(
    wanted: Wanted, share: float, provider: str, template: TemplateSettings, params: Sequence[str],
    columns: Sequence[str],
) -> Text:  # fmt: skip
    sources = templates.sources(template, params, columns)
    variant = Variant(
        variant=wanted.name,
        share=share,
        template_name=wanted.template_name,
        language=template.language,
        template_id=template.ids.get(provider),
        template_body=templates.shared_text(template.body, sources),
    )
    return Text(variant, template.category, template.body, sources)


def readings(texts: Sequence[Text], customer: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Render each variant for a customer."""
    filled = {text.variant.variant: (text, templates.render(text.sources, customer)) for text in texts}
    return {name: {"parameters": values, **described(text, values)} for name, (text, values) in filled.items()}


def described(text: Text, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Tell of a text, as one customer reads it, what is kept of it."""
    return {
        "text_length": len(templates.fill(text.body, parameters)),
        "is_personalised": templates.names_customer(text.sources, parameters),
    }
