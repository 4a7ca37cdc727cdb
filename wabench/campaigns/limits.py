"""How many people a provider lets the account begin with in 24 hours, as the last refresh knows it."""

from dataclasses import dataclass

from wabench import published
from wabench.errors import WabenchError
from wabench.published import Published
from wabench.settings import Settings


@dataclass(frozen=True, slots=True)
class Limit:
    """How many people the provider lets the account begin with in 24 hours, and how many it has begun with."""

    allowed: int
    written: int


def of(version: Published, provider: str) -> Limit | None:
    """Look up a provider's limit; None where it told none, or that there is none."""
    if "allowed" not in version.columns("fct_limits"):
        return None
    sql = "select allowed, used from fct_limits where kind = 'tier' and provider = $provider"
    rows = version.query(sql, {"provider": provider}).to_pylist()
    return Limit(rows[0]["allowed"], rows[0]["used"]) if rows else None


def people_a_day(settings: Settings, provider: str) -> int | None:
    """Tell how many people may be written to in 24 hours; None where nothing is known of a limit."""
    try:
        limit = of(published.current(settings), provider)
    except WabenchError:
        return None
    return limit.allowed if limit else None
