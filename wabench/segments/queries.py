"""Whom a rule selects: counts, a sample, the customers themselves, always of one published version."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from wabench import ltv_tables, published
from wabench.errors import UsageError, WabenchError
from wabench.published import Published
from wabench.segments import compiler, fields, files, sandbox, sets
from wabench.segments.compiler import Compiled, compile_rule
from wabench.segments.rules import Rule, rule_hash
from wabench.settings import Settings

_CONSENTED = {"explicit": "consent = 'opted_in'", "implied": "consent is distinct from 'opted_out'"}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many customers a rule selects of how many there are.

    `reachable` have a phone or a WhatsApp id; `consented` are reachable and may get promotions by the shop's consent
    setting; `opted_out` have said no; for `decided_by_unset` the answer hangs on values that are not known.
    """

    customers: int
    reachable: int
    consented: int
    opted_out: int
    decided_by_unset: int
    total: int
    version: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Worth:
    """What a rule's customers have brought, and will in the next 12 months, in the project's currency.

    `low` and `high` are the 80 % range of the sum, which is narrower than the sum of their ranges; `valued` are those
    of whom anything is expected, who bought before.
    """

    valued: int
    historic: Decimal
    expected: Decimal
    low: Decimal
    high: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What a message to each reachable, and to each consented customer costs on a plan, in the project's currency.

    `without_price` are reachable customers in a country that the price book does not price. Free messages and monthly
    fees of the plan are left aside: they belong to a month, not to a message.
    """

    provider: str
    plan: str
    is_in_use: bool
    reachable: int
    consented: int
    without_price: int
    reachable_cost: Decimal | None
    consented_cost: Decimal | None
    meta_share: float | None
    currency: str


def catalog(settings: Settings, of: Published | None = None) -> fields.Catalog:
    """List what a rule may ask about: the published columns and deeds, the shop's campaigns and other segments."""
    version = of or published.current(settings)
    found = fields.catalog(version, settings.zone)
    if not found.fields:
        raise WabenchError(f"{version.path.name} holds no {fields.TABLE}; run `wabench refresh`")
    return replace(
        found,
        segment=lambda name: files.load(settings, name).where,
        run=lambda sql: sandbox.customers(settings, version, sql),
    )


def fingerprint(rule: Rule, against: fields.Catalog) -> str:
    """Tell a rule from any other, by the rules of the segments it stands on too."""
    try:
        below = compiler.named(rule, against)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return " ".join([rule_hash(rule), *(f"{name}={rule_hash(each)}" for name, each in sorted(below.items()))])


def count(settings: Settings, rule: Rule, of: Published | None = None) -> Counts:
    """Count a rule's customers."""
    version = of or published.current(settings)
    compiled = compile_rule(rule, catalog(settings, version))
    sql = _statement("count", compiled).replace("{consented}", _CONSENTED[settings.consent])
    found = version.one(sql, compiled.params, sets.tables(version, compiled))
    return Counts(**found, version=version.version, as_of=version.as_of)


def worth(settings: Settings, rule: Rule, of: Published | None = None) -> Worth:
    """Add up what a rule's customers are worth."""
    version = of or published.current(settings)
    compiled = compile_rule(rule, catalog(settings, version))
    found = version.one(_statement("worth", compiled), compiled.params, sets.tables(version, compiled))
    low, high = ltv_tables.range_of_sum(float(found["expected"]), found["variance"], found["shared_sd"])
    cents = Decimal("0.0001")
    return Worth(
        valued=found["valued"],
        historic=found["historic"],
        expected=found["expected"],
        low=Decimal(low).quantize(cents),
        high=Decimal(high).quantize(cents),
        currency=settings.currency,
    )


def costs(settings: Settings, rule: Rule, of: Published | None = None) -> list[Cost]:
    """Price one marketing message to each of a rule's customers on every plan of the price book, the cheapest first."""
    version = of or published.current(settings)
    if not version.columns("dim_prices"):
        raise WabenchError("the published file has no prices yet; run `wabench refresh`")
    compiled = compile_rule(rule, catalog(settings, version))
    sql = _statement("costs", compiled).replace("{consented}", _CONSENTED[settings.consent])
    return [Cost(**row) for row in version.query(sql, compiled.params, sets.tables(version, compiled)).to_pylist()]


def sample(settings: Settings, rule: Rule, size: int = 20, of: Published | None = None) -> pa.Table:
    """Show some of a rule's customers, the same ones each time, with phones masked to their last 4 digits."""
    version = of or published.current(settings)
    compiled = compile_rule(rule, catalog(settings, version))
    return version.query(
        _statement("sample", compiled), {**compiled.params, "size": size}, sets.tables(version, compiled)
    )


def select(settings: Settings, name: str, of: Published | None = None) -> pa.Table:
    """Give the customers of a saved segment: all columns of `dim_customers`, ordered by `customer_id`."""
    version = of or published.current(settings)
    compiled = compile_rule(files.load(settings, name).where, catalog(settings, version))
    return version.query(_statement("select", compiled), compiled.params, sets.tables(version, compiled))


def _statement(name: str, compiled: Compiled) -> str:
    template = (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
    filled = template.replace("{people}", compiled.people)
    return filled.replace("{decided}", compiled.decided).replace("{known}", compiled.known)
