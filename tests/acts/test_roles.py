from datetime import UTC, datetime

import pytest

from wabench import acts
from wabench.campaigns import ledger
from wabench.campaigns.schema import audit
from wabench.errors import Refused
from wabench.roles import Action, Actor, Role
from wabench.settings import Settings


@pytest.mark.parametrize(
    ("action", "least"),
    [
        (Action.EXPORT, Role.ANALYST),
        (Action.SEE_PHONES, Role.MARKETER),
        (Action.SAVE_SEGMENT, Role.MARKETER),
        (Action.PLAN, Role.MARKETER),
        (Action.TEST, Role.MARKETER),
        (Action.ANSWER, Role.MARKETER),
        (Action.EDIT_REPLIES, Role.MARKETER),
        (Action.SYNC_TEMPLATES, Role.MARKETER),
        (Action.APPROVE, Role.APPROVER),
        (Action.RUN, Role.APPROVER),
        (Action.SEE_AUDIT, Role.ADMIN),
    ],
)
def test_each_action_is_open_from_its_least_role_on(action: Action, least: Role) -> None:
    ranks = list(Role)
    allowed = [role for role in Role if Actor("maria", role).may(action)]
    assert allowed == ranks[ranks.index(least) :]


def test_every_action_is_somebodys() -> None:
    assert all(Actor("maria", Role.ADMIN).may(action) for action in Action)


def test_what_is_forbidden_is_not_done_and_the_attempt_is_in_the_audit(settings: Settings) -> None:
    done = []
    analyst = Actor("ана", Role.ANALYST)
    with (
        pytest.raises(Refused, match="ана is analyst, who may not approve a campaign; ask an approver"),
        acts.act(settings, analyst, Action.APPROVE, "approve", "campaign spring"),
    ):
        done.append("approved")
    with acts.act(settings, analyst, Action.EXPORT, "export", "cold_90d, 12 rows"):
        done.append("exported")
    assert done == ["exported"]
    with ledger.opened(settings) as opened, opened.reading() as connection:
        lines = connection.execute(audit.select().order_by(audit.c.audit_id)).all()
    assert [(line.actor, line.action, line.detail) for line in lines] == [
        ("ана", "refused: approve", "campaign spring"),
        ("ана", "export", "cold_90d, 12 rows"),
    ]
    assert all(line.at <= datetime.now(UTC) for line in lines)
