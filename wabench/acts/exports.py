"""Taking customers out of the workbench: as many of their details as the role may see, and a line in the audit."""

from wabench import acts, behind, published, sheets
from wabench.behind import Behind
from wabench.roles import Action, Actor
from wabench.settings import Settings
from wabench.sheets import Sheet

_MOST_SHOWN = 10


def customers_behind(settings: Settings, actor: Actor, of: Behind, title: str, with_phones: bool = False) -> Sheet:
    """Export the customers behind a figure; phones are masked unless asked for whole."""
    version = published.current(settings)
    action = Action.SEE_PHONES if with_phones else Action.EXPORT
    with acts.act(settings, actor, action, "export customers", f"{title}: {of.view} {_shown(of)}"):
        rows = behind.stream(version, of, with_phones)
        about = {"figure": title, "asked": {"view": of.view, **_shown(of)}, "masked": [] if with_phones else ["phone"]}
        return sheets.sheet(rows, version, f"{of.view}-{version.version}.csv", about)


def _shown(of: Behind) -> dict[str, object]:
    """Give what was asked for the audit, a long list by its length."""
    return {
        name: f"{len(value)} values" if isinstance(value, list | tuple) and len(value) > _MOST_SHOWN else value
        for name, value in of.params.items()
    }
