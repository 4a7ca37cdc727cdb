from wabench.segments.filters import UNSET, rule_of
from wabench.segments.rules import EVERYONE, AllOf, Leaf, Operator


def test_nothing_chosen_is_everyone() -> None:
    assert rule_of({"country": [], "consent": []}) == EVERYONE


def test_any_of_a_fields_values_and_all_of_the_fields() -> None:
    assert rule_of({"country": ["BR", "RU"], "consent": ["opted_in"]}, reachable_only=True) == AllOf(
        (
            Leaf("country", Operator.IN, ("BR", "RU")),
            Leaf("consent", Operator.IS, ("opted_in",)),
            Leaf("is_reachable", Operator.IS, ("yes",)),
        )
    )


def test_not_known_is_an_answer_beside_values_or_alone() -> None:
    assert rule_of({"country": ["BR", UNSET]}) == Leaf("country", Operator.IS, ("BR",), unset=True)
    assert rule_of({"country": [UNSET]}) == Leaf("country", Operator.IS_SET, ("no",))
