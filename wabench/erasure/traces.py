"""How one person shows in data: their identities in any usual writing, in text and in bytes. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException

from wabench import phones

_GAP = r"(?:[\s().\-/+]|%20|%28|%29|%2B|\\u00a0|" + "\u00a0" + r"){0,4}"
_TOKENS = re.compile(rb'["&=,\\\s]+')
_NO_DIGITS = bytes(byte for byte in range(256) if byte not in b"0123456789")
_CODED = re.compile(rb"%(?:20|28|29|2b)|\\u00a0", re.IGNORECASE)
_SHORTEST = 7
"""Digits; what is shorter is written in numbers that are no phones."""


@dataclass(frozen=True)
class Person:
    """Whoever is to be erased: all that leads to them. `phones` are E.164, in every spelling of a mobile that is one.

    `user_ids` are (provider, id), `refs` (source, customer_ref), `orders` (source, order_id); `emails` are in lower
    case. `words` are what else is theirs alone: the ids of what was sent to them.
    """

    phones: frozenset[str] = frozenset()
    user_ids: frozenset[tuple[str, str]] = frozenset()
    emails: frozenset[str] = frozenset()
    refs: frozenset[tuple[str, str]] = frozenset()
    orders: frozenset[tuple[str, str]] = frozenset()
    customer_ids: frozenset[str] = frozenset()
    message_ids: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    region: str = field(default="US", compare=False)

    def refs_of(self, source: str) -> frozenset[str]:
        """Give what one source calls them."""
        return frozenset(ref for of, ref in self.refs if of == source)

    def orders_of(self, source: str) -> frozenset[str]:
        """Give their orders' ids at one source."""
        return frozenset(order for of, order in self.orders if of == source)

    @cached_property
    def traces(self) -> "Traces":
        """Give what finds them in data."""
        return Traces(self)


class Traces:
    """Finds a person in data. Names are no traces: others have them too; they go with the records they stand in."""

    def __init__(self, person: Person) -> None:
        self._region = person.region
        self._phones = person.phones
        ids = {user_id for _, user_id in person.user_ids}
        self._exact = {*ids, *person.customer_ids, *person.words, *(f"{p}:{u}" for p, u in person.user_ids)}
        self._emails = person.emails
        self.message_ids = frozenset(each.rstrip("=") for each in person.message_ids)
        self._message_bytes = frozenset(each.encode() for each in self.message_ids)
        self._ids = {*self._exact, *self._phones, *self._emails, *(f"{source}:{ref}" for source, ref in person.refs)}
        self._numbers = tuple(sorted({_digits(phone) for phone in self._phones}))
        self._literals = tuple(sorted({each.lower().encode() for each in self._exact} | set(_openings(self._emails))))
        text = "|".join(self._patterns())
        self._text = re.compile(text or r"(?!)", re.IGNORECASE)
        self._bytes = re.compile((text or r"(?!)").encode(), re.IGNORECASE)

    def _patterns(self) -> Iterator[str]:
        yield from (phone_pattern(phone) for phone in sorted(self._phones))
        for email in sorted(self._emails):
            yield r"(?<![\w.])" + re.escape(email).replace("@", r"(?:@|%40|\\u0040)") + r"(?![\w]|[.-]\w)"
        for word in sorted(self._exact):
            yield rf"(?<!\w){re.escape(word)}(?!\w)"

    @property
    def ids(self) -> list[str]:
        """Give what a column of identities has of them, in lower case."""
        return sorted(each.lower() for each in self._ids)

    def is_in(self, data: bytes) -> bool:
        """Tell whether any of their identities stands in some bytes."""
        return self._may_be_in(data) and self._bytes.search(data) is not None

    def _may_be_in(self, data: bytes) -> bool:
        """Look at what needs no regular expression first, which is thirty times as fast and lets nothing pass."""
        digits = data.translate(None, _NO_DIGITS)
        if any(number in digits for number in self._numbers):
            return True
        if b"%" in data or b"\\u00" in data:
            digits = _CODED.sub(b"", data).translate(None, _NO_DIGITS)
            if any(number in digits for number in self._numbers):
                return True
        lower = data.lower()
        return any(literal in lower for literal in self._literals)

    def names_message(self, line: bytes) -> bool:
        """Tell whether the id of one of their messages stands in a line."""
        if not self._message_bytes:
            return False
        return not self._message_bytes.isdisjoint(token.rstrip(b"=") for token in _TOKENS.split(line))

    def is_theirs(self, value: Any) -> bool:
        """Tell whether a value is one of their identities, or the id of one of their messages."""
        if isinstance(value, bool) or not isinstance(value, str | int):
            return False
        text = str(value).strip()
        if not text or len(text) > 320:
            return False
        return (
            text in self._exact
            or text.lower() in self._emails
            or text.rstrip("=") in self.message_ids
            or self.is_phone(text)
        )

    def is_phone(self, text: str) -> bool:
        """Tell whether a text is one of their phones, however written."""
        digits = sum(c.isdigit() for c in text)
        if not _SHORTEST <= digits <= 18 or digits * 2 < len(text.removeprefix("whatsapp:")):
            return False
        return phones.normalise(text, self._region) in self._phones or f"+{text}" in self._phones

    def is_person(self, phone: str | None, email: str | None) -> bool:
        """Tell whether a phone in E.164 or an e-mail is theirs."""
        return (phone is not None and phone in self._phones) or (email or "").strip().lower() in self._emails

    def masked(self, text: str) -> str:
        """Put an x for each character of their identities in a text."""
        return self._text.sub(lambda found: "x" * len(found[0]), text)

    def masked_bytes(self, data: bytes) -> bytes:
        """The same in bytes, whose number stays."""
        return self._bytes.sub(lambda found: b"x" * len(found[0]), data)

    @property
    def loose(self) -> str:
        """Give the same without looking around, for an engine that can't: it finds no less."""
        return re.sub(r"\(\?<?[!=][^)]*\)", "", self._text.pattern) or "^$x"

    def mentions(self, text: str) -> bool:
        """Tell whether one of their identities stands anywhere in a text."""
        return self._text.search(text) is not None


def phone_pattern(phone: str) -> str:
    """Give a regular expression of a phone in E.164 as people and programs write it; for text and for bytes."""
    code, national = _parts(phone)
    body = _GAP.join(national)
    if len(national) < _SHORTEST:
        return rf"(?<!\d){re.escape(phone[1:])}(?!\d)"
    return rf"(?:(?<!\d)|(?<=%[\da-f][\da-f]))(?:{_GAP.join(code)}{_GAP})?0?{body}(?!\d)"


def _digits(phone: str) -> bytes:
    """Give the digits that are there in whatever way a phone is written."""
    national = _parts(phone)[1]
    return (national if len(national) >= _SHORTEST else phone[1:]).encode()


def _openings(emails: Iterable[str]) -> Iterator[bytes]:
    """Give how e-mails begin in whatever coding."""
    for email in emails:
        yield from (f"{email.partition('@')[0]}{sign}".encode() for sign in ("@", "%40", "\\u0040"))


def spellings(phone: str) -> Iterator[str]:
    """Give a phone in every spelling that leads to the same mobile, as the models join them (`phone_key`)."""
    yield phone
    digits = phone[1:]
    if digits.startswith("55"):
        area, number = digits[2:4], digits[4:]
        if len(number) == 9 and number[0] == "9" and number[1] in "6789":
            yield f"+55{area}{number[1:]}"
        elif len(number) == 8 and number[0] in "6789":
            yield f"+55{area}9{number}"
    for code, sign in (("52", "1"), ("54", "9")):
        if digits.startswith(code):
            rest = digits[2:]
            yield f"+{code}{rest[1:]}" if rest.startswith(sign) and len(rest) == 11 else f"+{code}{sign}{rest}"


def every_spelling(found: Iterable[str]) -> frozenset[str]:
    """Give phones in all their spellings."""
    return frozenset(spelling for phone in found for spelling in spellings(phone))


def _parts(phone: str) -> tuple[str, str]:
    """Split a phone into the country's code and the rest."""
    try:
        number = phonenumbers.parse(phone)
    except NumberParseException:
        return "", phone.lstrip("+")
    return str(number.country_code), phonenumbers.national_significant_number(number)
