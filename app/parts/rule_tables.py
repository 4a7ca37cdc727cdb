"""Reply rules and canned replies as tables to edit: what is wrong stands below, what is right can be saved."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from parts import look, person, shop
from parts.lang import N_, _, n_

from wabench import display
from wabench.acts import replies as acts
from wabench.errors import WabenchError
from wabench.replies import canned as canned_replies
from wabench.replies import files, texts
from wabench.replies import rules as reply_rules
from wabench.replies.files import Table
from wabench.replies.rules import Does, Kind, Problem, Rule, When
from wabench.roles import Action, Actor
from wabench.settings import Settings

Records = list[dict[str, Any]]
Save = Callable[[Settings, Actor, Sequence[Mapping[str, object]], str], Path]
KINDS = {
    Kind.EXACT: N_("the whole message"),
    Kind.WORD: N_("words in it, in any form"),
    Kind.CONTAINS: N_("letters in it"),
    Kind.REGEX: N_("an expression"),
}
ACTIONS = {
    Does.TEXT: N_("a text"),
    Does.TEMPLATE: N_("a template"),
    Does.PROMO_CODE: N_("a promo code"),
    Does.TAG: N_("a tag"),
    Does.HAND_OVER: N_("hand over to a person"),
}
HOURS = {When.ANY: N_("at any time"), When.BUSINESS: N_("in business hours"), When.AWAY: N_("outside them")}


@dataclass(frozen=True, slots=True)
class Edited:
    """The rules as they are saved and as they stand in the table, each without those that are wrong."""

    saved: list[Rule]
    draft: list[Rule]
    problems: list[Problem]
    is_changed: bool


def rules() -> Edited:
    """Show the rules to be edited; gives what they are now."""
    settings = shop.settings()
    look.section(_("Rules"), _("One rule answers a message: the one with the least priority, of equals the narrowest. "
                               "STOP, START and HELP come before any rule."))  # fmt: skip
    try:
        table = files.rules_table(settings)
    except WabenchError as error:
        look.refused(error)
        return Edited([], [], [], False)
    _whose(table, files.RULES_SEED)
    records = _editor(table, "rules", reply_rules.COLUMNS, _rule_columns())
    saved, draft = reply_rules.check(table.records)[0], reply_rules.check(records)
    is_changed = _differs(records, table)
    _below("rules", table, records, draft[1], is_changed, acts.save_rules)
    return Edited(saved, draft[0], draft[1], is_changed)


def canned() -> None:
    """Show the canned replies to be edited."""
    settings = shop.settings()
    look.section(_("Canned replies"), _("Texts to pick from on the Support page; {name} becomes the first name.",
                                        name="{name}"))  # fmt: skip
    try:
        table = files.canned_table(settings)
    except WabenchError as error:
        look.refused(error)
        return
    _whose(table, files.CANNED_SEED)
    records = _editor(table, "canned", canned_replies.COLUMNS, _canned_columns())
    _below("canned", table, records, canned_replies.check(records)[1], _differs(records, table), acts.save_canned)


def _whose(table: Table, seed: Path) -> None:
    """Say whether these are the shop's own or those that come with wabench."""
    if table.path == seed:
        st.caption(_("These come with wabench; what you save is your own, in {file}.", file=_own(seed)))
    else:
        st.caption(_("Your own, in {file}.", file=table.path.name))


def _own(seed: Path) -> str:
    paths = shop.settings().paths
    return (paths.replies if seed == files.RULES_SEED else paths.canned_replies).name


def _editor(table: Table, key: str, columns: Sequence[str], config: Mapping[str, Any]) -> Records:
    """Draw a table to edit; another file, or a change taken back, begins it anew."""
    shown = [{name: _shown(name, row.get(name)) for name in columns} for row in table.records]
    turn = st.session_state.get(f"turn_{key}", 0)
    edited = st.data_editor(
        shown, key=f"{key}_{table.mark[:12]}_{turn}", num_rows="dynamic", hide_index=True, column_config=dict(config),
        column_order=list(columns), height=min(80 + 35 * max(len(shown), 1), 420), disabled=not _may_edit(),
    )  # fmt: skip
    return [_plain(row) for row in edited if any(value not in (None, "", False) for value in row.values())]


def _shown(name: str, value: str | None) -> Any:
    if name in ("priority", "cooldown_minutes"):
        return int(value) if value and value.isdigit() else None
    if name == "new_customers_only":
        return (value or "").casefold() in ("yes", "true", "1")
    return value or ""


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: ("yes" if value else "no") if isinstance(value, bool) else value for name, value in row.items()}


def _differs(records: Records, table: Table) -> bool:
    """Tell whether the rows say something else than those that are saved, however either is written."""
    columns = reply_rules.COLUMNS if "rule" in (table.records or records or [{}])[0] else canned_replies.COLUMNS
    return _cells(records, columns) != _cells(table.records, columns)


def _cells(records: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[tuple[str, ...]]:
    usual = {"hours": "any", "cooldown_minutes": "0", "new_customers_only": "no"}
    return [tuple(reply_rules.cell(row.get(name)) or usual.get(name, "") for name in columns) for row in records]


def _below(
    key: str, table: Table, records: Records, problems: Sequence[Problem], is_changed: bool, save: Save
) -> None:  # fmt: skip
    """Show what is wrong, and the ways on: save, or take the changes back."""
    for problem in problems[:8]:
        st.markdown(f":red[:material/error:] {display.verbatim(str(problem))}")
    if len(problems) > 8:
        st.caption(n_("and {n} more", "and {n} more", len(problems) - 8))
    if not _may_edit():
        st.caption(_("Your role tries rules and changes none; ask a marketer."))
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(_("Save"), key=f"save_{key}", type="primary", disabled=bool(problems) or not is_changed):
            _save(key, table, records, save)
        if st.button(_("Take the changes back"), key=f"undo_{key}", type="tertiary", disabled=not is_changed):
            st.session_state[f"turn_{key}"] = st.session_state.get(f"turn_{key}", 0) + 1
            st.rerun()
        if is_changed:
            st.caption(_("Not saved yet; what is below goes by the table as it stands."))
        elif st.session_state.pop(f"saved_{key}", False):
            st.caption(f":green[:material/check_circle:] {_('Saved.')}")


def _save(key: str, table: Table, records: Records, save: Save) -> None:
    actor = person.actor()
    if actor is None:
        return
    try:
        save(shop.settings(), actor, records, table.mark)
    except WabenchError as error:
        look.refused(error)
        return
    st.session_state[f"saved_{key}"] = True
    st.rerun()


def _may_edit() -> bool:
    actor = person.actor()
    return actor is not None and actor.may(Action.EDIT_REPLIES)


def _rule_columns() -> dict[str, Any]:
    config = st.column_config
    return {
        "rule": config.TextColumn(_("Rule"), width=110, required=True, max_chars=60),
        "priority": config.NumberColumn(_("Priority"), width=70, min_value=1, max_value=999, step=1,
                                        help=_("The least answers; empty is 50")),
        "language": config.SelectboxColumn(_("Language"), width=80, options=["", *texts.LANGUAGES],
                                           help=_("Whose word forms count; empty goes by the letters")),
        "kind": config.SelectboxColumn(_("Looks for"), width=130, options=list(map(str, Kind)), required=True,
                                       format_func=lambda kind: _(KINDS[Kind(kind)])),
        "pattern": config.TextColumn(_("What"), width=260, required=True, help=_("| parts alternatives")),
        "action": config.SelectboxColumn(_("Answers with"), width=130, options=list(map(str, Does)), required=True,
                                         format_func=lambda action: _(ACTIONS[Does(action)])),
        "answer": config.TextColumn(_("What is said"), width=300,
                                    help=_("{name} is the first name, {code} the promo code", name="{name}",
                                           code="{code}")),
        "hours": config.SelectboxColumn(_("When"), width=120, options=list(map(str, When)),
                                        format_func=lambda hours: _(HOURS[When(hours)]),
                                        help=_("Business hours: {hours}", hours=shop.settings().business_hours)),
        "cooldown_minutes": config.NumberColumn(_("Silent for, min"), width=90, min_value=0, step=1,
                                                help=_("To a customer it has just answered")),
        "new_customers_only": config.CheckboxColumn(_("New only"), width=70,
                                                    help=_("Only those who never paid for an order")),
    }  # fmt: skip


def _canned_columns() -> dict[str, Any]:
    config = st.column_config
    return {
        "name": config.TextColumn(_("Name"), width=160, required=True, max_chars=60),
        "language": config.SelectboxColumn(_("Language"), width=80, options=["", *texts.LANGUAGES]),
        "text": config.TextColumn(_("Text"), width=720, required=True, max_chars=reply_rules.LONGEST_ANSWER),
    }
