"""Promo codes from a shop's pool, `promo_codes.csv`: each is given once, to whoever is claimed first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, insert, select

from wabench.campaigns.schema import given_codes
from wabench.errors import UsageError
from wabench.replies import files

_AT_ONCE = 200
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Code:
    """One code; `rule` is the only rule that gives it, empty: any does."""

    code: str
    rule: str = ""


class Pool:
    """A shop's codes in their order; it remembers how far all are given, so that a large one is not read through."""

    def __init__(self, codes: Sequence[Code]) -> None:
        self._codes = codes
        self._spent: dict[str, int] = {}

    def give(self, connection: Connection, rule: str, inbound_id: str, now: datetime) -> str | None:
        """Take the first code that nobody was given, in the caller's transaction, which is alone; None: all gone."""
        fitting = [each.code for each in self._codes if each.rule in ("", rule)]
        for start in range(self._spent.get(rule, 0), len(fitting), _AT_ONCE):
            some = fitting[start : start + _AT_ONCE]
            given: set[str] = set(connection.scalars(select(given_codes.c.code).where(given_codes.c.code.in_(some))))
            if left := [code for code in some if code not in given]:
                row = {"code": left[0], "inbound_id": inbound_id, "rule": rule, "given_at": now}
                connection.execute(insert(given_codes).values(row))
                return left[0]
            self._spent[rule] = start + _AT_ONCE
        return None


def read(path: Path) -> Pool:
    """Read a pool, each code once; an empty one where there is no file. Raises UsageError for what is no pool."""
    records = files.read(path).records if path.exists() else []
    if records and "code" not in records[0]:
        raise UsageError(f"{path}: it needs a column code, and may have rule, the only rule that gives it")
    found: dict[str, Code] = {}
    for record in records:
        code = (record["code"] or "").strip()
        if len(code) > LONGEST:
            raise UsageError(f"{path}: {code[:20]}… is longer than {LONGEST} characters")
        if code:
            found.setdefault(code, Code(code, (record.get("rule") or "").strip()))
    return Pool(list(found.values()))
