"""Reply rules tried: on one text, and on what customers wrote."""

from dataclasses import asdict
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from parts import charts, filters, look, person, shop
from parts.lang import N_, NONE, _, number, percent
from parts.look import Figure, Window
from parts.rule_tables import ACTIONS, HOURS, KINDS, Edited

from wabench import display, views
from wabench.behind import Behind
from wabench.replies import bench
from wabench.replies import history as histories
from wabench.replies.answers import render
from wabench.replies.bench import Change, Replay
from wabench.replies.match import Match, Matcher, Situation
from wabench.replies.rules import Does, Rule, When
from wabench.replies.spoken import Command
from wabench.roles import Action

BARS = 12
MOST = 100_000  # messages, a few seconds and some 50 MB of them; more say nothing else
WHO = ("anybody", "new", "known")
NEW = {"anybody": N_("anybody"), "new": N_("never ordered"), "known": N_("ordered before")}
COMMANDS = {
    Command.STOP: N_("It says STOP: an opt-out, heard before any rule and kept at once."),
    Command.START: N_("It says START: no rule is asked."),
    Command.HELP: N_("It says HELP: no rule is asked."),
}


def one_text(edited: Edited) -> None:
    """Let a text be typed, and say what answers it, with what and why."""
    look.section(_("Try a text"), _("As the table above stands, saved or not"))
    left, right = st.columns([3, 2], gap="large")
    with left:
        text = st.text_input(_("A customer writes"), key="text", bind="query-params",
                             placeholder=_("e.g. Do you have discounts?"))  # fmt: skip
        when, who = st.columns([6, 5])
        with when:
            any_time = str(When.ANY)
            hours = filters.one(_("When"), list(map(str, When)), "when", any_time, lambda each: _(HOURS[When(each)]))
        with who:
            new = filters.one(_("Who"), WHO, "who", "anybody", lambda each: _(NEW[each]))
    with right:
        if text.strip():
            _verdict(edited.draft, text, Situation(_flag(hours, When.BUSINESS, When.ANY), _flag(new, "new", "anybody")))
        else:
            look.nothing(_("Type what a customer might write."))


def _flag(chosen: str, yes: str, open_: str) -> bool | None:
    return None if chosen == open_ else chosen == yes


def _verdict(rules: list[Rule], text: str, situation: Situation) -> None:
    verdict = Matcher(rules).verdict(text, situation)
    with st.container(border=True, key="verdict"):
        if verdict.command:
            st.markdown(_(COMMANDS[verdict.command]))
        elif verdict.chosen is None:
            st.markdown(_("**No rule answers.** A person has to."))
        else:
            _chosen(verdict.chosen)
        for match in verdict.others:
            st.caption(_("Also matches, and is silent: {rule}", rule=_why(match)))
        for match, why in verdict.kept:
            st.caption(_("Matches, but {why}: {rule}", why=_(why), rule=_why(match)))


KEPT = (
    N_("only for those who never ordered"),
    N_("only in business hours"),
    N_("only outside business hours"),
)
"""Why a rule that matches a text may not answer it, as `match` says it."""


def _chosen(match: Match) -> None:
    rule = match.rule
    st.markdown(_("**{rule}** answers: {action}", rule=display.verbatim(rule.rule), action=_(ACTIONS[rule.action])))
    st.caption(_why(match))
    if rule.says:
        said = render(rule.says, _("Anna"), {"code": "CODE-1"})
        st.container(border=True, key="answer").markdown(display.verbatim(said).replace("\n", "  \n"))
    elif rule.action in (Does.TAG, Does.TEMPLATE):
        st.markdown(f"`{rule.answer}`")


def _why(match: Match) -> str:
    rule = match.rule
    return _("{rule}: looks for {kind}, “{by}”; priority {priority}", rule=display.verbatim(rule.rule),
             kind=_(KINDS[rule.kind]), by=display.verbatim(match.by), priority=number(rule.priority))  # fmt: skip


def history(edited: Edited) -> None:
    """Play the rules over what customers wrote in a window, and tell what a change of them moves."""
    look.section(_("On what customers wrote"))
    window = _window()
    with st.spinner(_("Playing the rules over what was written…")):
        found = _replay(str(shop.version().path), window.days, _is_masked(), tuple(edited.draft), shop.version())
    if not found.messages:
        look.nothing(_("Nobody wrote in the {window}. Choose a longer window.", window=window.label))
        return
    if found.messages == MOST:
        st.caption(_("The newest {n} of them", n=number(MOST)))
    _figures(found, window)
    left, right = st.columns(2, gap="large")
    with left:
        _hits(found, edited, window)
    with right:
        _unanswered(found, edited, window)
    _conflicts(found)
    _loops(found)
    if edited.is_changed:
        _changes(edited, window)


def _window() -> Window:
    name = filters.one(
        _("Window"), list(views.WINDOWS), "window", "90d", look.short, label_visibility="collapsed"
    )  # fmt: skip
    label = _("all time") if name == "all" else _("last {window}", window=_(look.WINDOW_NAMES[name]))
    st.caption(_("Messages with a text in the {window}, up to {moment}; business hours {hours}", window=label,
                 moment=look.as_of(), hours=shop.settings().business_hours))  # fmt: skip
    return Window(name, views.WINDOWS[name], label)


def _figures(found: Replay, window: Window) -> None:
    of = number(found.messages)
    look.cards(
        (
            Figure(_("Messages"), of, _("of {customers} customers, {window}", customers=number(found.customers),
                                        window=window.label)),
            Figure(_("Answered by a rule"), percent(found.answered, found.messages),
                   _("{n} of {messages}", n=number(found.answered), messages=of)),
            Figure(_("By nobody"), percent(found.unanswered, found.messages),
                   _("{n} of {messages}", n=number(found.unanswered), messages=of)),
            Figure(_("Silent, as it answered lately"), percent(found.cooled, found.messages),
                   _("{n} of {messages}", n=number(found.cooled), messages=of)),
            Figure(_("STOP, START, HELP"), number(found.commands), _("of {messages}, before any rule", messages=of)),
        )
    )  # fmt: skip


def _hits(found: Replay, edited: Edited, window: Window) -> None:
    st.markdown(f"**{_('Which rule answers')}**")
    st.caption(_("Messages each rule would have answered; {window}", window=window.label))
    hits = [hit for hit in found.hits if hit.messages][:BARS]
    idle = [hit.rule for hit in found.hits if not hit.messages]
    if hits:
        drawn = _bars([hit.rule for hit in hits], [hit.messages for hit in hits], "strong")
        data = [asdict(hit) for hit in found.hits]
        charts.chart(drawn, "rule_hits", _("Which rule answers"), data, 60 + 30 * len(hits), behind_point=(
            lambda point: _answered(edited, window, hits[point["point_index"]].rule)
        ))  # fmt: skip
    if idle:
        st.caption(_("Never asked: {rules}", rules=display.verbatim(", ".join(idle))))


def _unanswered(found: Replay, edited: Edited, window: Window) -> None:
    st.markdown(f"**{_('What nobody answers')}**")
    st.caption(_("Messages that no rule matches, by the word most of them share: the next rules to write"))
    clusters = found.clusters[:BARS]
    if not clusters:
        look.nothing(_("Every message is answered."))
        return
    names = [", ".join((each.word, *each.beside)) for each in clusters]
    drawn = _bars(names, [each.messages for each in clusters], "warm")
    data = [each.figures() for each in found.clusters]
    charts.chart(drawn, "unanswered", _("What nobody answers"), data, 60 + 30 * len(clusters), behind_point=(
        lambda point: _behind_cluster(edited, window, names[point["point_index"]], point["point_index"])
    ))  # fmt: skip
    examples = [f"“{display.verbatim(each.example)}” ({number(each.messages)})" for each in clusters[:4]]
    st.caption(_("For example {examples}", examples=" · ".join(examples)))


def _bars(names: list[str], values: list[int], colour: str) -> go.Figure:
    drawn = go.Figure(
        go.Bar(y=names, x=values, text=[number(value) for value in values], orientation="h", textposition="outside",
               marker_color=charts.colour(colour), cliponaxis=False, hovertemplate="%{y}: %{x:,}<extra></extra>")
    )  # fmt: skip
    drawn.update_layout(bargap=0.3, margin_r=50, xaxis={"visible": False},
                        yaxis={"autorange": "reversed", "type": "category", "automargin": True})  # fmt: skip
    return drawn


def _answered(edited: Edited, window: Window, rule: str) -> Behind:
    found = bench.answered_by(edited.draft, _said(window.days, is_masked=True), shop.settings().open_hours, rule)
    return Behind("named", {"customers": tuple(found)}, rule)


def _behind_cluster(edited: Edited, window: Window, name: str, place: int) -> Behind:
    found = bench.unanswered(edited.draft, _said(window.days, is_masked=True), shop.settings().open_hours)[place]
    return Behind("named", {"customers": tuple(found)}, name)


def _conflicts(found: Replay) -> None:
    if not found.conflicts:
        return
    with st.expander(_("Where several rules match")):
        st.caption(
            _("The first answered. At a tie their priorities are the same, and the narrower or the earlier one won")
        )
        rows = [
            {
                _("Answers"): each.rule,
                _("Also matches"): each.other,
                _("Messages"): each.messages,
                _("Tie"): _("tie") if each.is_tie else "",
                _("For example"): each.example,
            }
            for each in found.conflicts
        ]
        charts.table(rows, "conflicts")


def _loops(found: Replay) -> None:
    endless = [each for each in found.loops if each.is_endless]
    for each in endless:
        st.warning(_("**{rule}** says what **{other}** answers, and no silence ends it: two machines would write to "
                     "each other for ever. Let one of them be silent for some minutes.",
                     rule=display.verbatim(each.rule), other=display.verbatim(each.answered_by)),
                   icon=":material/cycle:")  # fmt: skip
    if found.loops and not endless:
        st.caption(_("{n} answers would be answered themselves if they were sent back; the silence after an answer "
                     "ends that.", n=number(len(found.loops))))  # fmt: skip


def _changes(edited: Edited, window: Window) -> None:
    st.markdown(f"**{_('What your changes move')}**")
    moved = _moved(
        str(shop.version().path), window.days, _is_masked(), tuple(edited.saved), tuple(edited.draft), shop.version()
    )
    if not moved:
        look.nothing(_("No message of the {window} would be answered otherwise.", window=window.label))
        return
    st.caption(_("Messages answered otherwise than by what is saved; {window}", window=window.label))
    rows = [
        {
            _("Before"): each.before or NONE,
            _("After"): each.after or NONE,
            _("Messages"): each.messages,
            _("Customers"): each.customers,
            _("For example"): each.example,
        }
        for each in moved
    ]
    charts.table(rows, "changes")


@st.cache_data(show_spinner=False, max_entries=20)
def _replay(path: str, days: int, is_masked: bool, rules: tuple[Rule, ...], _version: Any) -> Replay:
    return bench.replay(rules, _said(days, is_masked), shop.settings().open_hours)


@st.cache_data(show_spinner=False, max_entries=20)
def _moved(
    path: str, days: int, is_masked: bool, before: tuple[Rule, ...], after: tuple[Rule, ...], _version: Any
) -> tuple[Change, ...]:
    return bench.changes(before, after, _said(days, is_masked), shop.settings().open_hours)


def _said(days: int, is_masked: bool) -> list[bench.Said]:
    return histories.read(shop.version(), days, shop.settings().timezone, is_masked, MOST)


def _is_masked() -> bool:
    actor = person.actor()
    return actor is None or not actor.may(Action.SEE_PHONES)
