"""Two sweeps on the terminal: where they come from, and what differs between them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mechcore.errors import InvalidValue
from mechcore.jobs.status import LINE_WIDTH
from mechcore.results.diff import (
    CONTENT,
    EQUAL,
    ONLY_A,
    ONLY_B,
    PRESENT,
    ROUNDING,
    ROUNDING_SHARE,
    ROUNDING_SIZE,
    changed_metrics,
    largest,
    outcome,
)
from mechcore.results.sweep import Sweep, read_sweep

IDENTIFIER = re.compile(r"[0-9a-f]{4,12}")

MOST_METRICS, MOST_CELLS = 20, 8
"""So many metrics, and names of cells in a row, are read; the table has all."""

LONGEST_VALUE = 70
"""Characters of a setting; of longer lists only what the other has not is shown."""


def load_sweep(given: str) -> Sweep:
    """Return the sweep that a user means."""
    if Path(given).is_dir():
        return read_sweep(Path(given))
    if not IDENTIFIER.fullmatch(given.lower()):
        allowed = "a folder with sweep.json, or 4 to 12 hexadecimal digits of an identifier"
        raise InvalidValue("sweep", given, allowed + _suggested(given))
    from mechcore.tracking.track import fetch_sweep

    with TemporaryDirectory() as folder:
        return read_sweep(fetch_sweep(given.lower(), Path(folder)))


def _suggested(given: str) -> str:
    """The folder of an experiment that is called so."""
    folder = Path("results", given)
    return f" (did you mean {str(folder)!r}?)" if (folder / "sweep.json").is_file() else ""


def print_differences(
    a: Sweep,
    b: Sweep,
    table: pd.DataFrame,
    names: tuple[str, str],
    console: Console | None = None,
) -> None:
    """Print what differs between two sweeps."""
    # A value that is cut cannot be compared: rather a line longer than the terminal.
    console = console or Console(width=LINE_WIDTH, highlight=False)
    for letter, name, sweep in zip("AB", names, (a, b), strict=True):
        console.print(f"{letter}  {escape(_described(name, sweep))}")
    console.print(f"\n[bold]{outcome(a, b, table)}[/bold]")
    for line in _counts(table, len(set(a.records) & set(b.records))):
        console.print(f"  {escape(line)}")
    for kind in ("config", "code", "environment"):
        _print_facts(console, kind, table[table.kind == kind])
    _print_metrics(console, table)


def _described(name: str, sweep: Sweep) -> str:
    seconds = [record.wall_seconds for record in sweep.records.values()]
    known = [value for value in seconds if value is not None]
    time = f", {sum(known):.0f} s of simulation" if known else ""
    return (
        f"{name}: sweep {sweep.identifier} of {sweep.experiment}, {len(sweep.records)} cells{time}"
    )


def _counts(table: pd.DataFrame, shared: int) -> list[str]:
    """How many differences there are of each kind."""
    changed = table[table.change != EQUAL]
    facts = changed[~changed.kind.isin(["cell", "metric"])]
    lines = [
        f"{kind}: {count} differ" for kind, count in facts.kind.value_counts(sort=False).items()
    ]
    files = int((table.name == CONTENT).sum())
    lines.append(f"cells: {shared} in both, files of {files} differ{_alone(table)}")
    metrics = table[table.kind == "metric"]
    differing = len(changed_metrics(table))
    lines.append(f"metrics: {differing} of {len(metrics)} differ{_rounded(metrics)}")
    return lines


def _alone(table: pd.DataFrame) -> str:
    """The cells that only one has, by name while they are few."""
    parts = []
    for side in (ONLY_A, ONLY_B):
        cells = table.cell[(table.name == PRESENT) & (table.change == side)].tolist()
        more = f" and {len(cells) - MOST_CELLS} more" if len(cells) > MOST_CELLS else ""
        if cells:
            parts.append(f"; {len(cells)} {side} ({', '.join(cells[:MOST_CELLS])}{more})")
    return "".join(parts)


def _rounded(metrics: pd.DataFrame) -> str:
    rounded = int((metrics.change == ROUNDING).sum())
    alone = int(metrics.change.isin([ONLY_A, ONLY_B]).sum())
    limit = f"below {ROUNDING_SHARE:g} of their scale or {ROUNDING_SIZE:g}"
    told = f"; {rounded} differ by rounding ({limit})" if rounded else ""
    return told + (f"; {alone} known in only one" if alone else "")


def _print_facts(console: Console, kind: str, rows: pd.DataFrame) -> None:
    if rows.empty:
        return
    shown = Table(kind, "A", "B", box=SIMPLE_HEAD)
    for name, a, b in zip(rows.name, rows.a, rows.b, strict=True):
        shown.add_row(*(escape(text) for text in (name, _side(a, b), _side(b, a))))
    console.print(shown)


def _side(value: object, other: object) -> str:
    """One value of a setting, short enough to compare with the other."""
    if not isinstance(value, str):
        return "absent"
    if len(value) <= LONGEST_VALUE or not value.startswith("["):
        return value
    found, others = json.loads(value), json.loads(other) if isinstance(other, str) else []
    only = [json.dumps(one, ensure_ascii=False) for one in found if one not in others]
    listed = ", ".join(only[:4]) + (", ..." if len(only) > 4 else "")
    return f"{len(found)} values, {len(only)} only here" + (f": {listed}" if only else "")


def _print_metrics(console: Console, table: pd.DataFrame) -> None:
    worst = largest(table, MOST_METRICS)
    if worst.empty:
        return
    shown = Table("metric", "cells that differ", "farthest cell", box=SIMPLE_HEAD)
    for name in ("A", "B", "difference", "relative"):
        shown.add_column(name, justify="right")
    for row in worst.to_dict("records"):
        share = "from 0" if row["a"] == 0 else f"{row['relative']:+.2%}"
        texts = [escape(row["name"]), str(row["cells"]), escape(row["cell"])]
        numbers = [f"{row['a']:.6g}", f"{row['b']:.6g}", f"{row['difference']:+.3g}", share]
        shown.add_row(*texts, *numbers)
    console.print(shown)
    console.print("Ordered by the difference over the largest size of the metric among the cells.")
    more = changed_metrics(table).name.nunique() - len(worst)
    if more > 0:
        console.print(f"{more} more metrics differ less; --output writes all.")
