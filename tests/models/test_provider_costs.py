"""What messages cost by the price book, and what a month costs on each plan, by numbers checked by hand."""

import json
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import calling_codes
import msgspec
import pyarrow as pa
import pytest
from history import inbound, status
from typer.testing import CliRunner
from warehouse import Rows, ask, build, project, put, shop

from ingest import loader
from wabench import dbt, demo
from wabench.cli import app
from wabench.providers import meta
from wabench.publish import Run, publish
from wabench.settings import ROOT, Settings

AS_OF = datetime.fromisoformat("2026-11-15 12:00")
OCTOBER = datetime.fromisoformat("2026-10-01")
BRAZIL, MEXICO, BANGLADESH, KAZAKHSTAN, BAHAMAS = (
    "+5511987650001",
    "+5215512345678",
    "+8801712345678",
    "+77011234567",
    "+12425550100",
)


def delivered(message: str, at: datetime, phone: str | None = BRAZIL, **more: Any) -> dict[str, Any]:
    return status("delivered", message, at, phone, **{"channel_id": "10", **more})


def regular(category: str, **more: Any) -> dict[str, Any]:
    return {"category": category, "pricing_type": "regular", **more}


def _minute(n: int) -> datetime:
    return OCTOBER + timedelta(minutes=n)


HISTORY: Mapping[str, Rows] = {
    "message_events": [
        delivered("service before", OCTOBER - timedelta(seconds=1), **regular("service")),
        delivered(
            "told free before", OCTOBER - timedelta(seconds=1), category="utility", pricing_type="free_customer_service"
        ),
        inbound("asked", OCTOBER - timedelta(hours=10), phone=BRAZIL),
        delivered("in window before", OCTOBER - timedelta(hours=1), category="utility"),
        delivered("out of window before", OCTOBER - timedelta(hours=11), category="utility"),
        # October: 1,002 service messages of one number, after three that came of an advertisement, and one of another
        *(delivered(f"ad {n}", _minute(0), category="service", pricing_type="free_entry_point") for n in range(3)),
        *(delivered(f"service {n:04}", _minute(n), **regular("service")) for n in range(1, 1_003)),
        delivered("service of another number", _minute(2_000), channel_id="20", **regular("service")),
        *(delivered(f"sale {n}", _minute(10), **regular("marketing")) for n in range(10)),
        delivered("sale abroad", _minute(10), BANGLADESH, **regular("marketing")),
        delivered("sale by user id", _minute(10), None, user_id="GB.123", **regular("marketing")),
        delivered("in window", _minute(60), category="utility"),
        delivered("by twilio", _minute(10), provider="twilio", category="marketing"),
        delivered(
            "told by twilio",
            _minute(10),
            "+12125550100",
            provider="twilio",
            category="utility",
            price=Decimal("0.0049"),
            currency="USD",
        ),
        *(
            delivered(f"bird {n:04}", _minute(n), MEXICO, provider="messagebird", category="utility")
            for n in range(1, 1_002)
        ),
        # November: single prices
        delivered("kazakh", _minute(50_000), KAZAKHSTAN, **regular("marketing")),
        delivered("bahamian", _minute(50_000), BAHAMAS, **regular("marketing")),
        delivered("canadian", _minute(50_000), "+14165550100", **regular("marketing")),
        delivered("told by bird", _minute(50_000), provider="messagebird", price=Decimal("0.02"), currency="USD"),
        delivered("of nowhere", _minute(50_000), None, user_id="someone", **regular("marketing")),
        delivered("of an unknown template", _minute(50_000), template_name="hello"),
        delivered("of nobody knows what", _minute(50_000), provider="twilio"),
        delivered("of a template alone", _minute(50_000), provider="zenvia", content_type="template"),
        delivered("of a text", _minute(50_000), provider="zenvia", content_type="text"),
        inbound("asked again", _minute(49_990), phone="+77011234568"),
        delivered("an answer", _minute(50_000), "+77011234568", provider="twilio"),
        delivered("of a strange kind", _minute(50_000), **regular("general_purpose_ai")),
        status("failed", "failed", _minute(50_000), BRAZIL, category="marketing"),
    ],
}


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = shop(tmp_path_factory.mktemp("priced"))
    put(settings, 1, HISTORY)
    build(settings, AS_OF, is_tested=True)
    return settings


def cost(settings: Settings, message: str) -> Decimal | None:
    [(found,)] = ask(settings, "select cost from marts.fct_messages where message_id = ?", message)
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("service before", "0"),
        ("told free before", "0"),
        ("in window before", "0"),
        ("out of window before", "0.0068"),
        ("in window", "0.0068"),
        ("sale 1", "0.0625"),
        ("sale abroad", "0.0604"),
        ("sale by user id", "0.0529"),
        ("of nowhere", "0.0604"),
        ("kazakh", "0.0604"),
        ("bahamian", "0.0604"),
        ("canadian", "0.0250"),
        ("by twilio", "0.0675"),
        ("told by twilio", "0.0089"),
        ("told by bird", "0.02"),
        ("failed", "0"),
    ],
)
def test_a_message_costs_what_the_book_says_for_its_plan_category_country_and_day(
    priced: Settings, message: str, expected: str
) -> None:
    assert cost(priced, message) == Decimal(expected)


def test_a_category_that_nobody_told_or_the_book_does_not_know_has_no_cost(priced: Settings) -> None:
    assert cost(priced, "of a strange kind") is cost(priced, "of an unknown template") is None


def test_what_nobody_told_the_content_of_is_priced_as_an_answer_only_in_an_open_window(priced: Settings) -> None:
    assert cost(priced, "of nobody knows what") is cost(priced, "of a template alone") is None
    assert cost(priced, "an answer") is not None
    assert cost(priced, "of a text") is not None


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("ad 1", "0"),
        ("service 0001", "0"),
        ("service 1000", "0"),
        ("service 1001", "0.0068"),
        ("service 1002", "0.0068"),
        ("service of another number", "0"),
        ("bird 1000", "0.0085"),
        ("bird 1001", "0.0130"),
    ],
)
def test_the_first_messages_of_a_month_are_the_free_ones(priced: Settings, message: str, expected: str) -> None:
    assert cost(priced, message) == Decimal(expected)


def test_the_month_costs_on_each_plan_what_was_checked_by_hand(priced: Settings) -> None:
    columns = "provider, messages, messages_on_plan, free_messages, charged_messages, own_cost, meta_fees, total_cost"
    rows = ask(priced, f"select {columns} from marts.fct_provider_costs where month = '2026-10-01' order by 1")
    # Meta: 2 x 0.0068 service, 10 x 0.0625, 0.0604, 0.0529, 0.0068 utility; Twilio's 0.0625 and 0.0040; 1,001 x 0.0085
    fees = Decimal("9.3337")
    assert rows == [
        ("messagebird", 2_022, 1_001, 1_000, 1_022, Decimal("54.599"), fees, Decimal("63.9327")),
        ("meta", 2_022, 1_019, 1_004, 1_018, 0, fees, fees),
        ("twilio", 2_022, 2, 0, 2_022, Decimal("10.11"), fees, Decimal("19.4437")),
        ("zenvia", 2_022, 0, 500, 1_522, Decimal("39.132"), fees, Decimal("48.4657")),
    ]


def test_what_was_charged_is_the_messages_and_the_fees_of_plans_that_were_used(priced: Settings) -> None:
    sql = "select distinct charged_cost, messages_without_cost from marts.fct_provider_costs where month = '2026-10-01'"
    assert ask(priced, sql) == [(Decimal("59.3481"), 0)]
    sql = "select sum(cost) from marts.fct_messages where delivered_at between '2026-10-01' and '2026-10-31'"
    assert ask(priced, sql) == [(Decimal("9.3481"),)]


def test_a_month_with_a_message_that_has_no_price_has_no_total(priced: Settings) -> None:
    sql = "select provider, messages_without_price, total_cost from marts.fct_provider_costs where month = '2026-11-01'"
    assert sorted(ask(priced, sql)) == [(p, 5, None) for p in ("messagebird", "meta", "twilio", "zenvia")]


@pytest.fixture(scope="module")
def shown(priced: Settings) -> Settings:
    publish(priced, Run("1", AS_OF, AS_OF), ("dim_customers", "fct_provider_costs", "meta_refreshes"))
    return priced


def compare(settings: Settings, *words: str) -> str:
    result = CliRunner().invoke(app, ["provider", "compare", *words], env={"WABENCH_HOME": str(settings.home)})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_compare_takes_the_last_whole_month_and_says_which_is_cheapest_from_where(shown: Settings) -> None:
    told = json.loads(compare(shown, "--json"))
    assert (told["month"], told["is_whole"], told["messages"]) == ("2026-10", True, 2_022)
    assert [plan["provider"] for plan in told["plans"]] == ["meta", "twilio", "zenvia", "messagebird"]
    assert told["cheapest_from"] == [{"messages": 0, "plan": "meta direct"}]
    assert told["cheapest_intermediary_from"] == [
        {"messages": 0, "plan": "twilio pay as you go"},
        {"messages": 91_000, "plan": "messagebird monthly"},
    ]
    assert told["plans"][1]["price_per_message"] == "0.005000000"


def test_compare_shows_people_fees_verification_and_volumes(shown: Settings) -> None:
    told = compare(shown)
    assert "2026-10 (a whole month): 2,022 messages cost 59.35 USD, fees included. On each plan, in USD:" in told
    assert "twilio pay as you go; from 91,000 a month messagebird monthly" in " ".join(told.split())
    for days in ("5-7", "3-5", "2-3"):
        assert days in told


def test_compare_refuses_a_month_that_is_not_there(shown: Settings) -> None:
    with pytest.raises(Exception, match="no messages in 2026-01; months with messages: 2026-11, 2026-10, 2026-09"):
        compare(shown, "--month", "2026-01")
    with pytest.raises(Exception, match="write it as 2026-10"):
        compare(shown, "--month", "October")


@pytest.fixture(scope="module")
def demo_shop(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The demo's webhooks of one seed, in the demo's currency."""
    settings = shop(tmp_path_factory.mktemp("demo"), currency="BRL")
    bodies = demo.simulate(900, 60, 7, datetime(2026, 11, 1, tzinfo=UTC)).webhooks
    events = [msgspec.structs.asdict(event) for body in bodies for event in meta.parse(body)]
    columns = "*, coalesce(occurred_at, $at) as received_at, 'test:0' as landing_ref, 1 as load_id, 'meta' as provider"
    with closing(loader.connect(settings)) as connection:
        connection.register("told", pa.Table.from_pylist(events))
        connection.execute(f"insert into raw.message_events by name select {columns} from told", {"at": AS_OF})
    build(settings, AS_OF)
    return settings


def test_the_demos_month_costs_on_each_plan_what_was_checked_by_hand(demo_shop: Settings) -> None:
    counted = (
        "select category, count(*) from marts.fct_messages where strftime(delivered_at, '%Y-%m') = '2026-10' group by 1"
    )
    assert sorted(ask(demo_shop, counted)) == [("marketing", 494), ("service", 33), ("utility", 712)]
    # To Brazil 494 x 0.0625 + 712 x 0.0068 = 35.7166 USD for Meta, the answers in open windows free; of the others
    # 1,239 x 0.005 = 6.195, 50 + 239 x 0.0045 = 51.0755, 30 + 739 x 0.006 = 34.434; 1 BRL is 0.18 USD.
    columns = "provider, messages, round(own_cost, 2), round(meta_fees, 2), round(total_cost, 2)"
    rows = ask(demo_shop, f"select {columns} from marts.fct_provider_costs where month = '2026-10-01' order by 1")
    fees = Decimal("198.43")
    assert rows == [
        ("messagebird", 1_239, Decimal("283.75"), fees, Decimal("482.18")),
        ("meta", 1_239, 0, fees, fees),
        ("twilio", 1_239, Decimal("34.42"), fees, Decimal("232.84")),
        ("zenvia", 1_239, Decimal("191.30"), fees, Decimal("389.73")),
    ]


BOOK = (ROOT / "seeds" / "price_book.csv").read_text(encoding="utf-8")
ELSEWHERE = "twilio,pay as you go,20,,,XAF,3,0,,2026-01-01,,invented\n"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, dbt.Build]:
    """A shop without messages, and a plan in a currency without a rate."""
    settings = shop(tmp_path_factory.mktemp("empty"))
    put(settings, 1, {"customers": [{"customer_ref": "ann"}]})
    return settings, dbt.build(
        settings, AS_OF, project=project(tmp_path_factory.mktemp("project"), price_book=BOOK + ELSEWHERE)
    )


def test_a_price_in_a_currency_without_a_rate_fails_by_name(empty: tuple[Settings, dbt.Build]) -> None:
    settings, done = empty
    [failed] = done.failed
    assert failed.test == "assert_every_currency_has_a_rate"
    assert ask(settings, f"select currency, days from {failed.relation}") == [("XAF", 1)]


def test_without_messages_compare_shows_plans_at_1_000(empty: tuple[Settings, dbt.Build]) -> None:
    settings, _ = empty
    build(settings, AS_OF)
    assert ask(settings, "select distinct month, messages from marts.fct_provider_costs") == [(date(2026, 11, 1), 0)]
    publish(settings, Run("1", AS_OF, AS_OF), ("dim_customers", "fct_provider_costs", "meta_refreshes"))
    told = compare(settings)
    assert "2026-11 (not over yet) has no messages; each plan at 1,000, without Meta's fees:" in told
    for price in ("5.00", "50.00", "33.00"):
        assert price in told
    assert "from 91,000 a month messagebird monthly" in told


TWO_CURRENCIES = """\
provider,plan,monthly_fee,category,country,currency,price,free_quota,quota_per,valid_from,valid_to,source
meta,direct,0,marketing,,USD,0.06,0,,2025-07-01,,test
messagebird,monthly,50,,,EUR,0.005,1000,account,2023-01-01,,test
messagebird,monthly,0,marketing,,USD,0.01,0,,2026-01-01,,test
"""
TWO_PLANS = """provider,plan,is_in_use,meta_fees,is_told_price_whole,verification_days_min,verification_days_max,source
meta,direct,true,added,true,,,test
messagebird,monthly,true,added,true,3,5,test
"""


def test_a_fee_is_converted_from_the_currency_of_its_own_line(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = shop(tmp_path_factory.mktemp("currencies"))
    put(settings, 1, {"message_events": [delivered("one", _minute(1), provider="messagebird", **regular("marketing"))]})
    seeds = project(tmp_path_factory.mktemp("seeds"), price_book=TWO_CURRENCIES, provider_plans=TWO_PLANS)
    build(settings, AS_OF, project=seeds)
    [(rate,)] = ask(
        settings,
        "select distinct rate from intermediate.int_exchange_rates_spread_to_days"
        " where currency = 'EUR' and rate_date = ?",
        OCTOBER,
    )
    [(fee,)] = ask(
        settings,
        "select monthly_fee from marts.fct_provider_costs where plan = 'monthly' and month = ?",
        OCTOBER,
    )
    assert rate != 1
    assert fee == round(Decimal(50) * Decimal(str(rate)), 4)


def test_the_seed_of_calling_codes_is_what_the_library_says() -> None:
    assert (ROOT / "seeds" / "calling_codes.csv").read_text(encoding="utf-8") == calling_codes.csv()
    found = calling_codes.prefixes()
    assert [found[code] for code in ("1", "1416", "1242", "7", "77", "55")] == ["US", "CA", "BS", "RU", "KZ", "BR"]
