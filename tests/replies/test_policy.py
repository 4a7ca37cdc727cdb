from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wabench.campaigns.policy import Consent, Decision, Hold, Send, Skip
from wabench.replies.policy import Facts, Limits, decide

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(hours=24)


def asked(takes_user_ids: bool = True, **changes: Any) -> Decision:
    facts = {"phone": "+5511980000001", "user_id": None, "consent": Consent("unknown"), "text": "Да",
             "last_inbound_at": NOW - timedelta(hours=1), **changes}  # fmt: skip
    return decide(Facts(**facts), Limits(timedelta(seconds=6), takes_user_ids), NOW)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"phone": None}, "no way to reach"),
        ({"phone": None, "user_id": "BR.1", "takes_user_ids": False}, "no way to reach"),
        ({"consent": Consent("opted_out", NOW)}, "opted out"),
        ({"last_inbound_at": None}, "outside the 24 h window"),
        ({"last_inbound_at": NOW - DAY}, "outside the 24 h window"),
        ({"text": " \n"}, "nothing to say"),
        ({"same_text_at": NOW - timedelta(minutes=10) + SECOND}, "said already"),
    ],
)
def test_what_a_rule_forbids_is_skipped_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    assert asked(**changes) == Skip(reason)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"phone": None, "user_id": "BR.1"},
        {"consent": Consent("opted_in", NOW)},
        {"last_inbound_at": NOW - DAY + SECOND},
        {"same_text_at": NOW - timedelta(minutes=10)},
        {"last_message_at": NOW - timedelta(seconds=6)},
    ],
)
def test_at_the_boundary_it_may_leave(changes: dict[str, Any]) -> None:
    assert asked(**changes) == Send()


def test_a_second_message_waits_until_the_gap_is_over() -> None:
    assert asked(last_message_at=NOW - 5 * SECOND) == Hold(NOW + SECOND, "too soon after another message")
