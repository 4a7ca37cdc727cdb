"""Which rule answers a text, and why. No I/O: rules and texts in, verdicts out.

Of all rules that match, one answers: the least priority, of equals the narrowest kind, of those the longest pattern,
then the order of the file.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from wabench.replies import texts
from wabench.replies.rules import Kind, Rule, When
from wabench.replies.spoken import Command, command

_WIDTH = {kind: width for width, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Situation:
    """What besides the text decides; None is not known, and keeps no rule from answering."""

    is_open: bool | None = None
    is_new: bool | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that a text matches, and by which of its alternatives."""

    rule: Rule
    by: str

    @property
    def why(self) -> str:
        return f"{self.rule.kind} {self.by!r}, priority {self.rule.priority}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a text is answered: a command, or the chosen rule, or nothing.

    `others` would have answered, had `chosen` not been there; `kept` match the text but not the situation, with why.
    """

    command: Command | None = None
    chosen: Match | None = None
    others: tuple[Match, ...] = ()
    kept: tuple[tuple[Match, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Needle:
    """One alternative of a rule; `place` is how early it answers among all."""

    place: int
    match: Match


class Matcher:
    """Rules made ready to be asked often."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        found = [(rule, each, row) for row, rule in enumerate(rules) for each in rule.alternatives]
        ordered = sorted(found, key=lambda one: (one[0].priority, _WIDTH[one[0].kind], -_reach(one[0], one[1]), one[2]))
        self._languages: set[str] = set()
        self._exact: dict[tuple[str, tuple[str, ...]], list[_Needle]] = {}
        self._words: dict[tuple[str, str], list[tuple[tuple[str, ...], _Needle]]] = {}
        self._contains: list[tuple[str, bool, _Needle]] = []
        self._regex: list[tuple[str, _Needle]] = []
        for place, (rule, each, _) in enumerate(ordered):
            self._add(rule, each, _Needle(place, Match(rule, each)))

    def _add(self, rule: Rule, each: str, needle: _Needle) -> None:
        if rule.kind is Kind.REGEX:
            self._regex.append((each.replace("ё", "е").replace("Ё", "Е"), needle))
        elif rule.kind is Kind.CONTAINS:
            has_words = bool(texts.words(texts.lowered(each)))
            self._contains.append((texts.plain(each), has_words, needle))
        else:
            self._languages.add(rule.language)
            stems = texts.stems(each, rule.language)
            if rule.kind is Kind.EXACT:
                self._exact.setdefault((rule.language, stems), []).append(needle)
            else:
                self._words.setdefault((rule.language, stems[0]), []).append((stems, needle))

    def verdict(self, text: str, situation: Situation | None = None) -> Verdict:
        """Tell what answers a text now."""
        if spoken := command(text):
            return Verdict(spoken)
        return choose(self.found([text])[0], situation or Situation())

    def found(self, said: Sequence[str]) -> list[tuple[Match, ...]]:
        """List for each text the rules that match it, whatever the situation, who answers first at the head."""
        low = [texts.lowered(text) for text in said]
        needles = [list(self._needles(text)) for text in low]
        column = pa.array(low, pa.string())
        for pattern, needle in self._regex:
            hits = pc.indices_nonzero(pc.match_substring_regex(column, pattern, ignore_case=True)) if said else []
            for hit in hits:
                needles[hit.as_py()].append(needle)
        return [_ranked(each) for each in needles]

    def _needles(self, low: str) -> Iterator[_Needle]:
        words = texts.words(low)
        plain, signs = " ".join(words), low.replace(" ", "")
        for language in self._languages:
            stems = tuple(texts.stem(word, language) for word in words) or ((signs,) if signs else ())
            yield from self._exact.get((language, stems), ())
            for at, first in enumerate(stems):
                for wanted, needle in self._words.get((language, first), ()):
                    if stems[at : at + len(wanted)] == wanted:
                        yield needle
        for letters, has_words, needle in self._contains:
            if letters in (plain if has_words else signs):
                yield needle


def choose(matches: Sequence[Match], situation: Situation) -> Verdict:
    """Tell which of the rules that match a text answers in a situation."""
    fitting: list[Match] = []
    kept: list[tuple[Match, str]] = []
    for match in matches:
        if why := _unfit(match.rule, situation):
            kept.append((match, why))
        else:
            fitting.append(match)
    return Verdict(None, fitting[0] if fitting else None, tuple(fitting[1:]), tuple(kept))


def _unfit(rule: Rule, situation: Situation) -> str | None:
    if rule.new_customers_only and situation.is_new is False:
        return "only for those who never ordered"
    if situation.is_open is None or rule.hours is When.ANY:
        return None
    if (rule.hours is When.BUSINESS) is situation.is_open:
        return None
    return "only in business hours" if rule.hours is When.BUSINESS else "only outside business hours"


def _reach(rule: Rule, each: str) -> int:
    """Tell how much of a message an alternative speaks of: more words, or letters, are more specific."""
    if rule.kind is Kind.REGEX:
        return 0
    return len(texts.plain(each)) if rule.kind is Kind.CONTAINS else len(texts.stems(each, rule.language))


def _ranked(needles: Iterable[_Needle]) -> tuple[Match, ...]:
    """Put matches in the order in which they answer, each rule once."""
    first: dict[str, Match] = {}
    for needle in sorted(needles, key=lambda needle: needle.place):
        first.setdefault(needle.match.rule.rule, needle.match)
    return tuple(first.values())
