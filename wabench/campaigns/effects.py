"""What a piece of advice was worth in this shop: its own promotions that follow it beside those that don't.

Beside, not because: who was written to by name may have been a better customer. An A/B test tells that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wabench import lift, published
from wabench.campaigns.lint import Finding
from wabench.errors import WabenchError
from wabench.settings import Settings

_EFFECTS = (Path(__file__).parent / "content_effects.sql").read_text(encoding="utf-8")
SAYS: Mapping[str, str] = {
    "length": "yours of that length: read {share} ({low}–{high}) of {n}, "
    "any other {other} ({other_low}–{other_high}) of {other_n}",
    "name_first": "yours with the name: read {share} ({low}–{high}) of {n}, "
    "without {other} ({other_low}–{other_high}) of {other_n}",
    "call_to_action": "yours that ask for something: answered {share} ({low}–{high}) of {n}, "
    "others {other} ({other_low}–{other_high}) of {other_n}",
    "file": "yours without a file: read {share} ({low}–{high}) of {n}, "
    "with one {other} ({other_low}–{other_high}) of {other_n}",
}
"""By rule of the lint: what is said of the shop's messages, shares with their 95 % intervals and of how many."""
TOO_FEW = "not enough of your messages yet: {n} and {other_n} delivered, {enough} of each needed"


@dataclass(frozen=True, slots=True)
class Effect:
    """Delivered promotions that follow a rule and that don't, and how many of each were read or answered.

    `enough` of both are needed before anything is said.
    """

    rule: str
    n: int
    reached: int
    other_n: int
    other_reached: int
    enough: int

    @property
    def is_known(self) -> bool:
        return min(self.n, self.other_n) >= self.enough

    @property
    def text(self) -> str:
        """Give what is to be said, before it is filled."""
        return SAYS[self.rule] if self.is_known else TOO_FEW

    def shares(self) -> dict[str, float]:
        """Give both shares with their 95 % intervals (Wilson)."""
        low, high = lift.wilson(self.reached, self.n)
        other_low, other_high = lift.wilson(self.other_reached, self.other_n)
        return {"share": self.reached / self.n, "low": low, "high": high, "other": self.other_reached / self.other_n,
                "other_low": other_low, "other_high": other_high}  # fmt: skip


def effects(settings: Settings) -> dict[str, Effect]:
    """Look up what each piece of advice was worth here; without a published file nothing is known of any."""
    try:
        rows = {row["rule"]: row for row in published.query(settings, _EFFECTS, {}).to_pylist()}
    except WabenchError:
        rows = {}
    return {rule: _effect(rule, rows.get(rule, {}), settings.advice_messages) for rule in SAYS}


def _effect(rule: str, row: Mapping[str, Any], enough: int) -> Effect:
    n, reached, other_n, other_reached = (
        int(row.get(column) or 0) for column in ("delivered", "reached", "other_delivered", "other_reached")
    )
    return Effect(rule, n, reached, other_n, other_reached, enough)


def told(finding: Finding, known: Mapping[str, Effect]) -> str | None:
    """Say in English what a finding's advice was worth here; None where that can't be measured."""
    effect = known.get(finding.rule)
    if effect is None:
        return None
    counts = {"n": f"{effect.n:,}", "other_n": f"{effect.other_n:,}", "enough": f"{effect.enough:,}"}
    shares = {name: f"{value:.0%}" for name, value in effect.shares().items()} if effect.is_known else {}
    return effect.text.format(**counts, **shares)
