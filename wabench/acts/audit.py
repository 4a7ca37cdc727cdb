"""Reading the audit, which admins may. That somebody took it along is a line in it; that they looked is none."""

from typing import Any

import pyarrow as pa

from wabench import acts, sheets
from wabench.campaigns import audit, ledger
from wabench.campaigns.audit import Asked
from wabench.roles import Action, Actor
from wabench.settings import Settings

NEWEST = 500
"""Lines a screen shows; all are in the export."""


def lines(settings: Settings, actor: Actor, asked: Asked) -> list[dict[str, Any]]:
    """Read the newest lines of the audit."""
    acts.allow(settings, actor, Action.SEE_AUDIT, "read the audit", "")
    if not ledger.exists(settings):
        return []
    with ledger.opened(settings) as opened:
        return audit.lines(opened, asked, NEWEST)


def names(settings: Settings, actor: Actor) -> tuple[list[str], list[str]]:
    """List the people who stand in the audit, and what they did."""
    acts.allow(settings, actor, Action.SEE_AUDIT, "read the audit", "")
    if not ledger.exists(settings):
        return [], []
    with ledger.opened(settings) as opened:
        return audit.names(opened)


def export(settings: Settings, actor: Actor, asked: Asked) -> bytes:
    """Export all lines that are asked for as CSV."""
    detail = f"by {', '.join(asked.actors) or 'all'}; {', '.join(asked.actions) or 'all actions'}"
    with acts.act(settings, actor, Action.SEE_AUDIT, "export the audit", detail), ledger.opened(settings) as opened:
        found = [{**line, "at": line["at"].isoformat(timespec="seconds")} for line in audit.lines(opened, asked)]
    schema = pa.schema([(name, pa.string()) for name in ("at", "actor", "action", "campaign", "detail", "send_id")])
    return sheets.content(pa.Table.from_pylist(found, schema).to_reader())
