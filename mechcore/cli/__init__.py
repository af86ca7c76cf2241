"""The command line: one module a subcommand, and one place that turns mistakes into exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from mechcore.cli import (
    collect,
    controls,
    deviations,
    diff,
    filters,
    grid,
    judge,
    propagate,
    regress,
    report,
    schema,
    simulate,
    simulate_filters,
    status,
    summarise,
    track,
    ui,
)
from mechcore.errors import INTERRUPTED, MechcoreError
from mechcore.version import __version__

app = typer.Typer(
    name="mechcore",
    help="Measure how convolution kernels move information through layers.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for module in (
    *(propagate, grid, simulate, controls, collect, deviations, regress, judge, track, report),
    *(filters, simulate_filters, summarise, diff, ui, status, schema),
):
    name = module.__name__.rpartition(".")[2].replace("_", "-")
    app.command(name, epilog=module.EXAMPLES)(module.command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Measure how convolution kernels move information through layers."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows the program's name; those of the process by default.

    Notes
    -----
    Exit codes: 0 done, 1 an error of the program (with traceback), 2 a mistake in what was given
    (one line for each), 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(args=words or ["--help"], prog_name="mechcore", standalone_mode=False)
    except MechcoreError as error:
        _leave_with(str(error))
    except typer.TyperException as error:
        _leave_with(error.format_message())
    except (typer.Abort, KeyboardInterrupt):
        print(INTERRUPTED, file=sys.stderr)
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


def _leave_with(message: str) -> None:
    for line in message.splitlines():
        print(f"mechcore: {line}", file=sys.stderr)
    sys.exit(2)
