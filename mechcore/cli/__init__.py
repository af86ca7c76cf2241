"""The command line: one module a subcommand, and one place that turns mistakes into exit codes."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from itertools import pairwise
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
    pack,
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
    verify,
)
from mechcore.errors import (
    INTERRUPTED,
    InvalidValue,
    MechcoreError,
    one_line,
    refuse_controls,
    shown,
)
from mechcore.io.json_models import is_json, parsed_json
from mechcore.version import __version__

LONGEST_WORD = 4096
"""Characters of an argument that is not JSON: no path on Linux is longer."""

OPTION = re.compile(r"^--[a-z-]{1,64}=")
"""What stands before a value in the same word, as in ``--experiment={...}``."""

app = typer.Typer(
    name="mechcore",
    help="Measure how convolution kernels move information through layers.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for module in (
    *(propagate, grid, simulate, controls, collect, deviations, regress, judge, track, report),
    *(filters, simulate_filters, summarise, diff, verify, pack, ui, status, schema),
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


INTERRUPT_CODE = 130
"""Exit code after Ctrl-C, which typer makes of the exception."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Notes
    -----
    Exit codes: 0 done, 1 an error of the program (with traceback) or results that do not hold, 2 a
    mistake in what was given (one line for each), 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        for word in words:
            _check_word(word)
        code = app(args=words or ["--help"], prog_name="mechcore", standalone_mode=False)
        if code == INTERRUPT_CODE:
            raise KeyboardInterrupt
    except MechcoreError as error:
        _leave_with(str(error))
    except typer.TyperException as error:
        _leave_with(error.format_message() + _refused_value(error, words))
    except MemoryError as error:
        _leave_with(f"not enough memory: {one_line(str(error)) or 'it is used up'}")
    except (typer.Abort, KeyboardInterrupt):
        print(INTERRUPTED, file=sys.stderr)
        sys.exit(INTERRUPT_CODE)
    sys.exit(code if isinstance(code, int) else 0)


def _check_word(word: str) -> None:
    """Refuse what is no path, no name and no number, before messages repeat it."""
    value = OPTION.sub("", word, count=1)
    if not is_json(value):
        if len(word) > LONGEST_WORD:
            raise InvalidValue("argument", word, f"at most {LONGEST_WORD} characters")
        refuse_controls("argument", word)
    elif one_line(value) != value:
        # A configuration or a cell on several lines. Its command reads it, not what is returned
        # here; what is no JSON is refused, before another message repeats the lines.
        parsed_json(value, "argument")


def _refused_value(error: Exception, words: Sequence[str]) -> str:
    """What was given to an option that takes a number: the message does not tell it."""
    param = getattr(error, "param", None)
    # Of those that may be given many times, it could be any.
    names = [] if param is None or getattr(param, "multiple", False) else param.opts
    given = [value for name, value in pairwise(words) if name in names]
    return f": {shown(given[-1])}" if given else ""


def _leave_with(message: str) -> None:
    for line in message.splitlines():
        print(f"mechcore: {line}", file=sys.stderr)
    sys.exit(2)
