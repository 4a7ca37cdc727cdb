"""Every act asks for a role: a table of all there are, each tried by everybody who may not."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from published_shop import customer, publish_shop

from wabench import acts
from wabench.campaigns import ledger
from wabench.campaigns.schema import audit
from wabench.errors import Refused
from wabench.roles import Actor, Role
from wabench.settings import Settings, load

Act = Callable[..., Any]

LEAST: dict[str, list[tuple[dict[str, Any], Role]]] = {
    "audit.lines": [({}, Role.ADMIN)],
    "audit.names": [({}, Role.ADMIN)],
    "campaigns.plan": [({}, Role.MARKETER)],
    "campaigns.plan_retry": [({}, Role.MARKETER)],
    "campaigns.simulate": [({}, Role.MARKETER)],
    "campaigns.test": [({}, Role.MARKETER)],
    "campaigns.send_test": [({}, Role.MARKETER), ({"live": True}, Role.APPROVER)],
    "campaigns.approve": [({}, Role.APPROVER)],
    "campaigns.run": [({}, Role.APPROVER)],
    "campaigns.resume": [({}, Role.APPROVER)],
    "campaigns.pause": [({}, Role.APPROVER)],
    "campaigns.cancel": [({}, Role.MARKETER)],
    "templates.sync": [({}, Role.MARKETER)],
    "templates.submit": [({}, Role.MARKETER)],
    "audit.export": [({}, Role.ADMIN)],
    "exports.customers_behind": [({}, Role.ANALYST), ({"with_phones": True}, Role.MARKETER)],
    "replies.answer": [({}, Role.MARKETER)],
    "replies.save_rules": [({}, Role.MARKETER)],
    "replies.save_canned": [({}, Role.MARKETER)],
    "segments.export": [({}, Role.ANALYST), ({"with_phones": True}, Role.MARKETER)],
    "segments.save": [({}, Role.MARKETER)],
}
"""By act: arguments that matter to what it asks for, and the least role that may."""


READING = (
    "wabench.acts", "wabench.behind", "wabench.published", "wabench.sheets", "wabench.campaigns.ledger",
    "wabench.campaigns.audit", "wabench.campaigns.templates", "wabench.segments.masking",
)  # fmt: skip
"""Whose functions acts call that change and export nothing by themselves."""


class Anything:
    """Stands for whatever an act is about: it must be refused before it is looked at closely."""

    def __getattr__(self, name: str) -> "Anything":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *args: object, **named: object) -> "Anything":
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __str__(self) -> str:
        return "anything"

    def keys(self) -> tuple[str, ...]:
        return ()


def found() -> dict[str, Act]:
    """List the public functions of the package's modules by `module.function`."""
    modules = [importlib.import_module(f"wabench.acts.{each.name}") for each in pkgutil.iter_modules(acts.__path__)]
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }


def refusals() -> Iterator[Any]:
    for name, asked in LEAST.items():
        for given, least in asked:
            for role in list(Role)[: list(Role).index(least)]:
                words = ",".join(f"{key}={value}" for key, value in given.items())
                yield pytest.param(name, given, role, id=f"{name}({words})-{role}")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("acts")
    publish_shop(home, "20261122T180000Z", [customer(1)])
    return load({"WABENCH_HOME": str(home)})


def test_every_act_is_in_the_table() -> None:
    assert set(found()) == set(LEAST)


def test_every_act_begins_with_the_settings_and_the_actor() -> None:
    wrong = [
        name for name, act in found().items() if list(inspect.signature(act).parameters)[:2] != ["settings", "actor"]
    ]
    assert wrong == []


def calls(path: Path) -> set[str]:
    """Name the functions of the package that a script calls, by module and name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wabench")
        for alias in node.names
    }
    found = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {
        f"{names[call.value.id]}.{call.attr}"
        for call in found
        if isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name) and call.value.id in names
    }


def test_what_acts_do_is_not_done_by_a_page_itself() -> None:
    """A page that called it would ask nobody's role."""
    root = Path(acts.__path__[0])
    done = {call for path in root.glob("*.py") for call in calls(path) if not call.startswith(READING)}
    assert "wabench.campaigns.runner.approve" in done
    app = root.parents[1] / "app"
    guilty = {f"{path.name}: {call}" for path in app.rglob("*.py") for call in calls(path) & done}
    assert guilty == set()


@pytest.mark.parametrize(("name", "given", "role"), list(refusals()))
def test_who_may_not_is_refused_and_the_attempt_is_in_the_audit(
    name: str, given: dict[str, Any], role: Role, shop: Settings
) -> None:
    act = found()[name]
    arguments = {
        parameter.name: "anything" if parameter.annotation in (str, "str") else Anything()
        for parameter in list(inspect.signature(act).parameters.values())[2:]
        if parameter.default is parameter.empty
    }
    actor = Actor(f"{name} {given} as {role}", role)
    with pytest.raises(Refused, match=f"is {role}, who may not"):
        act(shop, actor, **arguments | given)
    with ledger.opened(shop) as opened, opened.reading() as connection:
        lines = connection.execute(audit.select().where(audit.c.actor == actor.name)).all()
    assert [line.action.partition(":")[0] for line in lines] == ["refused"]
