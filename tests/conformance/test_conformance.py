"""One campaign, one scenario, the same ledger and the same marts, whichever provider it goes through.

What is expected comes from the drawing of fates alone. Each dialect sends every scenario in one home, and its
warehouse is built once, at the end.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import specifications
from dialects import ALL, Dialect
from harness import Shop
from pages import hold
from scenarios import CASES, FUNNEL, Case, Story, expected, funnel, second_reasons

from wabench import published, refresh
from wabench.providers.base import Accepted, Media, Template, Text
from wabench.sandbox.scenario import Scenario

FREE = (
    Text("Hello"),
    Text("Look: https://shop.example/new", previews_link=True),
    Media("image", "https://shop.example/new.png", caption="New"),
    Media("document", "https://shop.example/list.pdf", filename="list.pdf"),
)
STATUSES = ("sent", "delivered", "read", "failed")
MESSAGES = """
    select send_id, sent_at, delivered_at, read_at, failed_at, error_family, replied_at
    from fct_messages where direction = 'out' and send_id is not null
"""
CONSENTS = """
    select identities.identity, customers.consent from dim_identities as identities
    inner join dim_customers as customers on identities.customer_id = customers.customer_id
    where identities.identity_type in ('phone', 'user_id')
"""


def ask(shop: Shop, sql: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = published.query(shop.settings(), sql).to_pylist()
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.name)
def test_a_campaign_comes_to_the_same_by_every_provider(home: Path, dialect: Dialect) -> None:
    shop = Shop(home, dialect)
    shop.take_customers(CASES)
    ended = {case.name: shop.run(case) for case in CASES}
    with shop.open(Scenario()) as opened:
        said = [shop.say(opened, content, f"+55119700000{number:02}") for number, content in enumerate(FREE)]
        opened.settle()
        refresh.refresh(opened.settings)
    found = {case: stories(shop, case) for case in CASES}

    assert all(isinstance(outcome, Accepted) for outcome in said), said
    assert ended == {case.name: "paused" if case.is_paused else "finished" for case in CASES}
    foretold = {case: expected(case, dialect) for case in CASES}
    told = [line for case in CASES for line in differences(case, foretold[case], found[case])]
    assert told == [], "\n".join(told)
    assert {case.name: funnels(shop)[case.name] for case in CASES} == {c.name: funnel(foretold[c]) for c in CASES}
    for case in CASES:
        if case.again:
            left_out = {row["customer_id"]: row["reason"] for row in shop.sends(f"{case.name} again")}
            assert left_out == second_reasons(case, dialect)
    written_to_once(shop)
    wrong = {f"{call['path']} {p}" for call in sends(shop) for p in problems(call, dialect)}
    assert wrong == set()
    hold(dialect, {case: funnel(found[case]) for case in CASES}, ended)


def stories(shop: Shop, case: Case) -> dict[str, Story]:
    """Read what the ledger and the published marts say of each customer of a scenario."""
    messages = {row["send_id"]: row for row in ask(shop, MESSAGES)}
    consents = {row["identity"].rpartition(":")[2]: row["consent"] for row in ask(shop, CONSENTS)}
    return {row["customer_id"]: _story(row, messages.get(row["send_id"]), consents) for row in shop.sends(case.name)}


def differences(case: Case, foretold: Mapping[str, Story], found: Mapping[str, Story]) -> list[str]:
    people = sorted({*foretold, *found})
    return [f"{case.name} {p}: {foretold[p]}\n  found {found.get(p)}" for p in people if foretold[p] != found.get(p)]


def _story(send: Mapping[str, Any], message: Mapping[str, Any] | None, consents: Mapping[str, str]) -> Story:
    told = message or {}
    return Story(
        state=send["state"],
        reason=send["reason"],
        statuses=frozenset(status for status in STATUSES if told.get(f"{status}_at")),
        error_family=told.get("error_family"),
        is_answered=told.get("replied_at") is not None,
        consent=consents.get(send["phone"] or send["user_id"], "unknown"),
    )


def funnels(shop: Shop) -> dict[str, dict[str, int]]:
    rows = ask(shop, "select * from fct_campaigns inner join dim_campaigns using (campaign_id)")
    return {row["name"]: {column: row[column] for column in FUNNEL} for row in rows}


def written_to_once(shop: Shop) -> None:
    """Hold the sandbox's own log against itself: nobody of a campaign is in it twice."""
    lines = [line for line in shop.log if line["kind"] == "template"]
    assert len({line["to"] or line["recipient"] for line in lines}) == len(lines)


def sends(shop: Shop) -> list[dict[str, Any]]:
    """Give the calls that send a message."""
    return [call for call in shop.calls if call["method"] == "POST"]


def problems(call: Mapping[str, Any], dialect: Dialect) -> list[str]:
    return specifications.problems(call, dialect.name) if specifications.is_here(dialect.name) else []


@pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.name)
def test_a_field_that_is_misspelt_is_caught_in_every_request(home: Path, dialect: Dialect) -> None:
    if not specifications.is_here(dialect.name):
        pytest.skip(f"WABENCH_SHARED has no specification of {dialect.name}")
    shop = Shop(home, dialect)
    with shop.open(Scenario()) as opened:
        for number, content in enumerate((sale(dialect), *FREE)):
            assert isinstance(shop.say(opened, content, f"+55119700000{number:02}"), Accepted)
    calls = sends(shop)
    assert [problem for call in calls for problem in problems(call, dialect)] == []
    changed = [(name, body) for call in calls for name, body in specifications.misspelt(specifications.content(call))]
    unseen = {name for name, body in changed if not specifications.problems_of(body, dialect.name, calls[0]["path"])}
    assert changed
    assert unseen == set()


def sale(dialect: Dialect) -> Template:
    return Template("sale", "en", "marketing", {"1": "Ana", "2": "SALE"}, provider_id=dialect.template_id)
