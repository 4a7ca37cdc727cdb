"""Planning: who is in, who is not and why, and what may be replaced."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import published_shop
import pytest
from campaign_shop import approved, audience, customer, set_up

from wabench.campaigns import ledger, plan, runner, snapshot
from wabench.campaigns.ledger import Ledger
from wabench.campaigns.schema import CampaignState
from wabench.errors import Refused, UsageError
from wabench.settings import Settings

SALE = ["1=name", "2=literal:SALE"]


@pytest.fixture
def shop(home: Path) -> Settings:
    return set_up(home)


def reasons(planned: plan.Plan) -> dict[str, int]:
    return {t.reason or str(t.state): t.sends for t in planned.tally}


def test_every_customer_is_a_row_with_a_reason_where_a_rule_forbids_it(shop: Settings, home: Path) -> None:
    customers = [
        customer(1),
        customer(2, consent="unknown"),
        customer(3, consent="opted_out"),
        customer(4, phone=""),
        customer(5, name=""),
        customer(6, phone="+5511980000001"),
        customer(1, name="the same line twice"),
    ]
    planned = plan.plan(shop, "spring", audience(home, customers), "sale", SALE)
    assert reasons(planned) == {
        "planned": 1,
        "no consent": 1,
        "opted out": 1,
        "no way to reach": 1,
        "variables missing or empty": 1,
        "already in this campaign": 1,
    }
    assert planned.sample == "Hi Ana 1, use SALE until Sunday."


def test_the_plan_keeps_what_can_be_told_of_the_texts_and_the_warehouse_gets_no_more(
    shop: Settings, home: Path
) -> None:
    segment = audience(home, [customer(1), customer(22), customer(3, name="")])
    plan.plan(shop, "spring", segment, "sale", SALE)
    plan.plan(shop, "parcels", segment, "parcel")
    tables = snapshot.copy(shop)
    assert sorted(tables["campaigns"]["template_body"].to_pylist()) == [
        "Hi {{1}}, use SALE until Sunday.",
        "Your parcel is on its way.",
    ]
    columns = ("customer_id", "text_length", "is_personalised")
    texts = sorted(tuple(row[column] for column in columns) for row in tables["sends"].to_pylist())
    assert texts == [
        ("c1", 26, False),
        ("c1", len("Hi Ana 1, use SALE until Sunday."), True),
        ("c22", 26, False),
        ("c22", len("Hi Ana 22, use SALE until Sunday."), True),
        ("c3", 26, False),
        ("c3", len("Hi , use SALE until Sunday."), False),
    ]
    assert "parameters" not in tables["sends"].column_names


def test_two_customers_with_one_user_id_are_written_to_once(shop: Settings, home: Path) -> None:
    customers = [customer(1, user_id="BR.1"), customer(2, phone="", user_id="BR.1")]
    assert reasons(plan.plan(shop, "spring", audience(home, customers), "sale", SALE))["planned"] == 1


def test_implied_consent_writes_to_who_never_said_no(home: Path) -> None:
    shop = set_up(home, consent="implied")
    segment = audience(home, [customer(1, consent=""), customer(2, consent="opted_out")])
    assert reasons(plan.plan(shop, "spring", segment, "sale", SALE)) == {"planned": 1, "opted out": 1}


def test_a_saved_segment_is_planned_with_its_published_columns(shop: Settings, home: Path) -> None:
    published_shop.publish_shop(home, "20261122T120000Z", [published_shop.customer(n) for n in range(40)])
    home.joinpath("segments").mkdir()
    rule = "name: buyers\nwhere: {field: orders, '>=': 1}\n"
    home.joinpath("segments/buyers.yml").write_text(rule, encoding="utf-8")
    planned = plan.plan(shop, "spring", "buyers", "named", ["first_name=name", "code=net_revenue"])
    assert sum(reasons(planned).values()) == 32
    assert planned.campaign.audience_version == "20261122T120000Z"


def test_what_an_export_put_before_a_formula_is_taken_off_again(shop: Settings, home: Path) -> None:
    segment = audience(home, [customer(1, name="'=Ana")])
    assert plan.plan(shop, "spring", segment, "sale", SALE).sample == "Hi =Ana, use SALE until Sunday."


def test_masked_phones_are_refused(shop: Settings, home: Path) -> None:
    with pytest.raises(UsageError, match="masked"):
        plan.plan(shop, "spring", audience(home, [customer(1, phone="•••• 0001")]), "sale", SALE)


def test_a_plan_that_is_not_approved_is_replaced_and_has_to_be_tested_again(shop: Settings, home: Path) -> None:
    plan.plan(shop, "spring", audience(home, [customer(1), customer(2)]), "sale", SALE)
    runner.test(shop, "spring", "tester")
    planned = plan.plan(shop, "spring", audience(home, [customer(3)]), "sale", SALE)
    assert reasons(planned) == {"planned": 1}
    assert planned.campaign.status is CampaignState.PLANNED


@pytest.mark.parametrize("state", [CampaignState.RUNNING, CampaignState.CANCELLED, None])
def test_a_name_that_was_approved_is_taken(shop: Settings, home: Path, state: CampaignState | None) -> None:
    segment = audience(home, [customer(1)])
    approved(shop, "spring", segment)
    with ledger.opened(shop) as opened:
        before = _moved(opened, state)
        with pytest.raises(Refused, match="can't become planned"):
            plan.plan(shop, "spring", audience(home, [customer(2), customer(3)], "other"), "sale", SALE)
        assert opened.tally(opened.campaign("spring").campaign_id) == before


def _moved(opened: Ledger, state: CampaignState | None) -> list[ledger.Tally]:
    campaign_id = opened.campaign("spring").campaign_id
    if state:
        opened.move(campaign_id, state, "tester", datetime.now(UTC))
    return opened.tally(campaign_id)


def test_who_had_a_promotion_lately_is_counted_but_stays_planned(shop: Settings, home: Path) -> None:
    segment = audience(home, [customer(1), customer(2)])
    approved(shop, "spring", audience(home, [customer(1)], "one"))
    now = datetime.now(UTC)
    with ledger.opened(shop) as opened, opened.writing() as connection:
        connection.exec_driver_sql("update sends set state = 'accepted', claimed_at = ?", (f"{now:%Y-%m-%d %H:%M:%S}",))
    planned = plan.plan(shop, "autumn", segment, "sale", SALE)
    assert (reasons(planned), planned.capped_now) == ({"planned": 2}, 1)
    assert plan.plan(shop, "autumn", segment, "sale", SALE, now=now + timedelta(hours=24)).capped_now == 0
    assert plan.plan(shop, "parcel", segment, "parcel").capped_now == 0


def test_a_template_that_is_not_approved_is_refused(shop: Settings, home: Path) -> None:
    with pytest.raises(Refused, match="pending"):
        plan.plan(shop, "spring", audience(home, [customer(1)]), "pending")


def test_unknown_names_are_told_with_the_nearest(shop: Settings, home: Path) -> None:
    segment = audience(home, [customer(1)])
    with pytest.raises(UsageError, match="did you mean 'sale'"):
        plan.plan(shop, "spring", segment, "sales", SALE)
    plan.plan(shop, "spring", segment, "sale", SALE)
    with ledger.opened(shop) as opened, pytest.raises(UsageError, match="did you mean 'spring'"):
        opened.campaign("sprin")
    with pytest.raises(UsageError, match=r"providers\.twilio"):
        plan.plan(shop, "spring", segment, "sale", SALE, provider="twilio")
    with pytest.raises(UsageError, match="No such file"):
        plan.plan(shop, "spring", str(home / "none.csv"), "sale", SALE)


def test_a_row_without_a_customer_id_is_named(shop: Settings, home: Path) -> None:
    rows = audience(home, [customer(1), customer(2, customer_id="")])
    with pytest.raises(UsageError, match="row 3 has no customer_id"):
        plan.plan(shop, "spring", rows, "sale", SALE)
