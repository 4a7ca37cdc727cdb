"""`docs/conformance.md`, written from what the suite found: a column a dialect, a row a scenario."""

import os
from collections.abc import Mapping, Sequence

from dialects import ALL, DIFFERENCES, Dialect
from scenarios import CASES, Case

from wabench.settings import ROOT

PAGE = ROOT / "docs/conformance.md"
_SHOWN = {
    "accepted": "was accepted for",
    "unknown": "may have reached",
    "suppressed": "left out",
    "failed": "failed for",
    "read": "was read by",
    "replied": "was answered by",
    "opted_out": "made opt out",
}
_ABOUT = {
    "calm": "nothing goes wrong",
    "throttled": "7 messages a second are taken, more are asked for",
    "answers lost after accepting": "3 in 10 messages are taken but never answered",
    "server errors": "4 in 10 calls are answered with a server error; half of those were taken",
    "webhooks twice, out of order and late": "half are posted twice, all backwards, half 0.7 s late",
    "phones hidden behind user names": "of 6 in 10 people webhooks say the business-scoped id alone",
    "token revoked": "after 5 calls; the campaign pauses, and goes on with another token",
    "tier used up": "5 people a day; the campaign pauses, and goes on when there are more",
    "template paused": "after 5 messages; the campaign pauses, and goes on when it is approved again",
    "marketing limit of people": "4 in 10 people have had enough promotions of everybody's",
    "failures and opt-outs": "2 in 10 can't be reached, 2 in 10 had stopped promotions, 3 in 10 then say STOP; "
    "a second campaign leaves out all who stopped",
    "known by user id alone": "half of the people have no known phone",
    "server errors, then a person decides": "as above; those who may not have been reached are written to again",
}
_HEAD = """\
# Conformance

`tests/conformance` sends the same campaigns through every provider and dialect, into the sandbox and back through the
real receiver, loader and models, and compares what the ledger and the marts say of each customer with what the scenario
alone foretells. This page is written by it (`WABENCH_WRITE_DOCS=1 pytest tests/conformance`), and it fails where the
page is out of date. Each request it sends is held against the provider's published specification, field names included.

A cell has, in this order, how many people the campaign {shown}.
Scenarios with a pause end paused first, and finished after the resume. Times are not compared: Twilio's statuses have
none, so theirs is that of their arrival. Where no specification is published (Bird Channels, the classic API's send)
field names are held against the documented ones.
"""


def hold(dialect: Dialect, found: Mapping[Case, Mapping[str, int]], ended: Mapping[str, str]) -> None:
    """Write a dialect's column into the page, or see that it says the same."""
    columns = _columns()
    columns[dialect.name] = {case.name: _cell(counts) for case, counts in found.items()}
    page = _page(columns)
    if os.environ.get("WABENCH_WRITE_DOCS"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page, "docs/conformance.md is out of date: WABENCH_WRITE_DOCS=1"


def _cell(counts: Mapping[str, int]) -> str:
    return " · ".join(str(counts[name]) for name in _SHOWN)


def _columns() -> dict[str, dict[str, str]]:
    """Read the cells that the page has."""
    lines = PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else []
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines if line.startswith("| ")]
    if not rows:
        return {}
    (_, _, *names), *cells = rows
    return {name: {row[0]: row[2 + place] for row in cells} for place, name in enumerate(names)}


def _page(columns: Mapping[str, Mapping[str, str]]) -> str:
    names = [dialect.name for dialect in ALL]
    rows = [
        ["scenario", "what happens", *names],
        *([c.name, _ABOUT[c.name], *(columns.get(n, {}).get(c.name, "–") for n in names)] for c in CASES),
    ]
    table = [_line(rows[0]), "|" + "---|" * len(rows[0]), *map(_line, rows[1:])]
    differences = [f"- **{what}** ({', '.join(whose)}): {follows}." for what, follows, whose in DIFFERENCES]
    shown = ", ".join(_SHOWN.values())
    parts = [_HEAD.format(shown=shown), *table, "\n## Where they rightly differ\n", *differences]
    return "\n".join(parts) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
