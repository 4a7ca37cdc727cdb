"""Why a message failed, and whether that passes: a table that a marketer keeps in seeds/failure_reasons.csv."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from wabench.errors import WabenchError
from wabench.settings import ROOT

PER_USER_LIMIT = "per-user limit"
SHORTEST_OF_LIMIT = timedelta(hours=24)
"""Meta's own: a promotion it held back is held back again sooner, and the wait begins anew."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something failed; after `wait` it may be tried again, None: never."""

    name: str
    wait: timedelta | None

    def after(self, retries: int) -> timedelta | None:
        """Give the wait after so many tries again: it doubles with each."""
        return None if self.wait is None else self.wait * 2**retries


@dataclass(frozen=True, slots=True)
class Reasons:
    """The table, by codes and by families."""

    codes: Mapping[str, Reason]
    families: Mapping[str, Reason]

    def of(self, code: str | None, family: str | None) -> Reason:
        """Find why something failed; what nobody knows never passes."""
        return self.codes.get(code or "") or self.families.get(family or "") or Reason("not known", None)


def read(path: Path = ROOT / "seeds" / "failure_reasons.csv") -> Reasons:
    """Read the table; raises WabenchError for a line that is not like the others."""
    codes: dict[str, Reason] = {}
    families: dict[str, Reason] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            try:
                code, family, reason = row["code"].strip(), row["family"].strip(), _reason(row)
                if bool(code) == bool(family):
                    raise ValueError("either a code or a family")
            except (KeyError, AttributeError, ValueError, OverflowError) as error:
                raise WabenchError(f"{path}, line {number}: code,family,reason,wait_hours,meaning ({error})") from None
            (codes if code else families)[code or family] = reason
    return Reasons(codes, families)


def _reason(row: Mapping[str, str]) -> Reason:
    name, wait = row["reason"].strip(), row["wait_hours"].strip()
    found = Reason(name, timedelta(hours=float(wait)) if wait else None)
    if found.wait is not None and found.wait < (SHORTEST_OF_LIMIT if name == PER_USER_LIMIT else timedelta(0)):
        raise ValueError(f"{name} waits {SHORTEST_OF_LIMIT if name == PER_USER_LIMIT else timedelta(0)} or longer")
    return found
