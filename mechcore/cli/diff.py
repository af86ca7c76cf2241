"""``mechcore diff``: what differs between two sweeps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from mechcore.results.sweep import Sweep

EXAMPLES = """Examples:

  mechcore diff results/default /elsewhere/results/default

  mechcore diff results/default 1c5e --output reports/before-and-after
"""

SweepArgument = Annotated[
    str,
    typer.Argument(
        help="Folder with sweep.json, as results/default; or the identifier of a sweep in the "
        "MLflow store, or its first digits, at least 4."
    ),
]


def command(
    a: SweepArgument,
    b: SweepArgument,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder to write diff.csv, diff.svg and diff.png to."),
    ] = None,
) -> None:
    """Tell what differs between two sweeps: configuration, code, machine, and every number.

    The exit code is 0 whether or not they differ.
    """
    from mechcore.cli.diff_text import load_sweep, print_differences
    from mechcore.io.atomic import check_output
    from mechcore.results.diff import compare

    if output:
        check_output(output / "diff.csv")
    first, second = load_sweep(a), load_sweep(b)
    table = compare(first, second)
    print_differences(first, second, table, (a, b))
    if output:
        _write(table, output, [_called(first, a), _called(second, b)])


def _called(sweep: Sweep, given: str) -> str:
    return given if given == sweep.identifier else f"{given}  ({sweep.identifier})"


def _write(table: pd.DataFrame, folder: Path, names: list[str]) -> None:
    from mechcore.analysis.tables import write_table
    from mechcore.report.figures.style import paper_style, save
    from mechcore.report.figures.sweep_diff import draw_comparison

    write_table(table, folder / "diff.csv")
    with paper_style():
        files = save(draw_comparison(table, *names), folder / "diff")
    for path in (folder / "diff.csv", *files):
        typer.echo(str(path))
