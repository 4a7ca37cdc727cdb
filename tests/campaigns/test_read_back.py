"""What people state by webhook stops a campaign's messages to them without a refresh."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import webhooks
from campaign_shop import approved, audience, customer, set_up
from sqlalchemy import func, select

from ingest import loader
from ingest.landing import LandingLog
from wabench import refresh
from wabench.campaigns import audience as audiences
from wabench.campaigns import claims, ledger, plan
from wabench.campaigns.schema import CampaignState, consent
from wabench.settings import Settings

PHONE = "5511980000001"
BOTH = {"wa_id": PHONE, "user_id": "BR.1"}


@pytest.fixture
def shop(home: Path) -> Settings:
    return set_up(home)


def start(shop: Settings, home: Path, **changes: Any) -> None:
    approved(shop, "spring", audience(home, [customer(1, **changes)]))
    with ledger.opened(shop) as opened:
        opened.move(opened.campaign("spring").campaign_id, CampaignState.RUNNING, "tester", datetime.now(UTC))


def state(shop: Settings, value: str, **who: str) -> None:
    """Let the preference land as the receiver would, stated now."""
    item = {
        "category": "marketing_messages",
        "value": value,
        "timestamp": f"{datetime.now(UTC).timestamp():.0f}",
        **who,
    }
    contact = {{"wa_id": "wa_id", "user_id": "user_id"}[key]: value for key, value in who.items()}
    body = webhooks.body({"contacts": [contact], "user_preferences": [item]}, "user_preferences")
    with closing(LandingLog(shop.paths.landing / "meta" / "webhooks")) as log:
        log.append(body)
        log.commit()


def claimed(shop: Settings) -> int:
    with ledger.opened(shop) as opened:
        campaign = opened.campaign("spring")
        rules, now = plan.rules(shop, "meta", "marketing"), datetime.now(UTC) + timedelta(seconds=1)
        consents = audiences.consents(shop, campaign)
        return len(claims.take_turn(opened, campaign, rules, consents, [], 10, now).claims)


@pytest.mark.parametrize(
    ("planned", "who"),
    [
        ({"user_id": ""}, {"wa_id": PHONE}),
        ({"user_id": ""}, BOTH),
        ({"phone": "", "user_id": "BR.1"}, {"user_id": "BR.1"}),
        ({"phone": "", "user_id": "BR.1"}, BOTH),
        ({"user_id": "BR.1"}, {"user_id": "BR.1"}),
    ],
)
def test_a_stop_that_landed_is_heeded_by_phone_or_user_id(
    shop: Settings, home: Path, planned: dict[str, str], who: dict[str, str]
) -> None:
    start(shop, home, **planned)
    state(shop, "stop", **who)
    refresh.settle(shop)
    assert claimed(shop) == 0


def test_a_stop_by_an_identity_the_campaign_does_not_know_is_heeded_where_the_last_build_does(
    shop: Settings, home: Path
) -> None:
    with closing(loader.connect(shop)) as warehouse:
        warehouse.execute("create schema marts")
        warehouse.execute("create table marts.dim_identities (identity text, identity_type text, customer_id text)")
        warehouse.execute("insert into marts.dim_identities values ('meta:BR.1', 'user_id', 'c1')")
    start(shop, home)
    state(shop, "stop", user_id="BR.1")
    refresh.settle(shop)
    assert claimed(shop) == 0


def test_a_stop_is_copied_once_however_often_it_is_read(shop: Settings, home: Path) -> None:
    start(shop, home)
    state(shop, "stop", wa_id=PHONE)
    for _ in range(3):
        refresh.settle(shop)
    with ledger.opened(shop) as opened, opened.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(consent)) == 1


def test_a_shop_that_never_planned_gets_no_ledger_by_settling(shop: Settings) -> None:
    assert refresh.settle(shop) == 0
    assert not ledger.exists(shop)
