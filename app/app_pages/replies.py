"""Replies: the keyword rules edited, tried on a text and on what customers wrote, and the canned replies."""

from parts import look, rule_tables, trials
from parts.lang import _


def page() -> None:
    look.heading(
        _("Replies"),
        _("What customers are answered: by rules, the first that matches, and by people, from canned replies."),
    )
    edited = rule_tables.rules()
    trials.one_text(edited)
    trials.history(edited)
    rule_tables.canned()


page()
