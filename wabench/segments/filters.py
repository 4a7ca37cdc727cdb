"""Filters of a screen as the rule they mean: any of the chosen values of a field, and all of the fields."""

from collections.abc import Mapping, Sequence

from wabench.segments.rules import EVERYONE, AllOf, Leaf, Operator, Rule

UNSET = "not known"
"""Chosen beside or instead of values: the customers of whom the field is not known."""


def rule_of(chosen: Mapping[str, Sequence[str]], reachable_only: bool = False) -> Rule:
    """Give the rule of what was chosen by field; a field without a choice asks nothing."""
    leaves = [_leaf(field, values) for field, values in chosen.items() if values]
    if reachable_only:
        leaves.append(Leaf("is_reachable", Operator.IS, ("yes",)))
    if not leaves:
        return EVERYONE
    return leaves[0] if len(leaves) == 1 else AllOf(tuple(leaves))


def _leaf(field: str, values: Sequence[str]) -> Leaf:
    known = tuple(value for value in values if value != UNSET)
    has_unset = len(known) < len(values)
    if not known:
        return Leaf(field, Operator.IS_SET, ("no",))
    operator = Operator.IS if len(known) == 1 else Operator.IN
    return Leaf(field, operator, known, unset=has_unset)
