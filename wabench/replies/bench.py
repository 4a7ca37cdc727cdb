"""Rules played over what customers really wrote: who would have answered, who stood in whose way, what nobody answers.

No I/O: rules and history in, figures out. Cooldowns count as they would have: a rule that answered a customer lately is
silent to them, and no other answers in its place.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wabench.hours import BusinessHours
from wabench.replies.answers import render
from wabench.replies.clusters import Cluster, clusters
from wabench.replies.match import Matcher, Situation, Verdict, choose
from wabench.replies.rules import Rule
from wabench.replies.spoken import Command, command


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a customer; `local_at` is naive, in the shop's zone. Of its text only `shown` may be shown."""

    message_key: str
    customer_id: str | None
    local_at: datetime
    text: str
    shown: str
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Hit:
    """How often one rule would have answered; `cooled` it would have, had it not done so lately."""

    rule: str
    action: str
    messages: int
    customers: int
    cooled: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """How often a rule answered where another matched as well; at an `is_tie` their priorities are the same."""

    rule: str
    other: str
    messages: int
    example: str
    is_tie: bool


@dataclass(frozen=True, slots=True)
class Loop:
    """A rule whose own answer a rule would answer, were it sent back; it `is_endless` where no cooldown ends that."""

    rule: str
    answered_by: str
    answer: str
    is_endless: bool


@dataclass(frozen=True, slots=True)
class Replay:
    """What rules came to over a history. Commands, answered, cooled and unanswered messages are all of `messages`."""

    messages: int
    customers: int
    commands: int
    answered: int
    cooled: int
    unanswered: int
    hits: tuple[Hit, ...]
    conflicts: tuple[Conflict, ...]
    loops: tuple[Loop, ...]
    clusters: tuple[Cluster, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """Messages that two sets of rules treat differently; an empty name is no answer."""

    before: str
    after: str
    messages: int
    customers: int
    example: str


@dataclass(frozen=True, slots=True)
class _Ending:
    """What became of one message; `verdict.chosen` was silent where it `is_cooled`."""

    verdict: Verdict
    is_cooled: bool = False

    @property
    def chosen(self) -> str:
        return self.verdict.chosen.rule.rule if self.verdict.chosen else ""

    @property
    def rule(self) -> str:
        return "" if self.is_cooled else self.chosen


def replay(rules: Sequence[Rule], history: Sequence[Said], hours: BusinessHours) -> Replay:
    """Play rules over messages, which stand in the order they came."""
    endings = _endings(rules, history, hours)
    left = sum(not end.verdict.command and not end.verdict.chosen for end in endings)
    cooled = sum(end.is_cooled for end in endings)
    commands = sum(end.verdict.command is not None for end in endings)
    return Replay(
        messages=len(history),
        customers=len({said.customer_id for said in history if said.customer_id}),
        commands=commands,
        answered=len(history) - commands - cooled - left,
        cooled=cooled,
        unanswered=left,
        hits=_hits(rules, history, endings),
        conflicts=_conflicts(history, endings),
        loops=loops(rules),
        clusters=_clusters(history, endings),
    )


def changes(
    before: Sequence[Rule], after: Sequence[Rule], history: Sequence[Said], hours: BusinessHours
) -> tuple[Change, ...]:
    """Tell which messages would be answered by another rule, the most first."""
    pairs = zip(history, _endings(before, history, hours), _endings(after, history, hours), strict=True)
    moved: dict[tuple[str, str], list[Said]] = defaultdict(list)
    for said, old, new in pairs:
        if old.rule != new.rule:
            moved[old.rule, new.rule].append(said)
    found = [
        Change(*names, len(those), len({said.customer_id for said in those}), those[0].shown)
        for names, those in moved.items()
    ]
    return tuple(sorted(found, key=lambda change: (-change.messages, change.before, change.after)))


def answered_by(rules: Sequence[Rule], history: Sequence[Said], hours: BusinessHours, rule: str) -> list[str]:
    """List the customers whom one rule would have answered."""
    endings = zip(history, _endings(rules, history, hours), strict=True)
    return sorted({said.customer_id for said, end in endings if end.rule == rule and said.customer_id})


def unanswered(rules: Sequence[Rule], history: Sequence[Said], hours: BusinessHours) -> list[list[str]]:
    """List the customers of each cluster of what nobody answers, in the order of `replay`'s."""
    return [sorted(each.people) for each in _clusters(history, _endings(rules, history, hours))]


def loops(rules: Sequence[Rule]) -> tuple[Loop, ...]:
    """List the rules whose own answer some rule would answer; what a template says is the provider's to know."""
    speaking = [rule for rule in rules if rule.says]
    answers = [render(rule.says, "Ana", {"code": "CODE"}) for rule in speaking]
    found = zip(speaking, answers, Matcher(rules).found(answers), strict=True)
    back = {rule.rule: (matches[0].rule, answer) for rule, answer, matches in found if matches}
    to = {name: other for name, (other, _) in back.items()}
    named = [Loop(name, other.rule, answer, _is_endless(name, to)) for name, (other, answer) in back.items()]
    return tuple(sorted(named, key=lambda loop: not loop.is_endless))


def _is_endless(name: str, back: Mapping[str, Rule]) -> bool:
    """Follow who answers whom until a rule comes again that may not, or nobody answers."""
    seen = {name}
    while name in back and not back[name].cooldown_minutes:
        name = back[name].rule
        if name in seen:
            return True
        seen.add(name)
    return False


def _endings(rules: Sequence[Rule], history: Sequence[Said], hours: BusinessHours) -> list[_Ending]:
    distinct = list(dict.fromkeys(said.text for said in history))
    spoken: dict[str, Command | None] = {text: command(text) for text in distinct}
    found = dict(zip(distinct, Matcher(rules).found(distinct), strict=True))
    answered: dict[tuple[str, str], datetime] = {}
    endings: list[_Ending] = []
    for said in history:
        if spoken[said.text]:
            endings.append(_Ending(Verdict(spoken[said.text])))
            continue
        matches = found[said.text]
        situation = Situation(hours.is_open(said.local_at), said.is_new) if matches else Situation()
        verdict = choose(matches, situation)
        endings.append(_Ending(verdict, _cools(verdict, said, answered)))
    return endings


def _clusters(history: Sequence[Said], endings: Sequence[_Ending]) -> tuple[Cluster, ...]:
    return clusters(
        (said.text, said.shown, said.customer_id)
        for said, end in zip(history, endings, strict=True)
        if not end.verdict.command and not end.verdict.chosen
    )


def _cools(verdict: Verdict, said: Said, answered: dict[tuple[str, str], datetime]) -> bool:
    if verdict.chosen is None or not said.customer_id:
        return False
    rule, key = verdict.chosen.rule, (verdict.chosen.rule.rule, said.customer_id)
    last = answered.get(key)
    if last is not None and said.local_at < last + timedelta(minutes=rule.cooldown_minutes):
        return True
    answered[key] = said.local_at
    return False


def _hits(rules: Sequence[Rule], history: Sequence[Said], endings: Sequence[_Ending]) -> tuple[Hit, ...]:
    messages: Counter[str] = Counter()
    cooled: Counter[str] = Counter()
    customers: dict[str, set[str | None]] = defaultdict(set)
    for said, end in zip(history, endings, strict=True):
        if end.verdict.chosen:
            name = end.verdict.chosen.rule.rule
            (cooled if end.is_cooled else messages)[name] += 1
            customers[name].add(said.customer_id)
    found = [Hit(r.rule, r.action, messages[r.rule], len(customers[r.rule]), cooled[r.rule]) for r in rules]
    return tuple(sorted(found, key=lambda hit: -hit.messages))


def _conflicts(history: Iterable[Said], endings: Iterable[_Ending]) -> tuple[Conflict, ...]:
    count: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], Conflict] = {}
    for said, end in zip(history, endings, strict=True):
        if (chosen := end.verdict.chosen) is None:
            continue
        for other in end.verdict.others:
            pair = (chosen.rule.rule, other.rule.rule)
            count[pair] += 1
            is_tie = chosen.rule.priority == other.rule.priority
            first.setdefault(pair, Conflict(*pair, 0, said.shown, is_tie))
    found = [replace(first[pair], messages=messages) for pair, messages in count.items()]
    return tuple(sorted(found, key=lambda each: (not each.is_tie, -each.messages, each.rule, each.other)))
