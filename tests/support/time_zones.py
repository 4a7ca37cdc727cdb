"""The seed time_zones, from the system's tz database: `python tests/support/time_zones.py > seeds/time_zones.csv`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from zoneinfo import TZPATH, available_timezones

MAIN: Mapping[str, str] = {
    "AR": "America/Argentina/Buenos_Aires", "AU": "Australia/Sydney", "BR": "America/Sao_Paulo",
    "CA": "America/Toronto", "CD": "Africa/Kinshasa", "CL": "America/Santiago", "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia", "DE": "Europe/Berlin", "EC": "America/Guayaquil", "ES": "Europe/Madrid",
    "FM": "Pacific/Pohnpei", "GL": "America/Nuuk", "ID": "Asia/Jakarta", "KI": "Pacific/Tarawa", "KZ": "Asia/Almaty",
    "MH": "Pacific/Majuro", "MN": "Asia/Ulaanbaatar", "MX": "America/Mexico_City", "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland", "PF": "Pacific/Tahiti", "PG": "Pacific/Port_Moresby", "PS": "Asia/Hebron",
    "PT": "Europe/Lisbon", "RU": "Europe/Moscow", "UA": "Europe/Kyiv", "UM": "Pacific/Wake", "US": "America/New_York",
    "UZ": "Asia/Tashkent", "VN": "Asia/Ho_Chi_Minh",
}  # fmt: skip
"""Of the countries with several zones, the one that most of their people live by."""
_NOT_EVERYWHERE = {"America/Coyhaique", "EST", "HST", "MST", "ROC", "Factory", "localtime", "posixrules"}
"""Too new, or no name of a place: one engine's own copy of the tz database or another has none of that name."""


def csv() -> str:
    """Give the seed's text: every zone by its name, with the country it stands for, if any."""
    countries = {zone: country for country, zone in _zones()}
    names = sorted(available_timezones() - _NOT_EVERYWHERE)
    return "timezone,country\n" + "".join(f"{name},{countries.get(name, '')}\n" for name in names)


def _zones() -> Iterator[tuple[str, str]]:
    """Give each country with its zone, Antarctica left out."""
    [table, *_] = (path for folder in TZPATH if (path := Path(folder) / "zone.tab").exists())
    lines = [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    for country, _, zone, *_ in lines:
        if country != "AQ" and MAIN.get(country, zone) == zone:
            yield country, zone


if __name__ == "__main__":
    print(csv(), end="")
