"""A/B variants: which texts a campaign has, what fills each, and which of them chance gives to whom.

The draw is a hash of campaign and customer with a salt of its own, so it is the same when the campaign is planned again
and has nothing to do with who is held out. It comes before the holdout: each variant is measured against its own.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import md5
from itertools import accumulate

from wabench.errors import UsageError

_NAME = re.compile(r"[a-z0-9_]{1,40}")
_WHOLE = 10_000
_TOLERANCE = 1 / _WHOLE


@dataclass(frozen=True, slots=True)
class Wanted:
    """A variant that is asked for; without a share it gets an equal part of what the others leave."""

    name: str
    template_name: str
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """One text of a campaign as its plan froze it; `variant` is empty where it is the only one."""

    variant: str
    share: float
    template_name: str
    language: str
    template_id: str | None
    template_body: str | None


def read(words: Iterable[str]) -> tuple[Wanted, ...]:
    """Read `name=template` or `name=template:share`; raises UsageError for what is none, and for a single one."""
    wanted = tuple(_read(word) for word in words)
    if len(wanted) == 1:
        raise UsageError(f"--variant {wanted[0].name}: one variant is no comparison; give two or more, or --template")
    if doubled := next((w.name for w in wanted if [v.name for v in wanted].count(w.name) > 1), None):
        raise UsageError(f"--variant {doubled} is given twice")
    return wanted


def _read(word: str) -> Wanted:
    name, _, rest = word.partition("=")
    template, _, share = rest.partition(":")
    if not _NAME.fullmatch(name) or not template:
        raise UsageError(f"--variant {word}: write it as name=template or name=template:0.5, the name in a-z, 0-9, _")
    return Wanted(name, template, _share(word, share) if share else None)


def _share(word: str, text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0
    if not 0 < share < 1:
        raise UsageError(f"--variant {word}: its share is a number between 0 and 1, like 0.5")
    return share


def shares(wanted: Sequence[Wanted]) -> list[float]:
    """Give each variant's share of the customers; raises UsageError where they don't make a whole."""
    given = sum(w.share or 0 for w in wanted)
    open_ones = sum(w.share is None for w in wanted)
    if given > 1 + _TOLERANCE or (open_ones and given > 1 - _TOLERANCE):
        raise UsageError(f"the variants' shares come to {given:g} and leave nothing; together they are 1")
    if not open_ones and given < 1 - _TOLERANCE:
        raise UsageError(f"the variants' shares come to {given:g}; together they are 1")
    return [(1 - given) / open_ones if w.share is None else w.share for w in wanted]


def draw(campaign_id: str, customer_id: str, shares: Sequence[float]) -> int:
    """Tell which variant a customer gets, as an index into the shares."""
    digest = md5(f"{campaign_id}:variant:{customer_id}".encode(), usedforsecurity=False).hexdigest()
    edges = [round(edge * _WHOLE) for edge in accumulate(shares)][:-1]
    return bisect_right(edges, int(digest[:8], 16) % _WHOLE)


def params(name: str, given: Sequence[str], variables: Mapping[str, Sequence[str]]) -> list[str]:
    """Choose the parameters of one variant: its own (`name.variable=…`) before those for all (`variable=…`).

    `variables` has those of each variant's template. One for all may be missing from this variant's template if another
    has it. Raises UsageError for one that names no variant.
    """
    elsewhere = {variable for other, found in variables.items() if other != name for variable in found}
    own = [rest for variant, rest in _by_variant(given, variables) if variant == name]
    filled = {param.partition("=")[0] for param in own}
    for variant, param in _by_variant(given, variables):
        variable = param.partition("=")[0]
        is_elsewhere = variable in elsewhere and variable not in variables[name]
        if variant is None and variable not in filled and not is_elsewhere:
            own.append(param)
    return own


def _by_variant(given: Sequence[str], names: Iterable[str]) -> Iterator[tuple[str | None, str]]:
    known = list(names)
    for param in given:
        variable, equals, source = param.partition("=")
        variant, dot, variable_of = variable.partition(".")
        if not dot:
            yield None, param
        elif variant in known:
            yield variant, f"{variable_of}{equals}{source}"
        else:
            raise UsageError(f"--param {param}: there is no variant {variant!r}; there are {', '.join(known)}")
