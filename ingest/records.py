"""Orders, their lines and CRM people: any record, by a mapping of fields, to our columns.

A mapping is `our field = their place`; how a place is written is said in `ingest.paths`. `=BRL` is the value itself.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from ingest.paths import Place, parse_place, values
from wabench import phones
from wabench.errors import UsageError
from wabench.spelling import hint

CENT = Decimal("0.0001")
LARGEST = Decimal(10) ** 14


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source leaves unsaid: the zone of its times, the country of its phones, its currency."""

    zone: tzinfo
    region: str
    currency: str
    date_format: str | None = None


SURPLUS = "more cells than columns"
"""Where a CSV row keeps the cells its header has no name for; it is rejected, for the others may be shifted."""

Converter = Callable[[Any, Reading], Any]

_NOBODY = frozenset(("0", "-1", "null", "none", "nil", "guest", "anonymous", "n/a", "undefined"))
"""What sources write for a customer they don't know; taken for a name it would make all of them one person."""


def to_text(value: Any, _: Reading) -> str | None:
    """Keep text as it is, trimmed; a whole number written as a float loses its `.0`."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() or None


def to_customer_ref(value: Any, reading: Reading) -> str | None:
    """Keep a customer's id; what only says that there is none is none."""
    ref = to_text(value, reading)
    return None if ref is None or ref.lower() in _NOBODY else ref


_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
_EUROPEAN = re.compile(r"-?(\d{1,3}(\.\d{3})+|\d+),\d+")


def to_decimal(value: Any, _: Reading) -> Decimal:
    """Read an amount: 1234.5, 1,234.50 and 1.234,50; raises ValueError for anything else, or over 14 digits."""
    text = str(value).strip().replace("\u00a0", "").replace(" ", "")
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    elif _EUROPEAN.fullmatch(text):
        text = text.replace(".", "").replace(",", ".")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("is no number") from None
    if not number.is_finite() or abs(number) >= LARGEST:
        raise ValueError("is out of range")
    return number.quantize(CENT)


def to_time(value: Any, reading: Reading) -> datetime:
    """Read a time: ISO 8601, seconds or milliseconds since 1970, or the given format; without a zone it is local."""
    if reading.date_format:
        moment = datetime.strptime(str(value).strip(), reading.date_format)  # noqa: DTZ007 - zoned below
    elif isinstance(value, int | float) or (isinstance(value, str) and re.fullmatch(r"\d{9,13}(\.\d+)?", value)):
        seconds = float(value)
        moment = datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
    else:
        try:
            moment = datetime.fromisoformat(str(value).strip())
        except ValueError:
            raise ValueError("is no ISO 8601 time; say its format with --date-format") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=reading.zone)).astimezone(UTC)


_STATUS = {
    **dict.fromkeys(
        ("paid", "completed", "complete", "processing", "fulfilled", "shipped", "delivered", "won"), "paid"
    ),
    **dict.fromkeys(("pending", "on-hold", "on_hold", "open", "new", "authorized", "unpaid", "draft"), "pending"),
    **dict.fromkeys(("cancelled", "canceled", "failed", "voided", "lost", "trash", "expired"), "cancelled"),
    **dict.fromkeys(("refunded", "returned"), "refunded"),
    **dict.fromkeys(("partially_refunded", "partially-refunded"), "partially_refunded"),
}


def to_status(value: Any, _: Reading) -> str:
    """Translate an order's status; a word we don't know is `unknown`."""
    return _STATUS.get(str(value).strip().lower().replace(" ", "_"), "unknown")


_YES_NO = {
    **dict.fromkeys(("true", "1", "yes", "y", "opted_in", "subscribed", "да", "sim", "si", "sí"), True),
    **dict.fromkeys(("false", "0", "no", "n", "opted_out", "unsubscribed", "нет", "não", "nao"), False),
}


def to_bool(value: Any, _: Reading) -> bool | None:
    """Read yes or no; anything else is not known."""
    return _YES_NO.get(str(value).strip().lower())


def to_phone(value: Any, reading: Reading) -> str | None:
    """Read a phone to E.164; what is none is kept as no phone rather than losing the record."""
    return phones.normalise(to_text(value, reading) or "", reading.region)


def to_currency(value: Any, _: Reading) -> str:
    """Read an ISO 4217 code."""
    code = str(value).strip().upper()
    if not re.fullmatch("[A-Z]{3}", code):
        raise ValueError("is no ISO 4217 code")
    return code


_PERSON: dict[str, Converter] = {"phone": to_phone, "email": to_text, "name": to_text}
FIELDS: dict[str, dict[str, Converter]] = {
    "orders": {
        "order_id": to_text,
        "customer_ref": to_customer_ref,
        "ordered_at": to_time,
        "updated_at": to_time,
        "status": to_status,
        "total": to_decimal,
        "refunded": to_decimal,
        "margin": to_decimal,
        "currency": to_currency,
        **_PERSON,
        "is_deleted": to_bool,
    },
    "order_lines": {
        "order_id": to_text,
        "sku": to_text,
        "title": to_text,
        "category": to_text,
        "quantity": to_decimal,
        "unit_price": to_decimal,
        "customer_ref": to_customer_ref,
        "ordered_at": to_time,
        "currency": to_currency,
        **_PERSON,
    },
    "customers": {
        "customer_ref": to_customer_ref,
        **_PERSON,
        "locale": to_text,
        "timezone": to_text,
        "country": to_text,
        "consent": to_bool,
        "consent_at": to_time,
        "consent_source": to_text,
        "updated_at": to_time,
        "is_deleted": to_bool,
        "merged_into": to_customer_ref,
    },
}
REQUIRED = {
    "orders": ("order_id", "ordered_at", "total"),
    "order_lines": ("order_id", "quantity", "unit_price"),
    "customers": ("customer_ref",),
}


Words = Mapping[str, Mapping[str, str]]
"""Field -> their word, in lower case -> ours; `*` is any other word."""


@dataclass(frozen=True, slots=True)
class RecordMap:
    """A compiled mapping of one stream: where each of our fields stands in their record, or its constant value."""

    stream: str
    places: tuple[tuple[str, Place, Converter], ...]
    constants: tuple[tuple[str, Any], ...]
    words: Words


def compile_mapping(stream: str, fields: Mapping[str, str], reading: Reading, words: Words | None = None) -> RecordMap:
    """Check and compile `our field = their path`; raises UsageError naming the field and the nearest right one."""
    known = FIELDS[stream]
    for name in fields:
        if name not in known:
            raise UsageError(f"{stream} have no field {name!r}{hint(name, known)}")
    if lacking := [name for name in REQUIRED[stream] if name not in fields]:
        raise UsageError(f"{stream} need {', '.join(lacking)}; say where with --map {lacking[0]}=COLUMN")
    constants = {
        name: _constant(name, path[1:], known[name], reading) for name, path in fields.items() if path[:1] == "="
    }
    places = [(name, parse_place(path), known[name]) for name, path in fields.items() if name not in constants]
    return RecordMap(stream, tuple(places), tuple(constants.items()), words or {})


def _constant(name: str, text: str, converter: Converter, reading: Reading) -> Any:
    try:
        return converter(text, reading)
    except ValueError as error:
        raise UsageError(f"{name}: {text!r} {error}") from None


def convert(record: Any, parents: tuple[Any, ...], mapping: RecordMap, reading: Reading) -> dict[str, Any]:
    """Turn one record into a row; raises ValueError naming the field and value that can't be understood."""
    row: dict[str, Any] = dict(mapping.constants)
    if "currency" in FIELDS[mapping.stream]:
        row.setdefault("currency", reading.currency)
    for name, place, converter in mapping.places:
        for value in values(record, place, parents):
            if (found := _converted(name, value, converter, mapping.words.get(name), reading)) is not None:
                row[name] = found
                break
    if lacking := [name for name in REQUIRED[mapping.stream] if row.get(name) is None]:
        raise ValueError(f"{lacking[0]} is missing")
    return row if mapping.stream != "orders" else _settle_money(row)


def _converted(name: str, value: Any, converter: Converter, words: Mapping[str, str] | None, reading: Reading) -> Any:
    if isinstance(value, dict | list):
        raise ValueError(f"{name} is not a single value")
    try:
        return converter(_translate(value, words), reading)
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"{name} {str(value)[:80]!r} {error}") from None


def _settle_money(row: dict[str, Any]) -> dict[str, Any]:
    """Make an order's money ours: a total below nothing is a refund; refunded, but not how much, is all of it; paid,
    and something given back, is partly refunded."""
    total, refunded = row["total"], abs(row.get("refunded") or Decimal(0))
    if total < 0:
        total, refunded, row["status"] = Decimal(0), -total, "refunded"
    row.setdefault("status", "paid")
    if row["status"] == "refunded" and not refunded:
        refunded = total
    if row["status"] == "paid" and refunded:
        row["status"] = "refunded" if refunded >= total else "partially_refunded"
    row["total"], row["refunded"] = total, refunded
    return row


def _translate(value: Any, words: Mapping[str, str] | None) -> Any:
    """Turn a source's own word into one of ours, where there is one."""
    if not words:
        return value
    return words.get(str(value).strip().lower(), words.get("*", value))
