"""What fills a template's variables, and what is refused before anybody is written to."""

from datetime import datetime
from decimal import Decimal

import pytest

from wabench.campaigns import templates
from wabench.errors import UsageError
from wabench.settings import TemplateSettings

SALE = TemplateSettings(body="Hi {{1}}, {{2}} until {{ 1 }}")
COLUMNS = ("name", "phone", "net_revenue")


def test_variables_are_listed_once_in_the_providers_order() -> None:
    assert templates.variables("{{2}} {{1}} {{2}}") == ["1", "2"]
    assert templates.variables("{{code}} {{first_name}} {{code}}") == ["code", "first_name"]
    assert templates.variables("none") == []


@pytest.mark.parametrize("body", ["{{1}} {{3}}", "{{2}}", "{{1}} {{name}}"])
def test_numbers_with_a_gap_or_mixed_with_names_are_refused(body: str) -> None:
    with pytest.raises(UsageError):
        templates.variables(body)


def test_params_are_read_in_the_templates_order() -> None:
    given = templates.sources(SALE, ["2=literal:SALE=10", "1=name"], COLUMNS)
    assert list(given.items()) == [("1", "name"), ("2", "literal:SALE=10")]


@pytest.mark.parametrize(
    ("params", "told"),
    [
        (["1=name"], "variable 2 is not filled"),
        (["1=name", "2=name", "3=name"], "variable 3 is not in the template"),
        (["1=nam", "2=name"], "did you mean 'name'"),
        (["1=name", "1=name", "2=name"], "each variable once"),
        (["name"], "write each variable"),
    ],
)
def test_wrong_params_are_refused_with_what_to_do(params: list[str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        templates.sources(SALE, params, COLUMNS)


def test_values_are_written_as_people_read_them() -> None:
    row = {"name": " Ana\n  Maria ", "net_revenue": Decimal("12.5000"), "since": datetime(2026, 1, 2), "none": None}  # noqa: DTZ001
    sources = {"1": "name", "2": "net_revenue", "3": "since", "4": "none", "5": "literal:10 %"}
    assert templates.render(sources, row) == {"1": "Ana Maria", "2": "12.50", "3": "2026-01-02", "4": "", "5": "10 %"}
    assert templates.fill("Hi {{1}} {{6}}", {"1": "Ana"}) == "Hi Ana {{6}}"
