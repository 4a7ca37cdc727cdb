"""Who is at the workbench and what they may do: one table of roles, asked by every act and by every page."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from wabench.errors import Refused


class Role(StrEnum):
    """What a person is to the shop; each may do what the one before may, and more."""

    ANALYST = "analyst"
    MARKETER = "marketer"
    APPROVER = "approver"
    ADMIN = "admin"


class Action(StrEnum):
    """What may be asked of the workbench, in the words a refusal uses."""

    EXPORT = "export customers with masked phones"
    SEE_PHONES = "see or export whole phones and e-mails"
    SAVE_SEGMENT = "save a segment"
    PLAN = "plan or simulate a campaign"
    TEST = "test a campaign"
    APPROVE = "approve a campaign"
    RUN = "start, pause, resume or cancel a campaign"
    ANSWER = "answer a customer"
    EDIT_REPLIES = "change reply rules and canned replies"
    SYNC_TEMPLATES = "sync or submit templates"
    SEE_AUDIT = "read the audit"


_ADDED: Mapping[Role, frozenset[Action]] = {
    Role.ANALYST: frozenset({Action.EXPORT}),
    Role.MARKETER: frozenset(
        {
            Action.SEE_PHONES,
            Action.SAVE_SEGMENT,
            Action.PLAN,
            Action.TEST,
            Action.ANSWER,
            Action.EDIT_REPLIES,
            Action.SYNC_TEMPLATES,
        }
    ),
    Role.APPROVER: frozenset({Action.APPROVE, Action.RUN}),
    Role.ADMIN: frozenset({Action.SEE_AUDIT}),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """A person with a name for the audit and a role; `is_signed_in` is false where the app has no login."""

    name: str
    role: Role
    is_signed_in: bool = True

    def may(self, action: Action) -> bool:
        ranks = list(Role)
        return any(action in _ADDED[role] for role in ranks[: ranks.index(self.role) + 1])

    def require(self, action: Action) -> None:
        """Raise Refused, which names the role that may, unless this person may."""
        if not self.may(action):
            least = next(role for role in Role if action in _ADDED[role])
            raise Refused(f"{self.name} is {self.role}, who may not {action}; ask {_article(least)}")


def _article(role: Role) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"
