"""What customers wrote, from the published file, for rules to be tried on."""

from datetime import timedelta
from functools import cache
from pathlib import Path

from wabench import masks
from wabench.published import Published
from wabench.replies.bench import Said


def read(version: Published, days: int, zone: str, is_masked: bool, most: int | None = None) -> list[Said]:
    """Read the messages of the half-open window of `days` that ends at as-of, oldest first.

    `is_masked` hides phones and e-mails in what may be shown of them; rules see the whole text. `most` leaves out the
    oldest where there are more.
    """
    until = version.as_of
    window = {"since": until - timedelta(days=days), "until": until, "zone": zone, "most": most}
    hiding = {"is_masked": is_masked, "private": masks.PRIVATE, "hidden": masks.HIDDEN}
    columns = version.query(_sql(), {**window, **hiding}).to_pydict()
    names = ("message_key", "customer_id", "local_at", "text", "shown", "is_new")
    return [Said(*row) for row in zip(*(columns[name] for name in names), strict=True)]


@cache
def _sql() -> str:
    return (Path(__file__).parent / "history.sql").read_text(encoding="utf-8")
