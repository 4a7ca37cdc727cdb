"""The audit: what was done to the shop's campaigns and consents and at its workbench, by whom, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, true

from wabench.campaigns.ledger import Ledger
from wabench.campaigns.schema import audit, campaigns

_MACHINE = "webhook "  # how actors begin that are no people: whose event it was follows


@dataclass(frozen=True, slots=True)
class Asked:
    """Which lines: of these people and of these actions, all where none is named; machines' and each send's too."""

    actors: Sequence[str] = ()
    actions: Sequence[str] = ()
    with_machines: bool = False

    def where(self) -> ColumnElement[bool]:
        conditions: list[ColumnElement[bool]] = [] if self.with_machines else [_by_people()]
        if self.actors:
            conditions.append(audit.c.actor.in_(self.actors))
        if self.actions:
            conditions.append(audit.c.action.in_(self.actions))
        return and_(true(), *conditions)


def lines(of: Ledger, asked: Asked, newest: int | None = None) -> list[dict[str, Any]]:
    """Read the newest lines, each with the name of its campaign; all without `newest`. Times are aware."""
    rows = (
        select(audit.c.at, audit.c.actor, audit.c.action, campaigns.c.name.label("campaign"), audit.c.detail,
               audit.c.send_id)
        .join_from(audit, campaigns, audit.c.campaign_id == campaigns.c.campaign_id, isouter=True)
        .where(asked.where())
        .order_by(audit.c.audit_id.desc())
        .limit(newest)
    )  # fmt: skip
    with of.reading() as connection:
        return [dict(row._asdict()) for row in connection.execute(rows)]


def names(of: Ledger) -> tuple[list[str], list[str]]:
    """List the people who stand in the audit, and what they did."""
    with of.reading() as connection:
        found = connection.execute(select(audit.c.actor, audit.c.action).where(_by_people()).distinct()).all()
    return sorted({row.actor for row in found}), sorted({row.action for row in found})


def _by_people() -> ColumnElement[bool]:
    is_machines = or_(audit.c.send_id.is_not(None), audit.c.actor.startswith(_MACHINE, autoescape=True))
    return ~is_machines
