"""`wabench app`: the workbench in the browser."""

import os
import sys
from typing import Annotated

import typer

from wabench import login
from wabench import settings as configuration
from wabench.errors import WabenchError
from wabench.settings import ROOT

SCRIPT = ROOT / "app" / "server.py"


def run(
    host: Annotated[
        str, typer.Option(help="address to listen on; any but this machine's own needs a login")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="port on this machine")] = 8501,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="open it in the browser")] = True,
) -> None:
    """Open the workbench in the browser until stopped; others reach it only through a login.

    Example: wabench app --port 8600
    """
    settings = configuration.load()
    login.check(settings, host)
    if not SCRIPT.is_file():
        raise WabenchError(f"the app is not at {SCRIPT}; run wabench from a clone of its repository (`make setup`)")
    command = [
        *(sys.executable, "-m", "streamlit", "run", str(SCRIPT)),
        f"--server.port={port}",
        f"--server.headless={str(not open_browser).lower()}",
        f"--server.address={host}",
        *(f"--server.allowedHosts={name}" for name in login.hosts(settings)),
    ]
    # The process becomes Streamlit's own, so that a stop reaches it; its theme is found from the repository's root.
    environment = {**os.environ, "WABENCH_HOME": str(settings.home)}
    os.chdir(ROOT)
    os.execve(command[0], command, environment)  # noqa: S606
