"""A rule while somebody builds it: a tree that may be unfinished, each part with a key that stays.

Groups are called by what is asked of their parts: `all`, `any`, `none` or `not_all` of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from wabench.segments.rules import EVERYONE, AllOf, AnyLeaf, AnyOf, Not, Rule

MODES = ("all", "any", "none", "not_all")

_keys = count(1)


@dataclass(slots=True)
class Draft:
    """A group with its parts, or a leaf; a leaf that is None asks nothing yet."""

    mode: str | None = None
    parts: list["Draft"] = field(default_factory=list)
    leaf: AnyLeaf | None = None
    key: int = field(default_factory=lambda: next(_keys))

    @property
    def is_group(self) -> bool:
        return self.mode is not None

    def walk(self) -> Iterator["Draft"]:
        """Give this part and all below it."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def remove(self, key: int) -> None:
        """Take the part with this key away, wherever it stands."""
        self.parts = [part for part in self.parts if part.key != key]
        for part in self.parts:
            part.remove(key)


def begin(rule: Rule = EVERYONE) -> Draft:
    """Lay a rule out to be built on: always a group at the top."""
    if rule == EVERYONE:
        return Draft("all")
    draft = _draft(rule)
    return draft if draft.is_group else Draft("all", [draft])


def finished(draft: Draft) -> Rule:
    """Give the rule of what is finished of a draft; everyone where nothing is."""
    rule = _rule(draft)
    return EVERYONE if rule is None else rule


def _draft(rule: Rule) -> Draft:
    match rule:
        case AllOf(rules):
            return Draft("all", [_draft(each) for each in rules])
        case AnyOf(rules):
            return Draft("any", [_draft(each) for each in rules])
        case Not(AnyOf(rules)):
            return Draft("none", [_draft(each) for each in rules])
        case Not(AllOf(rules)):
            return Draft("not_all", [_draft(each) for each in rules])
        case Not(negated):
            return Draft("none", [_draft(negated)])
        case _:
            return Draft(leaf=rule)


def _rule(draft: Draft) -> Rule | None:
    if not draft.is_group:
        return draft.leaf
    rules = tuple(rule for part in draft.parts if (rule := _rule(part)) is not None)
    if not rules:
        return None
    is_one = len(rules) == 1
    match draft.mode:
        case "all":
            return rules[0] if is_one else AllOf(rules)
        case "any":
            return rules[0] if is_one else AnyOf(rules)
        case "none":
            return Not(rules[0] if is_one else AnyOf(rules))
        case _:
            return Not(rules[0] if is_one else AllOf(rules))
