"""What becomes of a message in the sandbox: chance that is the same for the same seed and request."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

_FAILURES = (131026, 131049, 131050)
_REPLIES = ("Thank you!", "How much is it?", "Is it still available?", "Yes, please", "STOP")
_SECONDS_TO = {"sent": 0.05, "delivered": 0.15, "failed": 0.15, "read": 0.4, "reply": 0.6}


@dataclass(frozen=True, slots=True)
class Shares:
    """How often what happens, each from 0 to 1."""

    fail: float = 0.0
    timeout: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.05
    read: float = 0.6
    reply: float = 0.1
    user_id: float = 0.0


@dataclass(frozen=True, slots=True)
class Posting:
    """One status or reply that goes out by webhook `after` seconds; it says that it happened at `offset`."""

    value: str
    offset: float
    after: float


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one accepted message."""

    is_answered: bool
    error: int | None
    reply: str | None
    is_by_user_id: bool
    postings: Sequence[Posting]


def decide(seed: int, key: str, shares: Shares) -> Fate:
    """Draw a message's fate; `key` is what tells its request from another."""

    def chance(what: str) -> float:
        return int.from_bytes(sha256(f"{seed}\n{what}\n{key}".encode()).digest()[:8]) / 2**64

    fails = chance("fail") < shares.fail
    reads = not fails and chance("read") < shares.read
    replies = reads and chance("reply") < shares.reply / max(shares.read, 1e-9)
    values = ["sent", "failed"] if fails else ["sent", "delivered", *(["read"] if reads else [])]
    offsets = [_SECONDS_TO[value] * (0.5 + chance(value)) for value in values]
    afters = offsets[::-1] if chance("reorder") < shares.reorder else offsets
    postings = [Posting(*each) for each in zip(values, offsets, afters, strict=True)]
    postings += [
        Posting(p.value, p.offset, 2 * p.after) for p in postings if chance(f"two {p.value}") < shares.duplicate
    ]
    if replies:
        postings.append(Posting("reply", _SECONDS_TO["reply"], _SECONDS_TO["reply"]))
    return Fate(
        is_answered=chance("timeout") >= shares.timeout,
        error=_FAILURES[int(chance("error") * len(_FAILURES))] if fails else None,
        reply=_REPLIES[int(chance("words") * len(_REPLIES))] if replies else None,
        is_by_user_id=chance("user id") < shares.user_id,
        postings=postings,
    )
