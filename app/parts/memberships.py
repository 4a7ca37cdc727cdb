"""The segments a customer is in, and what decides each."""

import streamlit as st
from parts import look, person, rules, shop
from parts.lang import _, n_

from wabench import display, segments
from wabench.errors import WabenchError
from wabench.segments import Explanation, files

_ICONS = {True: ":material/check_circle:", False: ":material/circle:", None: ":material/help:"}


def show(customer_id: str) -> None:
    """List every saved segment with whether they are in it and why, those they are in first."""
    found, broken = _explained(customer_id)
    inside = sum(each.is_in is True for each in found)
    look.section(_("Segments"), n_("In {n} segment of {all} saved, now", "In {n} segments of {all} saved, now", inside,
                                   all=len(found) + len(broken)))  # fmt: skip
    for each in sorted(found, key=lambda one: (one.is_in is not True, one.segment)):
        with st.expander(_title(each), icon=_ICONS[each.is_in]):
            rules.tree(each, person.is_masked())
    for name in broken:
        st.caption(_("{segment} is broken; `wabench segment check {segment}` says why.", segment=name))


def _explained(customer_id: str) -> tuple[list[Explanation], list[str]]:
    settings, version = shop.settings(), shop.version()
    found, broken = [], []
    for name in files.names(settings):
        try:
            found.append(segments.explain(settings, files.load(settings, name), customer_id, of=version))
        except WabenchError:
            broken.append(name)
    return found, broken


def _title(found: Explanation) -> str:
    """Name a segment with what decides it, as far as there is room."""
    deciding = [rules.leaf(node.leaf) for node in found.why.walk() if node.decides and node.leaf is not None]
    because = f": {', '.join(deciding[:2])}" if deciding else ""
    name = f"**{display.verbatim(found.segment)}**"
    return name + display.verbatim(because) if found.is_in else f":gray[{name}{display.verbatim(because)}]"
