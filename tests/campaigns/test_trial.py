"""A test send: the real texts to the numbers that were named, and to nobody else."""

import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from campaign_shop import audience, customer, set_up

from wabench.campaigns import ledger, plan, trial
from wabench.campaigns.trial import Tried
from wabench.campaigns.variants import Wanted
from wabench.errors import Refused, UsageError, WabenchError
from wabench.settings import Settings

STAFF = "+5511970000001"
TAKEN = {"messages": [{"id": "wamid.1"}], "contacts": [{"wa_id": "5511970000001"}]}


@pytest.fixture
def shop(home: Path) -> Settings:
    settings = set_up(home)
    people = audience(home, [customer(n) for n in range(20)])
    wanted = (Wanted("a", "sale"), Wanted("b", "named"))
    params = ["1=name", "2=literal:SALE", "first_name=name", "code=literal:CODE"]
    plan.plan(settings, "spring", people, "", params, variants=wanted)
    return settings


class Provider:
    """What the provider was asked, and how it answers."""

    def __init__(self, status: int = 200, **answer: object) -> None:
        self.asked: list[dict[str, object]] = []
        self._status, self._answer = status, answer or TAKEN
        self.transport = httpx.MockTransport(self._answered)

    def _answered(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(json.loads(request.content))
        return httpx.Response(self._status, json=self._answer)


def lines(shop: Settings) -> list[tuple[str, str, str]]:
    with ledger.opened(shop) as opened:
        found = opened.audit_lines(opened.campaign("spring").campaign_id)
    return [(line["actor"], line["action"], line["detail"]) for line in found][1:]


def test_each_text_goes_to_each_number_once_and_the_audit_has_it_masked(shop: Settings) -> None:
    provider = Provider()
    tried = trial.send(shop, "spring", [STAFF, "+55 11 97000-0001"], "maria", transport=provider.transport)
    assert tried == [Tried(STAFF, "a", None), Tried(STAFF, "b", None)]
    assert {asked["to"] for asked in provider.asked} == {STAFF}
    assert {asked["template"]["name"] for asked in provider.asked} == {"sale", "named"}  # type: ignore[index]
    assert lines(shop) == [
        ("maria", "test send", "•••• 0001 a accepted"), ("maria", "test send", "•••• 0001 b accepted"),
    ]  # fmt: skip
    assert {tally.sends for tally in _tally(shop)} == {20}


def _tally(shop: Settings) -> list[ledger.Tally]:
    with ledger.opened(shop) as opened:
        return opened.tally(opened.campaign("spring").campaign_id)


def test_what_the_provider_refuses_is_told(shop: Settings) -> None:
    provider = Provider(400, error={"code": 131026, "message": "Message undeliverable"})
    [first, _] = trial.send(shop, "spring", [STAFF], "maria", transport=provider.transport)
    assert first.problem is not None
    assert first.problem.startswith("131026")


def test_who_opted_out_is_not_written_to_even_so(shop: Settings) -> None:
    with ledger.opened(shop) as opened:
        opened.state_consent("opted_out", datetime.now(UTC), "test", phone=STAFF)
    provider = Provider()
    with pytest.raises(Refused, match="0001 opted out"):
        trial.send(shop, "spring", [STAFF], "maria", transport=provider.transport)
    assert provider.asked == []


@pytest.mark.parametrize("phones", [[], ["nobody"], [f"+551197000{n:04}" for n in range(11)]])
def test_what_is_no_number_or_too_many_is_refused(shop: Settings, phones: list[str]) -> None:
    with pytest.raises(UsageError):
        trial.send(shop, "spring", phones, "maria", transport=Provider().transport)


def test_a_real_provider_needs_live(home: Path) -> None:
    real = set_up(home, "https://graph.facebook.com/v26.0")
    plan.plan(real, "spring", audience(home, [customer(1)]), "sale", ["1=name", "2=literal:SALE"])
    provider = Provider()
    with pytest.raises(Refused, match="--live"):
        trial.send(real, "spring", [STAFF], "maria", transport=provider.transport)
    assert trial.send(real, "spring", [STAFF], "maria", live=True, transport=provider.transport)[0].problem is None


def test_a_provider_that_can_not_be_reached_is_told_in_one_line(shop: Settings) -> None:
    with pytest.raises(WabenchError, match="nothing was sent"):
        trial.send(shop, "spring", [STAFF], "maria")  # nobody listens there
