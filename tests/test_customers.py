import pytest
from hypothesis import given
from hypothesis import strategies as st
from published_shop import customer, publish_shop

from wabench import customers, published
from wabench.customers import search, timeline
from wabench.published import Published
from wabench.settings import load


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Published:
    home = tmp_path_factory.mktemp("shop")
    publish_shop(home, "20261122T180000Z", [customer(number) for number in range(60)])
    return published.current(load({"WABENCH_HOME": str(home)}))


def found(version: Published, text: str, is_masked: bool = True) -> list[str]:
    return search(version, text, is_masked).column("customer_id").to_pylist()


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("c0012", "c0012"),
        ("  C0012 ", "c0012"),
        ("0017", "c0017"),
        ("+55 (11) 900-000-017", "c0017"),
        ("11900000017", "c0017"),
        ("person13@example.com", "c0013"),
    ],
)
def test_somebody_is_found_by_what_names_them(version: Published, text: str, first: str) -> None:
    assert found(version, text)[0] == first


def test_a_name_is_found_by_its_parts_in_any_case_and_script(version: Published) -> None:
    people = [n for n in range(60) if customer(n)["name"] == "Анна Петрова"]
    assert sorted(found(version, "петРОВА")) == [f"c{n:04}" for n in people]
    assert found(version, "cmd|'/c")  # looks like code and is a name


@pytest.mark.parametrize("text", ["", "   ", "%", "*", "9%", "' or 1=1 --"])
def test_nothing_finds_nobody(version: Published, text: str) -> None:
    assert found(version, text) == []


@pytest.mark.parametrize("digits", ["17", "017", "00017", "000017", "0000017", "900000017"])
def test_hidden_digits_cannot_be_tried_out(version: Published, digits: str) -> None:
    assert found(version, digits) == []
    assert (len(digits) < 6) or found(version, digits, is_masked=False) == ["c0017"]


def test_an_e_mail_in_parts_is_found_by_who_may_see_it(version: Published) -> None:
    assert found(version, "person13@") == []
    assert found(version, "person13@", is_masked=False) == ["c0013"]


@pytest.mark.parametrize("is_masked", [True, False])
def test_phones_and_e_mails_are_whole_only_for_who_may_see_them(version: Published, is_masked: bool) -> None:
    told = [str(search(version, "петрова", is_masked).to_pylist())]
    for row in search(version, "петрова", is_masked).to_pylist():
        told += [str(customers.profile(version, row["customer_id"], is_masked))]
        told += [str(timeline(version, row["customer_id"], (), is_masked))]
    for number in (n for n in range(60) if customer(n)["name"] == "Анна Петрова"):
        person = customer(number)
        for secret in filter(None, (person["phone"], person["email"])):
            assert any(secret in text for text in told) != is_masked
    texts = "".join(told)
    assert ("345-67-89" in texts) != is_masked
    assert ("anna@example.com" in texts) != is_masked


def test_the_newest_comes_first_and_kinds_choose(version: Published) -> None:
    rows = timeline(version, "c0012", (), is_masked=True)
    times = [row["happened_at"] for row in rows]
    assert times == sorted(times, reverse=True)
    assert {row["kind"] for row in rows} == set(customers.KINDS)
    assert {row["kind"] for row in timeline(version, "c0012", ("order", "tags"), is_masked=True)} == {"order", "tags"}
    newer, older = (row for row in rows if row["kind"] == "tags")
    assert (newer["what"], newer["detail"], older["what"]) == ("changed", customer(12)["engagement_tag"], "first known")


def test_an_unknown_id_is_nobody(version: Published) -> None:
    assert customers.profile(version, "c9999", is_masked=False) is None
    assert timeline(version, "c9999", (), is_masked=False) == []


@given(text=st.text(max_size=40))
def test_any_text_can_be_searched_for(version: Published, text: str) -> None:
    assert len(found(version, text)) <= customers.MOST
