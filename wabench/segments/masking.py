"""What may not be asked by who sees phones and e-mails masked: counts of guesses would tell them digit by digit."""

from dataclasses import replace

from wabench.errors import Refused
from wabench.roles import Action, Actor
from wabench.segments.fields import Catalog
from wabench.segments.rules import Leaf, Operator, Rule, leaves

IDENTIFYING = frozenset({"phone", "email", "user_id"})


def require(actor: Actor, rule: Rule) -> None:
    """Raise Refused where a rule asks for values its asker sees masked; whether they are known may be asked."""
    tried = {
        leaf.field
        for _, leaf in leaves(rule)
        if isinstance(leaf, Leaf) and leaf.field in IDENTIFYING and leaf.operator is not Operator.IS_SET
    }
    if tried and not actor.may(Action.SEE_PHONES):
        raise Refused(
            f"{actor.name} sees phones and e-mails masked, so a rule can't ask for {', '.join(sorted(tried))}"
        )


def offered(catalog: Catalog, actor: Actor) -> Catalog:
    """Leave out of what a rule may ask about what would be refused."""
    if actor.may(Action.SEE_PHONES):
        return catalog
    return replace(catalog, fields={name: each for name, each in catalog.fields.items() if name not in IDENTIFYING})
