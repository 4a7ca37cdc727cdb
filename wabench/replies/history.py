"""What customers wrote, from the published file, for rules to be tried on."""

from datetime import timedelta
from functools import cache
from pathlib import Path

from wabench.published import Published
from wabench.replies.bench import Said


def read(version: Published, days: int, zone: str) -> list[Said]:
    """Read the messages of the half-open window of `days` that ends at as-of, oldest first."""
    until = version.as_of
    rows = version.query(_sql(), {"since": until - timedelta(days=days), "until": until, "zone": zone})
    columns = rows.to_pydict()
    names = ("message_key", "customer_id", "local_at", "text", "is_new")
    return [Said(*row) for row in zip(*(columns[name] for name in names), strict=True)]


@cache
def _sql() -> str:
    return (Path(__file__).parent / "history.sql").read_text(encoding="utf-8")
