"""Where rules and canned replies lie: a shop's own CSV in its home, else the seed that comes with the models.

The app writes only a shop's own. One that is there counts whole: nothing of the seed is mixed into it.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from wabench.disk import appearing
from wabench.errors import UsageError, WabenchError
from wabench.replies import canned, rules
from wabench.replies.canned import Canned
from wabench.replies.rules import Problem, Rule
from wabench.settings import ROOT, Settings

RULES_SEED = ROOT / "seeds" / "keyword_replies.csv"
CANNED_SEED = ROOT / "seeds" / "canned_replies.csv"


@dataclass(frozen=True, slots=True)
class Table:
    """A file as it was read: its rows, and a mark that is another once the file is."""

    path: Path
    records: Sequence[Mapping[str, str]]
    mark: str


def rules_table(settings: Settings) -> Table:
    """Read the rules' rows, right or wrong."""
    return read(_chosen(settings.paths.replies, RULES_SEED))


def canned_table(settings: Settings) -> Table:
    """Read the canned replies' rows, right or wrong."""
    return read(_chosen(settings.paths.canned_replies, CANNED_SEED))


def load_rules(settings: Settings, path: Path | None = None) -> tuple[list[Rule], list[Problem]]:
    """Read the rules in force, or those of a file; gives those that are right and what is wrong with the others."""
    return rules.check((read(path) if path else rules_table(settings)).records)


def load_canned(settings: Settings) -> tuple[list[Canned], list[Problem]]:
    """Read the canned replies; gives those that are right and what is wrong with the others."""
    return canned.check(canned_table(settings).records)


def save_rules(settings: Settings, records: Sequence[Mapping[str, object]], mark: str) -> Path:
    """Write the shop's own rules whole or not at all.

    `mark` is of the table that was edited; raises WabenchError where another was saved since, UsageError for a problem.
    """
    found, problems = rules.check(records)
    return _save(settings.paths.replies, rules.COLUMNS, rules.to_records(found), problems, mark, rules_table(settings))


def save_canned(settings: Settings, records: Sequence[Mapping[str, object]], mark: str) -> Path:
    """Write the shop's own canned replies, as `save_rules` does."""
    found, problems = canned.check(records)
    written, now = canned.to_records(found), canned_table(settings)
    return _save(settings.paths.canned_replies, canned.COLUMNS, written, problems, mark, now)


def read(path: Path) -> Table:
    """Read a CSV's rows; raises UsageError for what is none."""
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: not readable as CSV in UTF-8 ({error})") from None
    if long := next((number for number, row in enumerate(rows, 1) if None in row), None):
        raise UsageError(f'{path}: row {long} has more cells than the head; a text with a comma stands in "quotes"')
    return Table(path, rows, sha256(raw).hexdigest())


def _chosen(own: Path, seed: Path) -> Path:
    return own if own.exists() else seed


def _save(
    path: Path, columns: Sequence[str], records: Sequence[Mapping[str, str]], problems: Sequence[Problem], mark: str,
    now: Table,
) -> Path:  # fmt: skip
    if problems:
        raise UsageError(f"nothing saved: {problems[0]}")
    if now.mark != mark:
        raise WabenchError(f"{now.path.name} was changed since you opened it; load it again, then make your changes")
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    with appearing(path) as whole:
        whole.write(file.getvalue().encode())
    return path
