"""``mechcore diff``: what differs between two sweeps."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from mechcore.cli.options import OptionalOutputOption
from mechcore.cli.outputs import check_outputs
from mechcore.errors import InvalidValue, shortened
from mechcore.experiment.paths import RESULTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from mechcore.results.sweep import Sweep

EXAMPLES = """Examples:

  mechcore diff results/paper /elsewhere/results/paper

  mechcore diff results/paper 1c5e --output diff.csv
"""

IDENTIFIER = re.compile(r"[0-9a-f]{4,12}")
MOST_ROWS, NARROWEST_VALUE = 20, 12

SweepArgument = Annotated[
    str,
    typer.Argument(
        help="Folder with sweep.json, or its name in results/; or the identifier of a sweep in the "
        "MLflow store, or its first digits, at least 4."
    ),
]


def command(a: SweepArgument, b: SweepArgument, output: OptionalOutputOption = None) -> None:
    """Show what differs between two sweeps: configuration, code, machine, and every number.

    With --output, writes all differences as CSV. The exit code is 0 whether or not they differ.
    """
    from mechcore.analysis.tables import write_table
    from mechcore.results.diff import compare

    check_outputs({"--output": output})
    first, second = load_sweep(a), load_sweep(b)
    table = compare(first, second)
    for name, sweep in ((f"A  {a}", first), (f"B  {b}", second)):
        what = f"sweep {sweep.identifier} of {sweep.experiment}"
        typer.echo(f"{name}: {what}, {len(sweep.records)} cells")
    for part in _parts(first, second, table):
        typer.echo(f"\n{part}")
    if output:
        write_table(table, output)


def load_sweep(name: str) -> Sweep:
    """Return the sweep of a folder, of an experiment's name, or of an identifier in the store."""
    from mechcore.results.sweep import read_sweep

    for folder in (Path(name), Path(RESULTS, name)):
        if folder.is_dir():
            return read_sweep(folder)
    if not IDENTIFIER.fullmatch(name.lower()):
        allowed = "a folder with sweep.json, or 4 to 12 hexadecimal digits of an identifier"
        raise InvalidValue("sweep", name, allowed)
    from mechcore.tracking.track import fetch_sweep

    with TemporaryDirectory() as temporary:
        return read_sweep(fetch_sweep(name.lower(), Path(temporary)))


def _parts(a: Sweep, b: Sweep, table: pd.DataFrame) -> Iterator[str]:
    """What is printed of the differences."""
    from mechcore.results.diff import ONLY_A, ONLY_B, largest, outcome

    yield outcome(a, b, table)
    yield _printed(table.value_counts(["kind", "change"], sort=False).reset_index())
    facts = table[~table.kind.isin(["cell", "metric"])]
    if len(facts):
        yield _printed(_fitting(facts[["kind", "name", "a", "b"]].fillna("absent")))
    alone = table[(table.kind == "cell") & table.change.isin([ONLY_A, ONLY_B])]
    if len(alone):
        yield _printed(alone[["change", "cell"]])
    worst = largest(table)
    if len(worst):
        yield _printed(worst[["name", "cell", "a", "b", "scaled"]])


def _fitting(facts: pd.DataFrame) -> pd.DataFrame:
    """Shorten the values of facts so that their rows fit into the terminal."""
    names = sum(int(facts[name].str.len().max()) + 1 for name in ("kind", "name"))
    width = (shutil.get_terminal_size().columns - names) // 2 - 1
    values = facts[["a", "b"]].map(shortened, limit=max(width, NARROWEST_VALUE))
    return facts.assign(**values)


def _printed(table: pd.DataFrame) -> str:
    rows, more = table[:MOST_ROWS].infer_objects(), len(table) - MOST_ROWS
    text = rows.to_string(index=False, float_format="{:.4g}".format)
    return f"{text}\n{more} more; --output writes all" if more > 0 else text
