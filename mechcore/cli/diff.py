"""``mechcore diff``: what differs between two sweeps."""

from __future__ import annotations

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mechcore.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    import pandas as pd

    from mechcore.results.sweep import Sweep

EXAMPLES = """Examples:

  mechcore diff results/default /elsewhere/results/default

  mechcore diff results/default 1c5e --output reports/before-and-after
"""

IDENTIFIER = re.compile(r"[0-9a-f]{4,12}")

MOST_METRICS, MOST_CELLS = 20, 8
"""So many metrics, and names of cells in a row, are printed; the table has all."""

LONGEST_VALUE = 70
"""Characters of a setting; of longer lists only what the other side has not is printed."""

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
    """Show what differs between two sweeps: configuration, code, machine, and every number.

    The exit code is 0 whether or not they differ.
    """
    from mechcore.io.atomic import check_output
    from mechcore.results.diff import compare

    if output:
        check_output(output / "diff.csv")
    first, second = load_sweep(a), load_sweep(b)
    table = compare(first, second)
    for line in _lines(first, second, table, (a, b)):
        typer.echo(line)
    if output:
        _write(table, output, [_title(first, a), _title(second, b)])


def load_sweep(name: str) -> Sweep:
    """Return the sweep of a folder, or of an identifier in the store."""
    from mechcore.results.sweep import read_sweep

    if Path(name).is_dir():
        return read_sweep(Path(name))
    if not IDENTIFIER.fullmatch(name.lower()):
        allowed = "a folder with sweep.json, or 4 to 12 hexadecimal digits of an identifier"
        raise InvalidValue("sweep", name, allowed + _suggestion(name))
    from mechcore.tracking.track import fetch_sweep

    with TemporaryDirectory() as folder:
        return read_sweep(fetch_sweep(name.lower(), Path(folder)))


def _suggestion(name: str) -> str:
    """The folder of the experiment of this name."""
    folder = Path("results", name)
    return f" (did you mean {str(folder)!r}?)" if (folder / "sweep.json").is_file() else ""


def _title(sweep: Sweep, name: str) -> str:
    return name if name == sweep.identifier else f"{name}  ({sweep.identifier})"


def _write(table: pd.DataFrame, folder: Path, names: list[str]) -> None:
    from mechcore.analysis.tables import write_table
    from mechcore.report.figures.style import paper_style, save
    from mechcore.report.figures.sweep_diff import draw_comparison

    write_table(table, folder / "diff.csv")
    with paper_style():
        files = save(draw_comparison(table, *names), folder / "diff")
    for path in (folder / "diff.csv", *files):
        typer.echo(str(path))


def _lines(a: Sweep, b: Sweep, table: pd.DataFrame, names: tuple[str, str]) -> Iterator[str]:
    """All that is printed."""
    from mechcore.results.diff import outcome

    for letter, name, sweep in zip("AB", names, (a, b), strict=True):
        yield f"{letter}  {name}: {_described(sweep)}"
    yield f"\n{outcome(a, b, table)}"
    yield from (f"  {line}" for line in _counts(table, len(set(a.records) & set(b.records))))
    for kind in ("config", "code", "environment"):
        rows = table[table.kind == kind]
        if len(rows):
            sides = zip(rows.name, rows.a, rows.b, strict=True)
            facts = [
                (name, _side(first, second), _side(second, first)) for name, first, second in sides
            ]
            yield "\n" + _aligned([(kind, "A", "B"), *facts])
    yield from _metrics(table)


def _described(sweep: Sweep) -> str:
    seconds = [record.wall_seconds for record in sweep.records.values()]
    known = [value for value in seconds if value is not None]
    time = f", {sum(known):.0f} s of simulation" if known else ""
    return f"sweep {sweep.identifier} of {sweep.experiment}, {len(sweep.records)} cells{time}"


def _counts(table: pd.DataFrame, shared: int) -> Iterator[str]:
    """How many differences there are of each kind."""
    from mechcore.results.diff import CONTENT, changed_metrics

    facts = table[~table.kind.isin(["cell", "metric"])]
    for kind, count in facts.kind.value_counts(sort=False).items():
        yield f"{kind}: {count} differ"
    files = int((table.name == CONTENT).sum())
    yield f"cells: {shared} in both, files of {files} differ{_alone(table)}"
    metrics = table[table.kind == "metric"]
    yield f"metrics: {len(changed_metrics(table))} of {len(metrics)} differ{_rounded(metrics)}"


def _alone(table: pd.DataFrame) -> str:
    """The cells that only one has, by name while they are few."""
    from mechcore.results.diff import ONLY_A, ONLY_B, PRESENT

    parts = []
    for side in (ONLY_A, ONLY_B):
        cells = table.cell[(table.name == PRESENT) & (table.change == side)].tolist()
        more = f" and {len(cells) - MOST_CELLS} more" if len(cells) > MOST_CELLS else ""
        if cells:
            parts.append(f"; {len(cells)} {side} ({', '.join(cells[:MOST_CELLS])}{more})")
    return "".join(parts)


def _rounded(metrics: pd.DataFrame) -> str:
    from mechcore.results.diff import ONLY_A, ONLY_B, ROUNDING, ROUNDING_SHARE, ROUNDING_SIZE

    rounded = int((metrics.change == ROUNDING).sum())
    alone = int(metrics.change.isin([ONLY_A, ONLY_B]).sum())
    limit = f"below {ROUNDING_SHARE:g} of their scale or {ROUNDING_SIZE:g}"
    text = f"; {rounded} differ by rounding ({limit})" if rounded else ""
    return text + (f"; {alone} known in only one" if alone else "")


def _side(value: object, other: object) -> str:
    """One value of a setting, short enough to compare with the other."""
    if not isinstance(value, str):
        return "absent"
    if len(value) <= LONGEST_VALUE or not value.startswith("["):
        return value
    values, others = json.loads(value), json.loads(other) if isinstance(other, str) else []
    only = [json.dumps(item, ensure_ascii=False) for item in values if item not in others]
    listed = ", ".join(only[:4]) + (", ..." if len(only) > 4 else "")
    return f"{len(values)} values, {len(only)} only here" + (f": {listed}" if only else "")


def _metrics(table: pd.DataFrame) -> Iterator[str]:
    from mechcore.results.diff import changed_metrics, largest

    worst = largest(table, MOST_METRICS)
    if worst.empty:
        return
    titles = ("metric", "cells that differ", "farthest cell", "A", "B", "difference", "relative")
    yield "\n" + _aligned([titles, *map(_metric, worst.to_dict("records"))])
    yield "Ordered by the difference over the largest size of the metric among the cells."
    more = changed_metrics(table).name.nunique() - len(worst)
    if more > 0:
        yield f"{more} more metrics differ less; --output writes all."


def _metric(row: dict[Hashable, Any]) -> tuple[str, ...]:
    share = "from 0" if row["a"] == 0 else f"{row['relative']:+.2%}"
    numbers = (f"{row['a']:.6g}", f"{row['b']:.6g}", f"{row['difference']:+.3g}", share)
    return (row["name"], str(row["cells"]), row["cell"], *numbers)


def _aligned(rows: list[tuple[str, ...]]) -> str:
    """Rows of texts as columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
