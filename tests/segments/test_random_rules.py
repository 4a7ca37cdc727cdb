"""200 random rule trees through the compiled SQL, through `explain`, and through plain Python."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from published_shop import customer
from random_rules import SAVED, Facts, answer, rules, three_valued

from wabench import published, segments
from wabench.segments import sets
from wabench.segments.compiler import compile_rule
from wabench.segments.explain import answers, compile_leaves, fill, outline
from wabench.segments.rules import Rule
from wabench.settings import Settings

CUSTOMERS = [customer(number) for number in range(120)]
TABLES = ("fct_orders", "fct_messages", "fct_sends")


@pytest.fixture
def facts(shop: Path, settings: Settings) -> Facts:
    for name, rule in SAVED.items():
        segments.save(settings, segments.Segment(name, "", rule))
    rows: dict[str, dict[str, list[dict[str, object]]]] = {table: {} for table in TABLES}
    for table in TABLES:
        for row in published.query(settings, f"select * from {table}").to_pylist():
            rows[table].setdefault(row["customer_id"], []).append(row)
    return Facts(rows)


@given(rule=rules, number=st.integers(0, len(CUSTOMERS) - 1))
@hypothesis_settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_sql_and_explain_select_whom_plain_python_selects(
    rule: Rule, number: int, settings: Settings, facts: Facts
) -> None:
    against = segments.catalog(settings)
    version = published.current(settings)
    expected = {p["customer_id"]: answer(rule, p, against, facts) for p in CUSTOMERS}

    compiled = compile_rule(rule, against)
    sql = f"{compiled.people} select customer_id, {compiled.decided} as is_in from people"
    got = version.query(sql, compiled.params, sets.tables(version, compiled)).to_pylist()
    assert {row["customer_id"]: row["is_in"] for row in got} == expected
    counts = segments.count(settings, rule)
    assert counts.customers == sum(expected.values())
    assert counts.reachable == sum(p["is_reachable"] and expected[p["customer_id"]] for p in CUSTOMERS)
    assert counts.decided_by_unset == sum(three_valued(rule, p, against, facts) is None for p in CUSTOMERS)

    tree = outline(rule, against)
    rows = answers(version, tree, compile_leaves(tree, against))
    assert {row["customer_id"]: fill(tree, row) for row in rows} == expected

    one = CUSTOMERS[number]["customer_id"]
    told = segments.explain(settings, segments.Segment("random", "", rule), one)
    assert told.is_in is expected[one]
