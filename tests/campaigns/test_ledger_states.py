"""The ledger against a model, driven in any order: plan, run, pause, resume, kill, webhook."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from campaign_shop import audience, customer, set_up
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, precondition, rule
from sqlalchemy import select

from wabench.campaigns import claims, ledger, plan, reconcile
from wabench.campaigns.claims import Claim, Outcome
from wabench.campaigns.moves import move_campaign, move_sends
from wabench.campaigns.policy import Rules
from wabench.campaigns.reconcile import StatusSeen
from wabench.campaigns.schema import CAMPAIGN_MOVES, SEND_MOVES, CampaignState, SendState, campaigns, sends
from wabench.errors import Refused
from wabench.providers.base import Accepted, Failed
from wabench.providers.errors import ErrorFamily

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CUSTOMERS = 6
RULES = Rules("marketing", "explicit", timedelta(hours=24), timedelta(seconds=6))
ANSWERS = {
    "accepted": (Accepted("wamid.1"), SendState.ACCEPTED),
    "throttled": (Failed(ErrorFamily.RETRY, "130429", ""), SendState.PLANNED),
    "lost": (Failed(ErrorFamily.MAYBE_SENT, "ReadTimeout", ""), SendState.UNKNOWN),
    "refused": (Failed(ErrorFamily.NEVER, "131026", ""), SendState.REJECTED),
    "no token": (Failed(ErrorFamily.STOP_ACCOUNT, "190", ""), SendState.REJECTED),
    "never called": (None, SendState.PLANNED),
}


class LedgerMachine(RuleBasedStateMachine):
    """Keeps beside the ledger what it ought to hold: the campaign's state, each send's, and the calls made for it."""

    flying = Bundle("flying")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        home = Path(self.folder.name)
        self.settings = set_up(home)
        self.segment = audience(home, [customer(number) for number in range(CUSTOMERS)])
        self.stack = ledger.opened(self.settings)
        self.ledger = self.stack.__enter__()
        self.now = START
        self.status: CampaignState | None = None
        self.states: dict[str, SendState] = {}
        self.calls: dict[str, int] = {}
        self.generation = 0
        self.plan()

    def teardown(self) -> None:
        self.stack.__exit__(None, None, None)
        self.folder.cleanup()

    @rule()
    def plan(self) -> None:
        try:
            planned = plan.plan(self.settings, "spring", self.segment, "sale", ["1=name", "2=literal:A"], now=self.now)
        except Refused:
            assert self.status not in (None, CampaignState.PLANNED, CampaignState.TESTED)
            return
        assert self.status in (None, CampaignState.PLANNED, CampaignState.TESTED)
        self.status, self.campaign = CampaignState.PLANNED, planned.campaign
        ids = [ledger.send_id(planned.campaign.campaign_id, f"c{number}") for number in range(CUSTOMERS)]
        self.states = dict.fromkeys(ids, SendState.PLANNED)

    @rule(to=st.sampled_from(sorted(CampaignState)))
    def move(self, to: CampaignState) -> None:
        if to in (CampaignState.DRAFT, CampaignState.PLANNED):
            return
        allowed = to in CAMPAIGN_MOVES[self.status or CampaignState.DRAFT]
        try:
            self.ledger.move(self.campaign.campaign_id, to, "tester", self.now)
        except Refused:
            assert not allowed
            return
        assert allowed
        self.status = to
        if to is CampaignState.CANCELLED:
            self._drop_rest()

    @rule(target=flying, want=st.integers(1, 4))
    def claim(self, want: int) -> object:
        turn = self._turn([], want)
        assert turn.status is self.status
        assert bool(turn.claims) <= (self.status is CampaignState.RUNNING)
        for claim in turn.claims:
            assert self.states[claim.send_id] is SendState.PLANNED
            self.states[claim.send_id] = SendState.CLAIMED
            self.calls[claim.send_id] = self.calls.get(claim.send_id, 0) + 1
        return multiple(*((self.generation, claim) for claim in turn.claims))

    @rule(flown=flying, answer=st.sampled_from(sorted(ANSWERS)))
    def answer(self, flown: tuple[int, Claim], answer: str) -> None:
        generation, claim = flown
        if generation != self.generation:  # its process is dead
            return
        result, state = ANSWERS[answer]
        self._turn([Outcome(claim, result)], 0)
        tells = self.states[claim.send_id] is SendState.UNKNOWN and state in (SendState.ACCEPTED, SendState.REJECTED)
        if self.states[claim.send_id] is not SendState.CLAIMED and not tells:  # a late answer changes nothing
            if answer == "no token" and self.status is CampaignState.RUNNING:
                self.status = CampaignState.PAUSED
            return
        self.states[claim.send_id] = state
        if state is SendState.PLANNED and self.status is CampaignState.CANCELLED:
            self.states[claim.send_id] = SendState.SUPPRESSED
        if answer == "no token" and self.status is CampaignState.RUNNING:
            self.status = CampaignState.PAUSED
        if result is None:
            self.calls[claim.send_id] -= 1

    @rule()
    def kill(self) -> None:
        self.generation += 1
        claimed = [send_id for send_id, state in self.states.items() if state is SendState.CLAIMED]
        assert claims.abandon(self.ledger, self.campaign, self.now) == len(claimed)
        self.states |= dict.fromkeys(claimed, SendState.UNKNOWN)

    @rule(number=st.integers(0, CUSTOMERS - 1), status=st.sampled_from(["sent", "read", "failed", "clicked"]))
    def webhook(self, number: int, status: str) -> None:
        send_id = sorted(self.states)[number]
        seen = StatusSeen(claims.CALLBACK_PREFIX + send_id, status, "wamid.2")
        moves = self.states[send_id] is SendState.UNKNOWN and status != "clicked"
        assert reconcile.settle(self.settings, [seen, seen]) == moves
        if moves:
            self.states[send_id] = SendState.REJECTED if status == "failed" else SendState.ACCEPTED

    @precondition(lambda self: self.status is CampaignState.RUNNING)
    @rule()
    def retry_unknown(self) -> None:
        unknown = [send_id for send_id, state in self.states.items() if state is SendState.UNKNOWN]
        retried = self.ledger.retry_unknown(self.campaign.campaign_id, self.now, "tester", self.now)
        assert retried == len(unknown)
        self.states |= dict.fromkeys(unknown, SendState.PLANNED)

    @rule(number=st.integers(0, CUSTOMERS - 1), to=st.sampled_from(sorted(SendState)))
    def illegal_moves_find_no_row(self, number: int, to: SendState) -> None:
        send_id = sorted(self.states)[number]
        if to not in SEND_MOVES[self.states[send_id]]:
            with self.ledger.writing() as connection:
                assert move_sends(connection, to, sends.c.send_id == send_id) == 0
        with self.ledger.writing() as connection:
            assert not move_campaign(connection, self.campaign.campaign_id, CampaignState.DRAFT)

    @rule(minutes=st.integers(1, 30))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @invariant()
    def the_ledger_holds_what_the_model_does(self) -> None:
        with self.ledger.reading() as connection:
            found = {row.send_id: SendState(row.state) for row in connection.execute(select(sends))}
            status = connection.scalars(select(campaigns.c.status)).one()
        assert found == self.states
        assert status == self.status

    @invariant()
    def every_attempt_is_counted(self) -> None:
        with self.ledger.reading() as connection:
            attempts = {row.send_id: row.attempts for row in connection.execute(select(sends))}
        assert all(attempts[send_id] == self.calls.get(send_id, 0) for send_id in attempts)

    def _turn(self, outcomes: list[Outcome], want: int) -> claims.Turn:
        return claims.take_turn(self.ledger, self.campaign, RULES, lambda rows: {}, outcomes, want, self.now)

    def _drop_rest(self) -> None:
        rest = [send_id for send_id, state in self.states.items() if state is SendState.PLANNED]
        self.states |= dict.fromkeys(rest, SendState.SUPPRESSED)


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
