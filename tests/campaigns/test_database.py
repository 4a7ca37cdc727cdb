"""The ledger in SQLite and in PostgreSQL: what has to hold on both, and what only PostgreSQL could get wrong."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from campaign_shop import approved, audience, customer, set_up
from postgres import Server
from sqlalchemy import select, text, update

from wabench import doctor
from wabench.campaigns import alone, claims, database, ledger, plan, snapshot
from wabench.campaigns.claims import Outcome, Turn
from wabench.campaigns.ledger import Campaign, Ledger
from wabench.campaigns.moves import move_sends
from wabench.campaigns.schema import CampaignState, SendState, metadata, sends
from wabench.errors import Busy, Refused, UsageError, WabenchError
from wabench.providers.base import Accepted, Failed
from wabench.providers.errors import ErrorFamily
from wabench.replies import claims as replying
from wabench.replies.policy import Limits
from wabench.settings import Settings

NOW = datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(home: Path, request: pytest.FixtureRequest) -> Settings:
    if request.param == "sqlite":
        return set_up(home)
    server: Server = request.getfixturevalue("postgres")
    # A default that would let a transaction see only what was there before it got the ledger to itself.
    return set_up(home, ledger_url=server.database(default_transaction_isolation="repeatable read"))


@pytest.fixture
def opened(shop: Settings) -> Iterator[Ledger]:
    with ledger.opened(shop) as opened:
        yield opened


def running(shop: Settings, opened: Ledger, name: str, customers: list[dict[str, Any]]) -> Campaign:
    approved(shop, name, audience(shop.home, customers))
    campaign = opened.campaign(name)
    opened.move(campaign.campaign_id, CampaignState.RUNNING, "tester", NOW)
    return campaign


def turn(shop: Settings, opened: Ledger, campaign: Campaign, *outcomes: Outcome, want: int = 100) -> Turn:
    rules = plan.rules(shop, "meta", campaign.category)
    return claims.take_turn(opened, campaign, rules, lambda rows: {}, outcomes, want, NOW)


def states(opened: Ledger, campaign: Campaign) -> dict[str, int]:
    return {f"{tally.state} {tally.reason}": tally.sends for tally in opened.tally(campaign.campaign_id)}


def test_a_send_goes_from_plan_to_outcome_and_its_text_stays_as_it_was(shop: Settings, opened: Ledger) -> None:
    campaign = running(shop, opened, "весна " * 60, [customer(1, name="Анна 🌸"), customer(2, customer_id="c" * 300)])
    first, second = turn(shop, opened, campaign).claims
    lost = Failed(ErrorFamily.NEVER, "a code of their own, longer than forty letters", "no\0 \ud83c one")
    turn(shop, opened, campaign, Outcome(first, Accepted("wamid." + "1" * 300)), Outcome(second, lost))
    with opened.reading() as connection:
        rows = {row.state: row for row in connection.execute(select(sends))}
    assert rows["accepted"].message_id == "wamid." + "1" * 300
    assert rows["rejected"].error_detail == "no ? one"
    assert rows["accepted"].claimed_at == NOW
    assert {row.parameters["1"] for row in rows.values()} <= {"Анна 🌸", "Ana 2"}
    assert snapshot.copy(shop)["sends"].num_rows == 2
    assert len(opened.audit_lines(campaign.campaign_id)) == 6


def test_of_several_processes_that_claim_overlapping_people_one_has_each(shop: Settings, opened: Ledger) -> None:
    people = [customer(number) for number in range(40)]
    parts = (people[:30], people[10:], people[5:35])
    campaigns = [running(shop, opened, f"c{number}", part) for number, part in enumerate(parts)]
    begin = threading.Barrier(4)

    def claim(campaign: Campaign) -> list[str]:
        with ledger.opened(shop) as own:
            begin.wait()
            return [c.message.phone or "" for _ in range(10) for c in turn(shop, own, campaign, want=3).claims]

    with ThreadPoolExecutor(4) as pool:
        claimed = [phone for phones in pool.map(claim, [*campaigns, campaigns[0]]) for phone in phones]
    assert sorted(claimed) == sorted(person["phone"] for person in people)
    counted = sum(states(opened, campaign).get("suppressed promotional cap", 0) for campaign in campaigns)
    assert counted == sum(map(len, parts)) - len(people)


def test_a_reply_asked_for_by_two_at_once_is_made_by_one(shop: Settings, opened: Ledger) -> None:
    draft = replying.Draft("k", "c1", "+5511980000001", None, "meta", "1", replying.PERSON, "ann", "Hello", NOW)
    begin = threading.Barrier(4)

    def claim(_: int) -> bool:
        with ledger.opened(shop) as own:
            begin.wait()
            return replying.claim(own, draft, Limits(timedelta(seconds=6), True), NOW).is_ours

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(claim, range(4))) == 1


def test_one_phone_of_two_customers_is_planned_once(shop: Settings, opened: Ledger) -> None:
    campaign = running(shop, opened, "spring", [customer(1), customer(1, customer_id="twin")])
    assert states(opened, campaign) == {"planned None": 1, "suppressed already in this campaign": 1}


def test_who_sends_a_campaign_is_known_while_they_do(shop: Settings, opened: Ledger) -> None:
    campaign = running(shop, opened, "spring", [customer(1)])
    lock = alone.campaign_lock(campaign)
    is_shared = bool(shop.ledger_url)
    with ledger.opened(shop) as other, other.locked(lock):
        assert opened.is_locked(lock) == is_shared
        if is_shared:
            with pytest.raises(Busy, match="another machine"), opened.locked(lock):
                pass
    assert not opened.is_locked(lock)
    with opened.locked(lock):
        pass


def test_a_ledger_of_an_older_version_gets_what_it_lacks_whoever_opens_it_first(shop: Settings) -> None:
    url = shop.ledger_url or f"sqlite:///{shop.home / 'old.db'}"
    made = database.connect(url)
    with made.begin() as connection:
        connection.execute(text("alter table campaigns drop column budget"))
        connection.execute(text("drop table given_codes"))
    made.dispose()
    begin = threading.Barrier(4)

    def open_it(_: int) -> set[str]:
        begin.wait()
        engine = database.connect(url)
        with engine.connect() as connection:
            found = connection.execute(select(metadata.tables["campaigns"])).keys()
            connection.execute(select(metadata.tables["given_codes"]))
        engine.dispose()
        return set(found)

    with ThreadPoolExecutor(4) as pool:
        assert all("budget" in found for found in pool.map(open_it, range(4)))


def test_a_row_that_somebody_else_holds_is_passed_over(home: Path, postgres: Server) -> None:
    shop = set_up(home, ledger_url=postgres.database())
    with ledger.opened(shop) as opened, ledger.opened(shop) as other:
        campaign = running(shop, opened, "spring", [customer(1), customer(2)])
        held = ledger.send_id(campaign.campaign_id, "c1")
        with other.reading() as connection:  # by hand, without the ledger's own lock
            connection.execute(update(sends).where(sends.c.send_id == held).values(state=SendState.SUPPRESSED))
            assert [claim.message.phone for claim in turn(shop, opened, campaign).claims] == ["+5511980000002"]
        assert not turn(shop, opened, campaign).claims


def test_who_only_reads_waits_for_nobody(shop: Settings, opened: Ledger) -> None:
    campaign = running(shop, opened, "spring", [customer(1)])
    with ledger.opened(shop) as other, other.writing() as connection:
        move_sends(connection, SendState.CLAIMED, sends.c.campaign_id == campaign.campaign_id)
        assert states(opened, campaign) == {"planned None": 1}


def test_the_doctor_looks_at_it(shop: Settings, opened: Ledger) -> None:
    running(shop, opened, "spring", [customer(1)])
    (line,) = [line for line in doctor.examine(shop, NOW) if line.about == "ledger"]
    assert (line.status, line.what) == ("ok", "whole; 0 sends under way")


@pytest.mark.parametrize(
    ("url", "raised", "said"),
    [
        ("mysql://somebody:hidden@host/shop", Refused, "use SQLite or PostgreSQL"),
        ("somebody:hidden@host/shop", UsageError, "write postgresql://USER@HOST/DATABASE"),
        ("postgresql+nothing://somebody:hidden@host/shop", UsageError, "write postgresql://USER@HOST/DATABASE"),
        ("postgresql+psycopg2://somebody:hidden@host/shop", UsageError, r"pip install 'wabench\[postgres\]'"),
        ("postgresql://somebody:hidden@127.0.0.1:1/shop", WabenchError, "the ledger can't be opened: .*refused"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_line_without_its_password(
    url: str, raised: type[WabenchError], said: str
) -> None:
    with pytest.raises(raised, match=said) as caught:
        database.connect(url)
    assert "hidden" not in str(caught.value)
    assert "\n" not in str(caught.value)
