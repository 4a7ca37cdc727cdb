"""What a rule is read against: the columns of the published `dim_customers`, and how a value is read for each."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeAlias
from zoneinfo import ZoneInfo

import pyarrow as pa

from wabench.published import Published
from wabench.segments.rules import Leaf, Operator, Rule, read_word
from wabench.spelling import hint

Scalar: TypeAlias = str | bool | int | float | Decimal | datetime

TABLE = "dim_customers"
_TABLES = "select table_name from duckdb_tables() where schema_name = 'main'"
_CAMPAIGNS = "select name from dim_campaigns where name is not null order by created_at desc"
CLOSED = {
    "consent": ("opted_in", "opted_out", "unknown"),
    "frequency_tag": ("monthly", "quarterly", "rare", "none"),
    "order_value_tag": ("low", "medium", "high", "none"),
    "engagement_tag": ("active_7d", "recent_30d", "inactive_90d", "cold"),
    "churn_risk": ("high", "medium", "low", "none"),
    "ltv_basis": ("model", "cohort_mean", "none"),
}
"""Columns that hold nothing else, in the order a reader expects: a mistyped tag is an error, not an empty segment."""
TRACKED = frozenset({"consent", "frequency_tag", "order_value_tag", "engagement_tag", "rfm_group", "ltv_band"})
"""Columns whose history `snap_customer_tags` keeps."""


class Kind(StrEnum):
    """What a column holds, as far as a rule cares."""

    TEXT = "text"
    NUMBER = "a number"
    BOOLEAN = "yes or no"
    TIME = "a time"


_KINDS = {
    "VARCHAR": Kind.TEXT,
    "BOOLEAN": Kind.BOOLEAN,
    "TIMESTAMP": Kind.TIME,
    "DATE": Kind.TIME,
    "DECIMAL": Kind.NUMBER,
    "DOUBLE": Kind.NUMBER,
    "FLOAT": Kind.NUMBER,
    **{f"{sign}{size}INT": Kind.NUMBER for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE")},
    "INTEGER": Kind.NUMBER,
    "UINTEGER": Kind.NUMBER,
}
_EQUAL = {Operator.IS, Operator.IS_NOT, Operator.IN, Operator.NOT_IN}
_ORDERED = {Operator.BELOW, Operator.AT_MOST, Operator.ABOVE, Operator.AT_LEAST, Operator.BETWEEN}
_ALLOWED = {
    Kind.TEXT: {*_EQUAL, Operator.CONTAINS, Operator.IS_SET},
    Kind.NUMBER: {*_EQUAL, *_ORDERED, Operator.IS_SET},
    Kind.BOOLEAN: {Operator.IS, Operator.IS_NOT, Operator.IS_SET},
    Kind.TIME: {*_ORDERED, Operator.IS_SET},
}
RELATIVE = re.compile(r"(\d{1,5})([dh])")
_LARGEST = Decimal(10) ** 15


@dataclass(frozen=True, slots=True)
class Field:
    """One column of `dim_customers`."""

    name: str
    kind: Kind
    sql_type: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a rule is read against: the columns there are, the moment relative times count from, the shop's zone.

    `tables` and `campaigns` are what leaves about deeds ask of; `segment` gives another segment's rule by its name and
    `run` the ids that a SQL segment selects. `kept` are the fields that are known at `as_of`, None where all are.
    """

    fields: Mapping[str, Field]
    as_of: datetime
    zone: ZoneInfo
    tables: frozenset[str] = frozenset()
    campaigns: tuple[str, ...] = ()
    segment: Callable[[str], Rule] | None = None
    run: Callable[[str], pa.Table] | None = None
    kept: frozenset[str] | None = None


def catalog(published: Published, zone: ZoneInfo) -> Catalog:
    """List the fields of a published version; a column of a type no rule can ask about is left out."""
    types = {name: sql_type.partition("(")[0] for name, sql_type in published.columns(TABLE).items()}
    known = {name: Field(name, _KINDS[each], each) for name, each in types.items() if each in _KINDS}
    tables = frozenset(published.query(_TABLES)["table_name"].to_pylist())
    campaigns = published.query(_CAMPAIGNS)["name"].to_pylist() if "dim_campaigns" in tables else []
    return Catalog(known, published.as_of, zone, tables, tuple(campaigns))


def values(leaf: Leaf, against: Catalog) -> tuple[Scalar, ...]:
    """Read a leaf's values by its column's type; raises ValueError that says what is wrong."""
    field = against.fields.get(leaf.field)
    if field is None:
        raise ValueError(f"no field is called {leaf.field!r}{hint(leaf.field, against.fields)}")
    if leaf.operator not in _ALLOWED[field.kind]:
        takes = ", ".join(each for each in Operator if each in _ALLOWED[field.kind])
        raise ValueError(f"{field.name} is {field.kind}, which takes {takes}; not {leaf.operator}")
    if leaf.operator is Operator.IS_SET:
        return (read_word(leaf.values[0]),)
    read = tuple(_read(field, leaf, position, against) for position in range(len(leaf.values)))
    if leaf.operator is Operator.BETWEEN and read[0] > read[1]:  # type: ignore[operator]  # both are of one kind
        raise ValueError(f"{field.name}: between goes from the lower value to the higher")
    return read


def _read(field: Field, leaf: Leaf, position: int, against: Catalog) -> Scalar:
    text = leaf.values[position].strip() if field.kind is not Kind.TEXT else leaf.values[position]
    try:
        match field.kind:
            case Kind.TEXT:
                return _text(field, leaf.operator, text)
            case Kind.NUMBER:
                return _number(field, text)
            case Kind.BOOLEAN:
                return read_word(text)
            case Kind.TIME:
                return _time(text, _covers_day(leaf.operator, position), against)
    except ValueError as error:
        raise ValueError(f"{field.name}: {error}") from None


def _text(field: Field, operator: Operator, text: str) -> str:
    known = CLOSED.get(field.name)
    if known and operator is not Operator.CONTAINS and text not in known:
        raise ValueError(f"is one of {', '.join(known)}, never {text!r}{hint(text, known)}")
    return text


def _number(field: Field, text: str) -> int | float | Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"expected a number, not {text!r}") from None
    if not number.is_finite() or abs(number) >= _LARGEST or round(number, 6) != number:
        raise ValueError(f"expected a number under {_LARGEST:.0e} with at most 6 decimals, not {text!r}")
    if field.sql_type in ("DOUBLE", "FLOAT"):
        return float(number)
    return int(number) if number == number.to_integral_value() else round(number, 6)


def _covers_day(operator: Operator, position: int) -> bool:
    """A bare date is the whole day, so "until" and "after" it mean its end."""
    return operator in (Operator.AT_MOST, Operator.ABOVE) or (operator is Operator.BETWEEN and position == 1)


def moment(text: str, against: Catalog) -> datetime:
    """Read a moment that a window begins or ends with; a bare date is its first."""
    return _time(text.strip(), False, against)


def _time(text: str, at_end: bool, against: Catalog) -> datetime:
    """Read `30d` or `12h` (before as-of), a date or a date and time (the shop's zone), to naive UTC."""
    if relative := RELATIVE.fullmatch(text):
        amount, unit = int(relative[1]), relative[2]
        return against.as_of - (timedelta(days=amount) if unit == "d" else timedelta(hours=amount))
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            day = date.fromisoformat(text) + timedelta(days=at_end)
            moment = _to_utc(datetime(day.year, day.month, day.day), against.zone)  # noqa: DTZ001
            return moment - timedelta(microseconds=at_end)
        return _to_utc(datetime.fromisoformat(text), against.zone)
    except (ValueError, OverflowError):
        raise ValueError(f"expected 2026-01-31, 2026-01-31 14:00 or 30d (days ago), not {text!r}") from None


def _to_utc(moment: datetime, zone: ZoneInfo) -> datetime:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return aware.astimezone(UTC).replace(tzinfo=None)
