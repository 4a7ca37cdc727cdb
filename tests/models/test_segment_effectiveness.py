"""Intervals of segments: Wilson's, of as many messages as those to the same customers are worth."""

from contextlib import closing
from math import sqrt
from random import Random

import pytest
from warehouse import compiled

from ingest import loader
from wabench.settings import Settings

Z = 1.959963984540054
ROWS = """
    insert into intermediate.int_messages_tagged by name
    select {} from (values {}) as given (customer_id, number, is_read)
"""
COLUMNS = """
    customer_id || number as message_key, customer_id, is_read, false as is_converted, 0 as cost, 0 as orders,
    'rare' as frequency_tag, 'low' as order_value_tag, 'cold' as engagement_tag, 'lost' as rfm_group
"""


def rated(settings: Settings, *reads: str) -> tuple[float, float, float, float]:
    """Give read trials, lower end and upper end, and the upper end of no conversion; a word is a customer, `+` read."""
    rows = [(f"c{n}", i, mark == "+") for n, word in enumerate(reads) for i, mark in enumerate(word)]
    with closing(loader.connect(settings)) as connection:
        connection.execute("begin")
        connection.execute("delete from intermediate.int_messages_tagged")
        connection.execute(ROWS.format(COLUMNS, ", ".join(str(row).lower() for row in rows)))
        sql = f"select * from ({compiled(settings, 'fct_segment_effectiveness')}) where method = 'none'"
        [row] = connection.execute(
            f"select read_trials, read_rate_low, read_rate_high, conversion_rate_high from ({sql})"
        ).fetchall()
        connection.execute("rollback")
    return row


def wilson(share: float, n: float) -> tuple[float, float]:
    middle, half = share + Z * Z / 2 / n, Z * sqrt(share * (1 - share) / n + Z * Z / 4 / n / n)
    return (middle - half) / (1 + Z * Z / n), (middle + half) / (1 + Z * Z / n)


def test_the_interval_of_independent_messages_is_wilsons(at_once: Settings) -> None:
    trials, low, high, _ = rated(at_once, *"+++++-----")
    assert trials == pytest.approx(10)
    assert (low, high) == pytest.approx((0.2366, 0.7634), abs=5e-5)  # as any table has it for 5 of 10


def test_messages_to_one_customer_are_worth_less_than_messages_to_many(at_once: Settings) -> None:
    trials, low, high, _ = rated(at_once, "++", "++", "--", "--", "+-")
    assert trials == pytest.approx(50 / 9)
    assert (low, high) == pytest.approx(wilson(0.5, 50 / 9))


def test_messages_that_resemble_each_other_less_than_chance_are_worth_no_more_than_they_are(at_once: Settings) -> None:
    assert rated(at_once, "+-", "+-", "-+")[0] == 6


@pytest.mark.parametrize(("reads", "trials"), [(("----", "--"), 2), (("++++", "++"), 2), (("++--",), 1)])
def test_what_can_not_be_told_counts_a_customer_as_one(at_once: Settings, reads: tuple[str], trials: int) -> None:
    found, low, high, conversion_high = rated(at_once, *reads)
    share = sum(word.count("+") for word in reads) / sum(map(len, reads))
    assert found == trials
    assert (low, high) == pytest.approx(wilson(share, trials))
    assert conversion_high == pytest.approx(wilson(0, len(reads))[1])
    assert 0 <= low <= share <= high <= 1


def test_the_design_effect_makes_intervals_that_hold_the_true_share_as_often_as_they_say(at_once: Settings) -> None:
    """Ten messages each to 60 customers who read much or little: nine in ten such intervals hold 0.5, or more."""
    chance, held = Random(4), 0
    for _ in range(100):
        habits = [chance.betavariate(1, 1) for _ in range(60)]
        words = ("".join("+" if chance.random() < habit else "-" for _ in range(10)) for habit in habits)
        _, low, high, _ = rated(at_once, *words)
        held += low <= 0.5 <= high
    assert held >= 90
