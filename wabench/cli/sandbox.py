"""`wabench sandbox`: a stand-in of the providers' APIs on this machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn

from wabench import sandbox as stand_ins
from wabench import settings as configuration
from wabench.cli.console import err, out
from wabench.errors import UsageError
from wabench.sandbox import scenario as scenarios
from wabench.sandbox.base import Failure, Shop
from wabench.sandbox.server import Options, Sandbox


def sandbox(
    port: Annotated[int, typer.Option(min=1, max=65535, help="port on this machine")] = 8500,
    webhook: Annotated[str, typer.Option(help="the receiver's address, to post webhooks to; empty posts none")] = "",
    scenario: Annotated[Path | None, typer.Option(help="a scenario file; the options below win over it")] = None,
    seed: Annotated[int | None, typer.Option(help="the same seed and calls have the same fates")] = None,
    log: Annotated[Path | None, typer.Option(help="log of accepted messages; default data/sandbox.ndjson")] = None,
    calls: Annotated[Path | None, typer.Option(help="file to keep every call in, without its secrets")] = None,
    latency_ms: Annotated[float | None, typer.Option(min=0, help="how long an answer takes")] = None,
    throttle_per_second: Annotated[int | None, typer.Option(min=1, help="messages a second it takes")] = None,
    fail_share: Annotated[float | None, typer.Option(min=0, max=1, help="accepted, then failed by webhook")] = None,
    timeout_share: Annotated[float | None, typer.Option(min=0, max=1, help="accepted, but never answered")] = None,
    duplicate_share: Annotated[float | None, typer.Option(min=0, max=1, help="webhooks posted twice")] = None,
    reorder_share: Annotated[float | None, typer.Option(min=0, max=1, help="statuses in the wrong order")] = None,
    read_share: Annotated[float | None, typer.Option(min=0, max=1, help="messages that are read")] = None,
    reply_share: Annotated[float | None, typer.Option(min=0, max=1, help="messages that are answered")] = None,
    opt_out_share: Annotated[float | None, typer.Option(min=0, max=1, help="people who then say STOP")] = None,
    user_id_share: Annotated[float | None, typer.Option(min=0, max=1, help="people known by a user id alone")] = None,
) -> None:
    """Stand in for the providers' APIs on this machine, until stopped: it checks, answers, and writes to nobody.

    Each provider of wabench.toml whose secrets are set has its API under its name: point [providers.NAME] base_url
    at it to rehearse a campaign. GET / answers with what was counted. Let the rehearsal have a copied home and
    a receiver of its own, for what it posts is landed like the real thing.

    Example: wabench sandbox --port 8500 --webhook http://127.0.0.1:8401
    """
    given = {
        "seed": seed,
        "latency_ms.min": latency_ms,
        "latency_ms.max": latency_ms,
        "limits.messages_per_second": throttle_per_second,
        **{f"failures.{kind}": None if fail_share is None else fail_share / len(Failure) for kind in Failure},
        "shares.timeout": timeout_share,
        "shares.duplicate": duplicate_share,
        "shares.reorder": reorder_share,
        "shares.read": read_share,
        "shares.reply": reply_share,
        "shares.opt_out": opt_out_share,
        "shares.user_id": user_id_share,
    }
    if "/webhooks/" in webhook:
        raise UsageError(f"--webhook is the receiver's address alone, such as {webhook.partition('/webhooks/')[0]}")
    settings = configuration.load()
    options = Options(
        log=log or settings.paths.data / "sandbox.ndjson",
        shops=_shops(settings, bool(webhook)),
        scenario=scenarios.load(scenario, _set(given)),
        webhook=webhook,
        calls=calls,
    )
    served = ", ".join(f"http://127.0.0.1:{port}/{name}" for name in options.shops)
    out.print(f"sandbox at {served}, log in {options.log}", soft_wrap=True)
    uvicorn.run(Sandbox(options).app(), port=port, log_level="warning", timeout_graceful_shutdown=1)


def _set(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if value is not None}


def _shops(settings: configuration.Settings, posts: bool) -> Mapping[str, Shop]:
    served, lacking = stand_ins.shops(settings, posts)
    if not served:
        wanted = "; or ".join(f"for {name} {missing}" for name, missing in lacking.items())
        raise UsageError(f"no provider can be served; set in wabench.toml and .env, any text will do here, {wanted}")
    for name, missing in lacking.items():
        err.print(f"{name} is not served: set {missing}", markup=False, soft_wrap=True)
    return served
