"""The seed calling_codes, made from phonenumbers: `python tests/support/calling_codes.py > seeds/calling_codes.csv`."""

import re
from collections.abc import Iterator

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber

NORTH_AMERICA = 1
_DIGITS = 3
"""What may follow a country's code and still tell two countries apart, in what is generated."""


def csv() -> str:
    """Give the seed's text: each prefix that leads to another country than a shorter one does."""
    return "prefix,country\n" + "".join(f"{prefix},{country}\n" for prefix, country in sorted(prefixes().items()))


def prefixes() -> dict[str, str]:
    """Give the country (ISO 3166) by how numbers begin, without plus; the longest that fits counts."""
    found = {}
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        main, *others = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
        if main != "001":
            found[str(code)] = main
            found |= {f"{code}{digits}": other for other in others for digits in _leading(code, other)}
    return found


def _leading(code: int, region: str) -> Iterator[str]:
    """Give the shortest digits that all numbers of a region, and of no other with its code, begin with."""
    if code == NORTH_AMERICA and region == "CA":
        yield from (str(area) for area in range(200, 1000) if _is_canadian(area))
        return
    pattern = PhoneMetadata.metadata_for_region(region).leading_digits or ""
    for width in range(1, _DIGITS + 1):
        yield from (f"{n:0{width}}" for n in range(10**width) if re.fullmatch(f"(?:{pattern})", f"{n:0{width}}"))


def _is_canadian(area: int) -> bool:
    number = PhoneNumber(country_code=NORTH_AMERICA, national_number=area * 10**7 + 2_345_678)
    return phonenumbers.region_code_for_number(number) == "CA"


if __name__ == "__main__":
    print(csv(), end="")
