"""Each reason, and the boundary on which it begins or ends."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wabench.campaigns.policy import Consent, Facts, Hold, Rules, Send, Skip, after, decide, newest
from wabench.campaigns.schema import SendState
from wabench.providers.base import Accepted, Failed
from wabench.providers.errors import ErrorFamily

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
SECOND = timedelta(seconds=1)
MARKETING = Rules("marketing", "explicit", DAY, timedelta(seconds=6))
UTILITY = replace(MARKETING, category="utility")
ANA = Facts("+5511980000001", None, Consent("opted_in", NOW - DAY), {"1": "Ana"})


def test_a_customer_without_phone_and_user_id_is_skipped() -> None:
    assert decide(replace(ANA, phone=None), MARKETING, NOW) == Skip("no way to reach")
    assert decide(replace(ANA, phone=None, user_id="BR.1"), MARKETING, NOW) == Send()


def test_marketing_needs_consent_where_the_shop_wants_it_explicit() -> None:
    unknown = replace(ANA, consent=Consent())
    assert decide(unknown, MARKETING, NOW) == Skip("no consent")
    assert decide(unknown, replace(MARKETING, consent="implied"), NOW) == Send()
    assert decide(unknown, UTILITY, NOW) == Send()


@pytest.mark.parametrize("rules", [MARKETING, UTILITY, replace(MARKETING, consent="implied")])
def test_an_opt_out_is_kept_by_every_template(rules: Rules) -> None:
    assert decide(replace(ANA, consent=Consent("opted_out", NOW)), rules, NOW) == Skip("opted out")


def test_a_second_way_to_the_same_person_is_skipped() -> None:
    assert decide(replace(ANA, is_repeat=True), MARKETING, NOW) == Skip("already in this campaign")


def test_the_promotional_cap_ends_after_exactly_24_hours() -> None:
    almost = replace(ANA, promoted_at=(NOW - DAY + SECOND,))
    assert decide(almost, MARKETING, NOW) == Skip("promotional cap")
    assert decide(almost, UTILITY, NOW) == Send()
    assert decide(replace(ANA, promoted_at=(NOW - DAY,)), MARKETING, NOW) == Send()


def test_a_second_message_to_one_person_is_held_for_6_seconds() -> None:
    until = NOW + SECOND
    held = replace(ANA, last_message_at=NOW - 5 * SECOND)
    assert decide(held, UTILITY, NOW) == Hold(until, "too soon after another message")
    assert decide(held, UTILITY, until) == Send()


def test_an_empty_variable_is_skipped() -> None:
    assert decide(replace(ANA, parameters={"1": ""}), MARKETING, NOW) == Skip("variables missing or empty")


def test_chance_comes_last_for_it_is_drawn_of_those_who_would_be_written_to() -> None:
    drawn = replace(ANA, is_held_out=True)
    assert decide(drawn, MARKETING, NOW) == decide(drawn, UTILITY, NOW) == Skip("holdout")
    assert decide(replace(drawn, parameters={"1": ""}), MARKETING, NOW) == Skip("variables missing or empty")
    assert decide(replace(drawn, is_repeat=True), MARKETING, NOW) == Skip("already in this campaign")


def test_the_first_rule_that_forbids_it_is_the_reason() -> None:
    nobody = Facts(None, None, Consent("opted_out", NOW), {"1": ""}, is_repeat=True, promoted_at=(NOW,))
    assert decide(nobody, MARKETING, NOW) == Skip("no way to reach")
    assert decide(replace(nobody, phone="+1"), MARKETING, NOW) == Skip("opted out")


def test_the_newest_statement_holds_and_of_two_at_once_the_opt_out() -> None:
    old, new = Consent("opted_out", NOW), Consent("opted_in", NOW + SECOND)
    assert newest(new, old) == new
    assert newest(Consent("opted_in", NOW), old) == old
    assert newest(Consent("opted_in"), old) == old
    assert newest(Consent(), Consent("opted_in")) == Consent("opted_in")
    assert newest() == Consent()


@pytest.mark.parametrize(
    ("family", "state"),
    [
        (ErrorFamily.RETRY, SendState.PLANNED),
        (ErrorFamily.MAYBE_SENT, SendState.UNKNOWN),
        (ErrorFamily.NEVER, SendState.REJECTED),
        (ErrorFamily.STOP_TEMPLATE, SendState.REJECTED),
        (ErrorFamily.STOP_ACCOUNT, SendState.REJECTED),
    ],
)
def test_an_errors_family_decides_what_becomes_of_the_send(family: ErrorFamily, state: SendState) -> None:
    assert after(Failed(family, "1", ""), 1, NOW)[0] is state


def test_a_safe_retry_waits_longer_each_time_and_ends_as_rejected() -> None:
    refused = Failed(ErrorFamily.RETRY, "130429", "")
    waits = [(after(refused, attempts, NOW)[1] - NOW).total_seconds() for attempts in (1, 2, 3, 4, 5, 6)]
    assert waits == [1, 4, 16, 64, 256, 256]
    assert after(refused, 10, NOW)[0] is SendState.REJECTED
    assert after(replace(refused, retry_after=30.0), 1, NOW) == (SendState.PLANNED, NOW + timedelta(seconds=30))


def test_an_accepted_message_is_accepted() -> None:
    assert after(Accepted("wamid.1"), 1, NOW) == (SendState.ACCEPTED, NOW)
