"""A person taken out of what a provider posted or listed: what it says of others loads as it did."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from ingest import spans
from ingest.spans import Node
from ingest.stated import statements
from wabench.erasure.traces import Person
from wabench.events import EventType, MessageEvent
from wabench.providers.errors import Unparsable

Read = Callable[[bytes], list[MessageEvent]]
_CONTACTS = "contacts"
"""Meta's list of names beside its messages: with a single entry left it would be taken for everybody's."""


def without(body: bytes, read: Read, person: Person, must_stay: bool) -> bytes | None:
    """Give the body as long as it was, without the person; None where nothing else is in it, unless it must stay.

    Of the ways to take them out the first is taken after which the others' events are what they were. If there is
    none, their values go and the rest stays for what it is.
    """
    events = _read(read, body)
    try:
        document: Node | None = spans.read(body)
    except msgspec.DecodeError:
        document = None
    if not must_stay and all(is_of(event, person) for event in events or ()):
        return None
    if document is None:
        return person.traces.masked_bytes(body)
    hits = [leaf for leaf in document.leaves() if person.traces.is_theirs(leaf.value)]
    expected = [_plain(event, person) for event in events or () if not is_of(event, person)]
    ways = [_without_mentions(way, person) for way in _ways(body, hits)]
    return next((way for way in ways if _is_right(_read(read, way), expected, person)), ways[-1])


def is_of(event: MessageEvent, person: Person) -> bool:
    """Tell whether an event is about the person."""
    traces = person.traces
    return (
        traces.is_person(event.phone, None)
        or (event.user_id is not None and traces.is_theirs(event.user_id))
        or (event.message_id is not None and event.message_id.rstrip("=") in traces.message_ids)
    )


def _read(read: Read, body: bytes) -> list[MessageEvent] | None:
    try:
        found = read(body)
    except Unparsable:
        return None
    return [*found, *statements(found)]


def _plain(event: MessageEvent, person: Person) -> MessageEvent:
    """Give an event as it is once the person's identities are hidden in its text."""
    text = event.body_text
    return msgspec.structs.replace(event, body_text=person.traces.masked(text) if text else text)


def _is_right(found: Sequence[MessageEvent] | None, expected: Sequence[MessageEvent], person: Person) -> bool:
    """Tell whether the others' events are there and no more; what nobody understood may go."""
    if found is None:
        return not expected
    return [*found] in ([*expected], [each for each in expected if not _is_blank(each)])


def _is_blank(event: MessageEvent) -> bool:
    return event.event_type == EventType.UNKNOWN and not (event.phone or event.user_id or event.message_id)


def _ways(body: bytes, hits: Sequence[Node]) -> Iterator[bytes]:
    """Give bodies without the records they stand in, without the lists that leaves empty, without their values."""
    records = list({id(record): record for leaf in hits if (record := leaf.record()).is_listed}.values())
    outermost = [each for each in records if not each.is_within(other for other in records if other is not each)]
    yield _taken_out(body, hits, outermost)
    yield _taken_out(body, hits, _promoted(outermost))
    yield spans.masked(body, hits)


def _taken_out(body: bytes, hits: Sequence[Node], records: Sequence[Node]) -> bytes:
    emptied = [each for each in records if each.parent is not None and each.parent.key == _CONTACTS]
    alone = [leaf for leaf in hits if not leaf.is_within(records)]
    return spans.removed(spans.masked(body, alone), [each for each in records if each not in emptied], emptied)


def _promoted(records: Sequence[Node]) -> list[Node]:
    """Take the record around a list that has nobody left, as far out as there is one."""
    found = list(records)
    while True:
        parents = {id(each.parent): each.parent for each in found if each.parent is not None}
        empty = [p for p in parents.values() if all(item in found for item in p.items)]
        around = [record for each in empty if (record := each.record()).is_listed and record not in found]
        if not around:
            return [each for each in found if not each.is_within(other for other in found if other is not each)]
        found += around


def _without_mentions(body: bytes, person: Person) -> bytes:
    """Hide their identities inside the texts of others."""
    traces = person.traces
    if not traces.is_in(body):
        return body
    for leaf in spans.read(body).leaves():
        if isinstance(leaf.value, str) and traces.mentions(leaf.value):
            body = spans.written(body, leaf, traces.masked(leaf.value))
    return body
