"""A send whose answer never came is settled by the provider's history where that says whose message it was."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dialects
import pytest
from campaign_shop import audience, customer
from dialects import Dialect
from stand_ins import BASE, Provider, happened

from ingest import history, loader
from wabench import refresh
from wabench.campaigns import audience as audiences
from wabench.campaigns import claims, ledger, plan, runner
from wabench.campaigns.claims import Outcome
from wabench.campaigns.schema import CampaignState
from wabench.providers.base import Failed, Message
from wabench.providers.errors import ErrorFamily
from wabench.settings import Settings, load

TELLS_WHOSE = [d for d in dialects.ALL if d.name in ("Bird v1", "Bird Channels")]
TWILIO = next(d for d in dialects.ALL if d.name == "Twilio")


def lost(home: Path, dialect: Dialect) -> tuple[Settings, Message]:
    """Send one message of a campaign whose answer is lost; gives the message."""
    (home / "wabench.toml").write_text(dialect.toml(f"{BASE}/{dialect.provider}"))
    shop = load({"WABENCH_HOME": str(home), **dialect.environ()})
    plan.plan(shop, "spring", audience(home, [customer(1)]), "sale", dialects.PARAMS, dialect.provider)
    runner.test(shop, "spring", "tester")
    runner.approve(shop, "spring", "maria")
    failed = Failed(ErrorFamily.MAYBE_SENT, "ReadTimeout", "no answer came")
    with ledger.opened(shop) as opened:
        campaign = opened.campaign("spring")
        opened.move(campaign.campaign_id, CampaignState.RUNNING, "tester", datetime.now(UTC))
        rules, asked = plan.rules(shop, dialect.provider, "marketing"), audiences.consents(shop, campaign)
        at = datetime.now(UTC) + timedelta(seconds=1)
        (claim,) = claims.take_turn(opened, campaign, rules, asked, [], 1, at).claims
        claims.take_turn(opened, campaign, rules, asked, [Outcome(claim, failed)], 0, at)
    return shop, claim.message


def pull(shop: Settings, dialect: Dialect, message: Message) -> None:
    there = Provider(dialect, shop.templates)
    there.happened = happened(shop, dialect, message)
    (outcome,) = history.pull(shop, [dialect.provider], transport=there.transport)
    assert outcome.error is None


def states(shop: Settings) -> list[str]:
    with ledger.opened(shop) as opened:
        return [str(t.state) for t in opened.tally(opened.campaign("spring").campaign_id)]


@pytest.mark.parametrize("dialect", TELLS_WHOSE, ids=[d.name for d in TELLS_WHOSE])
def test_an_unknown_send_is_settled_by_its_callback_data(home: Path, dialect: Dialect) -> None:
    shop, message = lost(home, dialect)
    assert states(shop) == ["unknown"]
    pull(shop, dialect, message)
    assert refresh.settle(shop) == 1
    assert states(shop) == ["accepted"]


def test_twilios_list_does_not_say_whose_message_it_was_so_a_person_decides(home: Path) -> None:
    shop, message = lost(home, TWILIO)
    pull(shop, TWILIO, message)
    assert refresh.settle(shop) == 0
    assert states(shop) == ["unknown"]
    with closing(loader.connect(shop)) as connection:
        rows = connection.execute("select event_type from raw.message_events").fetchall()
    assert ("delivered",) in rows
