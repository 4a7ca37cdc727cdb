"""Three campaigns over overlapping people, driven in any order with kills, STOPs and losses: what each may get."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from campaign_shop import approved, audience, customer, set_up
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule
from sqlalchemy import select

from wabench.campaigns import claims, ledger
from wabench.campaigns.claims import Claim, Outcome
from wabench.campaigns.policy import ATTEMPTS, CAP, Rules
from wabench.campaigns.schema import MAY_HAVE_REACHED, CampaignState, SendState, sends
from wabench.errors import Refused
from wabench.providers.base import Accepted, Failed
from wabench.providers.errors import ErrorFamily

START = datetime.now(UTC) + timedelta(days=1)
DAY, GAP = timedelta(hours=24), timedelta(seconds=6)
PEOPLE = {"spring": range(5), "autumn": range(2, 7), "parcel": range(1, 6)}
TEMPLATES = {"spring": "sale", "autumn": "sale", "parcel": "parcel"}
CATEGORIES = {"spring": "marketing", "autumn": "marketing", "parcel": "utility"}
ANSWERS = {
    "accepted": (Accepted("wamid.1"), SendState.ACCEPTED),
    "throttled": (Failed(ErrorFamily.RETRY, "130429", ""), SendState.PLANNED),
    "lost": (Failed(ErrorFamily.MAYBE_SENT, "ReadTimeout", ""), SendState.UNKNOWN),
    "refused": (Failed(ErrorFamily.NEVER, "131026", ""), SendState.REJECTED),
    "no token": (Failed(ErrorFamily.STOP_ACCOUNT, "190", ""), SendState.REJECTED),
    "never called": (None, SendState.PLANNED),
}
_OPEN = (SendState.PLANNED, SendState.HELD)
Key = tuple[str, int]
"""A campaign and a person's number."""


class PeopleMachine(RuleBasedStateMachine):
    """Keeps of each send where it stands and when it was claimed, and of each person what they last stated."""

    flying = Bundle("flying")
    names = st.sampled_from(sorted(PEOPLE))

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.settings = set_up(Path(self.folder.name))
        self.stack = ledger.opened(self.settings)
        self.ledger = self.stack.__enter__()
        self.now = START
        self.stopped: dict[int, tuple[datetime, bool]] = {}
        self.states: dict[Key, SendState] = {}
        self.claimed_at: dict[Key, datetime] = {}
        self.account_stopped: set[Key] = set()
        self.generations = dict.fromkeys(PEOPLE, 0)
        self.campaigns, self.keys = {}, {}
        for name, numbers in PEOPLE.items():
            people = audience(self.settings.home, [customer(number) for number in numbers], name)
            approved(self.settings, name, people, TEMPLATES[name])
            self.campaigns[name] = self.ledger.campaign(name)
            campaign_id = self.campaigns[name].campaign_id
            self.ledger.move(campaign_id, CampaignState.RUNNING, "tester", self.now)
            self.keys |= {ledger.send_id(campaign_id, f"c{number}"): (name, number) for number in numbers}
        self.states = dict.fromkeys(self.keys.values(), SendState.PLANNED)

    def teardown(self) -> None:
        self.stack.__exit__(None, None, None)
        self.folder.cleanup()

    @rule(target=flying, name=names, want=st.integers(1, 6))
    def claim(self, name: str, want: int) -> object:
        turn = self._turn(name, [], want)
        for claim in turn.claims:
            key = self.keys[claim.send_id]
            assert self.states[key] in _OPEN
            assert not self._is_stopped(key[1]), "written to after a STOP"
            assert not self._is_capped(key), "two promotions in a day"
            assert not self._is_too_soon(key), "two messages within six seconds"
            self.states[key], self.claimed_at[key] = SendState.CLAIMED, self.now
        return multiple(*((name, self.generations[name], claim) for claim in turn.claims))

    @rule(flown=flying, answer=st.sampled_from(sorted(ANSWERS)))
    def answer(self, flown: tuple[str, int, Claim], answer: str) -> None:
        name, generation, claim = flown
        if generation != self.generations[name]:  # its process is dead
            return
        key, (result, state) = self.keys[claim.send_id], ANSWERS[answer]
        if answer == "throttled" and claim.attempts >= ATTEMPTS:
            state = SendState.REJECTED
        tells = self.states[key] is SendState.UNKNOWN and state in (SendState.ACCEPTED, SendState.REJECTED)
        if self.states[key] is SendState.CLAIMED or tells:
            self.states[key] = state
            if answer == "no token":
                self.account_stopped.add(key)
        self._turn(name, [Outcome(claim, result)], 0)

    @rule(name=names)
    def kill(self, name: str) -> None:
        self.generations[name] += 1
        dead = [key for key, state in self.states.items() if key[0] == name and state is SendState.CLAIMED]
        assert claims.abandon(self.ledger, self.campaigns[name], self.now) == len(dead)
        self.states |= dict.fromkeys(dead, SendState.UNKNOWN)

    @rule(number=st.integers(0, 6), stops=st.booleans())
    def state(self, number: int, stops: bool) -> None:
        value = "opted_out" if stops else "opted_in"
        self.ledger.state_consent(value, self.now, "said", phone=customer(number)["phone"])
        self.stopped[number] = max(self.stopped.get(number, (self.now, stops)), (self.now, stops))

    @rule(name=names, to=st.sampled_from([CampaignState.PAUSED, CampaignState.FINISHED]))
    def halt(self, name: str, to: CampaignState) -> None:
        try:
            self.ledger.move(self.campaigns[name].campaign_id, to, "tester", self.now)
        except Refused:
            assert self._status(name) is not CampaignState.RUNNING

    @rule(name=names)
    def resume(self, name: str) -> None:
        """Go on as a person does: what stayed unknown is sent again, also what a stopped account turned away."""
        campaign_id = self.campaigns[name].campaign_id
        unknown = [key for key, state in self.states.items() if key[0] == name and state is SendState.UNKNOWN]
        assert self.ledger.retry_unknown(campaign_id, self.now, "tester", self.now) == len(unknown)
        if self._status(name) is not CampaignState.RUNNING:
            self.ledger.move(campaign_id, CampaignState.RUNNING, "tester", self.now)
        again = [key for key in self.account_stopped if key[0] == name]
        assert self.ledger.retry_stopped(campaign_id, "tester", self.now) == len(again)
        self.account_stopped -= set(again)
        self.states |= dict.fromkeys([*unknown, *again], SendState.PLANNED)

    @rule(passed=st.sampled_from([timedelta(seconds=1), GAP, timedelta(minutes=5), DAY - GAP, DAY]))
    def time_passes(self, passed: timedelta) -> None:
        self.now += passed

    @invariant()
    def the_ledger_holds_what_the_model_does_and_drops_nobody_without_cause(self) -> None:
        with self.ledger.reading() as connection:
            rows = list(connection.execute(select(sends)))
        assert {self.keys[row.send_id] for row in rows} == set(self.states)
        for row in rows:
            key, state = self.keys[row.send_id], SendState(row.state)
            if state is not self.states[key]:
                assert self.states[key] in _OPEN, (key, self.states[key], state)
                assert self._has_cause(key, state, row.reason), (key, state, row.reason)
                self.states[key] = state

    def _has_cause(self, key: Key, state: SendState, reason: str | None) -> bool:
        if state is SendState.SUPPRESSED:
            return self._is_stopped(key[1]) if reason == "opted out" else reason == CAP and self._is_capped(key)
        return state is SendState.PLANNED or self._is_too_soon(key)

    def _is_stopped(self, number: int) -> bool:
        return self.stopped.get(number, (self.now, False))[1]

    def _is_capped(self, key: Key) -> bool:
        name, number = key
        is_promotion = CATEGORIES[name] == "marketing"
        return is_promotion and any(
            at + DAY > self.now for other, at in self._reached(number) if CATEGORIES[other] == "marketing"
        )

    def _is_too_soon(self, key: Key) -> bool:
        return any(at + GAP > self.now for _, at in self._reached(key[1]))

    def _reached(self, number: int) -> list[tuple[str, datetime]]:
        reached = [key for key, state in self.states.items() if key[1] == number and state in MAY_HAVE_REACHED]
        return [(key[0], self.claimed_at[key]) for key in reached]

    def _status(self, name: str) -> CampaignState:
        return self.ledger.campaign(name).status

    def _turn(self, name: str, outcomes: list[Outcome], want: int) -> claims.Turn:
        rules = Rules(CATEGORIES[name], "explicit", DAY, GAP)
        return claims.take_turn(self.ledger, self.campaigns[name], rules, lambda rows: {}, outcomes, want, self.now)


TestPeople = PeopleMachine.TestCase
TestPeople.settings = settings(
    max_examples=12, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
