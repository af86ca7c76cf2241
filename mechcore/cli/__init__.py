"""One module per subcommand: parses, calls, prints."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer
from pydantic import ValidationError

from mechcore.errors import (
    INTERRUPTED,
    MechcoreError,
    one_line,
    refuse_controls,
    shortened,
    shown,
    without_credentials,
)
from mechcore.io.json_models import is_json
from mechcore.version import __version__

OF_THE_MACHINE = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.ENAMETOOLONG, errno.ELOOP),
)

LONGEST_LINE = 480
"""Characters of a message: paths and other words that it repeats may be of any length."""

COMMANDS = (
    *("propagate", "grid", "simulate", "controls", "collect", "regress", "reproduce", "judge"),
    *("train", "collect-training"),
    *(
        "track",
        "report",
        "fetch",
        "filters",
        "network",
        "simulate-filters",
        "measure-network",
        "summarise",
        "diff",
        "verify",
        "pack",
        "ui",
    ),
    *("why", "status", "schema", "new"),
)
"""Subcommands, in the order of the help; each is a module of this room."""

app = typer.Typer(
    name="mechcore",
    help="Measure how convolution kernels move information through layers.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for name in COMMANDS:
    module = import_module(f"mechcore.cli.{name.replace('-', '_')}")
    app.command(name, epilog=module.EXAMPLES)(module.command)


def _print_version(requested: bool) -> None:
    if requested:
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


PROGRAM = typer.main.get_command(app)
"""All commands, put together once: a process may run many of them."""

EXTRAS = {
    **dict.fromkeys(("filelock", "mlflow", "psutil"), "tracking"),
    **dict.fromkeys(("jinja2", "matplotlib", "seaborn"), "report"),
    **dict.fromkeys(("rocrate", "snakemake"), "workflow"),
}
"""What only some commands import, and the extra of the package that installs it."""

INTERRUPT_CODE = 130
"""Exit code after Ctrl-C, which typer makes of the exception."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Exit codes: 0 done, 1 an error of the program (with traceback) or results that do not hold, 2 a
    mistake in what was given (one line for each), 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        for word in words:
            _refuse_controls(word)
        code = PROGRAM(args=words or ["--help"], prog_name="mechcore", standalone_mode=False)
        if code == INTERRUPT_CODE:
            raise KeyboardInterrupt
    except MechcoreError as error:
        _fail(str(error))
    except typer.TyperException as error:
        _fail(one_line(error.format_message() + _refused_value(error)))
    except OSError as error:
        # Not of what this program does, but of where it runs: no space, no permission, a long name.
        if error.errno not in OF_THE_MACHINE and error.filename is not None:
            raise
        reason = f"{error.filename or 'a file'}: {error.strerror or error}"
        _fail(one_line(f"{reason}; temporary files go to TMPDIR, caches to NUMBA_CACHE_DIR"))
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        extra = EXTRAS[error.name]
        _fail(f"{error.name} is not installed; expected it with pip install 'mechcore[{extra}]'")
    except MemoryError as error:
        _fail(f"not enough memory: {one_line(str(error)) or 'it is used up'}")
    except (typer.Abort, KeyboardInterrupt):
        print(INTERRUPTED, file=sys.stderr)
        sys.exit(INTERRUPT_CODE)
    sys.exit(code if isinstance(code, int) else 0)


def _refuse_controls(word: str) -> None:
    """Refuse a word that could not be a name; JSON may have several lines."""
    value = word.partition("=")[2] if word.startswith("--") else word
    if not is_json(value):
        refuse_controls("argument", word)


def _refused_value(error: Exception) -> str:
    """The value of an option that is no number or out of range: the message does not name it."""
    cause = error.__cause__
    return f": {shown(cause.errors()[0]['input'])}" if isinstance(cause, ValidationError) else ""


def _fail(message: str) -> None:
    for line in message.splitlines():
        print(
            f"mechcore: {shortened(one_line(without_credentials(line)), LONGEST_LINE)}",
            file=sys.stderr,
        )
    sys.exit(2)
