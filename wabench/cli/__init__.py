"""The command line: parses words, calls what does the work, prints what it answers. Computes nothing itself."""

import sys

import typer

from wabench.cli import (
    campaign,
    demo,
    doctor,
    forget,
    ingest,
    provider,
    refresh,
    reply,
    sandbox,
    schedule,
    segment,
    template,
    workbench,
)
from wabench.cli.console import err
from wabench.errors import WabenchError

app = typer.Typer(
    name="wabench",
    help="Whom to write to on WhatsApp, what it brings, and how not to be a nuisance.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def _options(debug: bool = typer.Option(False, "--debug", help="show the whole trace of an error")) -> None:
    """Whom to write to on WhatsApp, what it brings, and how not to be a nuisance."""


app.command("demo")(demo.run)
app.command()(ingest.ingest)
app.command()(ingest.receive)
app.command()(refresh.refresh)
app.add_typer(segment.app, name="segment")
app.add_typer(campaign.app, name="campaign")
app.add_typer(template.app, name="template")
app.add_typer(reply.app, name="reply")
app.add_typer(provider.app, name="provider")
app.command()(schedule.schedule)
app.command()(sandbox.sandbox)
app.command()(doctor.doctor)
app.command()(forget.forget)
app.command("app")(workbench.run)


def main() -> None:
    """Run the command line; an error is one line on stderr and an exit code (1 failed, 2 wrong use, 3 refused)."""
    try:
        app()
    except WabenchError as error:
        if "--debug" in sys.argv:
            raise
        err.print(f"wabench: {error}", markup=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        err.print("wabench: stopped")
        sys.exit(1)
