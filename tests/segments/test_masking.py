from pathlib import Path

import pytest
from random_rules import leaf

from wabench import segments
from wabench.acts import segments as acts
from wabench.errors import Refused
from wabench.roles import Actor, Role
from wabench.segments import Segment, masking
from wabench.segments.rules import AllOf, Not
from wabench.settings import Settings

ANALYST, MARKETER = Actor("ann", Role.ANALYST), Actor("max", Role.MARKETER)


@pytest.mark.parametrize("field", ["phone", "email", "user_id"])
def test_who_sees_phones_masked_cannot_try_their_digits_in_a_rule(field: str, shop: Path, settings: Settings) -> None:
    guess = AllOf((leaf("orders", ">", "0"), Not(leaf(field, "contains", "+5511"))))
    with pytest.raises(Refused, match=f"ann sees phones and e-mails masked, so a rule can't ask for {field}"):
        masking.require(ANALYST, guess)
    with pytest.raises(Refused):
        acts.export(settings, ANALYST, Segment("guess", "", guess))
    masking.require(MARKETER, guess)
    masking.require(ANALYST, leaf(field, "is_set", "yes"))


def test_what_would_be_refused_is_not_offered(shop: Path, settings: Settings) -> None:
    catalog = segments.catalog(settings)
    assert catalog.fields.keys() - masking.offered(catalog, ANALYST).fields.keys() == masking.IDENTIFYING
    assert masking.offered(catalog, MARKETER) == catalog
