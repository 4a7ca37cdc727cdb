"""What support is measured by: from when on a wait is too long, and how waits are grouped."""

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from wabench.errors import WabenchError
from wabench.settings import ROOT

WAIT_SECONDS: Sequence[int] = (0, 5 * 60, 30 * 60, 2 * 3600, 8 * 3600, 24 * 3600)
"""Where bands of waiting times begin; the trade says that 5 minutes content most and 30 minutes half of them."""

_THRESHOLDS = ROOT / "seeds" / "alert_thresholds.csv"
_ALERT = "dialogs_waiting"


@cache
def overdue_hours(path: Path = _THRESHOLDS) -> float:
    """Give after how many hours a wait is too long: the threshold of the alert for it, 2 where that is silenced."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            found = [row["threshold"] for row in csv.DictReader(file) if row["alert"] == _ALERT]
        return float(found[0]) if found else 2.0
    except (OSError, KeyError, ValueError) as error:
        raise WabenchError(f"{path}: no threshold of {_ALERT} ({error})") from None
