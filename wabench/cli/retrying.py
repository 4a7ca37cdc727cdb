"""What failed of a campaign, and what of it may be tried again, as the command line tells it."""

from collections.abc import Sequence
from typing import Any

from wabench.campaigns import retries, schedule
from wabench.campaigns.retries import Failure
from wabench.cli import console
from wabench.errors import UsageError
from wabench.settings import Settings

_FROZEN = (
    "--segment", "--template", "--param", "--variant", "--holdout", "--skip-cold", "--best-hour", "--canary",
    "--winner-after-share",
)  # fmt: skip


def only(*given: object) -> None:
    """Raise UsageError where a retry is given what it takes from the campaign it retries, in `_FROZEN`'s order."""
    for option, value in zip(_FROZEN, given, strict=True):
        if value is not None and value is not False and value != "":  # a holdout of 0 is given, too
            raise UsageError(f"--retry-of takes its customers and texts from that campaign; leave {option}")


def show(settings: Settings, name: str, found: Sequence[Failure], each: bool = False) -> None:
    """Show why sends failed and how many may be tried again; with `each` also who they are."""
    if not found:
        return
    sums = retries.summed(found)
    rows: list[dict[str, Any]] = [
        {"reason": s.reason, "code": s.code, "failed": s.failed, "to retry": s.passing,
         "from": schedule.told(settings, s.due_from) if s.due_from else s.why}
        for s in sums
    ]  # fmt: skip
    console.show_table(rows, "failed, delivered to nobody")
    if each:
        console.show_table([
            {"customer": f.customer_id, "reason": f.reason, "code": f.code,
             "failed": schedule.told(settings, f.failed_at),
             "retry from": schedule.told(settings, f.due_at) if f.due_at else f.why}
            for f in found
        ])  # fmt: skip
    if passing := sum(s.passing for s in sums):
        console.out.print(
            f"{passing} may be tried again: wabench campaign plan {name}_again --retry-of {name}", soft_wrap=True
        )
