"""What stands against a template's text, in the reader's language, and what the advice was worth in this shop."""

from collections.abc import Iterable, Iterator, Mapping

import streamlit as st
from parts import shop
from parts.lang import _, number, share

from wabench import display
from wabench.campaigns import effects, lint
from wabench.campaigns.effects import Effect
from wabench.campaigns.lint import Finding, Severity
from wabench.settings import Settings

MARKS = {
    Severity.ERROR: ":red[:material/error:]",
    Severity.WARNING: ":orange[:material/warning:]",
    Severity.HINT: ":gray[:material/lightbulb:]",
}


def lines(findings: Iterable[Finding]) -> Iterator[str]:
    """Say each finding in a line of markdown, its texts from the table of the lint."""
    settings = shop.settings()
    known = _effects(str(shop.version().path), settings.advice_messages, settings)
    for finding in findings:
        text = lint.TEXTS[finding.rule]
        values = {name: _(str(value)) if name == "meaning" else value for name, value in finding.values.items()}
        line = f"{display.verbatim(_(text.what, **values))}: {display.verbatim(_(text.do, **values))}"
        here = known.get(finding.rule)
        more = f"  \n:gray[{display.verbatim(worth(here))}]" if here else ""
        yield f"{MARKS[finding.severity]} {line}{more}"


def worth(effect: Effect) -> str:
    """Say what a piece of advice was worth here, shares and counts as the language writes them."""
    counts = {"n": number(effect.n), "other_n": number(effect.other_n), "enough": number(effect.enough)}
    shares = {name: share(value, 0) for name, value in effect.shares().items()} if effect.is_known else {}
    return _(effect.text, **counts, **shares)


@st.cache_data(show_spinner=False, max_entries=20)
def _effects(path: str, enough: int, _settings: Settings) -> Mapping[str, Effect]:
    return effects.effects(_settings)
