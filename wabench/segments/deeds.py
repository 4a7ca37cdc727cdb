"""What a rule may ask of what customers did or got: for each deed its table, its moments and what narrows it.

A new question is a line in `DEEDS`; the SQL here is the only SQL about facts that a rule is ever compiled to.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType


class Ask(StrEnum):
    """How what is asked is written."""

    COUNT = "a whole number"
    SPAN = "a time such as 90d or 12h"
    MOMENT = "a date, or a time such as 90d before as-of"
    AMOUNT = "an amount to compare with, such as '>= 50'"
    CHOICE = "one of its words"
    TEXT = "a text or a list of them"


@dataclass(frozen=True, slots=True)
class Deed:
    """Something done: a row of `table` for which `holds` and whose moment is set.

    `moments` gives the SQL of the moment by what `chooses` says; the first is meant where nothing is said. `columns`
    are compared with texts, `closed` with these alone; `amount` is what `net` and `spent` ask about.
    """

    table: str
    holds: str
    one: str
    many: str
    moments: Mapping[str, str]
    chooses: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    closed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    amount: str = ""
    is_counted: bool = True

    @property
    def asks(self) -> dict[str, Ask]:
        """Name everything that may be asked, in the order it is written."""
        counts = {"at_least": Ask.COUNT, "at_most": Ask.COUNT, "exactly": Ask.COUNT} if self.is_counted else {}
        return {
            **({"name": Ask.TEXT} if "name" in self.columns else {}),
            **({self.chooses: Ask.CHOICE} if self.chooses else {}),
            **counts,
            "within": Ask.SPAN,
            "since": Ask.MOMENT,
            "before": Ask.MOMENT,
            **({"net": Ask.AMOUNT, "spent": Ask.AMOUNT} if self.amount else {}),
            **{name: Ask.TEXT for name in self.columns if name != "name"},
        }


_MESSAGE = {"template": "template_name", "category": "category", "provider": "provider"}
_CATEGORIES = {"category": ("marketing", "utility", "authentication", "service")}

DEEDS: Mapping[str, Deed] = MappingProxyType(
    {
        "ordered": Deed(
            "fct_orders",
            "is_paid",
            "order",
            "orders",
            {"paid": "ordered_at"},
            columns={"source": "source"},
            amount="net",
        ),
        "messaged": Deed(
            "fct_messages",
            "direction = 'out'",
            "message",
            "messages",
            {
                "sent": "coalesce(sent_at, accepted_at, delivered_at, failed_at)",
                "delivered": "delivered_at",
                "read": "read_at",
                "clicked": "clicked_at",
                "failed": "case when delivered_at is null then failed_at end",
            },
            chooses="status",
            columns=_MESSAGE,
            closed=_CATEGORIES,
        ),
        "replied": Deed(
            "fct_messages",
            "direction = 'out'",
            "reply",
            "replies",
            {"replied": "replied_at"},
            columns=_MESSAGE,
            closed=_CATEGORIES,
        ),
        "in_campaign": Deed(
            "fct_sends",
            "true",
            "send",
            "sends",
            {
                "planned": "made_at",
                "accepted": "case when state = 'accepted' then made_at end",
                "delivered": "delivered_at",
                "read": "read_at",
                "replied": "replied_at",
                "converted": "converted_at",
                "failed": "coalesce(failed_at, case when state = 'rejected' then made_at end)",
                "opted_out": "opted_out_at",
                "suppressed": "case when state = 'suppressed' then made_at end",
                "held_out": "case when state = 'holdout' then made_at end",
            },
            chooses="outcome",
            columns={"name": "campaign_name"},
            is_counted=False,
        ),
    }
)

_AMOUNT = re.compile(r"\s*(>=|<=|>|<)\s*(-?\d{1,12}(?:\.\d{1,4})?)\s*")
MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Amount:
    """A comparison with an amount of money."""

    operator: str
    than: Decimal

    def holds(self, value: Decimal) -> bool:
        return {
            ">=": value >= self.than, "<=": value <= self.than, ">": value > self.than, "<": value < self.than
        }[self.operator]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """What a leaf asks of a deed, read: how often (`least` to `most`) in the window [`since`, `until`)."""

    deed: Deed
    moment: str
    least: int
    most: int | None
    since: datetime | None
    until: datetime
    net: Amount | None = None
    spent: Amount | None = None
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_met_by_none(self) -> bool:
        """Tell what a customer is answered who never did it."""
        return self.least == 0 and (self.spent is None or self.spent.holds(Decimal(0)))


def amount(text: str) -> Amount:
    """Read `>= 50`; raises ValueError."""
    read = _AMOUNT.fullmatch(text)
    if not read:
        raise ValueError(f"expected {Ask.AMOUNT}, not {text!r}")
    return Amount(read[1], Decimal(read[2]))


def whole(text: str) -> int:
    """Read a number of times; raises ValueError."""
    if not text.isascii() or not text.isdigit() or int(text) > MOST:
        raise ValueError(f"expected a whole number up to {MOST:,}, not {text!r}")
    return int(text)
