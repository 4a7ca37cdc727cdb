"""The holdout of a plan: whom chance keeps back, that it stays so, and what it can show."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import duckdb
import published_shop
import pytest
from campaign_shop import audience, customer, set_up
from typer.testing import CliRunner

from wabench import published
from wabench.campaigns import ledger, plan, snapshot
from wabench.campaigns.holdout import Holdout
from wabench.cli import app
from wabench.settings import ROOT, Settings

SALE = ["1=name", "2=literal:SALE"]


@pytest.fixture
def shop(home: Path) -> Settings:
    return set_up(home)


def arms(settings: Settings, name: str = "spring") -> dict[str, tuple[str | None, str, str | None]]:
    """Give each customer's arm, state and reason."""
    with ledger.opened(settings) as opened, opened.reading() as connection:
        campaign_id = opened.campaign(name).campaign_id
        rows = connection.exec_driver_sql("select * from sends where campaign_id = ?", (campaign_id,)).mappings()
        return {row["customer_id"]: (row["arm"], row["state"], row["reason"]) for row in rows}


def test_chance_holds_out_about_the_share_and_the_ledger_says_so(shop: Settings, home: Path) -> None:
    segment = audience(home, [customer(n) for n in range(600)])
    planned = plan.plan(shop, "spring", segment, "sale", SALE, holdout=0.25)
    found = Counter(arms(shop).values())
    assert set(found) == {("treated", "planned", None), ("held_out", "suppressed", "holdout")}
    assert 110 <= found["held_out", "suppressed", "holdout"] <= 190
    assert planned.campaign.holdout_share == 0.25
    assert snapshot.copy(shop)["campaigns"].column("holdout_share").to_pylist() == [0.25]
    assert (
        Counter(snapshot.copy(shop)["sends"].column("arm").to_pylist())["treated"] == found["treated", "planned", None]
    )


def test_planning_again_holds_out_the_same_and_another_campaign_others(shop: Settings, home: Path) -> None:
    segment = audience(home, [customer(n) for n in range(200)])
    for name in ("spring", "autumn"):
        plan.plan(shop, name, segment, "sale", SALE, holdout=0.2)
    first = arms(shop)
    plan.plan(shop, "spring", segment, "sale", SALE, holdout=0.2)
    assert arms(shop) == first
    assert arms(shop, "autumn") != first
    plan.plan(shop, "spring", segment, "sale", SALE, holdout=0.4)
    more = arms(shop)
    assert all(more[who][0] == "held_out" for who, (arm, *_) in first.items() if arm == "held_out")


def test_only_who_would_be_written_to_is_in_an_arm(shop: Settings, home: Path) -> None:
    customers = [
        *(customer(n, consent="opted_out") for n in range(20)),
        *(customer(n, phone="") for n in range(20, 40)),
        *(customer(n, name="") for n in range(40, 60)),
    ]
    plan.plan(shop, "spring", audience(home, customers), "sale", SALE, holdout=0.5)
    assert {arm for arm, *_ in arms(shop).values()} == {None}


def test_who_shares_the_phone_of_somebody_held_out_is_not_written_to_instead(shop: Settings, home: Path) -> None:
    pairs = [customer(n, phone=f"+55119{80000000 + n // 2}") for n in range(200)]
    plan.plan(shop, "spring", audience(home, pairs), "sale", SALE, holdout=0.5)
    found = arms(shop)
    for n in range(0, 200, 2):
        assert found[f"c{n}"][0] in ("treated", "held_out")
        assert found[f"c{n + 1}"] == (None, "suppressed", "already in this campaign")


@pytest.mark.parametrize("share", [None, 0.0])
def test_nobody_is_in_an_arm_where_nobody_is_held_out(shop: Settings, home: Path, share: float | None) -> None:
    planned = plan.plan(shop, "spring", audience(home, [customer(1)]), "sale", SALE, holdout=share)
    assert arms(shop) == {"c1": (None, "planned", None)}
    assert planned.power is None


def test_the_shop_may_hold_out_a_share_of_every_campaign(home: Path) -> None:
    shop = set_up(home, holdout_share="0.5")
    plan.plan(shop, "spring", audience(home, [customer(n) for n in range(50)]), "sale", SALE)
    assert {arm for arm, *_ in arms(shop).values()} == {"treated", "held_out"}


def test_the_draw_is_that_of_the_models_bucket() -> None:
    holdout = Holdout("c0ffee", 0.3)
    sql = (ROOT / "macros/identity.sql").read_text(encoding="utf-8")
    assert "cast(cast('0x' || substr(md5({{ text }}), 1, 8) as bigint) % 10000 as integer)" in sql
    bucket = "cast('0x' || substr(md5('c0ffee:c' || i), 1, 8) as bigint) % 10000"
    rows = duckdb.sql(f"select 'c' || i, {bucket} < 3000 from range(500) as numbers (i)").fetchall()
    assert [holdout.has(customer_id) for customer_id, _ in rows] == [is_out for _, is_out in rows]


def test_a_plan_says_what_its_holdout_can_show(shop: Settings, home: Path) -> None:
    published_shop.publish_shop(home, "20261122T120000Z", [published_shop.customer(n) for n in range(120)])
    segment = audience(home, [customer(n, customer_id=f"c{n:04}") for n in range(120)])
    planned = plan.plan(shop, "spring", segment, "sale", SALE, holdout=0.5)
    assert planned.power is not None
    assert planned.power.rate == pytest.approx(_ordered_by_window(shop) / (120 * 18))
    assert planned.power.smallest_effect is not None
    assert planned.power.smallest_effect > 0.1  # with so few only a big one
    assert planned.power.needed_for_less is None


def _ordered_by_window(settings: Settings) -> int:
    """Count who ordered in each of the 18 windows of 5 days before as-of, one window at a time."""
    version = published.current(settings)
    sql = """
        select count(distinct customer_id) as n from fct_orders
        where is_paid and ordered_at >= $since and ordered_at < $until
    """
    ends = [version.as_of - timedelta(days=5 * window) for window in range(18)]
    return sum(version.one(sql, {"since": end - timedelta(days=5), "until": end})["n"] for end in ends)


def test_the_command_says_it_in_words(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(home)
    segment = audience(home, [customer(n, customer_id=f"c{n:04}") for n in range(120)])
    words = ["campaign", "plan", "spring", "--segment", segment, "--template", "sale"]
    words += ["--param", "1=name", "--param", "2=literal:SALE"]
    for name, value in (("WABENCH_HOME", str(home)), ("COLUMNS", "200")):
        monkeypatch.setenv(name, value)
    assert "nobody is held out" in CliRunner().invoke(app, words).output
    assert (
        "once orders of these customers are published" in CliRunner().invoke(app, [*words, "--holdout", "0.5"]).output
    )
    published_shop.publish_shop(home, "20261122T120000Z", [published_shop.customer(n) for n in range(120)])
    output = CliRunner().invoke(app, [*words, "--holdout", "0.5"]).output
    assert "of 120 are held out by chance" in output
    assert "order in 5 days anyway" in output
    assert CliRunner().invoke(app, [*words, "--holdout", "1"]).exit_code == 2
