"""`wabench forget`: a person erased from every store."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer

from ingest import erase, loader
from wabench import settings as configuration
from wabench.cli import console
from wabench.cli.console import Json
from wabench.erasure import forgetting, people
from wabench.erasure.forgetting import Receipt, Todo
from wabench.erasure.traces import Person
from wabench.errors import Refused, UsageError
from wabench.settings import Settings


class _Landing:
    """Landing, as erasing needs it."""

    def erase(self, settings: Settings, person: Person) -> int:
        return erase.erase(settings, person)

    def count(self, settings: Settings, person: Person) -> int:
        return erase.count(settings, person)

    def load(self, settings: Settings) -> object:
        return loader.load(settings)


def forget(
    identity: Annotated[str, typer.Argument(help="a phone, e-mail, user id, customer id or CRM's customer_ref")],
    erased_by: Annotated[str, typer.Option(help="who erases, for the audit and the receipt")] = "command line",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only tell what there is of them")] = False,
    json: Json = False,
) -> None:
    """Erase a person from landing, warehouse, published files and ledger; leaves a receipt that names nobody.

    Example: wabench forget "+55 11 98765-4321" --erased-by "Ana, on request 2026-14"
    """
    settings = configuration.load()
    now = datetime.now(UTC).replace(microsecond=0)
    with forgetting.alone_here(settings):
        if (todo := forgetting.unfinished(settings)) and not dry_run:
            console.err.print(f"going on with the erasure {todo.receipt_id} that was cut short", markup=False)
            _show(forgetting.finish(settings, todo, _Landing(), now), json)
        found = people.find(settings, identity)
        counts = forgetting.counts(settings, found.person, _Landing())
        if not any(counts.values()):
            _nobody(settings, found.person, json, is_told=todo is not None)
            return
        if dry_run or not json:
            _show_counts(counts, len(found.shared), json and dry_run)
        if dry_run:
            return
        if not yes and not typer.confirm("Erase this for good?", err=True):
            raise Refused("nothing was erased")
        begun = forgetting.begin(settings, found.person, erased_by, now, counts)
        _show(_finished(settings, begun, now), json)


def _finished(settings: Settings, todo: Todo, now: datetime) -> Receipt:
    with console.err.status("erasing"):
        return forgetting.finish(settings, todo, _Landing(), now)


def _nobody(settings: Settings, person: Person, json: bool, is_told: bool) -> None:
    if receipt := forgetting.known(settings, person):
        if not is_told:
            _show(receipt, json)
        return
    raise UsageError("nobody here is known by that; write a phone, e-mail, user id, customer id or SOURCE:customer_ref")


def _show_counts(counts: dict[str, int], shared: int, json: bool) -> None:
    if json:
        console.show_json({"records": counts, "shared_identities": shared})
        return
    console.show_facts({f"{store} records": number for store, number in counts.items()})
    if shared:
        console.out.print(
            f"{shared} of their identities lead to other customers too, and stay with those", markup=False
        )


def _show(receipt: Receipt, json: bool) -> None:
    facts: dict[str, Any] = msgspec.to_builtins(receipt)
    if json:
        console.show_json(facts)
        return
    console.show_facts({"receipt": f"data/receipts/{receipt.receipt_id}.json", "erased at": receipt.erased_at})
    for path in receipt.left:
        console.out.print(f"{path} still names them: it is your own text, take them out there", markup=False)
    console.out.print("totals are told anew by the next `wabench refresh`", markup=False)
