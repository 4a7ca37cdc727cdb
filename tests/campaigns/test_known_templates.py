"""What a provider says of its templates wins over wabench.toml: at the plan, at the start, in the middle of a run."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import webhooks
from campaign_shop import approved, audience, customer, set_up

from ingest import loader
from ingest.landing import LandingLog
from wabench import refresh
from wabench.campaigns import audience as audiences
from wabench.campaigns import claims, known_templates, ledger, plan, runner, submission, templates
from wabench.campaigns.claims import Turn
from wabench.campaigns.known_templates import KnownTemplate
from wabench.campaigns.schema import CampaignState
from wabench.errors import Refused, UsageError
from wabench.providers.base import TemplateState
from wabench.settings import Settings

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
SALE = TemplateState("sale", "en", "marketing", "approved", "Hi {{1}}, use {{2}} until Sunday.")


@pytest.fixture
def shop(home: Path) -> Settings:
    return set_up(home)


def sync(shop: Settings, *states: TemplateState, at: datetime = LONG_AGO, provider: str = "meta") -> int:
    with ledger.opened(shop) as opened, opened.writing() as connection:
        return known_templates.replace(connection, provider, states, "tester", at)


def known(shop: Settings) -> dict[tuple[str, str], KnownTemplate]:
    with ledger.opened(shop) as opened, opened.reading() as connection:
        return {(row.name, row.language): row for row in known_templates.rows(connection)}


def state(**changes: Any) -> TemplateState:
    return TemplateState(**{**{f: getattr(SALE, f) for f in SALE.__slots__}, **changes})


def post(shop: Settings, field: str, at: datetime | None = None, **value: Any) -> None:
    """Let a webhook about a template land as the receiver would, and settle."""
    about = {"message_template_name": "sale", "message_template_language": "en", "message_template_id": 1, **value}
    document = json.loads(webhooks.body(about, field))
    document["entry"][0]["time"] = int((at or datetime.now(UTC)).timestamp())
    with closing(LandingLog(shop.paths.landing / "meta" / "webhooks")) as log:
        log.append(json.dumps(document).encode())
        log.commit()
    refresh.settle(shop)


def turn(shop: Settings, name: str = "spring") -> Turn:
    with ledger.opened(shop) as opened:
        campaign = opened.campaign(name)
        rules, now = plan.rules(shop, "meta", campaign.category), datetime.now(UTC) + timedelta(seconds=1)
        return claims.take_turn(opened, campaign, rules, audiences.consents(shop, campaign), [], 10, now)


def start(shop: Settings, home: Path, template: str = "sale") -> None:
    approved(shop, "spring", audience(home, [customer(1), customer(2)]), template)
    with ledger.opened(shop) as opened:
        opened.move(opened.campaign("spring").campaign_id, CampaignState.RUNNING, "tester", datetime.now(UTC))


def test_what_was_synced_wins_over_what_the_shop_wrote(shop: Settings) -> None:
    sync(shop, state(body="Hello {{1}}: {{2}}", language="pt_BR", category="utility", provider_id="77"))
    found = templates.find(shop, "sale", "meta")
    assert (found.body, found.language, found.category) == ("Hello {{1}}: {{2}}", "pt_BR", "utility")
    assert found.ids == {"meta": "77"}
    assert templates.find(shop, "sale", "twilio").body == "Hi {{1}}, use {{2}} until Sunday."


def test_what_the_shop_has_only_written_is_pending_once_the_providers_list_was_read(home: Path) -> None:
    real = set_up(home, "https://graph.facebook.com/v26.0")
    assert templates.find(real, "parcel", "meta").status == "approved"
    assert {row["status"] for row in submission.known(real)} == {"approved", "pending"}
    sync(real, SALE)
    assert templates.find(real, "sale", "meta").status == "approved"
    with pytest.raises(Refused, match="'parcel' is pending"):
        templates.approved(real, "parcel", "meta")
    shown = {row["name"]: (row["status"], row["reason"]) for row in submission.known(real)}
    assert (shown["sale"], shown["parcel"]) == (("approved", None), ("pending", "not at meta"))
    assert templates.approved(set_up(home), "parcel", "meta").status == "approved"  # a rehearsal


def test_a_template_the_shop_did_not_write_down_can_be_planned_and_tested_once_it_is_synced(
    shop: Settings, home: Path
) -> None:
    segment = audience(home, [customer(1)])
    with pytest.raises(UsageError, match="template sync meta"):
        plan.plan(shop, "spring", segment, "news", ["1=name"])
    sync(shop, state(name="news", body="Hello {{1}}, the shop is open."))
    plan.plan(shop, "spring", segment, "news", ["1=name"])
    assert runner.test(shop, "spring", "tester") == 1


@pytest.mark.parametrize("status", ["pending", "rejected", "paused", "disabled"])
def test_neither_planned_nor_run_unless_the_provider_approves_it(shop: Settings, home: Path, status: str) -> None:
    segment = audience(home, [customer(1)])
    approved(shop, "spring", segment)
    sync(shop, state(status=status))
    with pytest.raises(Refused, match=f"'sale' is {status}"):
        plan.plan(shop, "autumn", segment, "sale", ["1=name", "2=literal:A"])
    with pytest.raises(Refused, match=f"'sale' is {status}"):
        runner.run(shop, "spring", "tester", settle=lambda: 0, on_turn=lambda counts: None)


def test_a_provider_with_several_languages_is_asked_for_one(shop: Settings, home: Path) -> None:
    sync(shop, state(name="news", language="pt_BR"), state(name="news", language="es"))
    with pytest.raises(UsageError, match=r"in es, pt_BR; say which: language in \[templates.news\]"):
        templates.find(shop, "news", "meta")
    toml = home / "wabench.toml"
    toml.write_text(toml.read_text() + '\n[templates.news]\nlanguage = "es"\nbody = "x"\n')
    assert templates.find(set_up_again(shop), "news", "meta").language == "es"


def set_up_again(shop: Settings) -> Settings:
    from wabench.settings import load

    return load({"WABENCH_HOME": str(shop.home)})


def test_of_two_that_share_a_name_the_one_with_our_id_is_meant(shop: Settings, home: Path) -> None:
    toml = home / "wabench.toml"
    toml.write_text(toml.read_text() + '\n[templates.offer]\nbody = "x"\nids = { twilio = "HX2" }\n')
    two = state(name="offer", body="one", provider_id="HX1"), state(name="offer", body="two", provider_id="HX2")
    sync(shop, *two, provider="twilio")
    assert templates.find(set_up_again(shop), "offer", "twilio").body == "two"


def test_what_vanished_at_the_provider_is_disabled_and_not_forgotten(shop: Settings) -> None:
    sync(shop, SALE, state(name="old"))
    assert sync(shop, SALE, at=datetime.now(UTC)) == 1
    row = known(shop)["old", "en"]
    assert (row.status, row.reason) == ("disabled", "no longer at the provider")
    assert sync(shop, SALE, at=datetime.now(UTC)) == 0
    assert known(shop)["sale", "en"].status == "approved"


def test_an_empty_list_stops_nothing_that_was_approved_unless_it_is_meant(shop: Settings) -> None:
    sync(shop, SALE)
    with pytest.raises(Refused, match=r"meta lists no template and 1 was approved; .*--empty"):
        sync(shop, at=datetime.now(UTC))
    assert known(shop)["sale", "en"].status == "approved"
    with ledger.opened(shop) as opened, opened.writing() as connection:
        assert known_templates.replace(connection, "meta", [], "tester", datetime.now(UTC), may_be_empty=True) == 1
    assert known(shop)["sale", "en"].status == "disabled"
    assert sync(shop, at=datetime.now(UTC)) == 0


def test_a_sync_leaves_other_providers_alone(shop: Settings) -> None:
    sync(shop, SALE, provider="twilio")
    sync(shop)
    assert known(shop)["sale", "en"].status == "approved"


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("APPROVED", "approved"),
        ("REINSTATED", "approved"),
        ("FLAGGED", "paused"),
        ("REJECTED", "rejected"),
        ("PAUSED", "paused"),
        ("DISABLED", "disabled"),
        ("PENDING_DELETION", "disabled"),
        ("DELETED", "disabled"),
        ("ARCHIVED", "disabled"),
        ("IN_APPEAL", "pending"),
        ("SOMETHING_NEW", "paused"),
    ],
)
def test_a_status_by_webhook_moves_what_was_synced(shop: Settings, word: str, status: str) -> None:
    sync(shop, state(status="paused"), state(language="es"))
    post(shop, "message_template_status_update", event=word, reason="NONE", message_template_category="MARKETING")
    assert known(shop)["sale", "en"].status == status
    assert known(shop)["sale", "es"].status == "approved"


def test_the_quality_by_webhook_is_kept_and_does_not_outdate_a_status_that_comes_late(shop: Settings) -> None:
    sync(shop, SALE)
    post(shop, "message_template_quality_update", previous_quality_score="GREEN", new_quality_score="RED")
    early = datetime.now(UTC) - timedelta(hours=1)
    post(shop, "message_template_status_update", at=early, event="PAUSED", reason="LOW_QUALITY")
    row = known(shop)["sale", "en"]
    assert (row.quality, row.status, row.reason) == ("red", "paused", "LOW_QUALITY")


def test_a_sync_newer_than_a_webhook_stands_however_often_it_is_read_again(shop: Settings) -> None:
    sync(shop, SALE)
    post(shop, "message_template_status_update", at=LONG_AGO + timedelta(days=1), event="PAUSED")
    assert known(shop)["sale", "en"].status == "paused"
    sync(shop, SALE, at=LONG_AGO + timedelta(days=2))
    refresh.settle(shop)
    assert known(shop)["sale", "en"].status == "approved"


def test_a_template_paused_while_its_campaign_runs_stops_it_at_the_next_turn(shop: Settings, home: Path) -> None:
    sync(shop, SALE)
    start(shop, home)
    post(shop, "message_template_status_update", event="PAUSED", reason="LOW_QUALITY")
    took = turn(shop)
    assert (took.status, took.claims) == (CampaignState.PAUSED, ())
    with ledger.opened(shop) as opened:
        campaign = opened.campaign("spring")
        assert campaign.status is CampaignState.PAUSED
        assert "template 'sale' is paused (LOW_QUALITY)" in str(campaign.reason)
        assert [line["action"] for line in opened.audit_lines(campaign.campaign_id)][-1] == "paused"


def test_it_stops_even_where_nothing_was_ever_synced(shop: Settings, home: Path) -> None:
    start(shop, home)
    post(shop, "message_template_status_update", event="DISABLED", message_template_language="en")
    assert turn(shop).status is CampaignState.PAUSED
    with pytest.raises(Refused, match="disabled"):
        templates.approved(shop, "sale", "meta")


def test_another_template_or_language_stops_nobody(shop: Settings, home: Path) -> None:
    start(shop, home)
    post(shop, "message_template_status_update", event="PAUSED", message_template_language="es")
    post(shop, "message_template_status_update", event="PAUSED", message_template_name="other")
    assert len(turn(shop).claims) == 2


def test_a_template_that_became_marketing_stops_a_campaign_that_asked_nobodys_consent(
    shop: Settings, home: Path
) -> None:
    sync(shop, state(name="parcel", category="utility", body="Your parcel is on its way."))
    start(shop, home, "parcel")
    change = {"previous_category": "UTILITY", "new_category": "MARKETING", "message_template_name": "parcel"}
    post(shop, "template_category_update", **change)
    assert turn(shop).status is CampaignState.PAUSED
    with ledger.opened(shop) as opened:
        assert "counts as marketing" in str(opened.campaign("spring").reason)


def bird(shop: Settings, home: Path, written: str, en: str = "approved", pt: str = "rejected") -> Settings:
    """Bird has one id for all languages of a template; list two of them."""
    toml = home / "wabench.toml"
    toml.write_text(toml.read_text() + f'\n[templates.offer]\nlanguage = "en"\nbody = "Hi"\n{written}\n')
    one = {"name": "offer", "body": "", "provider_id": "wat_1"}
    sync(shop, state(**one, status=en), state(**one, language="pt_BR", status=pt), provider="messagebird")
    return set_up_again(shop)


@pytest.mark.parametrize("written", ["", 'ids = { messagebird = "wat_1" }'])
@pytest.mark.parametrize(("en", "pt"), [("approved", "rejected"), ("rejected", "approved")])
def test_a_language_stands_for_itself_where_all_of_them_share_one_id(
    shop: Settings, home: Path, written: str, en: str, pt: str
) -> None:
    found = templates.find(bird(shop, home, written, en, pt), "offer", "messagebird")
    assert (found.language, found.status, found.ids) == ("en", en, {"messagebird": "wat_1"})
    with ledger.opened(shop) as opened, opened.reading() as connection:
        asked = ("messagebird", "offer", "en", "wat_1", "marketing")
        assert (known_templates.problem(connection, *asked) is None) == (en == "approved")


def test_an_id_of_one_template_holds_however_its_language_is_written(shop: Settings) -> None:
    sync(shop, state(name="other", language="en_US", status="paused", provider_id="HX1"), provider="twilio")
    with ledger.opened(shop) as opened, opened.reading() as connection:
        told = known_templates.problem(connection, "twilio", "sale", "en", "HX1", "marketing")
    assert told and "'sale' is paused" in told


def post_twilio(shop: Settings, **template: str) -> None:
    at = datetime.now(UTC).isoformat()
    data = {"type": "status_update", "dateUpdated": at, "template": {"previousValue": "approved", **template}}
    with closing(LandingLog(shop.paths.landing / "twilio" / "webhooks")) as log:
        log.append(json.dumps({"type": "com.twilio.messaging.template.approval.updated", "data": data}).encode())
        log.commit()
    refresh.settle(shop)


@pytest.mark.parametrize("is_synced", [True, False])
def test_what_twilio_tells_of_a_template_is_filed_under_its_id_whatever_it_is_called(
    shop: Settings, is_synced: bool
) -> None:
    sync(shop, *[state(name="sale_update", provider_id="HX1")] * is_synced, provider="twilio")
    post_twilio(shop, sid="HX1", friendlyName="Sale update", language="en", currentValue="paused")
    with ledger.opened(shop) as opened, opened.reading() as connection:
        told = known_templates.problem(connection, "twilio", "sale_update", "en", "HX1", "marketing")
        assert len(known_templates.rows(connection)) == 1
    assert told and told.startswith("template 'sale_update' is paused since")


def test_news_without_a_language_is_about_all_of_them_when_it_is_bad(shop: Settings) -> None:
    sync(shop, SALE, state(language="es"))
    for word, statuses in (("PAUSED", ["paused", "paused"]), ("APPROVED", ["paused", "paused"])):
        post(shop, "message_template_status_update", event=word, message_template_language=None)
        assert [row.status for row in known(shop).values()] == statuses


def test_a_ledger_of_an_older_version_gets_the_table_and_keeps_its_campaigns(shop: Settings, home: Path) -> None:
    start(shop, home)
    with closing(sqlite3.connect(shop.paths.ledger)) as old:
        old.execute("drop table templates")
        old.execute("alter table campaigns drop column template_id")
        old.commit()
    sync(shop, SALE)
    assert known(shop)["sale", "en"].status == "approved"
    with ledger.opened(shop) as opened:
        assert opened.campaign("spring").template_id is None


def test_a_warehouse_of_an_older_version_takes_what_is_told_of_templates(shop: Settings) -> None:
    with closing(loader.connect(shop)) as warehouse:
        warehouse.execute("alter table raw.message_events drop column template_language")
    sync(shop, SALE)
    post(shop, "message_template_status_update", event="PAUSED")
    assert known(shop)["sale", "en"].status == "paused"
