"""What a person does about replies: answers a customer, changes the rules and the canned replies."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from wabench import acts, published
from wabench.replies import claims, files, people, sending
from wabench.replies.claims import Draft, Reply
from wabench.roles import Action, Actor
from wabench.settings import Settings


def answer(
    settings: Settings, actor: Actor, customer_id: str, text: str, key: str, *, canned: str | None = None,
    live: bool = False, transport: httpx.AsyncBaseTransport | None = None,
) -> Reply:  # fmt: skip
    """Send a customer one free text and tell where it stands; a second call with the same key sends nothing.

    Their phone stays here. Raises Refused where the role forbids it or a real provider was not confirmed.
    """
    made_of = f", canned {canned!r}" if canned else ""
    with acts.act(settings, actor, Action.ANSWER, "answer", f"customer {customer_id}{made_of}"):
        person = people.find(published.current(settings), customer_id)
        draft = Draft(
            key=key,
            customer_id=person.customer_id,
            phone=person.phone,
            user_id=person.user_id,
            provider=person.provider,
            channel_id=person.channel_id,
            written_by=claims.PERSON,
            author=actor.name,
            text=text,
            last_inbound_at=person.last_inbound_at,
            consent=person.consent,
            canned=canned,
        )
        return sending.send(settings, draft, live=live, transport=transport)


def save_rules(settings: Settings, actor: Actor, records: Sequence[Mapping[str, object]], mark: str) -> Path:
    """Save the shop's reply rules; `mark` is of the table that was edited."""
    with acts.act(settings, actor, Action.EDIT_REPLIES, "save reply rules", f"{len(records)} rules"):
        return files.save_rules(settings, records, mark)


def save_canned(settings: Settings, actor: Actor, records: Sequence[Mapping[str, object]], mark: str) -> Path:
    """Save the shop's canned replies; `mark` is of the table that was edited."""
    with acts.act(settings, actor, Action.EDIT_REPLIES, "save canned replies", f"{len(records)} texts"):
        return files.save_canned(settings, records, mark)
