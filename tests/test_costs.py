"""What plans cost, by numbers checked by hand, and the cheapest of any plans at any volume."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from wabench.costs import Cheapest, Plan, cheapest_from

TWILIO = Plan("twilio", price=Decimal("0.005"))
MESSAGEBIRD = Plan("messagebird", Decimal(50), 1_000, Decimal("0.0045"))
ZENVIA = Plan("zenvia", Decimal(30), 500, Decimal("0.006"))
BOOK = (ZENVIA, MESSAGEBIRD, TWILIO)

amounts = st.decimals(0, 200, places=2)
prices = st.decimals(0, "0.05", places=4)
plans = st.lists(
    st.builds(Plan, st.text("abc", min_size=1, max_size=2), amounts, st.integers(0, 3_000), prices, prices),
    min_size=1,
    max_size=5,
    unique_by=lambda plan: plan.name,
)


def test_a_plan_costs_its_fee_and_what_the_quota_does_not_pay_for() -> None:
    assert [plan.cost(800) for plan in BOOK] == [Decimal("31.8"), Decimal(50), Decimal(4)]
    assert [plan.cost(20_000) for plan in BOOK] == [Decimal(147), Decimal("135.5"), Decimal(100)]


def test_the_message_after_the_quota_is_the_first_to_be_charged() -> None:
    assert MESSAGEBIRD.cost(1_000) == 50
    assert MESSAGEBIRD.cost(1_001) == Decimal("50.0045")


def test_messagebird_is_cheapest_from_91_000_and_zenvia_never() -> None:
    assert TWILIO.cost(91_000) == MESSAGEBIRD.cost(91_000) == 455
    assert cheapest_from(BOOK) == (Cheapest(0, "twilio"), Cheapest(91_000, "messagebird"))


def test_metas_fees_on_top_of_all_change_no_volume() -> None:
    fee = Decimal("0.0137")
    with_fees = [Plan(p.name, p.monthly_fee, p.free_quota, p.price, fee) for p in BOOK]
    assert cheapest_from(with_fees) == cheapest_from(BOOK)


def test_a_plan_without_a_fee_of_its_own_is_cheapest_at_any_volume() -> None:
    assert cheapest_from([*BOOK, Plan("meta")]) == (Cheapest(0, "meta"),)
    assert cheapest_from([]) == ()


@given(plans, st.lists(st.integers(0, 200_000), max_size=20))
def test_at_every_volume_the_named_plan_is_as_cheap_as_any(given_plans: list[Plan], volumes: list[int]) -> None:
    turns = cheapest_from(given_plans)
    by_name = {plan.name: plan for plan in given_plans}
    assert turns[0].messages == 0
    for volume in {*volumes, *(turn.messages for turn in turns), *(max(0, turn.messages - 1) for turn in turns)}:
        named = [turn.plan for turn in turns if turn.messages <= volume][-1]
        assert by_name[named].cost(volume) == min(plan.cost(volume) for plan in given_plans)
