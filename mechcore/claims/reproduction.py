"""Published numbers of the paper beside ours."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pandas as pd

from mechcore.analysis.tables import joined
from mechcore.claims.published_kinds import KINDS, Asked, Numbers
from mechcore.errors import MechcoreError, choose, one_line
from mechcore.experiment import published as files
from mechcore.experiment.published import REPRODUCTION_COLUMNS, Protocol, read_protocols

NUMBERS_COLUMNS = (
    *("figure_file", "quantity", "value", "decimals", "kernel", "size", "beta2", "t", "pattern"),
)
CURVES_COLUMNS = ("figure_file", "curve", "x", "y")

OPTIONS = ("--figure", "--quantity", "--at")
"""Options of the command that computes one number again."""

CURVE_PRECISION = 1e-6
"""Precision of points in a vector graphic."""

WHICH_PIXEL = 0.25
"""px. Half of the distance to the next pixel would let an even kernel's half pixel pass."""

SINGLE_PRECISION = 2.0**-23
"""The authors compute and print numbers of 24 bits."""


def reproduce(folder: Path, figure: str = "", quantity: str = "", at: str = "") -> pd.DataFrame:
    """Compute the published numbers of a folder that need neither weights nor ImageNet.

    ``figure``, ``quantity`` and ``at`` choose numbers by these columns of `REPRODUCTION_COLUMNS`,
    or by how they begin.
    """
    protocols, published = read_protocols(folder), published_numbers(folder)
    asked = published
    for column, text in (("figure", figure), ("quantity", quantity), ("at", at)):
        asked = _named(asked, column, text)
    tables = []
    for protocol in protocols:
        siblings = published[published.figure.str.startswith(tuple(protocol.figures))]
        rows = siblings[siblings.index.isin(asked.index)]
        if len(rows):
            ours = _computed(Asked(rows, siblings, protocol, folder))
            rows = rows.assign(title=protocol.title, kind=protocol.kind, ours=ours)
            tables.append(_compared(rows, protocol))
    columns = list(REPRODUCTION_COLUMNS)
    table = joined(tables, columns)
    table["command"] = [
        _command(row) for row in zip(table.figure, table.quantity, table["at"], strict=True)
    ]
    return table[columns]


def _computed(asked: Asked) -> Numbers:
    compute = choose(KINDS, "kind", asked.protocol.kind)
    try:
        return compute(asked)
    except (KeyError, ValueError, IndexError) as error:
        reason = one_line(f"{type(error).__name__}: {error}")
        title = asked.protocol.title
        message = f"{asked.folder}: {title}: a number cannot be computed ({reason})"
        raise MechcoreError(message) from error


def _columns(path: Path, names: tuple[str, ...]) -> pd.DataFrame:
    """A table with some columns, or a refusal."""
    table = pd.read_csv(path)
    missing = [name for name in names if name not in table]
    if missing:
        raise MechcoreError(f"{path}: no column {', '.join(missing)}")
    return table


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each title of a reproduction: how many numbers there are, and agree.

    ``beyond`` are those that agree within the tolerance of the note, but not to the precision of
    print, and ``worst`` is the largest difference as a share of what is allowed.
    """
    rows = table.assign(
        beyond=table.within & (table.note != ""),
        worst=table.difference.abs() / table.tolerance,
    )
    return rows.groupby("title", sort=False, as_index=False).agg(
        numbers=("within", "size"),
        agree=("within", "sum"),
        beyond=("beyond", "sum"),
        worst=("worst", "max"),
        note=("note", "max"),
    )


def _named(table: pd.DataFrame, column: str, text: str) -> pd.DataFrame:
    """The rows of a name, or else of those that begin so; all begin with nothing."""
    exact = table[table[column] == text]
    return exact if text and len(exact) else table[table[column].str.startswith(text)]


def _command(row: tuple[str, str, str]) -> str:
    words = [word for pair in zip(OPTIONS, row, strict=True) for word in pair]
    return f"mechcore reproduce {shlex.join(words)}"


def published_numbers(folder: Path) -> pd.DataFrame:
    """Return numbers and points of curves with the precision to which they are known."""
    numbers = _columns(folder / files.NUMBERS_FILE, NUMBERS_COLUMNS).rename(
        columns={"figure_file": "figure", "value": "published"}
    )
    precision = np.maximum(
        0.5 * 10.0**-numbers.decimals, SINGLE_PRECISION * numbers.published.abs()
    )
    # A pixel is the right one or another.
    precision = np.where(numbers.quantity == "argmax_x", WHICH_PIXEL, precision)
    ratio = numbers.beta2.map("beta^2 = {:g}".format, na_action="ignore")
    layer = numbers.t.map("t = {:g}".format, na_action="ignore")
    parts = zip(ratio, layer, numbers.pattern, strict=True)
    at = [", ".join(part for part in known if isinstance(part, str)) for known in parts]
    curves = _columns(folder / files.CURVES_FILE, CURVES_COLUMNS).rename(
        columns={"figure_file": "figure", "curve": "quantity", "y": "published"}
    )
    drawn = CURVE_PRECISION * np.maximum(1.0, curves.published.abs())
    return pd.concat(
        [
            numbers.assign(tolerance=precision, at=at, x=numbers.t),
            curves.assign(tolerance=drawn, at=curves.x.map("x = {:.6g}".format)),
        ],
        ignore_index=True,
    )


def _compared(rows: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Rows with a number of ours, how far it is off, and whether that is within the precision."""
    rows = rows[rows.ours.notna()]
    tolerance = rows.tolerance
    if protocol.tolerance is not None:
        scale = rows.published.abs() if protocol.relative else 1.0
        tolerance = tolerance.clip(lower=protocol.tolerance * scale)
    difference = rows.ours - rows.published
    # Halves of the last digit, in binary numbers.
    within = difference.abs() <= tolerance * (1 + 1e-6)
    note = np.where(difference.abs() > rows.tolerance, protocol.reason, "")
    return rows.assign(difference=difference, tolerance=tolerance, within=within, note=note)
