"""The scenarios of the suite, and what each comes to by the pure drawing of fates alone: no provider is asked."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dialects import OWN_OPT_OUT, Dialect

from wabench.sandbox.base import Failure
from wabench.sandbox.fate import Answered, Fate, decide
from wabench.sandbox.scenario import Scenario

SEED = 5
TEMPLATE = "sale"
FUNNEL = ("planned", "suppressed", "unknown", "accepted", "rejected", "failed", "delivered", "read", "replied",
          "opted_out")  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One scenario. `is_paused`: the campaign pauses itself, and is resumed when the reason is gone.

    `is_token_new`: the resume has another token. `is_retried`: a person has sent again what stayed unknown. `again`: a
    second campaign goes to the same people. `hidden_ids` of them are known by a business-scoped id alone.
    """

    name: str
    tables: Mapping[str, Any] = field(default_factory=dict)
    people: int = 12
    hidden_ids: int = 0
    is_paused: bool = False
    is_token_new: bool = False
    is_retried: bool = False
    again: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return CASES.index(self)

    def scenario(self, resumed: bool = False) -> Scenario:
        """Give its scenario; that of the resume is without what made the campaign pause, and without errors."""
        tables = {"seed": SEED, **self.tables}
        if resumed:
            kept = {key: value for key, value in tables.items() if key not in ("limits", "token", "templates")}
            tables = {**kept, "shares": {**tables.get("shares", {}), "server_error": 0}}
        return Scenario.model_validate(tables)

    def customers(self) -> Iterator[dict[str, str]]:
        """Make its people, whom no other scenario writes to."""
        for number in range(self.people):
            serial = f"{self.number:02}{number:05}"
            known = {"user_id": f"BR.1{serial}"} if number < self.hidden_ids else {"phone": f"+551198{serial}"}
            given = {"customer_id": f"c{serial}", "name": f"Ana {number}", "phone": "", "user_id": "", **known}
            yield given | {"consent": "opted_in", "consent_at": "2026-01-01T00:00:00Z"}


_SOME = {"read": 0.6, "reply": 0.3}
CASES = (
    Case("calm", {"shares": {**_SOME, "reorder": 0}}),
    Case("throttled", {"limits": {"messages_per_second": 7}}),
    Case("answers lost after accepting", {"shares": {"timeout": 0.3}}),
    Case("server errors", {"shares": {"server_error": 0.4}}),
    Case("webhooks twice, out of order and late", {
        "shares": {**_SOME, "duplicate": 0.5, "reorder": 1, "late": 0.5}, "late_seconds": 0.7,
    }),
    Case("phones hidden behind user names", {"shares": {**_SOME, "user_id": 0.6}}),
    Case("token revoked", {"token": {"revoked_after_calls": 5}}, is_paused=True, is_token_new=True),
    Case("tier used up", {"limits": {"people_per_day": 5}}, is_paused=True, settings={"give_up_seconds": "0.2"}),
    Case("template paused", {"templates": {"paused_after_messages": 5}}, is_paused=True),
    Case("marketing limit of people", {"failures": {"marketing_limit": 0.4}}),
    Case("failures and opt-outs", {
        "failures": {"undeliverable": 0.2, "opted_out": 0.2}, "shares": {"opt_out": 0.3, "reply": 0.2},
    }, people=16, again=True),
    Case("known by user id alone", {"shares": _SOME}, hidden_ids=6),
    Case("server errors, then a person decides", {"shares": {"server_error": 0.4}}, is_retried=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Story:
    """What became of one customer, in words of no provider: in the ledger, of the message, of the person's consent."""

    state: str
    reason: str | None
    statuses: frozenset[str]
    error_family: str | None
    is_answered: bool
    consent: str


def expected(case: Case, dialect: Dialect) -> dict[str, Story]:
    """Tell each customer's story by the drawing alone."""
    return {person["customer_id"]: _story(case, dialect, person) for person in case.customers()}


def _story(case: Case, dialect: Dialect, person: Mapping[str, str]) -> Story:
    if not person["phone"] and not dialect.can.user_id_recipients:
        return Story("suppressed", "no way to reach", frozenset(), None, False, "unknown")
    fate = _fate(case, person["phone"] or person["user_id"])
    told, consent = fate.values, "opted_in" if person["phone"] else "unknown"
    stopped = "opt_out" in told or (fate.is_taken and fate.failure is Failure.OPTED_OUT)
    is_known = fate.answered is Answered.WELL or bool(told)
    return Story(
        state="accepted" if is_known else "unknown",
        reason=None,
        statuses=frozenset(told - {"reply", "opt_out"}),
        error_family="never" if "failed" in told else None,
        is_answered=_is_answered(told, dialect),
        consent="opted_out" if stopped else consent,
    )


def _fate(case: Case, recipient: str) -> Fate:
    """Draw what became of a person; who was not written to for an error is so by the retry, where there is one."""
    first = decide(case.scenario(), recipient, TEMPLATE, 1)
    return first if first.is_taken or not case.is_retried else decide(case.scenario(True), recipient, TEMPLATE, 1)


def _is_answered(told: frozenset[str], dialect: Dialect) -> bool:
    return "reply" in told or ("opt_out" in told and dialect.name not in OWN_OPT_OUT)


def funnel(stories: Mapping[str, Story]) -> dict[str, int]:
    """Count what `fct_campaigns` should say."""
    states = Counter(story.state for story in stories.values())
    told = Counter(status for story in stories.values() for status in story.statuses)
    return {
        "planned": len(stories),
        **{state: states[state] for state in ("suppressed", "unknown", "accepted", "rejected")},
        **{status: told[status] for status in ("failed", "delivered", "read")},
        "replied": sum(story.is_answered for story in stories.values()),
        "opted_out": sum(story.consent == "opted_out" and "delivered" in story.statuses for story in stories.values()),
    }


def second_reasons(case: Case, dialect: Dialect) -> dict[str, str]:
    """Tell why each is left out of a second campaign right after: who opted out for that, the others for the cap."""
    reasons = {True: "opted out", False: "promotional cap"}
    return {who: reasons[story.consent == "opted_out"] for who, story in expected(case, dialect).items()}
