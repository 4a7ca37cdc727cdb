"""The segments a customer is in, and what decides each."""

import streamlit as st
from parts import look, person, rules, shop
from parts.lang import N_, _, n_

from wabench import segments
from wabench.errors import WabenchError

_ANSWERS = {True: N_("in it"), False: N_("not in it"), None: N_("its rule is broken")}


def show(customer_id: str) -> None:
    """List every saved segment with whether they are in it, and on demand why."""
    look.section(_("Segments"))
    version = shop.version()
    found = segments.memberships(shop.settings(), customer_id, version)
    inside = [each.segment for each in found if each.is_in]
    if not found:
        look.nothing(_("No segment is saved yet."))
        return
    st.caption(
        n_("in {n} of {total} saved segments", "in {n} of {total} saved segments", len(inside), total=len(found))
    )
    st.markdown(" ".join(f":green-badge[{name}]" for name in inside))
    name = st.selectbox(
        _("Why"), [each.segment for each in sorted(found, key=lambda each: not each.is_in)], index=None,
        format_func=lambda name: f"{name}: {_(_ANSWERS[next(e.is_in for e in found if e.segment == name)])}",
        placeholder=_("Choose a segment to see why"), key="why_segment", label_visibility="collapsed",
    )  # fmt: skip
    if name is None:
        return
    try:
        told = segments.explain(shop.settings(), segments.load(shop.settings(), name), customer_id, of=version)
    except WabenchError as error:
        look.refused(error)
        return
    st.markdown(rules.verdict(told))
    rules.tree(told, person.is_masked())
