"""What becomes of a message in the sandbox: chance that is the same for the same seed, person, content and attempt."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

import phonenumbers

from wabench.sandbox.base import Failure
from wabench.sandbox.scenario import Failures, Scenario

_REPLIES = ("Thank you!", "How much is it?", "Is it still available?", "Yes, please")
# An answer comes more than a second after the delivery, as WhatsApp tells its time in whole seconds.
_SECONDS_TO = {"sent": 0.05, "delivered": 0.15, "failed": 0.15, "read": 0.4, "reply": 1.3, "opt_out": 1.3}


class Answered(StrEnum):
    """What the call itself comes to."""

    WELL = "well"
    NOT = "not"  # accepted, but no answer comes
    ERROR = "error"  # the provider's server error


@dataclass(frozen=True, slots=True)
class Posting:
    """One status or reply that goes out by webhook `after` seconds; it says that it happened at `offset`."""

    value: str
    offset: float
    after: float


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one call that is not refused. One that is not `is_taken` writes to nobody and posts nothing."""

    answered: Answered
    is_taken: bool
    latency: float
    failure: Failure | None
    reply: str | None
    hides_phone: bool
    postings: Sequence[Posting]

    @property
    def values(self) -> frozenset[str]:
        """Give what its webhooks tell: sent, delivered, read, failed, reply, opt_out."""
        return frozenset(posting.value for posting in self.postings)


def decide(scenario: Scenario, recipient: str, what: str, attempt: int) -> Fate:
    """Draw the fate of the `attempt`th call to a recipient (the first is 1); `what` is the template or the kind.

    Nothing else counts, so that a campaign has the same fates through any provider.
    """

    def chance(name: str) -> float:
        return _chance(scenario.seed, name, recipient, what, attempt)

    shares = scenario.shares
    is_error = chance("server error") < shares.server_error
    is_timeout = not is_error and chance("timeout") < shares.timeout
    failure = _failure(scenario.failures, chance("failure"))
    values = _values(scenario, failure, chance)
    is_taken = not is_error or chance("taken") < 0.5
    longest = max(scenario.latency_ms.min, scenario.latency_ms.max)
    return Fate(
        answered=Answered.ERROR if is_error else Answered.NOT if is_timeout else Answered.WELL,
        is_taken=is_taken,
        latency=(scenario.latency_ms.min + chance("latency") * (longest - scenario.latency_ms.min)) / 1000,
        failure=failure,
        reply=_REPLIES[int(chance("words") * len(_REPLIES))] if "reply" in values else None,
        hides_phone=_chance(scenario.seed, "user id", recipient) < shares.user_id,
        postings=_postings(scenario, values, chance) if is_taken else (),
    )


def user_id_of(phone: str) -> str:
    """Give the business-scoped id of a person: what webhooks say of who hides the phone behind a name."""
    region = phonenumbers.region_code_for_number(phonenumbers.parse("+" + phone.removeprefix("+")))
    return f"{region or 'ZZ'}.{int(sha256(phone.encode()).hexdigest()[:14], 16)}"


def _chance(seed: int, *key: object) -> float:
    return int.from_bytes(sha256("\n".join(map(str, (seed, *key))).encode()).digest()[:8]) / 2**64


def _failure(failures: Failures, drawn: float) -> Failure | None:
    for kind in Failure:
        share = getattr(failures, kind)
        if drawn < share:
            return kind
        drawn -= share
    return None


def _values(scenario: Scenario, failure: Failure | None, chance: Callable[[str], float]) -> list[str]:
    if failure:
        return ["sent", "failed"]
    shares = scenario.shares
    reads = chance("read") < shares.read
    opts_out = chance("opt out") < shares.opt_out
    replies = reads and not opts_out and chance("reply") < shares.reply / shares.read
    happens = {"sent": True, "delivered": True, "read": reads, "reply": replies, "opt_out": opts_out}
    return [value for value, does in happens.items() if does]


def _postings(scenario: Scenario, values: Sequence[str], chance: Callable[[str], float]) -> list[Posting]:
    shares = scenario.shares
    late = scenario.late_seconds if chance("late") < shares.late else 0.0
    statuses = [value for value in values if value not in ("reply", "opt_out")]
    offsets = sorted(_SECONDS_TO[value] * (0.5 + chance(value)) for value in statuses)
    backwards = [offsets[-1] + 0.05 * step for step in range(len(offsets))][::-1]
    afters = backwards if chance("reorder") < shares.reorder else offsets
    postings = [Posting(v, offset, late + after) for v, offset, after in zip(statuses, offsets, afters, strict=True)]
    last = max(_SECONDS_TO["reply"], max(afters) + 0.05)
    postings += [Posting(v, _SECONDS_TO[v], late + last) for v in values if v not in statuses]
    twice = [p for p in postings if chance(f"two {p.value}") < shares.duplicate]
    return [*postings, *(Posting(p.value, p.offset, 2 * p.after) for p in twice)]
