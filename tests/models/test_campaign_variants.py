"""A campaign of two variants: each has its own funnel, costs, texts and lift against its own held out."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from history import order, status
from warehouse import ask, build, put, shop

from wabench.settings import Settings

BEGAN = datetime.fromisoformat("2026-06-20 10:00")
CUSTOMERS = 40
BODIES = {"a": "Hi {{1}}, reply YES for your code", "b": "See https://shop.example for what is new, {{1}}"}


def variant(customer: int) -> str:
    return "a" if customer % 4 else "b"


def is_held_out(customer: int) -> bool:
    return customer % 5 == 0


def phone(customer: int) -> str:
    return f"+155500{customer:02}"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Customers of `a` read and buy, those of `b` only get it; before there were variants an old campaign had one."""
    settings = shop(tmp_path_factory.mktemp("variants"))
    treated = [n for n in range(CUSTOMERS) if not is_held_out(n)]
    common = {"started_at": BEGAN, "segment": "all"}
    put(settings, 1, {
        "campaigns": [
            {"campaign_id": "c1", "name": "test", "template_name": "code", "holdout_share": 0.2, **common},
            {"campaign_id": "old", "name": "old", "template_name": "code", **common},
        ],
        "variants": [
            {"campaign_id": "c1", "variant": name, "share": share, "template_name": template,
             "template_body": BODIES[name]}
            for name, share, template in (("a", 0.75, "code"), ("b", 0.25, "link"))
        ],
        "sends": [
            {"campaign_id": "c1", "customer_id": f"x{n}", "send_id": f"s{n}", "phone": phone(n), "variant": variant(n),
             "text_length": 30, "is_personalised": True}
            | ({"arm": "held_out", "state": "suppressed", "reason": "holdout"} if is_held_out(n)
               else {"arm": "treated", "message_id": f"m{n}", "claimed_at": BEGAN, "outcome_at": BEGAN})
            for n in range(CUSTOMERS)
        ] + [{"campaign_id": "old", "customer_id": "x0", "send_id": "old", "phone": phone(0), "variant": None,
              "message_id": "old", "claimed_at": BEGAN - timedelta(days=9)}],
        "orders": [
            order(f"o{n}", BEGAN + timedelta(hours=n), "50", phone=phone(n)) for n in treated if variant(n) == "a"
        ],
        "message_events": [
            *(status("delivered", f"m{n}", BEGAN, phone(n), price=Decimal("0.05"), currency="USD") for n in treated),
            *(status("read", f"m{n}", BEGAN + timedelta(minutes=5), phone(n)) for n in treated if variant(n) == "a"),
        ],
    })  # fmt: skip
    build(settings)
    return settings


def test_each_variant_is_a_row_with_its_own_template_share_and_figures(measured: Settings) -> None:
    sql = """
        select variant, template_name, variant_share, planned, holdout, delivered, read, converted, cost,
            attributed_net_revenue, customers_treated, customers_held_out
        from marts.fct_campaigns where campaign_id = 'c1' order by variant
    """
    of = {name: [n for n in range(CUSTOMERS) if variant(n) == name] for name in "ab"}
    expected = []
    for name, template, share in (("a", "code", 0.75), ("b", "link", 0.25)):
        out = [n for n in of[name] if is_held_out(n)]
        sent = len(of[name]) - len(out)
        is_a = name == "a"
        expected.append((
            name, template, share, len(of[name]), len(out), sent, sent * is_a, sent * is_a, Decimal("0.05") * sent,
            Decimal(50) * sent * is_a, sent, len(out),
        ))  # fmt: skip
    assert ask(measured, sql) == expected


def test_what_a_variant_caused_is_measured_against_its_own_held_out(measured: Settings) -> None:
    sql = "select variant, incremental_conversions from marts.fct_campaigns where campaign_id = 'c1' order by variant"
    [(_, of_a), (_, of_b)] = ask(measured, sql)
    assert of_a == pytest.approx(sum(variant(n) == "a" and not is_held_out(n) for n in range(CUSTOMERS)), rel=0.05)
    assert of_b is None  # nobody of it ordered, in neither arm


def test_messages_months_and_contents_are_those_of_their_variants_template(measured: Settings) -> None:
    sent = ask(measured, "select template_name, count(*) from marts.fct_messages where campaign_id = 'c1' group by 1")
    months = ask(
        measured,
        "select template_name, sum(accepted) from marts.fct_campaign_months where campaign_id = 'c1' group by 1",
    )
    assert dict(sent) == dict(months) == {"code": 24, "link": 8}
    links = ask(measured, "select has_link, has_call_to_action, count(*) from marts.fct_messages"
                          " where campaign_id = 'c1' group by all order by all")  # fmt: skip
    assert links == [(False, True, 24), (True, False, 8)]
    named = ask(measured, "select template_name, campaigns from marts.dim_templates where provider = 'meta' order by 1")
    assert named == [("code", 2), ("link", 1)]


def test_a_campaign_of_one_text_is_one_row_with_its_own_template(measured: Settings) -> None:
    sql = "select variant, template_name, variant_share, planned from marts.fct_campaigns where campaign_id = 'old'"
    assert ask(measured, sql) == [("", "code", 1.0, 1)]
    assert ask(measured, "select campaign_id, texts from marts.dim_campaigns order by 1") == [("c1", 2), ("old", 1)]
