"""The rule of a segment: a tree of all, any, not and leaves, read strictly from what a YAML file holds.

Values stay the text that was written; `fields` and `behaviours` read them. A further kind of leaf is one dataclass, one
reader in `_READERS` and one case where rules are compiled.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TypeAlias

from wabench.segments.deeds import DEEDS
from wabench.spelling import hint

_DEEPEST = 32  # nobody writes this; an alias that holds itself does


class Operator(StrEnum):
    """What a leaf asks of its field."""

    IS = "is"
    IS_NOT = "is_not"
    IN = "in"
    NOT_IN = "not_in"
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="
    BETWEEN = "between"
    CONTAINS = "contains"
    IS_SET = "is_set"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One question about one field; `unset` is the answer for a customer whose value is not known."""

    field: str
    operator: Operator
    values: tuple[str, ...]
    unset: bool = False


@dataclass(frozen=True, slots=True)
class Did:
    """One question about what a customer did or got: a deed and what is asked of it, in the order of `deeds.DEEDS`."""

    deed: str
    asks: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class InSegment:
    """Whoever another saved segment selects."""

    name: str


@dataclass(frozen=True, slots=True)
class Sql:
    """One SELECT of `customer_id`; only ever a whole segment, never part of a rule."""

    text: str


@dataclass(frozen=True, slots=True)
class AllOf:
    rules: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    rules: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class Not:
    rule: "Rule"


AnyLeaf: TypeAlias = Leaf | Did | InSegment | Sql
Rule: TypeAlias = AnyLeaf | AllOf | AnyOf | Not

EVERYONE = Leaf("customer_id", Operator.IS_SET, ("yes",))

_LISTS = {Operator.IN, Operator.NOT_IN, Operator.BETWEEN}
_WORDS = {"yes": True, "true": True, "no": False, "false": False}


def read_word(text: str) -> bool:
    """Read yes or no; raises ValueError for anything else."""
    try:
        return _WORDS[text.lower()]
    except KeyError:
        raise ValueError(f"expected yes or no, not {text!r}") from None


def parse(node: object, problems: list[str], at: str = "where", depth: int = 0) -> Rule | None:
    """Read one rule; what is wrong is added to `problems` with its place in the tree, and None is given for it."""
    if not isinstance(node, Mapping):
        problems.append(f"{at}: expected a rule such as {{field: consent, is: opted_in}}, not {_shown(node)}")
        return None
    if depth > _DEEPEST:
        problems.append(f"{at}: rules are nested more than {_DEEPEST} deep")
        return None
    kinds = [kind for kind in _READERS if kind in node]
    if len(kinds) == 1:
        return _READERS[kinds[0]](node, problems, at, depth)
    found = ", ".join(map(str, node)) or "nothing"
    problems.append(f"{at}: a rule holds exactly one of {', '.join(_READERS)}; here stands {found}")
    return None


def leaves(rule: Rule, at: str = "where") -> Iterator[tuple[str, AnyLeaf]]:
    """Walk a rule's leaves, each with its place in the tree."""
    match rule:
        case Leaf() | Did() | InSegment() | Sql():
            yield at, rule
        case Not(inner):
            yield from leaves(inner, f"{at}.not")
        case AllOf(rules) | AnyOf(rules):
            for index, inner in enumerate(rules):
                yield from leaves(inner, f"{at}.{_word(rule)}[{index}]")


def to_data(rule: Rule) -> dict[str, object]:
    """Give a rule as the mapping its file holds."""
    match rule:
        case Not(inner):
            return {"not": to_data(inner)}
        case AllOf(rules) | AnyOf(rules):
            return {_word(rule): [to_data(inner) for inner in rules]}
        case Leaf(field, operator, values, unset):
            value: object = list(values) if operator in _LISTS else values[0]
            return {"field": field, operator.value: value, **({"unset": "yes"} if unset else {})}
        case Did(deed, asks):
            return {deed: {key: texts[0] if len(texts) == 1 else list(texts) for key, texts in asks}}
        case InSegment(name):
            return {"in_segment": name}
        case Sql(text):
            return {"sql": text}


def rule_hash(rule: Rule) -> str:
    """Tell rules apart by 16 hex digits: the same rule has the same ones, however its file is laid out."""
    text = json.dumps(to_data(rule), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:16]


def _word(rule: AllOf | AnyOf) -> str:
    return "all" if isinstance(rule, AllOf) else "any"


def _group(node: Mapping[str, object], problems: list[str], at: str, depth: int) -> Rule | None:
    word = "all" if "all" in node else "any"
    inner = node[word]
    _refuse_others(node, {word}, problems, at)
    if not isinstance(inner, list) or not inner:
        problems.append(f"{at}.{word}: expected a list of one or more rules, not {_shown(inner)}")
        return None
    read = [parse(each, problems, f"{at}.{word}[{index}]", depth + 1) for index, each in enumerate(inner)]
    rules = tuple(rule for rule in read if rule is not None)
    return AllOf(rules) if word == "all" else AnyOf(rules)


def _negation(node: Mapping[str, object], problems: list[str], at: str, depth: int) -> Rule | None:
    _refuse_others(node, {"not"}, problems, at)
    inner = parse(node["not"], problems, f"{at}.not", depth + 1)
    return None if inner is None else Not(inner)


def _leaf(node: Mapping[str, object], problems: list[str], at: str, depth: int) -> Rule | None:
    field = node["field"]
    operators = [Operator(key) for key in node if key in set(Operator)]
    _refuse_others(node, {"field", "unset", *Operator}, problems, at)
    if not isinstance(field, str) or len(operators) != 1:
        problems.append(f"{at}: a leaf holds a field and one operator ({', '.join(Operator)})")
        return None
    operator = operators[0]
    try:
        return Leaf(field, operator, _values(operator, node[operator]), _unset(node.get("unset", "no")))
    except ValueError as error:
        problems.append(f"{at} ({field}): {error}")
        return None


def _did(node: Mapping[str, object], problems: list[str], at: str, depth: int) -> Rule | None:
    deed = next(word for word in DEEDS if word in node)
    _refuse_unset(node, {deed}, problems, at)
    asked = node[deed]
    if not isinstance(asked, Mapping):
        problems.append(f"{at}.{deed}: expected what is asked, such as {{within: 90d}}, not {_shown(asked)}")
        return None
    known = DEEDS[deed].asks
    _refuse_others(asked, set(known), problems, f"{at}.{deed}")
    asks = []
    for key in known:
        if key in asked:
            texts = _texts(asked[key], problems, f"{at}.{deed}.{key}")
            asks.append((key, texts))
    return Did(deed, tuple(asks)) if all(texts for _, texts in asks) else None


def _texts(value: object, problems: list[str], at: str) -> tuple[str, ...]:
    given = value if isinstance(value, list) else [value]
    texts = tuple(each for each in given if isinstance(each, str))
    if not texts or len(texts) != len(given):
        problems.append(f"{at}: takes a plain value or a list of them, not {_shown(value)}")
        return ()
    return texts


def _in_segment(node: Mapping[str, object], problems: list[str], at: str, depth: int) -> Rule | None:
    _refuse_unset(node, {"in_segment"}, problems, at)
    name = node["in_segment"]
    if not isinstance(name, str):
        problems.append(f"{at}.in_segment: expected the name of a segment, not {_shown(name)}")
        return None
    return InSegment(name)


def _refuse_unset(node: Mapping[str, object], known: set[str], problems: list[str], at: str) -> None:
    """Refuse what does not belong here, and `unset` in words of its own: what somebody did is never not known."""
    if "unset" in node:
        problems.append(f"{at}: unset is for fields; what somebody did or did not do is always known")
    _refuse_others({key: value for key, value in node.items() if key != "unset"}, known, problems, at)


def _values(operator: Operator, value: object) -> tuple[str, ...]:
    if value is None:
        raise ValueError(f"{operator} needs a value; who has none is found by `is_set: no`")
    given = value if isinstance(value, list) else [value]
    if isinstance(value, list) != (operator in _LISTS):
        raise ValueError(f"{operator} takes {'a list' if operator in _LISTS else 'one value'}, not {_shown(value)}")
    if not given or (operator is Operator.BETWEEN and len(given) != 2):
        raise ValueError(f"{operator} takes {'two values' if operator is Operator.BETWEEN else 'one or more values'}")
    texts = tuple(each for each in given if isinstance(each, str))
    if len(texts) != len(given):
        raise ValueError(f"{operator} takes plain values, not {_shown(value)}")
    return texts


def _unset(value: object) -> bool:
    try:
        return read_word(value if isinstance(value, str) else _shown(value))
    except ValueError as error:
        raise ValueError(f"unset: {error}") from None


def _refuse_others(node: Mapping[str, object], known: set[str], problems: list[str], at: str) -> None:
    for key in node:
        if key not in known:
            problems.append(f"{at}: {key!r} is not known here{hint(str(key), known)}")


def _shown(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case list():
            return "a list"
        case Mapping():
            return "a mapping"
        case _:
            return repr(value)


_Reader: TypeAlias = Callable[[Mapping[str, object], list[str], str, int], Rule | None]
_READERS: dict[str, _Reader] = {
    "all": _group,
    "any": _group,
    "not": _negation,
    "field": _leaf,
    **dict.fromkeys(DEEDS, _did),
    "in_segment": _in_segment,
}
