"""Which country a phone is of."""

import pytest

from wabench import phones


@pytest.mark.parametrize(
    ("phone", "region"),
    [
        ("+5511987654321", "BR"),
        ("+12125550100", "US"),
        ("+14165550100", "CA"),
        ("+18095551234", "DO"),
        ("+15550000000", "US"),  # of no area: the chief country of its code
        ("+74951234567", "RU"),
        ("+77011234567", "KZ"),
        ("+442079460958", "GB"),
        ("+351912345678", "PT"),
        ("+80012345678", None),  # of no country
        ("+", None),
        ("", None),
        ("+999123", None),
    ],
)
def test_a_phone_tells_its_country(phone: str, region: str | None) -> None:
    assert phones.country(phone) == region
