"""Templates at the workbench: read from the providers, and handed in to them.

Both write their own line into the audit, with the actor; here only a refused attempt is.
"""

from collections.abc import Sequence

from wabench import acts
from wabench.campaigns import submission
from wabench.campaigns.submission import Synced
from wabench.providers.base import TemplateState
from wabench.roles import Action, Actor
from wabench.settings import Settings


def sync(settings: Settings, actor: Actor, provider: str | None = None) -> Sequence[Synced]:
    """Read the templates of a provider, or of all that are set up and list them."""
    acts.allow(settings, actor, Action.SYNC_TEMPLATES, "template sync", provider or "all providers")
    return submission.sync(settings, provider, actor=actor.name)


def submit(settings: Settings, actor: Actor, name: str, provider: str, live: bool = False) -> TemplateState:
    """Hand a template of `wabench.toml` in for review."""
    acts.allow(settings, actor, Action.SYNC_TEMPLATES, "template submit", f"{provider}: {name}")
    return submission.submit(settings, name, provider, live, actor=actor.name)
