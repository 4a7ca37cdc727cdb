"""Erasing one person from every store, in an order that a kill may cut anywhere: the next call goes on to the end.

Who is being erased stands in `data/erasing/person.json` from before the first change until after the last; the list of
who was erased comes first, so that nothing loaded meanwhile brings them back; the receipt comes last.
"""

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

from wabench.campaigns import alone, ledger
from wabench.campaigns.schema import CampaignState
from wabench.disk import appearing, make_folder
from wabench.erasure import files, people, suppressed, versions
from wabench.erasure import ledger as ledger_rows
from wabench.erasure.traces import Person
from wabench.locks import held
from wabench.settings import Settings

_MAY_RUN = (CampaignState.APPROVED, CampaignState.RUNNING, CampaignState.PAUSED)


class Landing(Protocol):
    """What takes a person out of landing, and loads it anew; only the command line may bring the two together."""

    def erase(self, settings: Settings, person: Person) -> int: ...

    def count(self, settings: Settings, person: Person) -> int: ...

    def load(self, settings: Settings) -> object: ...


class Receipt(msgspec.Struct, frozen=True):
    """That somebody was erased: when, by whom, how many records of which store. It names nobody.

    `identities` are hashes under the shop's own salt: of an identity one is told, one can tell whether it was among
    them. `left` are files of the shop's own that still name the person; `sha256` is of all else in the receipt.
    """

    receipt_id: str
    erased_at: datetime
    erased_by: str
    records: dict[str, int]
    identities: list[str]
    left: list[str]
    sha256: str = ""


class Todo(msgspec.Struct, frozen=True):
    """An erasure that has begun: all it takes to end it. Names the person, and is gone when it is done."""

    receipt_id: str
    person: Person
    actor: str
    records: dict[str, int]
    key: str


@contextmanager
def alone_here(settings: Settings) -> Iterator[None]:
    """Hold off refreshes and campaigns for a `with` block; raises Busy, naming who is at work."""
    with ExitStack() as stack:
        stack.enter_context(held(settings.paths.warehouse_lock, "erasure"))
        if ledger.exists(settings):
            opened = stack.enter_context(ledger.opened(settings))
            for campaign in (each for each in opened.campaigns() if each.status in _MAY_RUN):
                stack.enter_context(alone.held(settings, opened, campaign, alone.campaign_lock(campaign)))
        yield


def counts(settings: Settings, person: Person, landing: Landing) -> dict[str, int]:
    """Tell how many records of each store name a person; changes nothing."""
    return {
        "landing": landing.count(settings, person),
        "warehouse": versions.count_warehouse(settings, person),
        "published": versions.count_published(settings, person),
        "ledger": ledger_rows.count(settings, person),
        "files": files.count(settings, person),
    }


def begin(settings: Settings, person: Person, actor: str, now: datetime, found: Mapping[str, int]) -> Todo:
    """Write down who is to be erased, before anything is; `found` is what `counts` told."""
    receipt_id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    todo = Todo(receipt_id, person, actor, dict(found), f"erased-{secrets.token_hex(8)}")
    make_folder(_todo_file(settings).parent)
    with appearing(_todo_file(settings)) as file:
        file.write(msgspec.json.encode(todo))
    return todo


def unfinished(settings: Settings) -> Todo | None:
    """Give the erasure that was cut short, or None."""
    try:
        return msgspec.json.decode(_todo_file(settings).read_bytes(), type=Todo)
    except FileNotFoundError:
        return None


def finish(settings: Settings, todo: Todo, landing: Landing, now: datetime) -> Receipt:
    """Erase whom `todo` names from every store, whatever of it was done before; the caller is `alone_here`."""
    person = todo.person
    hashes = suppressed.add(settings, people.identities(person), now)
    ledger_rows.erase(settings, person, todo.key)
    landing.erase(settings, person)
    versions.erase_warehouse(settings, person)
    versions.erase_published(settings, person)
    files.erase(settings, person)
    landing.load(settings)
    receipt = _sealed(
        Receipt(todo.receipt_id, now, todo.actor, todo.records, hashes, files.left(settings, person))
    )  # fmt: skip
    _keep(settings, receipt)
    with ledger.opened(settings) as opened:
        opened.record(todo.actor, "erase", now, detail=f"receipt {receipt.receipt_id}")
    _todo_file(settings).unlink()
    return receipt


def receipts(settings: Settings) -> list[Receipt]:
    """Read all receipts, oldest first."""
    found = sorted((settings.paths.data / "receipts").glob("*.json"))
    return [msgspec.json.decode(path.read_bytes(), type=Receipt) for path in found]


def known(settings: Settings, person: Person) -> Receipt | None:
    """Find the receipt of an earlier erasure of the same identities."""
    erased = suppressed.read(settings)
    hashes = {suppressed.slow(erased, each) for each in erased.found(people.identities(person))}
    return next((each for each in receipts(settings) if hashes.intersection(each.identities)), None)


def digest(receipt: Receipt) -> str:
    """Hash what a receipt says; a receipt that was not touched has it as its `sha256`."""
    said = msgspec.json.encode(msgspec.structs.replace(receipt, sha256=""), order="sorted")
    return hashlib.sha256(said).hexdigest()


def _sealed(receipt: Receipt) -> Receipt:
    return msgspec.structs.replace(receipt, sha256=digest(receipt))


def _keep(settings: Settings, receipt: Receipt) -> None:
    path = settings.paths.data / "receipts" / f"{receipt.receipt_id}.json"
    make_folder(path.parent)
    with appearing(path) as file:
        file.write(msgspec.json.format(msgspec.json.encode(receipt)) + b"\n")


def _todo_file(settings: Settings) -> Path:
    return settings.paths.data / "erasing" / "person.json"
