"""A shop ready to send: its channel, its templates, and an audience as an exported CSV."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from processes import SECRETS, await_http

from wabench.campaigns import plan as planning
from wabench.campaigns import runner
from wabench.settings import Settings, load

CHANNEL = "106540352242922"
WABENCH = str(Path(sys.executable).with_name("wabench"))
TOML = """
[providers.meta]
channel_id = "{channel}"
base_url = "{base_url}"
timeout_seconds = 1

[templates.sale]
body = "Hi {{{{1}}}}, use {{{{2}}}} until Sunday."

[templates.named]
body = "Hi {{{{first_name}}}}, use {{{{code}}}}."

[templates.parcel]
category = "utility"
body = "Your parcel is on its way."

[templates.pending]
status = "pending"
body = "Not yet."
"""


def set_up(home: Path, base_url: str = "http://127.0.0.1:9/meta", **overrides: str) -> Settings:
    """Write the shop's wabench.toml; keyword arguments are settings by their lower-case names."""
    home.joinpath("wabench.toml").write_text(TOML.format(channel=CHANNEL, base_url=base_url), encoding="utf-8")
    environ = {"WABENCH_HOME": str(home), "WABENCH_PACE_PER_MINUTE": "600000", **SECRETS}
    return load(environ | {f"WABENCH_{name.upper()}": value for name, value in overrides.items()})


def customer(number: int, **changes: Any) -> dict[str, Any]:
    """Make one customer of an audience."""
    phone = f"+55119{80000000 + number}"
    return {"customer_id": f"c{number}", "name": f"Ana {number}", "phone": phone, "consent": "opted_in", **changes}


def audience(home: Path, customers: Sequence[Mapping[str, Any]], name: str = "audience") -> str:
    """Write customers as an exported segment; gives what --segment takes."""
    path = home / f"{name}.csv"
    columns = list(dict.fromkeys(column for row in customers for column in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(customers)
    return str(path)


def approved(settings: Settings, name: str, segment: str, template: str = "sale", params: Sequence[str] = ()) -> None:
    """Plan, test and approve a campaign."""
    chosen = params or (["1=name", "2=literal:SALE"] if template == "sale" else [])
    planning.plan(settings, name, segment, template, chosen)
    runner.test(settings, name, "tester")
    runner.approve(settings, name, "maria")


@contextmanager
def serving(command: Sequence[str], environ: Mapping[str, str], url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a `wabench` server for a `with` block, from when it answers on."""
    process = subprocess.Popen([WABENCH, *command], env=dict(environ))
    try:
        await_http(url, process)
        yield process
    finally:
        process.terminate()
        process.wait(10)


def sandbox_log(path: Path) -> list[dict[str, Any]]:
    """Read what the sandbox accepted."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
