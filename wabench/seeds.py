"""What a marketer may edit in `seeds/`, as readers of the published file need it."""

import csv
from pathlib import Path

from wabench.errors import WabenchError
from wabench.settings import ROOT

FOLDER = ROOT / "seeds"


def length_band(name: str, path: Path = FOLDER / "length_bands.csv") -> tuple[int | None, int | None]:
    """Give where a band of text lengths begins and where the next one does; None where it has no such end."""
    row = next((row for row in _read(path) if row.get("length_band") == name), {})
    return _whole(row.get("from_characters")), _whole(row.get("to_characters"))


def alert_threshold(alert: str, path: Path = FOLDER / "alert_thresholds.csv") -> float | None:
    """Give the value at which an alert is raised; None where nobody asked for it."""
    found = [row["threshold"] for row in _read(path) if row.get("alert") == alert]
    try:
        return float(found[0]) if found else None
    except ValueError:
        raise WabenchError(f"{path}: the threshold of {alert} is not a number: {found[0]}") from None


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _whole(text: str | None) -> int | None:
    return int(text) if text else None
