"""The rule builder: groups with parts, each part a row with its question. What is built lives in the address."""

from collections.abc import Callable, Sequence

import streamlit as st
from parts import questions
from parts.lang import N_, _
from parts.questions import Offers, keep

from wabench.segments import drafts, links
from wabench.segments.drafts import Draft
from wabench.segments.fields import Catalog
from wabench.segments.rules import Rule

_MODES = {"all": N_("all of"), "any": N_("any of"), "none": N_("none of"), "not_all": N_("not all of")}
_DEEPEST = 4  # groups in groups; deeper ones of a file are still shown


def build(catalog: Catalog, offered: dict[str, list[str]], segments: Sequence[str], start: Callable[[], Rule]) -> Rule:
    """Let a rule be built; gives what of it is finished.

    `offered` are values to choose from by field or key of a deed; `start` gives the rule to begin with where neither
    the address nor the session has one.
    """
    draft = _draft(start)
    offers = Offers(catalog, offered, segments)
    _group(draft, draft, offers, 0)
    rule = drafts.finished(draft)
    word = "" if rule == drafts.EVERYONE else links.pack(rule)
    st.session_state["rule_word"] = word
    if st.query_params.get("rule", "") != word:
        if word:
            st.query_params["rule"] = word
        else:
            del st.query_params["rule"]
    return rule


def put(rule: Rule) -> None:
    """Have the builder go on with this rule."""
    st.session_state["draft"] = drafts.begin(rule)
    st.session_state["rule_word"] = st.query_params.get("rule", "")


def _draft(start: Callable[[], Rule]) -> Draft:
    """Give the tree that is being built; an address that holds another rule than it wins, as a link does."""
    word = st.query_params.get("rule", "")
    if word and word != st.session_state.get("rule_word"):
        put(links.unpack(word))
    elif "draft" not in st.session_state:
        put(start())
    draft: Draft = st.session_state["draft"]
    return draft


def _group(draft: Draft, root: Draft, offers: Offers, depth: int) -> None:
    modes = [mode for mode in drafts.MODES if mode != "not_all" or draft.mode == mode]  # only where a file says so
    with st.container(border=True, gap="xsmall", key=f"group_{draft.key}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            draft.mode = str(keep(f"{draft.key}_mode", draft.mode, lambda key: st.segmented_control(
                _("Group"), modes, key=key, required=True, label_visibility="collapsed",
                format_func=lambda mode: _(_MODES[mode]),
            )))  # fmt: skip
            _add(draft, Draft(leaf=None), _("Condition"), "add")
            if depth < _DEEPEST:
                _add(draft, Draft("any", [Draft(leaf=None)]), _("Group"), "library_add")
            st.space("stretch")
            if depth:
                _remove(draft, root)
        for part in list(draft.parts):
            if part.is_group:
                _group(part, root, offers, depth + 1)
            else:
                _row(part, root, offers)
        if not draft.parts:
            st.caption(_("Nothing is asked here yet.") if depth else _("Everyone, until a condition is added."))


def _add(draft: Draft, part: Draft, label: str, icon: str) -> None:
    st.button(
        label, key=f"{draft.key}_{icon}", icon=f":material/{icon}:", type="tertiary",
        on_click=draft.parts.append, args=(part,),
    )  # fmt: skip


def _remove(draft: Draft, root: Draft) -> None:
    st.button(
        "", key=f"{draft.key}_remove", icon=":material/close:", type="tertiary", help=_("Take away"),
        on_click=root.remove, args=(draft.key,),
    )  # fmt: skip


def _row(draft: Draft, root: Draft, offers: Offers) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"row_{draft.key}"):
        now = questions.subject(draft.leaf, offers)
        subject = keep(
            f"{draft.key}_subject", now, lambda key: st.selectbox(
                _("What"), offers.subjects, key=key, index=None if now is None else 0, width=210,
                label_visibility="collapsed", format_func=offers.label, placeholder=_("Choose what to ask"),
            )
        )  # fmt: skip
        if subject is not None:
            asked = draft.leaf if subject == now else None
            draft.leaf = questions.ask(str(subject), asked, f"{draft.key}_{subject}", offers)
        _remove(draft, root)
