"""Campaigns at the workbench: who may do which step, in whose name it stands, and that two people look at each."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from campaign_shop import audience, customer, set_up

from wabench.acts import campaigns
from wabench.campaigns import ledger
from wabench.campaigns.schema import CampaignState
from wabench.errors import Refused
from wabench.roles import Actor, Role
from wabench.settings import Settings

SALE = ["1=name", "2=literal:SALE"]
NINA, MARK, ANDREW, ADA = (
    Actor(name, role)
    for name, role in (("nina", Role.ANALYST), ("mark", Role.MARKETER), ("andrew", Role.APPROVER), ("ada", Role.ADMIN))
)
Step = Callable[[Settings, Actor, str], Any]
STEPS: dict[str, tuple[Step, Role]] = {
    "simulate": (campaigns.simulate, Role.MARKETER),
    "test": (campaigns.test, Role.MARKETER),
    "approve": (campaigns.approve, Role.APPROVER),
    "run": (campaigns.run, Role.APPROVER),
    "resume": (campaigns.resume, Role.APPROVER),
    "pause": (campaigns.pause, Role.APPROVER),
}


@pytest.fixture
def shop(home: Path) -> Settings:
    return set_up(home)


def planned(shop: Settings, actor: Actor = MARK) -> None:
    campaigns.plan(shop, actor, "spring", audience(shop.home, [customer(1), customer(2)]), "sale", SALE)


def lines(shop: Settings) -> list[tuple[str, str]]:
    """Read what the whole audit says was done, by whom."""
    with ledger.opened(shop) as opened, opened.reading() as connection:
        rows = connection.exec_driver_sql("select actor, action from audit order by audit_id").all()
    return [(actor, action) for actor, action in rows]


def test_a_campaign_goes_through_the_hands_of_two_people_and_each_step_is_one_line(shop: Settings) -> None:
    planned(shop)
    campaigns.simulate(shop, MARK, "spring")
    assert campaigns.test(shop, MARK, "spring") == 2
    campaigns.approve(shop, ANDREW, "spring")
    campaigns.cancel(shop, ANDREW, "spring")
    assert lines(shop) == [
        ("mark", "plan"), ("mark", "simulate"), ("mark", "tested"), ("andrew", "approved"), ("andrew", "cancelled"),
    ]  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_refused_to_who_may_not_and_the_attempt_is_a_line(shop: Settings, step: str) -> None:
    planned(shop)
    take, least = STEPS[step]
    for actor in (NINA, MARK):
        if list(Role).index(actor.role) < list(Role).index(least):
            with pytest.raises(Refused, match=f"{actor.name} is {actor.role}"):
                take(shop, actor, "spring")
            assert lines(shop)[-1] == (actor.name, f"refused: {step}")


def test_an_analyst_plans_nothing(shop: Settings) -> None:
    with pytest.raises(Refused, match="may not plan"):
        planned(shop, NINA)
    assert lines(shop) == [("nina", "refused: plan")]


@pytest.mark.parametrize("planner", [ANDREW, ADA])
def test_who_planned_it_can_not_approve_it_where_people_sign_in(shop: Settings, planner: Actor) -> None:
    planned(shop, planner)
    campaigns.test(shop, planner, "spring")
    with pytest.raises(Refused, match=f"{planner.name} planned campaign 'spring'; somebody else"):
        campaigns.approve(shop, planner, "spring")
    assert lines(shop)[-1] == (planner.name, "refused: approve")
    other = ADA if planner is ANDREW else ANDREW
    campaigns.approve(shop, other, "spring")
    with ledger.opened(shop) as opened:
        assert opened.campaign("spring").approved_by == other.name


def test_one_person_alone_at_their_own_machine_approves_their_own_plan(shop: Settings) -> None:
    alone = Actor("root", Role.ADMIN, is_signed_in=False)
    planned(shop, alone)
    campaigns.test(shop, alone, "spring")
    campaigns.approve(shop, alone, "spring")
    with ledger.opened(shop) as opened:
        assert opened.campaign("spring").status is CampaignState.APPROVED


def test_who_plans_takes_back_a_plan_but_nothing_that_was_approved(shop: Settings) -> None:
    planned(shop)
    campaigns.test(shop, MARK, "spring")
    campaigns.approve(shop, ANDREW, "spring")
    with pytest.raises(Refused, match="mark is marketer"):
        campaigns.cancel(shop, MARK, "spring")
    campaigns.plan(shop, MARK, "autumn", audience(shop.home, [customer(3)]), "sale", SALE)
    campaigns.cancel(shop, MARK, "autumn")
    with ledger.opened(shop) as opened:
        assert opened.campaign("autumn").status is CampaignState.CANCELLED
