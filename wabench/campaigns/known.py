"""What the ledger and the published file know of the people whom some sends are for, at the moment they are claimed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from wabench import phones
from wabench.campaigns import clock
from wabench.campaigns.failures import HAS_FAILED
from wabench.campaigns.policy import MARKETING, Consent, Facts, Rules, newest
from wabench.campaigns.schema import MAY_HAVE_REACHED, consent, replies, sends

KEYS = (sends.c.customer_id, sends.c.phone, sends.c.user_id)
Candidate = Row[Any]
Consents = Callable[[Sequence[Candidate]], Mapping[str, Consent]]
"""What the published file says of some sends' customers now, by send id; it may know less than the plan did."""


class Known:
    """What the ledger knows of some candidates' people, whichever customer a phone or user id was then taken for."""

    def __init__(
        self, connection: Connection, candidates: Sequence[Candidate], rules: Rules, since: datetime,
        published: Mapping[str, Consent],
    ) -> None:  # fmt: skip
        values = {key.name: [v for c in candidates if (v := c._mapping[key.name])] for key in KEYS}
        self._published, self._rules = published, rules
        self._promoted: dict[str, dict[str, datetime]] = {}
        self._message: dict[str, datetime] = {}
        self._stated: dict[str, list[Consent]] = {}
        reached = sends.c.state.in_(MAY_HAVE_REACHED) & (sends.c.claimed_at > since)
        theirs = or_(*(key.in_(values[key.name]) for key in KEYS))
        wanted = select(*KEYS, sends.c.send_id, sends.c.category, sends.c.claimed_at, HAS_FAILED.label("has_failed"))
        for row in connection.execute(wanted.where(reached, theirs)):
            _keep_latest(self._message, row[:3], row.claimed_at)
            if row.category == MARKETING and not row.has_failed:
                for key in filter(None, row[:3]):
                    self._promoted.setdefault(key, {})[row.send_id] = row.claimed_at
        lately = replies.c.claimed_at > since + rules.memory - rules.customer_gap
        theirs = or_(*(replies.c[key.name].in_(values[key.name]) for key in KEYS))
        answered = select(*(replies.c[key.name] for key in KEYS), replies.c.claimed_at)
        for row in connection.execute(answered.where(replies.c.state.in_(MAY_HAVE_REACHED), lately, theirs)):
            _keep_latest(self._message, row[:3], row.claimed_at)
        theirs = or_(*(consent.c[key.name].in_(values[key.name]) for key in KEYS))
        for row in connection.execute(select(consent).where(theirs)):
            for value in filter(None, (row.customer_id, row.phone, row.user_id)):
                self._stated.setdefault(value, []).append(Consent(row.consent, row.stated_at))

    def facts(self, send: Candidate) -> Facts:
        keys = [key for key in (send.customer_id, send.phone, send.user_id) if key]
        planned, published = Consent(send.consent, send.consent_at), self._published.get(send.send_id, Consent())
        promoted = {send_id: at for key in keys for send_id, at in self._promoted.get(key, {}).items()}
        return Facts(
            phone=send.phone,
            user_id=send.user_id,
            consent=newest(planned, published, *(stated for key in keys for stated in self._stated.get(key, ()))),
            parameters=send.parameters,
            promoted_at=tuple(promoted.values()),
            last_message_at=max((self._message[k] for k in keys if k in self._message), default=None),
            country=country_of(send.phone, send.user_id) if self._rules.closed_countries else None,
            last_interaction_at=send.last_interaction_at,
            zone=clock.zone(send.timezone, self._rules.zone),
            best_hour=send.best_hour,
        )


def country_of(phone: str | None, user_id: str | None) -> str | None:
    """Tell a person's country by their phone, else by how their user id begins; None where neither says."""
    if phone:
        return phones.country(phone)
    return user_id[:2].upper() if user_id and user_id[2:3] == "." else None


def _keep_latest(latest: dict[str, datetime], keys: Sequence[str | None], at: datetime) -> None:
    for key in filter(None, keys):
        latest[key] = max(at, latest.get(key, at))
