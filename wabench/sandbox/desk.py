"""One provider's desk in the sandbox: it checks a call, keeps the limits, draws the message's fate and answers.

No I/O: the server puts the answer on the wire, writes the log and posts what happens.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from wabench.sandbox import fate
from wabench.sandbox.base import Answer, Call, Happening, Post, Refusal, Shop, StandIn, Taken, Why
from wabench.sandbox.fate import Answered, Fate
from wabench.sandbox.scenario import Scenario

_DAY = 86_400.0
_OPT_OUT = "STOP"


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was taken; `happenings` are that it was accepted, then one for each posting of its fate."""

    message_id: str
    at: float
    taken: Taken
    fate: Fate
    happenings: Sequence[Happening]


@dataclass(frozen=True, slots=True)
class Result:
    """What a call comes to; a None `answer` never comes. `message` is None where nobody is written to."""

    answer: Answer | None
    latency: float = 0.0
    message: Message | None = None
    refused: Why | None = None


@dataclass(slots=True)
class Desk:
    """What one provider's stand-in has seen so far."""

    stand_in: StandIn
    shop: Shop
    scenario: Scenario
    clock: Callable[[], float]
    happened: list[Happening] = field(default_factory=list)
    _calls: int = 0
    _recent: deque[float] = field(default_factory=deque)
    _last_to: dict[str, float] = field(default_factory=dict)
    _wrote: dict[str, float] = field(default_factory=dict)
    _attempts: Counter[str] = field(default_factory=Counter)
    _messages: Counter[str] = field(default_factory=Counter)
    _answers: dict[str, Answer] = field(default_factory=dict)

    def take(self, call: Call) -> Result:
        """Answer one call as the provider would."""
        self._calls += 1
        if not self.stand_in.is_authorised(call, self.shop) or self._is_revoked():
            return self._refused(Refusal(Why.TOKEN, "the token is not the one this sandbox was started with"))
        if not self.stand_in.is_send(call):
            return self._looked_up(call)
        taken = self.stand_in.read(call, self.shop)
        if isinstance(taken, Refusal):
            return self._refused(taken)
        if taken.idempotency_key and (known := self._answers.get(taken.idempotency_key)):
            return Result(known, self._shortest)
        now = self.clock()
        if refusal := self._limit(taken, now):
            return self._refused(refusal, taken.idempotency_key)
        return self._accept(taken, now)

    def posts(self, happenings: Sequence[Happening]) -> Sequence[Post]:
        """Write the webhooks that tell these happenings, as of now."""
        return self.stand_in.posts(happenings, self.shop, self.clock())

    @property
    def _shortest(self) -> float:
        return self.scenario.latency_ms.min / 1000

    def _is_revoked(self) -> bool:
        token = self.scenario.token
        if token.revoked_after_calls is None or self._calls <= token.revoked_after_calls:
            return False
        return token.good_again_after_calls is None or self._calls <= token.good_again_after_calls

    def _refused(self, refusal: Refusal, key: str | None = None) -> Result:
        """Refuse a call; where that makes a rejected message, it is kept under the call's key as a good one is."""
        answer = self.stand_in.refuse(refusal)
        if key and answer.status < 300:
            self._answers[key] = answer
        return Result(answer, self._shortest, refused=refusal.why)

    def _looked_up(self, call: Call) -> Result:
        now = self.clock()
        known = sorted((h for h in self.happened if h.at <= now), key=lambda happening: happening.at)
        answer = self.stand_in.look_up(call, self.shop, known)
        return Result(answer or Answer(404, b"no such call here"), self._shortest)

    def _limit(self, taken: Taken, now: float) -> Refusal | None:
        """Keep the limits; that to one person without Meta's burst of 45, which only borrows from later."""
        limits = self.scenario.limits
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if limits.messages_per_second is not None and len(self._recent) >= limits.messages_per_second:
            return Refusal(Why.THROTTLE, f"more than {limits.messages_per_second} messages in a second", 1.0)
        wait = self._last_to.get(taken.recipient, -_DAY) + limits.seconds_between_messages - now
        if wait > 0:
            gap = f"{limits.seconds_between_messages:g} seconds"
            return Refusal(Why.PAIR, f"more than one message to this person in {gap}", wait, taken=taken, at=now)
        return self._tier(taken, now) or self._window(taken, now)

    def _tier(self, taken: Taken, now: float) -> Refusal | None:
        most = self.scenario.limits.people_per_day
        if most is None or self._last_to.get(taken.recipient, -_DAY) > now - _DAY:
            return None
        today = sum(at > now - _DAY for at in self._last_to.values())
        return Refusal(Why.TIER, f"more than {most} people in 24 hours") if today >= most else None

    def _window(self, taken: Taken, now: float) -> Refusal | None:
        is_open = self.scenario.limits.window == "open" or self._wrote.get(taken.recipient, -_DAY) > now - _DAY
        return None if taken.kind == "template" or is_open else Refusal(Why.WINDOW, "they wrote nothing for 24 hours")

    def _accept(self, taken: Taken, now: float) -> Result:
        recipient, what = taken.recipient, taken.template or taken.kind
        self._attempts[recipient] += 1
        drawn = fate.decide(self.scenario, recipient, what, self._attempts[recipient])
        message = self._message(taken, drawn, now) if drawn.is_taken else None
        if message:
            self._recent.append(now)
            self._last_to[recipient] = now
            self._note(message)
        good = self.stand_in.answer(taken, message.message_id, now) if message else None
        if good and taken.idempotency_key:
            self._answers[taken.idempotency_key] = good
        if drawn.answered is Answered.ERROR:
            return Result(self.stand_in.refuse(Refusal(Why.SERVER, "decided by the sandbox")), drawn.latency, message)
        return Result(good if drawn.answered is Answered.WELL else None, drawn.latency, message)

    def _message(self, taken: Taken, drawn: Fate, now: float) -> Message:
        key = f"{self.stand_in.name}\n{taken.recipient}\n{self._attempts[taken.recipient]}\n{now}"
        message_id = self.stand_in.message_id(sha256(f"{self.scenario.seed}\n{key}".encode()).hexdigest()[:32])
        reply_id = self.stand_in.message_id(sha256(f"{self.scenario.seed}\nreply\n{key}".encode()).hexdigest()[:32])
        template = self.shop.templates.get(taken.template or "")
        hides = drawn.hides_phone and taken.phone is not None
        told = Happening(
            message_id=message_id,
            value="accepted",
            at=now,
            phone=None if hides else taken.phone,
            user_id=fate.user_id_of(taken.phone or "") if hides else taken.user_id,
            taken=taken,
            category=template.category if template else "service",
        )
        texts = {"reply": drawn.reply, "opt_out": _OPT_OUT}
        happenings = [told] + [
            replace(
                told,
                value=posting.value,
                at=now + posting.offset,
                failure=drawn.failure if posting.value == "failed" else None,
                reply_id=reply_id if posting.value in texts else None,
                text=texts.get(posting.value),
            )
            for posting in drawn.postings
        ]
        return Message(message_id, now, taken, drawn, happenings)

    def _note(self, message: Message) -> None:
        self.happened += _unique(message.happenings)
        for happening in message.happenings:
            if happening.reply_id:
                self._wrote[message.taken.recipient] = happening.at
        name, most = message.taken.template, self.scenario.templates.paused_after_messages
        if not name or most is None:
            return
        self._messages[name] += 1
        if self._messages[name] >= most:
            paused = self.shop.templates[name].model_copy(update={"status": "paused"})
            self.shop = replace(self.shop, templates={**self.shop.templates, name: paused})


def _unique(happenings: Sequence[Happening]) -> list[Happening]:
    """Leave out what duplicates repeat: it happened once and is told twice."""
    return list({happening.value: happening for happening in happenings}.values())
