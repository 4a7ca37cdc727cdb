"""A shop that sends through a sandbox and receives its webhooks, both served over HTTP by threads of this process."""

import asyncio
import csv
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import parsed
import uvicorn
from dialects import PARAMS, Dialect
from processes import free_port
from scenarios import TEMPLATE, Case
from starlette.applications import Starlette

from ingest import files, receiver
from wabench import providers, refresh, sandbox
from wabench.campaigns import ledger, plan, runner, snapshot
from wabench.providers.base import Channel, Content, Message
from wabench.sandbox.scenario import Scenario
from wabench.sandbox.server import Options, Sandbox
from wabench.settings import Settings, load


class Server(uvicorn.Server):
    """A server in a thread of its own, up when `ready` is set."""

    def __init__(self, app: Starlette, port: int) -> None:
        super().__init__(uvicorn.Config(
            app, port=port, ws="none", log_level="warning", access_log=False, timeout_graceful_shutdown=1
        ))  # fmt: skip
        self.ready = threading.Event()
        self.loop: asyncio.AbstractEventLoop

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self.ready.set()

    @contextmanager
    def up(self) -> Iterator["Server"]:
        thread = threading.Thread(target=self.run, daemon=True)
        thread.start()
        assert self.ready.wait(30), "the server did not come up"
        try:
            yield self
        finally:
            self.should_exit = True
            thread.join(30)


@dataclass(frozen=True)
class Open:
    """A shop while its sandbox and its receiver are up."""

    settings: Settings
    sandbox: Sandbox
    server: Server

    def settle(self) -> None:
        """Wait until every webhook was posted, and read what they told."""
        asyncio.run_coroutine_threadsafe(self.sandbox.idle(), self.server.loop).result(60)
        refresh.settle(self.settings)


class Shop:
    """One provider's dialect, with a home."""

    def __init__(self, home: Path, dialect: Dialect) -> None:
        self.home, self.dialect = home, dialect
        parsed.lend(home)
        self.ports = {"sandbox": free_port(), "receiver": free_port()}
        base_url = f"http://127.0.0.1:{self.ports['sandbox']}/{dialect.provider}"
        (home / "wabench.toml").write_text(dialect.toml(base_url))

    def settings(self, token: str = "", **changes: str) -> Settings:
        given = {"pace_per_minute": "60000", "give_up_seconds": "5", "receive_port": str(self.ports["receiver"])}
        environ = {f"WABENCH_{name.upper()}": value for name, value in {**given, **changes}.items()}
        return load({"WABENCH_HOME": str(self.home), **environ, **self.dialect.environ(token)})

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every call of the suite, as it came."""
        return [json.loads(line) for line in (self.home / "calls.ndjson").read_text("utf-8").splitlines()]

    @property
    def log(self) -> list[dict[str, Any]]:
        """Every message that was accepted, as the sandbox has it."""
        return [json.loads(line) for line in (self.home / "sandbox.ndjson").read_text("utf-8").splitlines()]

    @contextmanager
    def open(self, scenario: Scenario, token: str = "", **changes: str) -> Iterator[Open]:
        settings = self.settings(token, **changes)
        served, lacking = sandbox.shops(settings, posts=True)
        assert self.dialect.provider in served, lacking
        receive = f"http://127.0.0.1:{self.ports['receiver']}"
        log, calls = self.home / "sandbox.ndjson", self.home / "calls.ndjson"
        stand_in = Sandbox(Options(log, served, scenario, receive, calls))
        with ExitStack() as stack:
            stack.enter_context(Server(receiver.create(settings), self.ports["receiver"]).up())
            server = stack.enter_context(Server(stand_in.app(), self.ports["sandbox"]).up())
            yield Open(settings, stand_in, server)

    def take_customers(self, cases: Sequence[Case]) -> None:
        """Give the CRM's people to ingest."""
        path = self.home / "people.ndjson"
        people = [person for case in cases for person in case.customers() if person["phone"]]
        path.write_text("".join(json.dumps(person) + "\n" for person in people), encoding="utf-8")
        fields = {"customer_ref": "customer_id", "phone": "phone", "name": "name", "consent": "consent"}
        files.land_file(self.settings(), "customers", path, {**fields, "consent_at": "consent_at"})

    def run(self, case: Case) -> str:
        """Send a case's campaign to its end; gives how its first run ended."""
        with self.open(case.scenario(), **case.settings) as shop:
            first = self._send(shop, case, case.name)
        if case.is_paused or case.is_retried:
            self._resume(case)
        if case.again:
            with self.open(Scenario()) as shop:
                self._send(shop, case, f"{case.name} again")
        return first

    def _resume(self, case: Case) -> None:
        token = "another-good-token" if case.is_token_new else ""
        with self.open(case.scenario(resumed=True), token, unknown_wait_minutes="0") as shop:
            settle = partial(refresh.settle, shop.settings)
            done = runner.resume(
                shop.settings, case.name, "tester", retry_unknown=case.is_retried, settle=settle, on_turn=lambda _: None
            )
            assert done.campaign.status == "finished"
            shop.settle()

    def _send(self, shop: Open, case: Case, name: str) -> str:
        settings = shop.settings
        path = self.home / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(next(case.customers())))
            writer.writeheader()
            writer.writerows(case.customers())
        plan.plan(settings, name, str(path), TEMPLATE, PARAMS, provider=self.dialect.provider)
        runner.test(settings, name, "tester")
        runner.approve(settings, name, "maria")
        settle = partial(refresh.settle, settings)
        done = runner.run(settings, name, "tester", settle=settle, on_turn=lambda counts: None)
        shop.settle()
        return str(done.campaign.status)

    def say(self, shop: Open, content: Content, phone: str) -> Any:
        """Send one message without a campaign; gives what the adapter read of the answer."""
        provider, settings = providers.get(self.dialect.provider), shop.settings
        configured = settings.providers[self.dialect.provider]
        secrets = settings.provider_secrets(self.dialect.provider, provider.secrets)
        url = settings.webhook_url(self.dialect.provider)
        channel = Channel(configured.base_url, configured.channel_id, configured.options, secrets, url)
        request = provider.request(Message(phone, None, content, f"wb:free-{phone}"), channel)
        with httpx.Client(trust_env=False) as client:
            return provider.outcome(client.send(request))

    def sends(self, name: str) -> list[Mapping[str, Any]]:
        """Read a campaign's sends from the ledger."""
        with ledger.opened(self.settings()) as opened:
            campaign_id = opened.campaign(name).campaign_id
        table = snapshot.copy(self.settings())["sends"].to_pylist()
        return [row for row in table if row["campaign_id"] == campaign_id]
