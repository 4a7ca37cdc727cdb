"""A reply is claimed once, whatever is clicked twice or dies in between, and its outcome is written after its call."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from wabench.campaigns import ledger, reconcile
from wabench.campaigns.ledger import Ledger
from wabench.campaigns.policy import Consent
from wabench.campaigns.reconcile import StatusSeen
from wabench.campaigns.schema import SendState, audit, consent
from wabench.providers.base import Accepted, Failed
from wabench.providers.errors import ErrorFamily
from wabench.replies import claims
from wabench.replies.claims import DEAD_AFTER, Draft, Reply
from wabench.replies.policy import Limits
from wabench.settings import Settings

NOW = datetime.now(UTC)
SECOND = timedelta(seconds=1)
LIMITS = Limits(timedelta(seconds=6))
DRAFT = Draft(
    key="form-1",
    customer_id="c1",
    phone="+5511980000001",
    user_id=None,
    provider="meta",
    channel_id="1",
    written_by=claims.PERSON,
    author="maria",
    text="Да, есть",
    last_inbound_at=NOW - timedelta(hours=1),
)


@pytest.fixture
def opened(settings: Settings) -> Iterator[Ledger]:
    with ledger.opened(settings) as opened:
        yield opened


def claim(opened: Ledger, draft: Draft = DRAFT, at: datetime = NOW) -> Reply:
    return claims.claim(opened, draft, LIMITS, at)


def test_a_reply_is_claimed_and_accepted_and_each_step_is_in_the_audit(opened: Ledger) -> None:
    reply = claim(opened)
    assert (reply.is_ours, reply.state, reply.attempts) == (True, SendState.CLAIMED, 1)
    done = claims.record(opened, reply, Accepted("wamid.1"), "maria", NOW)
    assert done.state is SendState.ACCEPTED
    with opened.reading() as connection:
        lines = [(row.actor, row.action) for row in connection.execute(select(audit).order_by(audit.c.audit_id))]
    assert lines == [("maria", "reply claimed"), ("maria", "reply accepted")]


def test_the_same_key_is_never_claimed_twice_even_at_once(opened: Ledger) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: claim(opened), range(8)))
    assert sum(reply.is_ours for reply in found) == 1
    assert {reply.state for reply in found} == {SendState.CLAIMED}


def test_a_reply_whose_process_died_is_unknown_and_not_sent_again(opened: Ledger, settings: Settings) -> None:
    reply = claim(opened)
    assert claims.abandon(opened, NOW + DEAD_AFTER - SECOND) == 0
    assert claims.abandon(opened, NOW + DEAD_AFTER) == 1
    again = claim(opened, at=NOW + DEAD_AFTER)
    assert (again.is_ours, again.state) == (False, SendState.UNKNOWN)
    callback = f"wr:{reply.reply_id}"
    assert reconcile.unsettled(settings) == [callback]
    assert reconcile.settle(settings, [StatusSeen(callback, "delivered", "wamid.9")]) == 1
    assert claim(opened).state is SendState.ACCEPTED
    assert reconcile.unsettled(settings) == []


def test_a_late_answer_still_tells_what_became_of_an_abandoned_claim(opened: Ledger) -> None:
    reply = claim(opened)
    claims.abandon(opened, NOW + DEAD_AFTER)
    assert claims.record(opened, reply, Accepted("wamid.1"), "maria", NOW).state is SendState.ACCEPTED


def test_no_answer_is_unknown_and_a_throttle_may_be_tried_again_with_the_same_key(opened: Ledger) -> None:
    lost = claims.record(opened, claim(opened), Failed(ErrorFamily.MAYBE_SENT, "timeout", "no"), "maria", NOW)
    assert lost.state is SendState.UNKNOWN
    other = replace(DRAFT, key="form-2", customer_id="c2", phone="+5511980000002")
    throttled = claims.record(opened, claim(opened, other), Failed(ErrorFamily.RETRY, "429", "slow"), "maria", NOW)
    assert throttled.state is SendState.PLANNED
    again = claim(opened, other)
    assert (again.is_ours, again.attempts) == (True, 2)


def test_a_claim_given_back_was_never_made(opened: Ledger) -> None:
    claims.give_back(opened, claim(opened), NOW)
    again = claim(opened)
    assert (again.is_ours, again.attempts) == (True, 1)


def test_the_window_is_that_of_the_moment_of_the_claim(opened: Ledger) -> None:
    wrote = replace(DRAFT, last_inbound_at=NOW - timedelta(hours=24) + SECOND)
    assert claim(opened, wrote).is_ours
    late = replace(
        DRAFT, key="form-2", customer_id="c2", phone="+5511980000002", last_inbound_at=NOW - timedelta(hours=24)
    )
    found = claim(opened, late)
    assert (found.is_ours, found.state, found.reason) == (False, SendState.SUPPRESSED, "outside the 24 h window")


@pytest.mark.parametrize("key", ["customer_id", "phone", "user_id"])
def test_an_opt_out_is_kept_by_any_identity_it_came_with(opened: Ledger, key: str) -> None:
    draft = replace(DRAFT, user_id="BR.1", consent=Consent("opted_in", NOW - timedelta(days=1)))
    identity = {"customer_id": "c1", "phone": "+5511980000001", "user_id": "BR.1"}[key]
    opened.state_consent("opted_out", NOW - SECOND, "test", **{key: identity})
    assert claim(opened, draft).reason == "opted out"
    opened.state_consent("opted_in", NOW, "test", **{key: identity})
    assert claim(opened, replace(draft, key="form-2")).is_ours


def test_two_people_who_answer_at_once_do_not_say_it_twice(opened: Ledger) -> None:
    assert claim(opened).is_ours
    assert claim(opened, replace(DRAFT, key="other", author="oleg")).reason == "said already"
    other = replace(DRAFT, key="another", author="oleg", text="Здравствуйте!")
    held = claim(opened, other, NOW + 2 * SECOND)
    assert (held.is_ours, held.wait_until) == (False, NOW + 6 * SECOND)
    assert claim(opened, other, NOW + 6 * SECOND).is_ours


def test_a_refusal_because_they_stopped_us_is_an_opt_out(opened: Ledger) -> None:
    claims.record(opened, claim(opened), Failed(ErrorFamily.NEVER, "131050", "stopped"), "maria", NOW)
    with opened.reading() as connection:
        rows = connection.execute(select(consent.c.consent, consent.c.customer_id, consent.c.phone)).all()
    assert [tuple(row) for row in rows] == [("opted_out", "c1", "+5511980000001")]
    assert claim(opened, replace(DRAFT, key="form-2", text="ещё"), NOW + timedelta(hours=1)).reason == "opted out"


def test_what_was_said_is_listed_without_phones(opened: Ledger) -> None:
    claims.record(opened, claim(opened), Accepted("wamid.1"), "maria", NOW)
    (line,) = claims.said(opened, ["c1", "c2"], NOW - SECOND)
    assert (line["author"], line["text"], line["state"]) == ("maria", "Да, есть", SendState.ACCEPTED)
    assert "phone" not in line
    assert claims.said(opened, ["c1"], NOW + SECOND) == []
