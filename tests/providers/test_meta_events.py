"""Meta's webhooks -> message events."""

import json

import pytest
import webhooks
from hypothesis import given
from hypothesis import strategies as st

from wabench.events import EventType, MessageEvent
from wabench.providers import meta
from wabench.providers.errors import Unparsable


def only(body: bytes) -> MessageEvent:
    (event,) = meta.parse(body)
    return event


MESSAGES = [
    ({"type": "text", "text": {"body": "Olá"}}, "received", "Olá"),
    ({"type": "image", "image": {"id": "1", "caption": "look"}}, "received", "look"),
    ({"type": "video", "video": {"id": "1"}}, "received", None),
    ({"type": "audio", "audio": {"id": "1", "voice": True}}, "received", None),
    ({"type": "document", "document": {"id": "1", "filename": "a.pdf"}}, "received", "a.pdf"),
    ({"type": "sticker", "sticker": {"id": "1"}}, "received", None),
    ({"type": "location", "location": {"latitude": 1.5, "longitude": 2, "name": "Home"}}, "received", "Home"),
    ({"type": "contacts", "contacts": [{"name": {"first_name": "Eva"}}]}, "received", None),
    ({"type": "button", "button": {"payload": "P", "text": "Stop promotions"}}, "received", "Stop promotions"),
    ({"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "y", "title": "Yes"}}},
     "received", "Yes"),
    ({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "2", "title": "Express"}}},
     "received", "Express"),
    ({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent"}}},
     "received", "Sent"),
    ({"type": "reaction", "reaction": {"message_id": "wamid.A", "emoji": "👍"}}, "reaction", "👍"),
    ({"type": "order", "order": {"catalog_id": "1", "text": "two please", "product_items": []}}, "received",
     "two please"),
    ({"type": "unsupported", "errors": [{"code": 131051, "title": "x"}]}, "received", None),
    ({"type": "edit", "edit": {"original_message_id": "wamid.A", "message": {}}}, "received", None),
    ({"type": "revoke", "revoke": {"original_message_id": "wamid.A"}}, "deleted", None),
    ({"type": "hologram", "hologram": {"x": 1}}, "unknown", None),
]  # fmt: skip


@pytest.mark.parametrize(("message", "kind", "said"), MESSAGES)
def test_each_message_type_becomes_an_event_with_its_text(message: dict, kind: str, said: str | None) -> None:
    event = only(webhooks.messages({"from": "5511987654321", "id": "wamid.M", "timestamp": "1780000000"} | message))
    assert (event.event_type, event.content_type, event.body_text) == (kind, message["type"], said)
    assert (event.phone, event.profile_name, event.direction) == ("+5511987654321", "Ana", "in")
    assert event.channel_id == webhooks.CHANNEL
    assert event.occurred_at is not None
    assert event.occurred_at.isoformat() == "2026-05-28T20:26:40+00:00"


@pytest.mark.parametrize(
    ("state", "kind"),
    [("sent", "sent"), ("delivered", "delivered"), ("read", "read"), ("played", "read"), ("failed", "failed"),
     ("teleported", "unknown")],
)  # fmt: skip
def test_each_status_becomes_an_event_with_price_and_callback(state: str, kind: str) -> None:
    pricing = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing"}
    item = webhooks.status("wamid.S", state, biz_opaque_callback_data="wb:1", pricing=pricing)
    event = only(webhooks.statuses(item))
    assert (event.event_type, event.message_id, event.callback_data) == (kind, "wamid.S", "wb:1")
    assert (event.category, event.pricing_type, event.direction) == ("marketing", "regular", "out")


def test_a_failed_status_carries_code_and_family_and_needs_no_contact() -> None:
    item = webhooks.status("wamid.S", "failed", errors=[{"code": 131049, "title": "not delivered"}])
    event = only(webhooks.statuses(item))
    assert (event.error_code, event.error_family) == ("131049", "never")


def test_a_code_in_no_table_may_have_been_sent() -> None:
    assert only(webhooks.statuses(webhooks.status("w", "failed", errors=[{"code": 999}]))).error_family == "maybe_sent"


def test_an_event_may_carry_nothing_but_a_business_scoped_id() -> None:
    message = {"from_user_id": "BR.1", "id": "wamid.B", "timestamp": "1", "type": "text", "text": {"body": "x"}}
    value = {"metadata": {"phone_number_id": "7"}, "messages": [message],
             "contacts": [{"profile": {"name": "Bia", "username": "@bia"}, "user_id": "BR.1"}]}  # fmt: skip
    event = only(webhooks.body(value))
    assert (event.phone, event.user_id, event.username) == (None, "BR.1", "@bia")
    state = {"id": "wamid.C", "status": "read", "timestamp": "1", "recipient_user_id": "BR.1"}
    event = only(webhooks.statuses(state))
    assert (event.phone, event.user_id) == (None, "BR.1")


def test_a_business_scoped_id_in_the_phones_place_is_no_phone() -> None:
    event = only(
        webhooks.messages(
            webhooks.text("wamid.X", "hi", **{"from": "US.13491208655302741918"}), wa_id="US.13491208655302741918"
        )
    )
    assert (event.phone, event.user_id) == (None, "US.13491208655302741918")


def test_each_of_several_people_in_one_body_keeps_their_own_name() -> None:
    value = {
        "contacts": [
            {"profile": {"name": "Ana"}, "wa_id": "5511900000001"},
            {"profile": {"name": "Zoë"}, "wa_id": "5511900000002"},
        ],
        "messages": [
            webhooks.text("a", "1", **{"from": "5511900000002"}),
            webhooks.text("b", "2", **{"from": "5511900000001"}),
        ],
    }
    assert [e.profile_name for e in meta.parse(webhooks.body(value))] == ["Zoë", "Ana"]


def test_people_known_by_an_id_alone_keep_their_own_names() -> None:
    people = [{"profile": {"name": "Ana"}, "user_id": "US.A"}, {"profile": {"name": "Bob"}, "user_id": "US.B"}]
    message = {"from_user_id": "US.B", "id": "m", "timestamp": "1", "type": "text", "text": {"body": "x"}}
    assert only(webhooks.body({"contacts": people, "messages": [message]})).profile_name == "Bob"


def test_a_status_to_an_id_still_finds_the_phone_of_its_contact() -> None:
    status = webhooks.status("w", "read", recipient_id="US.13491208655302741918")
    value = {"contacts": [{"wa_id": "5511987654321"}], "statuses": [status]}
    event = only(webhooks.body(value))
    assert (event.phone, event.user_id) == ("+5511987654321", "US.13491208655302741918")


def test_an_ad_click_and_a_reply_are_kept() -> None:
    event = only(
        webhooks.messages(
            webhooks.text("m", "hi", referral={"ctwa_clid": "clid"}, context={"id": "wamid.P", "from": "1"})
        )
    )
    assert (event.ad_click_id, event.reply_to_message_id) == ("clid", "wamid.P")


def test_a_new_number_tells_who_they_are_and_who_they_were() -> None:
    system = {"type": "user_changed_number", "wa_id": "5511911112222", "body": "moved"}
    message = {"from": "5511987654321", "id": "m", "timestamp": "1", "type": "system", "system": system}
    event = only(webhooks.messages(message))
    assert (event.event_type, event.phone, event.body_text) == ("identity_update", "+5511911112222", "+5511987654321")


PREFERENCES = [("stop", "opt_out"), ("resume", "opt_in"), ("signup", "opt_in"), ("perhaps", "unknown")]


@pytest.mark.parametrize(("value", "kind"), PREFERENCES)
def test_a_marketing_preference_is_an_opt_out_or_in(value: str, kind: str) -> None:
    item = {"wa_id": "5511987654321", "user_id": "BR.1", "detail": "d", "category": "marketing_messages",
            "value": value, "timestamp": 1780000000}  # fmt: skip
    event = only(
        webhooks.body({"contacts": [{"wa_id": "5511987654321"}], "user_preferences": [item]}, "user_preferences")
    )
    assert (event.event_type, event.phone, event.user_id) == (kind, "+5511987654321", "BR.1")
    assert event.occurred_at is not None


UPDATES = [
    ("message_template_status_update",
     {"event": "PAUSED", "message_template_name": "july", "reason": "NONE", "message_template_category": "MARKETING"},
     "template_update", "PAUSED", "july"),
    ("message_template_quality_update",
     {"message_template_name": "july", "previous_quality_score": "GREEN", "new_quality_score": "RED"},
     "quality_update", "RED", "july"),
    ("template_category_update", {"message_template_name": "july", "new_category": "MARKETING"}, "template_update",
     "MARKETING", "july"),
    ("template_correct_category_detection", {"message_template_name": "july"}, "template_update",
     "template_correct_category_detection", "july"),
    ("message_template_components_update", {"message_template_name": "july"}, "template_update",
     "message_template_components_update", "july"),
    ("phone_number_quality_update", {"event": "THROUGHPUT_UPGRADE", "current_limit": "TIER_UNLIMITED"}, "limit_update",
     "THROUGHPUT_UPGRADE", None),
    ("business_capability_update", {"max_daily_conversations_per_business": 2000}, "limit_update",
     "business_capability_update", None),
    ("account_update", {"event": "ACCOUNT_RESTRICTION", "restriction_info": []}, "quality_update",
     "ACCOUNT_RESTRICTION", None),
    ("account_alerts", {"alert_type": "X"}, "quality_update", "account_alerts", None),
    ("account_review_update", {"decision": "APPROVED"}, "quality_update", "APPROVED", None),
    ("security", {"event": "PIN_CHANGED"}, "unknown", "PIN_CHANGED", None),
    ("group_lifecycle_update", {"groups": [{"type": "group_create"}]}, "unknown", "group_lifecycle_update", None),
    ("something_of_2029", {"x": 1}, "unknown", "something_of_2029", None),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "kind", "state", "template"), UPDATES)
def test_each_other_field_becomes_one_event(
    field: str, value: dict, kind: str, state: str, template: str | None
) -> None:
    event = only(webhooks.body(value, field))
    assert (event.event_type, event.content_type, event.template_name) == (kind, state, template)


def test_a_changed_user_id_links_the_new_one_to_the_old() -> None:
    value = {"user_id": {"previous": "BR.1", "current": "BR.2"}, "wa_id": "5511987654321", "timestamp": "1780000000"}
    event = only(webhooks.body(value, "user_id_update"))
    assert (event.event_type, event.user_id, event.body_text, event.phone) == (
        "identity_update", "BR.2", "BR.1", "+5511987654321")  # fmt: skip


def test_an_error_of_the_account_is_kept_with_its_code() -> None:
    event = only(webhooks.body({"errors": [{"code": 130429, "title": "Rate limit hit"}]}))
    assert (event.event_type, event.error_code, event.error_family) == ("unknown", "130429", "retry")


def test_one_misshapen_item_costs_no_more_than_itself() -> None:
    body = webhooks.statuses(
        webhooks.status("good", "read"), {"id": {"odd": True}, "status": 5}, webhooks.status("fine", "sent")
    )
    assert [e.event_type for e in meta.parse(body)] == ["read", "unknown", "sent"]


def test_the_same_body_gives_the_same_ids_and_different_ones_differ() -> None:
    first = webhooks.statuses(
        webhooks.status("a", "sent"), webhooks.status("a", "delivered"), webhooks.status("b", "sent")
    )
    ids = [e.event_id for e in meta.parse(first)]
    assert ids == [e.event_id for e in meta.parse(first)]
    assert len(set(ids)) == 3


def test_statuses_to_several_people_in_a_group_are_not_one() -> None:
    group = {"recipient_type": "group", "recipient_id": "Y2FwaV9ncm91"}
    body = webhooks.statuses(*(webhooks.status("g", "read", recipient_participant_id=p, **group) for p in ("1", "2")))
    events = meta.parse(body)
    assert len({e.event_id for e in events}) == 2
    assert {e.phone for e in events} == {None}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["entry", "changes", "field", "value", "messages", "statuses", "errors", "contacts", "id",
                         "timestamp", "type", "from", "text", "body", "user_id", "metadata", "user_preferences"])
        | st.text(max_size=3),
        inner | st.sampled_from(["messages", "user_preferences", "text", "9" * 30]),
        max_size=4,
    ),
    max_leaves=25,
)  # fmt: skip


@given(json_values)
def test_any_json_at_all_becomes_at_least_one_event(value: object) -> None:
    events = meta.parse(json.dumps(value).encode())
    assert events
    assert {e.event_type for e in events} <= set(EventType)


@given(json_values)
def test_any_messages_value_at_all_becomes_at_least_one_event(value: object) -> None:
    envelope = {"entry": [{"changes": [{"field": "messages", "value": {"messages": [value], "statuses": [value]}}]}]}
    assert meta.parse(json.dumps(envelope).encode())


@given(st.binary())
def test_bytes_that_are_no_json_are_unparsable_and_nothing_worse(body: bytes) -> None:
    try:
        json.loads(body)
    except ValueError:
        with pytest.raises(Unparsable):
            meta.parse(body)
