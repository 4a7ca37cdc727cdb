"""Phones as people write them, to E.164."""

from functools import lru_cache

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, NumberParseException


@lru_cache(maxsize=65536)
def normalise(text: str, region: str) -> str | None:
    """Read a phone written in any usual way; None where it is none.

    `region` is the country (ISO 3166, two letters) of numbers without a country code. A number that is impossible
    there but possible with a plus before it is taken to have its country code already, as CRMs often store it.
    """
    written = text.strip().removeprefix("whatsapp:")
    return _e164(written, region) or (_e164(f"+{written}", region) if not written.startswith("+") else None)


def country(phone: str) -> str | None:
    """Tell the country (ISO 3166) of a phone in E.164; the chief one of its code where several share it."""
    codes = (int(phone[1:end]) for end in (2, 3, 4) if phone[1:end].isdecimal())
    regions = next((found for code in codes if (found := COUNTRY_CODE_TO_REGION_CODE.get(code))), ())
    chief = next((region for region in regions if region != "001"), None)
    return (_region(phone) or chief) if len(regions) > 1 else chief  # a hundred times faster than to read each number


@lru_cache(maxsize=65536)
def _region(phone: str) -> str | None:
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(phone))
    except NumberParseException:
        return None


def mask(phone: str | None) -> str:
    """Show a phone to who may not see it: its last four digits."""
    return f"•••• {phone[-4:]}" if phone else ""


def _e164(text: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
