"""Rules in words: what a leaf asks, what it found of a customer, and what would turn it."""

from datetime import datetime

import streamlit as st
from parts.lang import N_, _, day, moment, n_, number

from wabench import display
from wabench.segments import Explanation, masking
from wabench.segments.explain import Node
from wabench.segments.fields import RELATIVE
from wabench.segments.flips import Flip, Turn
from wabench.segments.rules import AnyLeaf, Did, InSegment, Leaf, Operator

FIELDS = {
    "consent": N_("Consent"),
    "is_reachable": N_("Reachable"),
    "frequency_tag": N_("Frequency"),
    "order_value_tag": N_("Order value"),
    "engagement_tag": N_("Engagement"),
    "rfm_group": N_("RFM group"),
    "ltv_band": N_("Value band"),
    "churn_risk": N_("Risk of leaving"),
    "orders": N_("Orders, ever"),
    "orders_30d": N_("Orders in 30 days"),
    "orders_90d": N_("Orders in 90 days"),
    "orders_365d": N_("Orders in 365 days"),
    "net_revenue": N_("Net revenue, ever"),
    "net_revenue_30d": N_("Net revenue in 30 days"),
    "net_revenue_90d": N_("Net revenue in 90 days"),
    "net_revenue_365d": N_("Net revenue in 365 days"),
    "average_order_value": N_("Average order"),
    "first_order_at": N_("First order"),
    "last_order_at": N_("Last order"),
    "expected_next_order_at": N_("Next order expected"),
    "ltv_expected_12m": N_("Expected in 12 months"),
    "p_alive": N_("Probability to buy again"),
    "last_interaction_at": N_("Last interaction"),
    "days_since_interaction": N_("Days since interaction"),
    "last_inbound_at": N_("Last message from them"),
    "last_promotional_at": N_("Last promotion"),
    "is_window_open": N_("24 h window open"),
    "messages_received_30d": N_("Messages received in 30 days"),
    "messages_read_30d": N_("Messages read in 30 days"),
    "messages_replied_30d": N_("Messages answered in 30 days"),
    "messages_received_90d": N_("Messages received in 90 days"),
    "messages_read_90d": N_("Messages read in 90 days"),
    "messages_replied_90d": N_("Messages answered in 90 days"),
    "read_rate": N_("Read rate"),
    "reply_rate": N_("Reply rate"),
    "best_hour": N_("Best hour"),
    "country": N_("Country"),
    "locale": N_("Locale"),
    "timezone": N_("Time zone"),
    "first_seen_at": N_("First seen"),
    "name": N_("Name"),
    "phone": N_("Phone"),
    "email": N_("E-mail"),
    "bucket": N_("Experiment bucket"),
}
"""What fields are called, in the order they are offered; others stand as the table has them."""
DEEDS = {
    "ordered": N_("Ordered"),
    "messaged": N_("Was written to"),
    "replied": N_("Answered us"),
    "in_campaign": N_("In a campaign"),
    "in_segment": N_("In a segment"),
}
STATUSES = {
    "sent": N_("sent"), "delivered": N_("delivered"), "read": N_("read"), "clicked": N_("clicked"),
    "failed": N_("failed"), "planned": N_("planned"), "accepted": N_("accepted"), "replied": N_("replied"),
    "converted": N_("ordered after it"), "opted_out": N_("opted out after it"), "suppressed": N_("suppressed"),
    "held_out": N_("held out"),
}  # fmt: skip
OPERATORS = {
    Operator.IS: "=", Operator.IS_NOT: "≠", Operator.BELOW: "<", Operator.AT_MOST: "≤", Operator.ABOVE: ">",
    Operator.AT_LEAST: "≥", Operator.IN: "=", Operator.NOT_IN: "≠", Operator.BETWEEN: "↔",
}  # fmt: skip
TURNS = {
    Turn.BECOMES: N_("if {field} became {value}"),
    Turn.IS_NOT: N_("if {field} became anything but {value}"),
    Turn.COMPARES: N_("if {field} became {operator} {value}"),
    Turn.KNOWN: N_("if {field} became known"),
    Turn.UNKNOWN: N_("if {field} were not known"),
    Turn.AGES: N_("in {days} days, if nothing newer happens"),
    Turn.MORE: N_("with {times} more of it"),
    Turn.MORE_BY: N_("with {times} more of it in the next {days} days"),
    Turn.LEAVES: N_("in {days} days, if no other comes"),
    Turn.SPENDS: N_("if they came to {operator} {value}, now {now}"),
    Turn.CAMPAIGN: N_("if they were in it"),
}
GROUPS = {
    "all": N_("all of"),
    "any": N_("any of"),
    "not": N_("none of"),
    "none": N_("none of"),
    "not_all": N_("not all of"),
}
_MARKS = {True: ":green[:material/check:]", False: ":red[:material/close:]", None: ":gray[:material/question_mark:]"}


def field(name: str) -> str:
    return _(FIELDS[name]) if name in FIELDS else name


def leaf(asked: AnyLeaf) -> str:
    """Say what a leaf asks."""
    match asked:
        case Leaf():
            unset = _(", or not known") if asked.unset else ""
            return f"{field(asked.field)} {_compared(asked)}{unset}"
        case Did(deed, asks):
            return " · ".join([_(DEEDS[deed]), *_narrowed(dict(asks))])
        case InSegment(name):
            return f"{_(DEEDS['in_segment'])} {name}"
        case _:
            return "SQL"


def _compared(asked: Leaf) -> str:
    values = [_(value) for value in asked.values]
    if asked.operator is Operator.IS_SET:
        return _("is known") if asked.values[0].lower() in ("yes", "true") else _("is not known")
    if asked.operator is Operator.CONTAINS:
        return _("contains {text}", text=values[0])
    if asked.operator is Operator.BETWEEN:
        return _("between {low} and {high}", low=values[0], high=values[1])
    if RELATIVE.fullmatch(asked.values[0]):
        ago = span(asked.values[0])
        is_newer = asked.operator in (Operator.AT_LEAST, Operator.ABOVE)
        return _("in the last {time}", time=ago) if is_newer else _("longer than {time} ago", time=ago)
    return f"{OPERATORS[asked.operator]} {' / '.join(values)}"


def _narrowed(asked: dict[str, tuple[str, ...]]) -> list[str]:
    said = []
    if "name" in asked:
        said.append(" / ".join(asked["name"]))
    said += [_(STATUSES[asked[key][0]]) for key in ("status", "outcome") if key in asked and asked[key][0] in STATUSES]
    said += _often(asked) + _when(asked)
    said += [
        f"{label} {asked[key][0]}" for key, label in (("net", _("each")), ("spent", _("together"))) if key in asked
    ]
    said += [" / ".join(asked[key]) for key in ("source", "template", "category", "provider") if key in asked]
    return said


def _often(asked: dict[str, tuple[str, ...]]) -> list[str]:
    if asked.get("exactly") == ("0",):
        return [_("never")]
    words = {"at_least": "≥", "at_most": "≤", "exactly": "="}
    return [f"{sign} {asked[key][0]}×" for key, sign in words.items() if key in asked]


def _when(asked: dict[str, tuple[str, ...]]) -> list[str]:
    said = []
    if "within" in asked:
        said.append(_("in the last {time}", time=span(asked["within"][0])))
    if "since" in asked:
        said.append(_("since {date}", date=asked["since"][0]))
    if "before" in asked:
        before = asked["before"][0]
        is_span = RELATIVE.fullmatch(before)
        said.append(_("until {time} ago", time=span(before)) if is_span else _("before {date}", date=before))
    return said


def span(text: str) -> str:
    """Say `90d` or `12h`."""
    read = RELATIVE.fullmatch(text)
    if read is None:
        return text
    amount = int(read[1])
    return n_("{n} day", "{n} days", amount) if read[2] == "d" else n_("{n} hour", "{n} hours", amount)


def flip(found: Flip) -> str:
    """Say what would turn a leaf."""
    blanks = dict(found.blanks)
    if "field" in blanks:
        blanks["field"] = f"«{field(blanks['field'])}»"
    turn = found.turn
    if turn is Turn.COMPARES and RELATIVE.fullmatch(blanks["value"]):
        is_newer = blanks["operator"] in (Operator.ABOVE, Operator.AT_LEAST)
        time = span(blanks["value"])
        ago = _("in the last {time}", time=time) if is_newer else _("longer than {time} ago", time=time)
        turn, blanks = Turn.BECOMES, {"field": blanks["field"], "value": ago}
    elif "value" in blanks:
        blanks["value"] = " / ".join(_(part) for part in blanks["value"].split(" / "))
    return _(TURNS[turn], **blanks)


def value(node: Node, is_masked: bool) -> str:
    """Say what a leaf's answer stands on."""
    if not node.is_known:
        return _("not known as of then")
    if isinstance(node.leaf, Leaf) and node.leaf.field in masking.IDENTIFYING and is_masked:
        return "••••"
    match node.value:
        case None:
            return _("not known")
        case {"times": times, "newest": newest, "sum": total}:
            told = [n_("{n} time", "{n} times", times), *([_("last {day}", day=day(newest))] if newest else [])]
            return ", ".join([*told, *([_("{sum} together", sum=number(total, 2))] if total is not None else [])])
        case bool():
            return _("yes") if node.value else _("no")
        case datetime():
            return moment(node.value)
        case int() | float():
            return number(node.value, 0 if float(node.value).is_integer() else 2)
        case str():
            return display.verbatim(_(node.value))
        case _:
            return number(node.value, 2)


def verdict(found: Explanation) -> str:
    """Say whether they are in it."""
    name = display.verbatim(found.name or found.customer_id)
    words = {
        True: N_("**{name}** is in it"),
        False: N_("**{name}** is not in it"),
        None: N_("**{name}**: nobody can tell"),
    }
    return _(words[found.is_in], name=name)


def tree(found: Explanation, is_masked: bool) -> None:
    """Show a rule with each leaf's answer, what it stands on, and what would turn it."""
    st.markdown("  \n".join(_lines(found.why, 0, is_masked)))


def _lines(node: Node, depth: int, is_masked: bool) -> list[str]:
    head = f"{'&emsp;&ensp;' * depth}{_MARKS[node.answer]} "
    if node.leaf is None:
        word = _(GROUPS[node.kind]) if node.kind in GROUPS else leaf(InSegment(str(node.rule["in_segment"])))
        lines = [line for child in node.children for line in _lines(child, depth + 1, is_masked)]
        return [head + display.verbatim(word), *lines]
    said = [f"**{display.verbatim(leaf(node.leaf))}**", value(node, is_masked)]
    if node.is_unset:
        said.append(_("unset answered: {answer}", answer=_("yes") if node.answer else _("no")))
    turns = ""
    if node.flips:
        turns = _("turns {how}", how=_(" or ").join(display.verbatim(flip(each)) for each in node.flips))
    if node.decides:
        return [head + " · ".join([*said, *([turns] if turns else []), f":orange-badge[{_('decides')}]"])]
    return [head + " · ".join(said) + (f" :gray[· {turns}]" if turns else "")]
