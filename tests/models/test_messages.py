"""What is told late of messages moves them, their hours, contents, delays and dialogs, in whatever order it came."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from history import inbound, status
from warehouse import Rows, ask, build, marts, project, put, shop

from ingest import loader
from wabench.dbt import target
from wabench.settings import ROOT, Settings

ANN, BOB, CID = "+5511987654321", "+79161234567", "+919812345678"
SUNDAY = datetime.fromisoformat("2026-06-21 23:30")  # 20:30 in São Paulo, Monday 02:30 in Moscow, 05:00 in Kolkata
AS_OF = datetime.fromisoformat("2026-06-30 12:00")
ALERTS = (
    (ROOT / "seeds/alert_thresholds.csv")
    .read_text()
    .replace("quota_nearly_used,above,0.8", "quota_nearly_used,above,0")
)
LATE = {"received_at": SUNDAY + timedelta(days=8)}


def minutes(count: float) -> datetime:
    return SUNDAY + timedelta(minutes=count)


def told(provider: str, kind: str, message: str, at: datetime, phone: str, **more: Any) -> dict[str, Any]:
    return status(kind, message, at, phone, provider=provider, **more)


IN_TIME: Mapping[str, Rows] = {
    "customers": [
        {"customer_ref": "ann", "phone": ANN, "name": "Ann", "timezone": "Mars/Base"},
        {"customer_ref": "bob", "phone": BOB, "name": "Боб", "timezone": "Europe/Moscow"},
    ],
    "campaigns": [{"campaign_id": "c1", "name": "sale", "started_at": SUNDAY, "template_body": "Hi {{1}}, reply YES"}],
    "sends": [
        {"campaign_id": "c1", "customer_id": "x1", "send_id": "s1", "phone": ANN, "message_id": "m1",
         "text_length": 30, "is_personalised": True},
        {"campaign_id": "c1", "customer_id": "x2", "send_id": "s2", "phone": BOB, "message_id": "m2",
         "text_length": 31, "is_personalised": False},
    ],
    "message_events": [
        status("sent", "m1", SUNDAY, ANN),
        status("sent", "m2", SUNDAY, BOB),
        status("delivered", "m2", minutes(24 * 60), BOB),
        status("sent", "m3", minutes(9), ANN, category="service"),
        told("messagebird", "delivered", "b1", SUNDAY, CID, content_type="image", body_text="Смотри: www.x.example"),
        told("messagebird", "delivered", "b2", AS_OF - timedelta(hours=20), CID, template_name="t", category="utility"),
        {"event_id": "tier", "event_type": "limit_update", "provider": "messagebird", "occurred_at": SUNDAY,
         "body_text": "TIER_1"},
    ],
}  # fmt: skip
A_WEEK_LATE: Mapping[str, Rows] = {
    "message_events": [
        status("delivered", "m1", minutes(1), ANN, **LATE),
        status("read", "m2", minutes(4 * 60), BOB, **LATE),
        inbound("i1", minutes(3), phone=ANN, body_text="how much?", **LATE),
        inbound("i2", minutes(2), phone=ANN, body_text="yes", **LATE),
        inbound("stop", minutes(5 * 60), phone=BOB, body_text="STOP", **LATE),
        {"event_id": "stop:opt_out", "event_type": "opt_out", "occurred_at": minutes(5 * 60), "phone": BOB, **LATE},
    ],
}


@dataclass(frozen=True, slots=True)
class Shops:
    """One shop before and after what came late, with its marts at both times, and one that heard of that first."""

    late: Settings
    before: dict[str, list[tuple[Any, ...]]]
    after: dict[str, list[tuple[Any, ...]]]
    other_way_round: dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Shops:
    home = tmp_path_factory.mktemp("messages")
    dbt = project(home / "project", alert_thresholds=ALERTS)
    late, turned = shop(_folder(home / "late")), shop(_folder(home / "turned"))
    put(late, 1, IN_TIME)
    build(late, AS_OF, project=dbt)
    before = marts(late)
    put(late, 2, A_WEEK_LATE)
    build(late, AS_OF, project=dbt, is_tested=True)
    put(turned, 1, A_WEEK_LATE)
    put(turned, 2, IN_TIME)
    build(turned, AS_OF, project=dbt)
    return Shops(late, before, marts(late), marts(turned))


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_marts_are_the_same_in_whatever_order_events_come(shops: Shops) -> None:
    assert shops.before != shops.after
    assert shops.after == shops.other_way_round


def test_a_status_a_week_late_moves_its_message_and_its_day(shops: Shops) -> None:
    index = _columns(shops.late, "fct_messages")
    before, after = (
        {row[index["message_id"]]: row for row in when["fct_messages"]} for when in (shops.before, shops.after)
    )
    assert [before["m1"][index[c]] for c in ("status", "delivered_at", "is_replied")] == ["sent", None, False]
    assert [after["m1"][index[c]] for c in ("status", "delivered_at", "is_replied")] == ["delivered", minutes(1), True]
    assert before["m2"][index["delivered_at"]] == minutes(24 * 60)
    assert after["m2"][index["delivered_at"]] == after["m2"][index["read_at"]] == minutes(4 * 60)


def test_a_status_a_week_late_moves_its_hour_on_the_customers_clock(shops: Shops) -> None:
    def hours(rows: list[tuple[Any, ...]]) -> dict[tuple[int, int], tuple[int, ...]]:
        return {(day, hour): tuple(counts[:4]) for day, hour, *counts in rows if any(counts[:4])}

    image, notice = {(1, 5): (1, 0, 0, 0)}, {(1, 21): (1, 0, 0, 0)}
    assert hours(shops.before["fct_engagement_hours"]) == image | notice | {(2, 2): (1, 0, 0, 0)}
    # Ann, in São Paulo by her phone, got m1 and answered at half past eight; Bob, in Moscow, m2 at half past six.
    ann = {(7, 20): (1, 0, 1, 2)}
    assert hours(shops.after["fct_engagement_hours"]) == image | notice | ann | {
        (1, 6): (1, 1, 1, 0),
        (1, 7): (0, 0, 0, 1),
    }


def test_a_status_a_week_late_moves_what_its_content_brought(shops: Shops) -> None:
    columns = (
        "length_band, is_personalised, content_kind, has_call_to_action, category, messages, delivered, read, replied"
    )
    index = _columns(shops.late, "fct_content_effectiveness")
    wanted = [index[c.strip()] for c in columns.split(",")]

    def contents(rows: list[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
        return {tuple(row[i] for i in wanted) for row in rows}

    others = {
        ("20-30", False, "image", False, "unknown", 1, 1, 0, 0),
        ("unknown", None, "template", None, "utility", 1, 1, 0, 0),
        ("unknown", None, "unknown", None, "service", 1, 0, 0, 0),
    }
    assert contents(shops.before["fct_content_effectiveness"]) == others | {
        ("20-30", True, "text", True, "marketing", 1, 0, 0, 0),
        ("31-60", False, "text", True, "marketing", 1, 1, 0, 0),
    }
    assert contents(shops.after["fct_content_effectiveness"]) == others | {
        ("20-30", True, "text", True, "marketing", 1, 1, 0, 1),
        ("31-60", False, "text", True, "marketing", 1, 1, 1, 1),
    }


def test_a_late_question_is_a_dialog_that_the_known_answer_had_answered(shops: Shops) -> None:
    assert shops.before["fct_dialogs"] == []
    columns = "dialog_id, inbound_messages, answer_message_key, answered_by, first_response_seconds, status, is_overdue"
    rows = ask(shops.late, f"select {columns} from marts.fct_dialogs")
    assert rows == [("meta:i2", 2, "meta:m3", "unknown", 7 * 60, "answered", False)]
    delays = ask(shops.late, "select delay_band, replied, replies from marts.fct_reply_delays where replied > 0")
    assert sorted(delays) == [("1-3 hours", 1, 1), ("1-3 minutes", 1, 1)]  # a stop is a reply, but no question


def test_what_we_wrote_is_measured_but_not_published(shops: Shops) -> None:
    sql = "select text_length, has_link, content_kind, body_text from marts.fct_messages where message_id = 'b1'"
    assert ask(shops.late, sql) == [(21, True, "image", None)]


def test_a_tier_and_a_quota_that_are_nearly_used_raise_an_alert(shops: Shops) -> None:
    sql = "select subject_name, value, denominator from marts.fct_alerts where alert = ?"
    assert ask(shops.late, sql, "tier_nearly_used") == [("messagebird", 1.0, 1)]
    assert ask(shops.late, sql, "quota_nearly_used") == [("messagebird", 0.002, 1000)]


@pytest.mark.parametrize(
    ("change", "test"),
    [
        ("delete from marts.fct_content_effectiveness where content_kind = 'image'", "assert_contents_count_every"),
        ("update marts.fct_engagement_hours set delivered = delivered + 1 where hour = 3", "assert_hours_count_every"),
        ("delete from marts.fct_engagement_hours where delivered = 0 and hour = 3", "assert_hours_count_every"),
        ("update marts.fct_reply_delays set replied = 0", "assert_reply_delays_count_every_reply"),
        ("update marts.fct_reply_delays set replies = 2", "assert_reply_delays_count_every_reply"),
        (
            "insert into marts.fct_dialogs by name"
            " select * replace ('again' as dialog_id, started_at + interval 1 minute as started_at)"
            " from marts.fct_dialogs",
            "assert_dialogs_do_not_overlap",
        ),
        ("delete from marts.fct_dialogs", "assert_every_question_is_in_one_dialog"),
        ("update marts.fct_dialogs set answered_at = started_at - interval 1 second", "assert_answers_follow"),
        ("delete from seeds.length_bands where length_band = '20-30'", "assert_length_bands_have_no_gap"),
        ("update seeds.reply_delay_bands set to_minutes = 2880 where to_minutes is null", "assert_reply_delay_bands"),
    ],
)  # fmt: skip
def test_a_data_test_finds_what_is_counted_twice_or_not_at_all(shops: Shops, change: str, test: str) -> None:
    [path] = (target(shops.late) / "compiled").rglob(f"{test}*.sql")
    sql = path.read_text(encoding="utf-8")
    assert ask(shops.late, sql) == []
    with closing(loader.connect(shops.late)) as connection:
        connection.execute("begin")
        connection.execute(change)
        assert connection.execute(sql).fetchall() != []
        connection.execute("rollback")


def _columns(settings: Settings, mart: str) -> dict[str, int]:
    sql = "select column_name from information_schema.columns where table_schema = 'marts' and table_name = ?"
    names = [name for (name,) in ask(settings, f"{sql} order by ordinal_position", mart)]
    return {name: number for number, name in enumerate(names)}
