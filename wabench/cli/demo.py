"""`wabench demo`: a simulated shop taken the whole way, by the same commands a real one uses."""

import json as json_module
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from wabench import demo as simulator
from wabench import settings as settings_module
from wabench.cli.console import err, out, progress
from wabench.errors import UsageError, WabenchError
from wabench.providers import meta

MARK = ".wabench-demo"
"""A home with this file is the demo's to make anew; any other home is somebody's shop."""

_SECRETS = {"app_secret": "demo-app-secret"}
_ENV = """\
WABENCH_META_TOKEN=demo-token
WABENCH_META_APP_SECRET=demo-app-secret
WABENCH_META_VERIFY_TOKEN=demo-verify-token
"""
_TOML = """\
currency = "BRL"
region = "BR"
timezone = "America/Sao_Paulo"

[providers.meta]
channel_id = "{channel}"
base_url = "http://127.0.0.1:{sandbox}/meta"
pace_per_minute = 30000
timeout_seconds = 3

[templates.july_offer]
language = "en"
category = "marketing"
body = "Hi {{{{1}}}}, ten per cent off everything until Sunday. Reply YES for your code."

[templates.order_shipped]
language = "en"
category = "utility"
body = "Hi {{{{name}}}}, your order is on its way."
"""
_PEOPLE = {
    "customer_ref": "id", "phone": "phone", "email": "email", "name": "name", "locale": "language",
    "country": "country", "consent": "accepts_marketing", "consent_at": "consent_at", "updated_at": "updated_at",
}  # fmt: skip
_ORDERS = {
    "order_id": "id", "customer_ref": "customer.id", "ordered_at": "created_at", "updated_at": "updated_at",
    "status": "status", "total": "total_price", "refunded": "refunded", "currency": "currency",
    "phone": "customer.phone", "email": "customer.email", "name": "customer.name",
}  # fmt: skip


_PATIENCE_SECONDS = 300  # a busy machine brings the sandbox's statuses late


def run(
    customers: Annotated[int, typer.Option(min=1, max=1_000_000, help="customers of the simulated shop")] = 2000,
    days: Annotated[int, typer.Option(min=31, max=3650, help="days of its history")] = 365,
    seed: Annotated[int, typer.Option(help="the same seed gives the same shop")] = 1,
    app: Annotated[bool, typer.Option("--app/--no-app", help="open the workbench at the end")] = True,
) -> None:
    """Simulate a shop, ingest and refresh it, send one campaign through the sandbox, show what came of it.

    It lives in data/demo, or in WABENCH_HOME where that is an empty folder or an earlier demo's.

    Example: wabench demo --customers 500 --days 120 --no-app
    """
    began = time.monotonic()
    home = _fresh_home()
    ports = {"receiver": _free_port(), "sandbox": _free_port()}
    _write_home(home, ports["sandbox"])
    shop = simulator.simulate(customers, days, seed, datetime.now(UTC))
    bench = Bench(home)
    _take_in(bench, shop, ports["receiver"])
    bench("refresh")
    _send_campaign(bench, ports)
    _buy(bench, shop, seed)
    bench("refresh")
    bench("segment", "list")
    bench("campaign", "report", "july")
    out.print(
        f"\n{time.monotonic() - began:.0f} s in all. Look around: WABENCH_HOME={_shown(home)} wabench segment list"
    )
    if app:
        os.execve(sys.executable, bench.command(["app"]), bench.environ())  # noqa: S606 - ourselves


@dataclass(frozen=True, slots=True)
class Bench:
    """The wabench of the demo's home: each command shown as it is run, as anyone could type it."""

    home: Path

    def __call__(self, *words: str) -> None:
        err.print(f"[bold]$ wabench {' '.join(_quoted(words))}[/bold]", soft_wrap=True)
        ended = subprocess.run(self.command(words), env=self.environ(), check=False)  # noqa: S603
        if ended.returncode:
            raise WabenchError(f"the demo stopped: wabench {words[0]} ended with {ended.returncode}")

    def json(self, *words: str) -> Any:
        answer = subprocess.run(  # noqa: S603
            self.command((*words, "--json")), env=self.environ(), check=True, stdout=subprocess.PIPE
        )
        return json_module.loads(answer.stdout)

    def command(self, words: Sequence[str]) -> list[str]:
        return [sys.executable, "-m", "wabench.cli", *words]

    def environ(self) -> dict[str, str]:
        """Give the environment without anybody's own settings: they would win over the demo's."""
        others = {name: value for name, value in os.environ.items() if not name.startswith("WABENCH_")}
        return {**others, "WABENCH_HOME": str(self.home)}

    @contextmanager
    def server(self, *words: str, ready: str) -> Iterator[None]:
        """Run a server for a `with` block, from when `ready` answers."""
        err.print(f"[bold]$ wabench {' '.join(_quoted(words))} &[/bold]", soft_wrap=True)
        process = subprocess.Popen(  # noqa: S603
            self.command(words), env=self.environ(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _await(ready, process)
            yield
        finally:
            process.terminate()
            process.wait()


def _take_in(bench: Bench, shop: simulator.Shop, port: int) -> None:
    """Give the CRM's export to ingest and the webhooks to the receiver, as they would come."""
    export = bench.home / "crm"
    export.mkdir()
    _write_ndjson(export / "people.ndjson", shop.people)
    _write_ndjson(export / "orders.ndjson", shop.orders)
    receiver = f"http://127.0.0.1:{port}"
    with bench.server("receive", "--port", str(port), ready=f"{receiver}/healthz"), progress() as bars:
        task = bars.add_task("webhooks", total=len(shop.webhooks))
        with httpx.Client() as client:
            for body in shop.webhooks:
                headers = {"X-Hub-Signature-256": meta.sign(body, _SECRETS)}
                client.post(f"{receiver}/webhooks/meta", content=body, headers=headers).raise_for_status()
                bars.advance(task)
    _ingest(bench, "customers", export / "people.ndjson", _PEOPLE)
    _ingest(bench, "orders", export / "orders.ndjson", _ORDERS)


def _ingest(bench: Bench, stream: str, path: Path, fields: dict[str, str]) -> None:
    maps = [word for ours, theirs in fields.items() if ours != theirs for word in ("--map", f"{ours}={theirs}")]
    bench("ingest", "--source", "crm", "--file", f"{stream}={_shown(path)}", *maps)


def _send_campaign(bench: Bench, ports: dict[str, int]) -> None:
    receiver, sandbox = (f"http://127.0.0.1:{ports[name]}" for name in ("receiver", "sandbox"))
    rehearsal = ("sandbox", "--port", str(ports["sandbox"]), "--webhook", receiver)
    with (
        bench.server("receive", "--port", str(ports["receiver"]), ready=f"{receiver}/healthz"),
        bench.server(*rehearsal, "--fail-share", "0.04", "--timeout-share", "0.005", ready=sandbox),
    ):
        bench(
            "campaign",
            "plan",
            "july",
            "--segment",
            "reachable_opted_in",
            "--template",
            "july_offer",
            "--param",
            "1=name",
            "--holdout",
            "0.1",
        )
        bench("campaign", "test", "july")
        bench("campaign", "approve", "july", "--approve-as", "demo")
        bench("campaign", "run", "july")
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while httpx.get(sandbox, timeout=_PATIENCE_SECONDS).json()["webhook entries pending"]:
            if time.monotonic() > deadline:
                raise WabenchError("the sandbox's statuses did not arrive; the machine is too busy, run the demo again")
            time.sleep(0.1)


def _buy(bench: Bench, shop: simulator.Shop, seed: int) -> None:
    """Let some of those the campaign reached buy, and a few of the others as they would have anyway."""
    lines = (bench.home / "data" / "sandbox.ndjson").read_text(encoding="utf-8").splitlines()
    reached = {line["to"] for line in map(json_module.loads, lines) if "delivered" in line["statuses"]}
    path = bench.home / "crm" / "orders_after.ndjson"
    orders = simulator.orders_after_campaign(shop.people, reached, seed, datetime.now(UTC))
    _write_ndjson(path, orders)
    if orders:
        _ingest(bench, "orders", path, _ORDERS)


def _fresh_home() -> Path:
    given = os.environ.get("WABENCH_HOME")
    home = Path(given).resolve() if given else settings_module.ROOT / "data" / "demo"
    if home.exists() and any(home.iterdir()):
        if not (home / MARK).exists():
            raise UsageError(f"{home} is not empty and not a demo's; set WABENCH_HOME to an empty folder")
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / MARK).write_text("Made by `wabench demo`, which makes this folder anew each time it runs.\n")
    return home


def _write_home(home: Path, sandbox_port: int) -> None:
    (home / ".env").write_text(_ENV)
    (home / "wabench.toml").write_text(_TOML.format(channel=simulator.CHANNEL, sandbox=sandbox_port))
    shutil.copytree(settings_module.ROOT / "segments", home / "segments")


def _write_ndjson(path: Path, records: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json_module.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _await(url: str, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise WabenchError(f"{' '.join(map(str, process.args))} did not come up")  # type: ignore[arg-type]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _quoted(words: Sequence[str]) -> list[str]:
    return [f"'{word}'" if " " in word or word.startswith("1=") else word for word in words]
