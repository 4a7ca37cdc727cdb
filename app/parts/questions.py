"""One row of the rule builder: what is asked, how, and of which values; the leaf that its widgets mean."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import streamlit as st
from parts import rules
from parts.lang import N_, _

from wabench.segments import files
from wabench.segments.deeds import DEEDS
from wabench.segments.fields import CLOSED, RELATIVE, Catalog, Kind
from wabench.segments.rules import AnyLeaf, Did, InSegment, Leaf, Operator, to_data

Asked = dict[str, tuple[str, ...]]

_TEXT = {
    "is": N_("is"), "is_not": N_("is not"), "contains": N_("contains"), "known": N_("is known"),
    "unknown": N_("is not known"),
}  # fmt: skip
_NUMBER = {
    ">=": "≥", "<=": "≤", ">": ">", "<": "<", "is": "=", "is_not": "≠", "between": N_("between"),
    "known": N_("is known"), "unknown": N_("is not known"),
}  # fmt: skip
_BOOLEAN = {"yes": N_("yes"), "no": N_("no"), "known": N_("is known"), "unknown": N_("is not known")}
_TIME = {
    "last": N_("in the last"), "ago": N_("longer ago than"), ">=": N_("on or after"), "<": N_("before"),
    "known": N_("is known"), "unknown": N_("is not known"),
}  # fmt: skip
_OFTEN = {"at_least": N_("at least"), "at_most": N_("at most"), "exactly": N_("exactly"), "never": N_("never")}
_WHEN = {"ever": N_("ever"), "within": N_("in the last"), "before": N_("longer ago than"), "since": N_("since")}
_LABELS = {
    "source": N_("Source"), "template": N_("Template"), "category": N_("Category"), "provider": N_("Provider"),
    "name": N_("Campaign"), "net": N_("Net of each order"), "spent": N_("Net of all of them together"),
}  # fmt: skip
_RULE = "written"


class Offers:
    """What may be asked: subjects, and the values there are."""

    def __init__(self, catalog: Catalog, values: dict[str, list[str]], segments: Sequence[str]) -> None:
        self.catalog, self.values, self.segments = catalog, values, segments
        fields = [name for name in rules.FIELDS if name in catalog.fields]
        others = [name for name in catalog.fields if name not in fields and name != "refreshed_at"]
        deeds = [deed for deed in rules.DEEDS if deed == "in_segment" or DEEDS[deed].table in catalog.tables]
        self.subjects = [*deeds, *fields, *others, _RULE]

    def label(self, subject: str) -> str:
        if subject == _RULE:
            return _("As written in a file")
        return _(rules.DEEDS[subject]) if subject in rules.DEEDS else rules.field(subject)


def subject(asked: AnyLeaf | None, offers: Offers) -> str | None:
    """Tell what a leaf is about; what the rows have no widgets for is shown as it is written."""
    match asked:
        case None:
            return None
        case Leaf(field):
            return field if field in offers.catalog.fields and _is_plain(asked, offers) else _RULE
        case Did(deed):
            return deed if deed in offers.subjects and _is_simple(dict(asked.asks)) else _RULE
        case InSegment(name):
            return "in_segment" if name in offers.segments else _RULE
        case _:
            return _RULE


def _is_plain(asked: Leaf, offers: Offers) -> bool:
    kind = offers.catalog.fields[asked.field].kind
    if asked.operator is Operator.IS_SET:
        return True
    if kind is Kind.NUMBER:
        return asked.operator not in (Operator.IN, Operator.NOT_IN) and all(map(_is_number, asked.values))
    if kind is Kind.TIME:
        text, is_newer = asked.values[0], asked.operator is Operator.AT_LEAST
        return asked.operator in (Operator.AT_LEAST, Operator.BELOW) and (
            text.endswith("d") if RELATIVE.fullmatch(text) else _date(text) is not None and (is_newer or True)
        )
    return True


def _is_simple(asked: Asked) -> bool:
    times = [asked[key][0] for key in ("within", "before") if key in asked]
    counted = [key for key in ("at_least", "at_most", "exactly") if key in asked]
    starts = [key for key in ("within", "since", "before") if key in asked]
    return (
        all(RELATIVE.fullmatch(text) and text.endswith("d") for text in times)
        and ("since" not in asked or _date(asked["since"][0]) is not None)
        and len(counted) <= 1
        and len(starts) <= 1
        and all(len(texts) == 1 for key, texts in asked.items() if key in ("status", "outcome", "net", "spent"))
    )


def ask(subject: str, asked: AnyLeaf | None, key: str, offers: Offers) -> AnyLeaf | None:
    if subject == _RULE:
        return _written(asked, key)
    if subject == "in_segment":
        now = asked.name if isinstance(asked, InSegment) else None
        name = keep(f"{key}_name", now, lambda at: st.selectbox(
            _("Segment"), offers.segments, key=at, index=None if now is None else 0, width=260,
            label_visibility="collapsed", placeholder=_("Choose a segment"),
        ))  # fmt: skip
        return None if name is None else InSegment(str(name))
    if subject in DEEDS:
        return _deed(subject, dict(asked.asks) if isinstance(asked, Did) else {}, key, offers)
    return _field(subject, asked if isinstance(asked, Leaf) else None, key, offers)


def _written(asked: AnyLeaf | None, key: str) -> AnyLeaf | None:
    now = files.flow(to_data(asked)) if asked is not None else ""
    text = keep(f"{key}_text", now, lambda at: st.text_input(
        _("Rule"), key=at, placeholder="ordered: {within: 12h}", label_visibility="collapsed", width="stretch",
    ))  # fmt: skip
    if not text:
        return None
    rule, problems = files.parse_text("{" + str(text) + "}")
    if problems or not isinstance(rule, Leaf | Did | InSegment):
        st.caption(f":red[{(problems or [_('one condition only')])[0]}]")
        return None
    return rule


def _field(name: str, asked: Leaf | None, key: str, offers: Offers) -> Leaf | None:
    kind = offers.catalog.fields[name].kind
    known = list(CLOSED.get(name, ())) or offers.values.get(name, [])
    edit = {Kind.NUMBER: _number, Kind.BOOLEAN: _boolean, Kind.TIME: _time, Kind.TEXT: _text}[kind]
    leaf = edit(name, asked, key, known)
    if leaf is not None and leaf.operator is not Operator.IS_SET:
        is_unset = keep(f"{key}_unset", asked.unset if asked else False, lambda at: st.checkbox(
            _("or not known"), key=at, help=_("What is answered for a customer of whom this is not known"),
        ))  # fmt: skip
        leaf = Leaf(leaf.field, leaf.operator, leaf.values, unset=bool(is_unset))
    return leaf


def _operator(words: dict[str, str], now: str, key: str, width: int = 130) -> str:
    return str(keep(f"{key}_op", now, lambda at: st.selectbox(
        _("How"), list(words), key=at, width=width, label_visibility="collapsed",
        format_func=lambda word: _(words[word]),
    )))  # fmt: skip


def _set_or(asked: Leaf | None, otherwise: str) -> str:
    """Give the word of a leaf about being known, else the other."""
    if asked is None or asked.operator is not Operator.IS_SET:
        return otherwise
    return "known" if asked.values[0].lower() in ("yes", "true") else "unknown"


def _is_set(name: str, operator: str) -> Leaf:
    return Leaf(name, Operator.IS_SET, ("yes" if operator == "known" else "no",))


def _text(name: str, asked: Leaf | None, key: str, known: list[str]) -> Leaf | None:
    now = "is"
    if asked is not None:
        is_not = asked.operator in (Operator.IS_NOT, Operator.NOT_IN)
        now = "contains" if asked.operator is Operator.CONTAINS else "is_not" if is_not else "is"
    words = {word: said for word, said in _TEXT.items() if word != "contains" or not known or now == "contains"}
    operator = _operator(words, _set_or(asked, now), key)
    if operator in ("known", "unknown"):
        return _is_set(name, operator)
    values = asked.values if asked and asked.operator is not Operator.IS_SET else ()
    if operator != "contains" and known:
        options = [*known, *(value for value in values if value not in known)]
        chosen = keep(f"{key}_values", list(values), lambda at: st.multiselect(
            _("Values"), options, key=at, label_visibility="collapsed", placeholder=_("Choose"), width=260,
            format_func=lambda value: _(value),
        ))  # fmt: skip
        values = tuple(chosen or ())
    else:
        text = keep(f"{key}_typed", ", ".join(values), lambda at: st.text_input(
            _("Value"), key=at, label_visibility="collapsed", width=200, placeholder=_("text"),
        ))  # fmt: skip
        values = tuple(part.strip() for part in str(text).split(",") if part.strip())
    if not values:
        return None
    if operator == "contains":
        return Leaf(name, Operator.CONTAINS, values[:1])
    one, many = (Operator.IS, Operator.IN) if operator == "is" else (Operator.IS_NOT, Operator.NOT_IN)
    return Leaf(name, one if len(values) == 1 else many, values)


def _number(name: str, asked: Leaf | None, key: str, known: list[str]) -> Leaf | None:
    now = asked.operator.value if asked else ">="
    operator = _operator(_NUMBER, _set_or(asked, now), key, 110)
    if operator in ("known", "unknown"):
        return _is_set(name, operator)
    texts = asked.values if asked and asked.operator is not Operator.IS_SET else ()
    values = [_typed_number(f"{key}_{n}", texts[n] if n < len(texts) else "0")
              for n in range(2 if operator == "between" else 1)]  # fmt: skip
    if operator == "between":
        values.sort(key=Decimal)
    return Leaf(name, Operator(operator), tuple(values))


def _boolean(name: str, asked: Leaf | None, key: str, known: list[str]) -> Leaf | None:
    now = "yes"
    if asked and asked.operator is not Operator.IS_SET:
        is_yes = asked.values[0].lower() in ("yes", "true")
        now = "yes" if is_yes == (asked.operator is Operator.IS) else "no"
    operator = _operator(_BOOLEAN, _set_or(asked, now), key)
    return _is_set(name, operator) if operator in ("known", "unknown") else Leaf(name, Operator.IS, (operator,))


def _time(name: str, asked: Leaf | None, key: str, known: list[str]) -> Leaf | None:
    text = asked.values[0] if asked and asked.operator is not Operator.IS_SET else "30d"
    is_newer = asked is None or asked.operator is Operator.AT_LEAST
    is_span = RELATIVE.fullmatch(text) is not None
    now = ("last" if is_newer else "ago") if is_span else (">=" if is_newer else "<")
    operator = _operator(_TIME, _set_or(asked, now), key, 150)
    if operator in ("known", "unknown"):
        return _is_set(name, operator)
    if operator in ("last", "ago"):
        days = _days(f"{key}_days", text if is_span else "30d")
        return Leaf(name, Operator.AT_LEAST if operator == "last" else Operator.BELOW, (days,))
    day = _day(f"{key}_date", text)
    return None if day is None else Leaf(name, Operator(operator), (day,))


def _deed(deed: str, asked: Asked, key: str, offers: Offers) -> Did:
    found: Asked = {}
    chooses = DEEDS[deed].chooses
    if "name" in DEEDS[deed].asks:
        found |= _several("name", asked, key, list(offers.catalog.campaigns), _("any campaign"), 200)
    if chooses:
        words = list(DEEDS[deed].moments)
        now = asked.get(chooses, (words[0],))[0]
        chosen = keep(f"{key}_{chooses}", now, lambda at: st.selectbox(
            _("What became of it"), words, key=at, width=140, label_visibility="collapsed",
            format_func=lambda word: _(rules.STATUSES[word]),
        ))  # fmt: skip
        found |= {chooses: (str(chosen),)} if chosen != words[0] else {}
    if DEEDS[deed].is_counted:
        found |= _often(asked, key)
    found |= _when(asked, key)
    found |= _more(deed, asked, key, offers)
    return Did(deed, tuple((ask, found[ask]) for ask in DEEDS[deed].asks if ask in found))


def _often(asked: Asked, key: str) -> Asked:
    now = next((word for word in ("at_least", "at_most", "exactly") if word in asked), "at_least")
    times = asked.get(now, ("1",))[0]
    operator = _operator(_OFTEN, "never" if (now, times) == ("exactly", "0") else now, key, 120)
    if operator == "never":
        return {"exactly": ("0",)}
    least = 1 if operator == "at_least" else 0
    number = keep(f"{key}_times", max(int(times), least), lambda at: st.number_input(
        _("Times"), least, 1000, key=at, label_visibility="collapsed", width=90,
    ))  # fmt: skip
    return {} if (operator, number) == ("at_least", 1) else {operator: (str(number),)}


def _when(asked: Asked, key: str) -> Asked:
    now = next((word for word in ("within", "since", "before") if word in asked), "ever")
    when = str(keep(f"{key}_when", now, lambda at: st.selectbox(
        _("When"), list(_WHEN), key=at, width=140, label_visibility="collapsed",
        format_func=lambda word: _(_WHEN[word]),
    )))  # fmt: skip
    if when == "ever":
        return {}
    if when == "since":
        day = _day(f"{key}_since", asked.get("since", ("",))[0])
        return {} if day is None else {"since": (day,)}
    return {when: (_days(f"{key}_{when}", asked.get(when, ("30d",))[0]),)}


def _more(deed: str, asked: Asked, key: str, offers: Offers) -> Asked:
    """Ask what narrows it, behind a button: most rules need none of it."""
    narrowing = [
        ask for ask in DEEDS[deed].asks if ask in ("net", "spent", "source", "template", "category", "provider")
    ]
    if not narrowing:
        return {}
    used = sum(ask in asked for ask in narrowing)
    found: Asked = {}
    with st.popover(f"+{used}" if used else "", icon=":material/tune:", help=_("Narrow it down")):
        for ask in narrowing:
            if ask in ("net", "spent"):
                text = keep(f"{key}_{ask}", asked.get(ask, ("",))[0], lambda at: st.text_input(
                    _(_LABELS[ask]), key=at, placeholder=">= 50",  # noqa: B023 - called at once
                ))  # fmt: skip
                found |= {ask: (str(text),)} if text else {}
            else:
                closed = list(DEEDS[deed].closed.get(ask, ()))
                found |= _several(ask, asked, key, closed or offers.values.get(ask, []), _("any"), None)
    return found


def _several(ask: str, asked: Asked, key: str, options: list[str], nothing: str, width: int | None) -> Asked:
    now = list(asked.get(ask, ()))
    offered = [*options, *(text for text in now if text not in options)]
    chosen = keep(f"{key}_{ask}", now, lambda at: st.multiselect(
        _(_LABELS[ask]), offered, key=at, placeholder=nothing, width=width or "stretch",
        label_visibility="collapsed" if width else "visible",
    ))  # fmt: skip
    return {ask: tuple(chosen)} if chosen else {}


def _days(key: str, text: str) -> str:
    days = keep(key, int(text[:-1]), lambda at: st.number_input(
        _("days"), 1, 9999, key=at, label_visibility="collapsed", width=90, icon=None,
    ))  # fmt: skip
    st.caption(_("days"), width="content")
    return f"{days}d"


def _day(key: str, text: str) -> str | None:
    chosen = keep(key, _date(text), lambda at: st.date_input(
        _("Date"), None, key=at, label_visibility="collapsed", width=140, format="YYYY-MM-DD",
    ))  # fmt: skip
    return chosen.isoformat() if isinstance(chosen, date) else None


def _typed_number(key: str, text: str) -> str:
    number = keep(key, float(text), lambda at: st.number_input(
        _("Value"), key=at, label_visibility="collapsed", width=110, step=1.0, format="%g",
    ))  # fmt: skip
    exact = round(Decimal(str(number or 0)), 6)
    return f"{exact.normalize():f}"


def keep(key: str, now: Any, draw: Callable[[str], Any]) -> Any:
    """Draw a widget that begins with what the draft holds, and from then on holds its own."""
    if key not in st.session_state:
        st.session_state[key] = now
    return draw(key)


def _is_number(text: str) -> bool:
    try:
        return abs(Decimal(text)) < 10**9
    except ArithmeticError:
        return False


def _date(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day of the shop's
    except ValueError:
        return None
