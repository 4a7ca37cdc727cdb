"""A campaign in stages: a first share goes, and the rest only when it is decided, whatever happens in between."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from campaign_shop import audience, customer, set_up
from duckdb import DuckDBPyConnection
from sqlalchemy import select

from ingest import loader
from wabench.campaigns import claims, judging, ledger, plan, runner, simulation
from wabench.campaigns.claims import Claim, Outcome
from wabench.campaigns.evidence import Arm
from wabench.campaigns.judging import Known
from wabench.campaigns.ledger import Campaign, Ledger
from wabench.campaigns.schema import CampaignState, SendState, sends
from wabench.campaigns.stages import WAITS, By, Kind, Stage
from wabench.campaigns.stages import Outcome as Came
from wabench.campaigns.staging import Asked
from wabench.campaigns.variants import Wanted
from wabench.errors import UsageError
from wabench.providers.base import Accepted, Failed
from wabench.providers.errors import ErrorFamily
from wabench.settings import Settings

REAL = "https://graph.facebook.com/v26.0"
TEXTS = (Wanted("a", "sale"), Wanted("b", "named"))
SALE = ["1=name", "2=literal:SALE"]
BOTH = [*SALE, "first_name=name", "code=literal:CODE"]
HOUR = timedelta(hours=1)
NOW = datetime.now(UTC) + HOUR
TWO = Asked(winner_after_share=0.4, winner_by="reply", winner_hours=2)


@pytest.fixture
def shop(home: Path) -> Settings:
    return set_up(home, REAL, first_share_customers="4", quiet_until="21:00")


@pytest.fixture
def opened(shop: Settings) -> Iterator[Ledger]:
    with ledger.opened(shop) as opened:
        yield opened


@pytest.fixture
def warehouse(shop: Settings) -> Iterator[DuckDBPyConnection]:
    with closing(loader.connect(shop)) as warehouse:
        yield warehouse


def planned(shop: Settings, home: Path, asked: Asked, customers: int = 20, **how: Any) -> plan.Plan:
    segment = audience(home, [customer(number) for number in range(customers)])
    if how.get("variants"):
        return plan.plan(shop, "spring", segment, "", BOTH, in_stages=asked, **how)
    return plan.plan(shop, "spring", segment, "sale", SALE, in_stages=asked, **how)


def running(shop: Settings, opened: Ledger) -> Campaign:
    runner.test(shop, "spring", "tester")
    runner.approve(shop, "spring", "maria")
    campaign = opened.campaign("spring")
    opened.move(campaign.campaign_id, CampaignState.RUNNING, "tester", NOW, started_at=NOW)
    return opened.campaign("spring")


def send(shop: Settings, opened: Ledger, at: datetime = NOW, refused: int = 0) -> list[Claim]:
    """Send what may leave, the first `refused` of them in vain; gives them."""
    campaign = opened.campaign("spring")
    turn = partial(claims.take_turn, opened, campaign, plan.rules_of(shop, campaign), lambda rows: {})
    made = list(turn([], 100, at).claims)
    never = Failed(ErrorFamily.NEVER, "131026", "")
    turn([Outcome(each, never if n < refused else Accepted(each.send_id)) for n, each in enumerate(made)], 0, at)
    return made


def tell(warehouse: DuckDBPyConnection, made: list[Claim], event: str, at: datetime = NOW + HOUR / 60) -> None:
    columns = (
        "event_id", "provider", "message_id", "direction", "event_type", "occurred_at", "received_at", "phone",
        "callback_data", "landing_ref", "load_id",
    )  # fmt: skip
    direction, moment = "in" if event == "received" else "out", at.replace(tzinfo=None)
    for each in made:
        name, data = f"{event}{each.send_id}", None if event == "received" else f"wb:{each.send_id}"
        row = (name, "meta", name, direction, event, moment, moment, each.message.phone, data, "", 0)
        marks = ", ".join("?" * len(row))
        warehouse.execute(f"insert into raw.message_events ({', '.join(columns)}) values ({marks})", row)


def look(shop: Settings, opened: Ledger, warehouse: DuckDBPyConnection, at: datetime) -> list[str]:
    return judging.look(shop, opened, warehouse, at)


def rows(opened: Ledger) -> list[dict[str, Any]]:
    with opened.reading() as connection:
        return [dict(row._asdict()) for row in connection.execute(select(sends))]


def states(opened: Ledger) -> dict[str, int]:
    return dict(Counter(str(row["state"]) for row in rows(opened)))


def test_the_first_share_is_planned_and_the_rest_is_held(shop: Settings, home: Path, opened: Ledger) -> None:
    made = planned(shop, home, Asked(canary=0.3, canary_hours=2), holdout=0.2)
    found = rows(opened)
    treated = [row for row in found if row["arm"] == "treated"]
    assert Counter(row["stage"] for row in treated) == {
        1: round(0.3 * len(treated)),
        2: len(treated) - round(0.3 * len(treated)),
    }
    assert {row["reason"] for row in treated if row["stage"] == 2} == {WAITS}
    assert all(row["stage"] for row in found if row["arm"] == "held_out")
    assert [(stage.stage, stage.kind, stage.hours) for stage in made.stages] == [(1, Kind.CANARY, 2)]
    before = {row["customer_id"]: row["stage"] for row in found}
    planned(shop, home, Asked(canary=0.3, canary_hours=2), holdout=0.2)
    assert {row["customer_id"]: row["stage"] for row in rows(opened)} == before


def test_a_first_share_is_like_all_in_country_and_tag(shop: Settings, home: Path, opened: Ledger) -> None:
    people = [
        customer(n, engagement_tag="cold" if n % 4 else "active_7d", **({"phone": f"+491701{n:06}"} if n % 2 else {}))
        for n in range(80)
    ]
    plan.plan(shop, "spring", audience(home, people), "sale", SALE, in_stages=Asked(canary=0.25))
    first = [int(row["customer_id"][1:]) for row in rows(opened) if row["stage"] == 1]
    assert len(first) == 20
    assert Counter((n % 2, n % 4 == 0) for n in first) == {(1, False): 10, (0, False): 5, (0, True): 5}


def test_who_are_too_few_for_stages_go_at_once(shop: Settings, home: Path, opened: Ledger) -> None:
    assert planned(shop, home, Asked(canary=0.5), customers=4).stages == ()
    assert states(opened) == {"planned": 4}
    assert opened.campaign("spring").open_stage is None


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (Asked(canary=1), "between 0 and 1"),
        (Asked(canary_hours=1), "needs --canary"),
        (Asked(winner_after_share=0.3), "texts to choose from"),
        (Asked(winner_by="reply"), "need --winner-after-share"),
        (Asked(winner_by="smile"), "reply, read, click, order"),
    ],
)
def test_stages_that_cannot_be_are_told_in_a_line(shop: Settings, home: Path, asked: Asked, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        planned(shop, home, asked)


def test_the_rest_waits_and_goes_when_the_canary_went_well(
    shop: Settings, home: Path, opened: Ledger, warehouse: DuckDBPyConnection
) -> None:
    planned(shop, home, Asked(canary=0.3, canary_hours=2))
    campaign = running(shop, opened)
    made = send(shop, opened)
    assert len(made) == 6
    assert send(shop, opened, NOW + HOUR) == []
    waits = claims.take_turn(opened, campaign, plan.rules_of(shop, campaign), lambda rows: {}, [], 10, NOW + HOUR)
    assert waits.next_due_in == 60
    tell(warehouse, made, "delivered")
    assert look(shop, opened, warehouse, NOW + 2 * HOUR - HOUR / 60) == []
    assert look(shop, opened, warehouse, NOW + 2 * HOUR) == ["spring"]
    assert look(shop, opened, warehouse, NOW + 2 * HOUR) == []
    assert len(send(shop, opened, NOW + 2 * HOUR)) == 14
    assert states(opened) == {"accepted": 20}
    (stage,) = judging.listed(opened, campaign)
    assert (stage.state, stage.outcome, stage.decided_by) == ("released", Came.WENT_WELL, "sender")
    assert "release" in {line["action"] for line in opened.audit_lines(campaign.campaign_id)}


def test_a_bad_canary_pauses_the_campaign_at_once_and_a_person_may_go_on(
    shop: Settings, home: Path, opened: Ledger, warehouse: DuckDBPyConnection
) -> None:
    planned(shop, home, Asked(canary=0.4, canary_hours=2))
    running(shop, opened)
    send(shop, opened, refused=6)
    assert look(shop, opened, warehouse, NOW) == ["spring"]
    campaign = opened.campaign("spring")
    assert campaign.status is CampaignState.PAUSED
    assert campaign.reason == "6 of the canary's 8 failed, which proves more than 10.0%"
    assert states(opened) == {"rejected": 6, "accepted": 2, "held": 12}
    resumed = runner._may_resume(shop, opened, campaign, "maria", NOW, retry_unknown=False, budget=None)
    assert resumed
    assert len(send(shop, opened, NOW)) == 12
    (stage,) = judging.listed(opened, campaign)
    assert (stage.state, stage.outcome, stage.decided_by) == ("released", Came.TOO_MANY_FAILED, "maria")


def test_a_pause_for_another_reason_releases_nothing(shop: Settings, home: Path, opened: Ledger) -> None:
    planned(shop, home, Asked(canary=0.4))
    running(shop, opened)
    send(shop, opened)
    runner.pause(shop, "spring", "maria")
    runner._may_resume(shop, opened, opened.campaign("spring"), "maria", NOW, retry_unknown=False, budget=None)
    assert send(shop, opened, NOW + HOUR) == []
    assert states(opened) == {"accepted": 8, "held": 12}


def test_nothing_is_decided_while_it_is_paused_and_a_cancelled_rest_never_goes(
    shop: Settings, home: Path, opened: Ledger, warehouse: DuckDBPyConnection
) -> None:
    planned(shop, home, Asked(canary=0.4))
    running(shop, opened)
    send(shop, opened, refused=8)
    runner.pause(shop, "spring", "maria")
    assert look(shop, opened, warehouse, NOW + 9 * HOUR) == []
    runner.cancel(shop, "spring", "maria")
    assert states(opened) == {"rejected": 8, "suppressed": 12}


@pytest.mark.parametrize(("says", "status"), [("hold", "paused"), ("go_on", "running")])
def test_where_too_little_is_known_the_setting_decides(home: Path, says: str, status: str) -> None:
    shop = set_up(home, REAL, first_share_customers="4", canary_unknown=says, quiet_until="21:00")
    planned(shop, home, Asked(canary=0.4, canary_hours=1))
    with ledger.opened(shop) as opened, closing(loader.connect(shop)) as warehouse:
        running(shop, opened)
        made = send(shop, opened)
        tell(warehouse, made[:3], "delivered")
        assert look(shop, opened, warehouse, NOW + HOUR) == ["spring"]
        campaign = opened.campaign("spring")
        assert campaign.status == status
        (stage,) = judging.listed(opened, campaign)
        assert stage.reason == "too little is known of the canary: 3 of 8 were delivered or failed so far"


def test_the_rest_gets_the_text_that_won_as_the_plan_froze_it(
    shop: Settings, home: Path, opened: Ledger, warehouse: DuckDBPyConnection
) -> None:
    planned(shop, home, TWO, 100, variants=TEXTS, holdout=0.2)
    campaign = running(shop, opened)
    made = send(shop, opened)
    of_b = {row["send_id"] for row in rows(opened) if row["variant"] == "b"}
    tell(warehouse, [each for each in made if each.send_id in of_b], "received")
    assert look(shop, opened, warehouse, NOW + HOUR / 30) == ["spring"]
    (stage,) = judging.listed(opened, campaign)
    assert (stage.outcome, stage.winner) == (Came.PROVEN, "b")
    rest = [row for row in rows(opened) if row["stage"] == 2]
    assert {row["variant"] for row in rest} == {"b"}
    for row in rest:
        name = f"Ana {row['customer_id'][1:]}"
        assert row["parameters"] == {"first_name": name, "code": "CODE"}
        assert row["text_length"] == len(f"Hi {name}, use CODE.")
        assert row["is_personalised"] is True
    later = send(shop, opened, NOW + HOUR)
    assert {each.message.content.name for each in later} == {"named"}  # type: ignore[union-attr]
    first = Counter(row["variant"] for row in rows(opened) if row["stage"] == 1)
    assert min(first["a"], first["b"]) > 0


@pytest.mark.parametrize(("says", "outcome", "winner"), [("best", Came.BEST_SO_FAR, "b"), ("drawn", Came.EQUAL, None)])
def test_without_proof_the_rest_gets_what_the_setting_says_and_is_told_so(
    home: Path, says: str, outcome: Came, winner: str | None
) -> None:
    shop = set_up(home, REAL, winner_unproven=says)
    begun = np.arange(50.0)
    known = Known(0, 100, 100, 0, 0, 0, NOW, {"a": Arm(begun, begun[:3] + 60), "b": Arm(begun, begun[:5] + 60)})
    stage = Stage(1, Kind.WINNER, 0.3, 2, By.REPLY)
    assert judging.judge(shop, stage, known, NOW - HOUR) is None
    verdict = judging.judge(shop, stage, known, NOW)
    assert verdict
    assert (verdict.outcome, verdict.winner, verdict.goes_on) == (outcome, winner, True)
    assert "no text is proven" in verdict.reason


def test_canary_and_winner_follow_each_other(
    shop: Settings, home: Path, opened: Ledger, warehouse: DuckDBPyConnection
) -> None:
    asked = Asked(canary=0.2, canary_hours=1, winner_after_share=0.5, winner_hours=1)
    planned(shop, home, asked, variants=TEXTS)
    running(shop, opened)
    tell(warehouse, send(shop, opened), "delivered")
    assert look(shop, opened, warehouse, NOW + HOUR) == ["spring"]
    assert len(send(shop, opened, NOW + HOUR)) == 6
    assert states(opened) == {"accepted": 10, "held": 10}
    assert look(shop, opened, warehouse, NOW + HOUR) == []
    assert look(shop, opened, warehouse, NOW + 2 * HOUR) == ["spring"]
    assert len(send(shop, opened, NOW + 2 * HOUR)) == 10


def test_the_simulation_counts_the_wait_of_both_stages(home: Path) -> None:
    shop = set_up(home, REAL, first_share_customers="4", pace_per_minute="2", quiet_until="21:00")
    asked = Asked(canary=0.2, canary_hours=1, winner_after_share=0.5, winner_hours=3)
    planned(shop, home, asked, variants=TEXTS)
    made = simulation.simulate(shop, "spring", "tester")
    assert [(wave.kind, wave.customers) for wave in made.waves] == [("canary", 4), ("winner", 6), ("rest", 10)]
    assert [wave.left_after for wave in made.waves] == [2, 2 + 60 + 3, 2 + 60 + 3 + 180 + 5]
    assert [wave.decided_after for wave in made.waves] == [62, 245, None]
    assert made.finishes_at - made.begins_at == timedelta(minutes=250)
    assert made.reachable == 20
    with ledger.opened(shop) as opened:
        assert simulation.kept(shop, opened.campaign("spring")) == made


def test_a_killed_sender_loses_neither_the_draw_nor_the_decision(
    shop: Settings, home: Path, opened: Ledger, warehouse: DuckDBPyConnection
) -> None:
    planned(shop, home, Asked(canary=0.4, canary_hours=1))
    campaign = running(shop, opened)
    turn = partial(claims.take_turn, opened, campaign, plan.rules_of(shop, campaign), lambda rows: {})
    made = list(turn([], 100, NOW).claims)
    claims.abandon(opened, campaign, NOW)
    tell(warehouse, made, "delivered")
    assert send(shop, opened, NOW + HOUR) == []
    assert look(shop, opened, warehouse, NOW + HOUR) == ["spring"]
    assert len(send(shop, opened, NOW + HOUR)) == 12
    assert states(opened) == {"unknown": 8, "accepted": 12}


def test_who_said_stop_counts_against_the_canary_and_not_for_a_text(
    shop: Settings, home: Path, opened: Ledger, warehouse: DuckDBPyConnection
) -> None:
    planned(shop, home, TWO, variants=TEXTS)
    campaign = running(shop, opened)
    made = send(shop, opened)
    tell(warehouse, made[:2], "received")
    opened.state_consent("opted_out", NOW + HOUR, "webhook 1", phone=made[0].message.phone)
    known = judging.knowledge(opened, warehouse, campaign, judging.listed(opened, campaign)[0])
    assert known.opted_out == 1
    assert sum(len(arm.hits) for arm in known.arms.values()) == 1


def test_the_states_of_held_sends_are_in_the_ledgers_own_words(shop: Settings, home: Path, opened: Ledger) -> None:
    planned(shop, home, Asked(canary=0.3))
    assert {SendState(row["state"]) for row in rows(opened)} == {SendState.PLANNED, SendState.HELD}
