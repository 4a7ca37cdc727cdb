"""`wabench doctor`: is everything in order."""

from dataclasses import asdict
from datetime import UTC, datetime

from wabench import doctor as surgery
from wabench import settings as configuration
from wabench.cli import console
from wabench.cli.console import Json
from wabench.errors import UsageError, WabenchError


def doctor(as_json: Json = False) -> None:
    """Look at settings, stores, freshness and providers, and change nothing; exit code 1 where something is broken.

    Example: wabench doctor
    """
    try:
        lines = surgery.examine(configuration.load(), datetime.now(UTC))
    except UsageError as error:
        lines = [surgery.Line("settings", surgery.FAILED, str(error), "correct it; nothing works before that")]
    rows = [asdict(line) for line in lines]
    console.show_json(rows) if as_json else console.show_findings(rows)
    if failed := [line for line in lines if line.status == surgery.FAILED]:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise WabenchError(f"{failed[0].about}: {failed[0].what}{more}")
