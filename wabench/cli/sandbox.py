"""`wabench sandbox`: a stand-in of the providers' APIs on this machine."""

from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from wabench import settings as configuration
from wabench.cli.console import out
from wabench.errors import UsageError
from wabench.providers import meta
from wabench.sandbox.fate import Shares
from wabench.sandbox.server import Options, Sandbox


def sandbox(
    port: Annotated[int, typer.Option(min=1, max=65535, help="port on this machine")] = 8500,
    webhook: Annotated[str, typer.Option(help="where to post webhooks; empty posts none")] = "",
    seed: Annotated[int, typer.Option(help="the same seed and request have the same fate")] = 0,
    log: Annotated[Path | None, typer.Option(help="log of accepted messages; default data/sandbox.ndjson")] = None,
    latency_ms: Annotated[float, typer.Option(min=0, help="how long an answer takes")] = 0,
    throttle_per_second: Annotated[int | None, typer.Option(min=1, help="messages a second it takes")] = None,
    fail_share: Annotated[float, typer.Option(min=0, max=1, help="accepted, then failed by webhook")] = 0,
    timeout_share: Annotated[float, typer.Option(min=0, max=1, help="accepted, but never answered")] = 0,
    duplicate_share: Annotated[float, typer.Option(min=0, max=1, help="webhooks posted twice")] = 0,
    reorder_share: Annotated[float, typer.Option(min=0, max=1, help="statuses in the wrong order")] = 0.05,
    read_share: Annotated[float, typer.Option(min=0, max=1, help="messages that are read")] = 0.6,
    reply_share: Annotated[float, typer.Option(min=0, max=1, help="messages that are answered")] = 0.1,
    user_id_share: Annotated[float, typer.Option(min=0, max=1, help="webhooks that name no phone, but a user id")] = 0,
) -> None:
    """Stand in for the providers' APIs on this machine, until stopped: it checks, answers, and writes to nobody.

    GET / answers with what it counted. Point [providers.meta] base_url at it to rehearse a campaign.

    Example: wabench sandbox --port 8500 --webhook http://127.0.0.1:8400/webhooks/meta
    """
    settings = configuration.load()
    secrets = settings.provider_secrets("meta", meta.secrets)
    if missing := {"token", "app_secret"} - set(secrets):
        raise UsageError(f"set WABENCH_META_{min(missing).upper()} in the environment or .env; any text will do here")
    channel = settings.providers.get("meta")
    options = Options(
        log=log or settings.paths.data / "sandbox.ndjson",
        token=secrets["token"],
        app_secret=secrets["app_secret"],
        templates=settings.templates,
        channel_id=channel.channel_id if channel else "",
        webhook=webhook,
        seed=seed,
        latency=latency_ms / 1000,
        throttle_per_second=throttle_per_second,
        shares=Shares(
            fail_share, timeout_share, duplicate_share, reorder_share, read_share, reply_share, user_id_share
        ),
    )
    out.print(f"sandbox at http://127.0.0.1:{port}/v26.0, log in {options.log}", soft_wrap=True)
    uvicorn.run(Sandbox(options).app(), port=port, log_level="warning", timeout_graceful_shutdown=1)
