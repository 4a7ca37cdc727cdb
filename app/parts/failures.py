"""What a failed message means and what to do about it: by the provider's code where we know it, else by its family."""

from dataclasses import dataclass

from parts.lang import N_

FAMILIES = {
    "retry": N_("Too fast"),
    "maybe_sent": N_("May have been sent"),
    "never": N_("Never to this customer"),
    "stop_template": N_("The template"),
    "stop_account": N_("The account"),
    "unknown": N_("Not told"),
}


@dataclass(frozen=True, slots=True)
class Advice:
    """What a code says, and what to do."""

    means: str
    do: str


BY_FAMILY = {
    "retry": Advice(N_("The provider was asked for more than it takes at once."), N_(
        "Nothing: the send is tried again by itself. If it comes often, lower the campaign's pace.")),
    "maybe_sent": Advice(N_("The provider broke down or did not say what became of it."), N_(
        "Wait for its status; what stays unsettled is listed by `wabench campaign status`.")),
    "never": Advice(N_("The person, the window or the content forbids this message."), N_(
        "Look at the customers behind it, and leave them out of the next campaign.")),
    "stop_template": Advice(N_("The template can't be sent as it is."), N_(
        "Check it on the Templates page and with `wabench template lint`, then resume the campaign.")),
    "stop_account": Advice(N_("The account, its token or its payment stands in the way: nothing goes through."), N_(
        "Run `wabench provider check`, put right what it names, then resume the campaign.")),
    "unknown": Advice(N_("The provider told no error code."), N_(
        "Look the messages up in the provider's own log; their ids are in `fct_messages`.")),
}  # fmt: skip

_UNDELIVERABLE = Advice(
    N_("No WhatsApp at this number, or the phone has been offline for too long."),
    N_("Correct the numbers in the CRM; leave out who failed twice."),
)
_HELD_BACK = Advice(
    N_("Meta held the promotion back: the customer gets enough of them already."),
    N_("Don't send it again within 24 hours, that makes it worse. Write less often, or to whom reads."),
)
_STOPPED = Advice(
    N_("The customer stopped the shop's promotions."),
    N_("Nothing more: they count as opted out from the next refresh on. If there are many, write less often."),
)
_WINDOW = Advice(
    N_("Free text, and over 24 hours since the customer's last message."),
    N_("Send a template, or answer sooner: the Support page shows who waits."),
)
_BLOCKED = Advice(
    N_("The customer blocked the shop, or may not get messages."),
    N_("Leave them out; if there are many, look at consent and at how often you write."),
)
_PAUSED = Advice(
    N_("The template is paused or disabled, mostly because customers complained."),
    N_("Write another one or wait until it is let go; the Templates page shows its quality."),
)
_PARAMETERS = Advice(
    N_("The template's variables don't fit: their number, their form or their length."),
    N_("Compare the campaign's variables with the template: `wabench template lint`."),
)
_MISSING = Advice(
    N_("There is no such template, or not in this language."),
    N_("Run `wabench template sync` and choose a language it has."),
)
_POLICY = Advice(
    N_("The content is against WhatsApp's rules."),
    N_("Change the text; ask for a review at Meta if it is in order."),
)
_SPAM = Advice(
    N_("The number wrote to too many who complained: the spam limit."),
    N_("Stop promotions for some days, then begin with who answered lately."),
)
_PAYMENT = Advice(N_("The account can't pay."), N_("Add or correct the payment method at the provider, then resume."))
_TOKEN = Advice(
    N_("The token has expired or lacks a permission."),
    N_("Make a new one and put it into `.env`; `wabench provider check` tells whether it works."),
)
_MEDIA = Advice(
    N_("The picture or file could not be fetched or is of a wrong kind."),
    N_("Check its address, size and type; it must open without a login."),
)
_COUNTRY = Advice(
    N_("The account does not send to this country."), N_("Allow the country at the provider, or leave it out.")
)

CODES = {
    **dict.fromkeys(("131026", "63024", "63003", "21211", "21614", "30003", "30005", "undeliverable"), _UNDELIVERABLE),
    **dict.fromkeys(("131049", "130472", "63049", "63032"), _HELD_BACK),
    **dict.fromkeys(("131050", "21610", "recipient_suppressed"), _STOPPED),
    **dict.fromkeys(("131047", "63016", "service_window_expired"), _WINDOW),
    **dict.fromkeys(("63014", "63033", "30004"), _BLOCKED),
    **dict.fromkeys(("132015", "132016", "63040", "63041", "63042"), _PAUSED),
    **dict.fromkeys(("132000", "132005", "132012", "132018", "63028", "21656"), _PARAMETERS),
    **dict.fromkeys(("132001", "63027", "21655"), _MISSING),
    **dict.fromkeys(("132007", "63013", "63005", "30007"), _POLICY),
    **dict.fromkeys(("131048", "63026"), _SPAM),
    **dict.fromkeys(("131042", "insufficient_balance"), _PAYMENT),
    **dict.fromkeys(("190", "3", "10", "131005", "20003", "AUTHENTICATION_ERROR"), _TOKEN),
    **dict.fromkeys(("131052", "131053", "21620"), _MEDIA),
    **dict.fromkeys(("130497", "21408"), _COUNTRY),
}  # fmt: skip
"""Known codes of all providers: Meta's and Twilio's numbers, Bird's and Zenvia's words."""


def advice(code: str, family: str) -> Advice:
    """Say what to do about a code; of one nobody knows what its family asks for."""
    return CODES.get(code) or BY_FAMILY.get(family, BY_FAMILY["unknown"])
