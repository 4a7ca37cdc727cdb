import json
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from published_shop import customer
from typer.testing import CliRunner, Result

from wabench.cli import app
from wabench.errors import UsageError, WabenchError

READY = Path(__file__).parents[2] / "segments"
Run = Callable[..., Result]
CUSTOMERS = [customer(number) for number in range(120)]


@pytest.fixture
def run(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("WABENCH_HOME", str(shop))
    shutil.copytree(READY, shop / "segments")

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, ["segment", *words])

    return invoke


def test_the_ready_segments_are_fine_and_each_selects_somebody(run: Run) -> None:
    assert run("check").exit_code == 0
    listed = {row["segment"]: row["customers"] for row in json.loads(run("list", "--json").stdout)}
    assert listed.keys() == {path.stem for path in READY.glob("*.yml")}
    assert listed["frequent_buyers"] == sum(person["frequency_tag"] == "monthly" for person in CUSTOMERS)
    # Everybody here ordered lately and reads what they get: these three are of who does not.
    assert {name for name, customers in listed.items() if not customers} == {"at_risk", "winback", "high_ltv_fading"}


def test_count_tells_who_can_be_reached_and_what_unset_values_decided(run: Run) -> None:
    counts = json.loads(run("count", "new_customers", "--json").stdout)
    assert counts["decided_by_unset"] == sum(person["first_order_at"] is None for person in CUSTOMERS)
    assert counts["total"] == 120
    assert counts["as_of"] == "2026-11-22T18:00:00"


def test_worth_is_the_sum_with_a_range_narrower_than_the_sum_of_ranges(run: Run) -> None:
    people = [person for person in CUSTOMERS if person["frequency_tag"] == "monthly"]
    found = json.loads(run("worth", "frequent_buyers", "--json").stdout)
    expected = sum(person["ltv_expected_12m"] for person in people)
    assert (found["valued"], Decimal(str(found["expected"]))) == (len(people), expected)
    assert Decimal(str(found["historic"])) == sum(person["ltv_historic"] for person in people)
    spread = sum(person["ltv_expected_12m_variance"] for person in people) + (0.1 * float(expected)) ** 2
    assert float(found["high"]) - float(found["low"]) == pytest.approx(2 * 1.2816 * spread**0.5, rel=0.05)
    least = sum(person["ltv_expected_12m_low"] for person in people)
    assert float(least) < float(found["low"]) < float(expected) < float(found["high"])


def test_worth_of_nobody_is_nothing(run: Run, shop: Path) -> None:
    (shop / "segments" / "nobody.yml").write_text("name: nobody\nwhere: {field: orders, '>': 100000}\n")
    found = json.loads(run("worth", "nobody", "--json").stdout)
    assert [float(found[name]) for name in ("valued", "historic", "expected", "low", "high")] == [0] * 5


def test_check_prints_every_problem_on_a_line_of_its_own(run: Run, shop: Path) -> None:
    (shop / "segments" / "bad.yml").write_text(
        "name: bad\nwhere: {all: [{field: ordrs, is: 1}, {field: orders, is: many}]}\n"
    )
    result = run("check")
    assert result.stdout.splitlines() == [
        "bad.yml: where.all[0]: no field is called 'ordrs'; did you mean 'orders'?",
        "bad.yml: where.all[1]: orders: expected a number, not 'many'",
    ]
    assert isinstance(result.exception, WabenchError)
    assert result.exception.exit_code == 1
    assert len(json.loads(run("check", "--json").stdout)["problems"]) == 2


def test_a_broken_segment_is_listed_with_what_is_wrong(run: Run, shop: Path) -> None:
    (shop / "segments" / "bad.yml").write_text("name: bad\nwhere: {field: ordrs, is: 1}\n")
    rows = {row["segment"]: row for row in json.loads(run("list", "--json").stdout)}
    assert rows["bad"]["customers"] is None
    assert "did you mean 'orders'" in rows["bad"]["description"]


def test_an_unknown_segment_is_wrong_use(run: Run) -> None:
    result = run("count", "cold90d")
    assert isinstance(result.exception, UsageError)
    assert "did you mean 'cold_90d'" in str(result.exception)


def test_export_says_what_it_wrote_and_what_is_masked(run: Run, shop: Path) -> None:
    target = shop / "cold.csv"
    printed = run("export", "cold_90d", "--to", str(target)).stdout
    assert "masked: phone, email" in printed
    assert target.is_file()
    told = json.loads(run("export", "cold_90d", "--to", str(target), "--with-phones", "--json").stdout)
    assert told["masked"] == []
    assert told["path"] == str(target)


def test_show_prints_the_rule_and_its_hash(run: Run) -> None:
    shown = json.loads(run("show", "frequent_buyers", "--json").stdout)
    assert shown["where"] == {"field": "frequency_tag", "is": "monthly"}
    assert shown["rule_hash"][:8] in run("show", "frequent_buyers").stdout


def test_explain_says_in_a_line_who_is_in_and_what_decides(run: Run) -> None:
    lines = run("explain", "frequent_buyers", "c0001").stdout.splitlines()
    assert lines[0] == "c0001 (José d'Ávila) is not in frequent_buyers now"
    decides = "no field: frequency_tag, is: monthly value: rare turns if frequency_tag became monthly <- decides"
    assert " ".join(lines[1].split()) == decides
    told = json.loads(run("explain", "frequent_buyers", "c0001", "--as-of", "2026-11-01", "--json").stdout)
    assert (told["is_in"], told["why"]["is_known"]) == (None, False)


def test_diff_and_overlap_print_what_they_count(run: Run) -> None:
    moved = json.loads(run("diff", "cold_90d", "--from", "2026-11-15", "--json").stdout)["moved"]
    assert {(each["change"], each["cause"]) for each in moved} == {("left", "data"), ("stayed", None)}
    printed = run("diff", "cold_90d", "--from", "2026-11-01").stdout
    assert "tags and consent are known from 2026-11-10 18:00 UTC on" in printed
    shared = json.loads(run("overlap", "cold_90d", "frequent_buyers", "--json").stdout)["shared"]
    assert [each["both"] for each in shared] == [
        sum(p["engagement_tag"] == "cold" and p["frequency_tag"] == "monthly" for p in CUSTOMERS)
    ]
    assert "Jaccard" in run("overlap", "cold_90d", "frequent_buyers").stdout


def test_check_tells_sizes_and_fails_a_shops_ci_on_a_broken_expectation(run: Run, shop: Path) -> None:
    (shop / "segments" / "few.yml").write_text("name: few\nwhere: {field: orders, is: 1}\nexpect: {at_least: 99}\n")
    result = run("check", "few", "--json")
    assert json.loads(result.stdout) == {
        "checked": ["few"],
        "sizes": {"few": {"customers": 24, "before": None}},
        "problems": ["few.yml: expect at_least: it has 24 customers, under 99"],
    }
    assert isinstance(result.exception, WabenchError)
