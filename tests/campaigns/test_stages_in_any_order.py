"""Stages against a model, driven in any order: claim, answer, kill, pause, go on, and decide either way."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from campaign_shop import audience, customer, set_up
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import select

from wabench.campaigns import claims, judging, ledger, plan, runner, stages
from wabench.campaigns.claims import Outcome
from wabench.campaigns.policy import Rules
from wabench.campaigns.schema import CampaignState, sends
from wabench.campaigns.stages import Outcome as Came
from wabench.campaigns.stages import StageState, Verdict
from wabench.campaigns.staging import Asked
from wabench.campaigns.variants import Wanted
from wabench.providers.base import Accepted

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
RULES = Rules("marketing", "explicit", timedelta(hours=24), timedelta(seconds=6))
PARAMS = ["1=name", "2=literal:SALE", "first_name=name", "code=literal:CODE"]
ASKED = Asked(canary=0.2, winner_after_share=0.5)


class StageMachine(RuleBasedStateMachine):
    """Keeps beside the ledger which stage is open, and who was claimed."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        home = Path(self.folder.name)
        self.shop = set_up(home, first_share_customers="2")
        segment = audience(home, [customer(number) for number in range(12)])
        texts = (Wanted("a", "sale"), Wanted("b", "named"))
        plan.plan(self.shop, "spring", segment, "", PARAMS, now=NOW, variants=texts, in_stages=ASKED)
        runner.test(self.shop, "spring", "tester")
        runner.approve(self.shop, "spring", "maria")
        self.stack = ledger.opened(self.shop)
        self.ledger = self.stack.__enter__()
        self.campaign = self.ledger.campaign("spring")
        self.ledger.move(self.campaign.campaign_id, CampaignState.RUNNING, "tester", NOW, started_at=NOW)
        self.drawn = {row.send_id: row.stage for row in self.rows()}
        self.open, self.is_running, self.is_stopped = 1, True, False
        self.claimed: list[str] = []
        self.winner: str | None = None

    def teardown(self) -> None:
        self.stack.__exit__(None, None, None)
        self.folder.cleanup()

    def rows(self) -> list[Any]:
        with self.ledger.reading() as connection:
            return list(connection.execute(select(sends)))

    @rule(want=st.integers(1, 5), answers=st.booleans())
    def claim(self, want: int, answers: bool) -> None:
        turn = claims.take_turn(self.ledger, self.campaign, RULES, lambda rows: {}, [], want, NOW)
        assert bool(turn.claims) <= self.is_running
        assert all(self.drawn[each.send_id] <= self.open for each in turn.claims)
        self.claimed += [each.send_id for each in turn.claims]
        if answers:
            done = [Outcome(each, Accepted(each.send_id)) for each in turn.claims]
            claims.take_turn(self.ledger, self.campaign, RULES, lambda rows: {}, done, 0, NOW)

    @rule()
    def kill(self) -> None:
        claims.abandon(self.ledger, self.campaign, NOW)

    @rule()
    def pause(self) -> None:
        if self.is_running:
            runner.pause(self.shop, "spring", "maria")
            self.is_running = False

    @rule()
    def go_on(self) -> None:
        if not self.is_running:
            found = self.ledger.campaign("spring")
            runner._may_resume(self.shop, self.ledger, found, "maria", NOW, retry_unknown=False, budget=None)
            self.open += self.is_stopped
            self.is_running, self.is_stopped = True, False

    @rule(goes_on=st.booleans(), winner=st.sampled_from(["a", "b", None]))
    def decide(self, goes_on: bool, winner: str | None) -> None:
        waiting = judging.waiting(self.ledger, self.ledger.campaign("spring"))
        if waiting is None:
            assert self.open == 3
            return
        named = winner if waiting.stage == 2 and goes_on else None
        verdict = Verdict(Came.WENT_WELL, goes_on, "said so", {}, named)
        with self.ledger.writing() as connection:
            has_decided = stages.decide(connection, self.campaign.campaign_id, waiting, verdict, "sender", NOW)
            assert not stages.decide(connection, self.campaign.campaign_id, waiting, verdict, "sender", NOW)
        assert has_decided == self.is_running
        if has_decided:
            self.open, self.is_running, self.is_stopped = self.open + goes_on, goes_on, not goes_on
            self.winner = named or self.winner

    @invariant()
    def nobody_is_claimed_twice_or_before_their_stage(self) -> None:
        assert len(self.claimed) == len(set(self.claimed))
        found = self.rows()
        assert {row.send_id: row.stage for row in found} == self.drawn
        assert all(row.stage <= self.open for row in found if row.attempts)
        assert all(row.state == "held" for row in found if row.stage > self.open)

    @invariant()
    def who_waited_for_the_winner_has_its_text(self) -> None:
        if self.winner:
            assert {row.variant for row in self.rows() if row.stage == 3} == {self.winner}

    @invariant()
    def the_ledger_says_what_is_open(self) -> None:
        found = self.ledger.campaign("spring")
        assert (found.open_stage or 3) == self.open
        assert (found.status is CampaignState.RUNNING) == self.is_running
        is_stopped = any(each.state is StageState.STOPPED for each in judging.listed(self.ledger, found))
        assert is_stopped == self.is_stopped


TestStages = StageMachine.TestCase
TestStages.settings = settings(
    max_examples=10, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
