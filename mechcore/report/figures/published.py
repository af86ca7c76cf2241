"""The authors' figures, drawn again with our numbers on theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import Panels, draw_panels, line, mark
from mechcore.report.figures.style import THEORY, colours, marker, plain, shades
from mechcore.report.numbers import significant
from mechcore.results.results import Results

COLUMNS = ["title", "figure", "quantity", "curve", "at", "x", "published", "ours", "within"]

DENSE = 25
"""Points of a curve, from which on it is a line with few of our marks."""

NAMES = {
    "theory": "y = x",
    "mu_x": "centroid",
    "argmax_x": "brightest pixel",
    "sym region": "up to 0.25",
    "antisym region": "from 0.75",
    "fraction_sym": "symmetric",
    "fraction_mixed": "mixed",
    "fraction_anti": "antisymmetric",
    "energy": "energy",
    "cumulative": "summed",
    "Random/sym": "of the symmetric part",
    "Random/anti": "of the asymmetric part",
    "printed I2/I1": "",
}
"""Published quantities as legends name them."""

SHAPES = {f"k={size}": marker(size) for size in (2, 3, 5)} | {"argmax_x": "s", "theory": "."}
"""Marks of quantities that are of a kernel size, or stand beside another; those are black."""


@dataclass(frozen=True)
class Look:
    """How a topic is drawn."""

    kinds: tuple[str, ...]
    """Kinds of the protocols that it is of."""
    quantities: tuple[str, ...]
    """Which of the published numbers are drawn."""
    labels: tuple[str, str]
    """Labels of the axes."""
    curves: str = "quantity"
    """The column that tells colours apart."""


LOOKS = {
    "speeds": Look(
        ("squared_speeds",),
        ("theory", "k=2", "k=3", "k=5"),
        ("odd share ρ of the energy, the authors' β²", "(dx/dx_max)²"),
    ),
    "centroids": Look(
        ("snapshots",), ("mu_x", "argmax_x"), ("layer t", "place in the row (px)"), "beta2"
    ),
    "widths": Look(("snapshots",), ("sigma_x",), ("layer t", "width of the row (px)"), "beta2"),
    "orientations": Look(
        ("orientations",),
        ("printed I2/I1",),
        ("orientation of the second kernel (rad)", "norm after 2 layers / after 1"),
    ),
    "asymmetry": Look(
        ("asymmetry_density",),
        ("sym region", "antisym region"),
        ("asymmetric share of the energy", "density"),
    ),
    "energies": Look(
        ("random_energies", "random_split_energies"),
        ("energy", "cumulative", "Random/sym", "Random/anti"),
        ("DCT component, in the paper's order", "share of the energy"),
    ),
    "types": Look(
        ("printed_kernel_types", "random_kernel_types", "strongest_kernel_types"),
        ("fraction_sym", "fraction_mixed", "fraction_anti"),
        ("layer (the first is 0)", "share of the kernels"),
    ),
}
"""The authors' figures by topic."""


def _table(results: Results, topic: str) -> pd.DataFrame:
    rows, look = results.reproduction, LOOKS[topic]
    chosen = rows.kind.isin(look.kinds) & rows.quantity.isin(look.quantities)
    table = rows[chosen & (rows.x.notna() | (topic == "types"))]
    # Kernels of no layer have one place, and the Laplace kernel is even.
    table = table.assign(curve=table[look.curves]).fillna({"curve": 0.0, "x": 0.0})
    return table[COLUMNS].reset_index(drop=True)


def _draw(data: FigureData) -> Panels:
    table = data.table
    names = sorted(table.curve.unique(), key=_order)
    palette = shades(len(names)) if isinstance(names[0], float) else colours(len(names))
    colour = dict(zip(names, palette, strict=True)) | dict.fromkeys(SHAPES, THEORY)
    marks = [mark(_name(name), SHAPES.get(name, "o"), colour[name]) for name in names]
    panels = draw_panels(
        [plain(title) for title in table.title.unique()],
        LOOKS[data.topic].labels,
        [line("published", "0.75", 4), *(marks if len(names) > 1 else [])],
        panel=(3.4 if table.title.nunique() < 3 else 2.2, 1.8),
        gap=(0.4, 0.5),
    )
    for axes, rows in panels.facets(table, "title"):
        curves: Any = rows.groupby(["curve", "quantity", "figure"], sort=False)
        for (name, quantity, _), curve in curves:
            dense, shape = len(curve) >= DENSE, SHAPES.get(quantity, "o")
            look = {"lw": 4} if dense else {"ls": "", "marker": shape, "ms": 7}
            axes.plot(curve.x, curve.published, color="0.75", zorder=1, gid="published", **look)
            shown = curve.iloc[:: 5 if dense else 1]
            look = {"color": colour[name], "marker": shape, "ms": 3.5, "gid": "ours"}
            axes.plot(shown.x, shown.ours, ls="", **look)
            panels.say(axes, shown, ("x", "ours"), _says)
        # At least 1, so that rounding is not blown up.
        axes.update_datalim([(rows.x.min(), 0.0), (max(rows.x.max(), 1.0), 1.0)])
        axes.locator_params(nbins=5)
    return panels


def _order(curve: Any) -> tuple[int, Any]:
    """Numbers by size, quantities as they are listed."""
    return ([*NAMES].index(curve), "") if curve in NAMES else (len(NAMES), curve)


def _name(curve: Any) -> str:
    return f"ρ = {curve:g}" if isinstance(curve, float) else NAMES.get(curve, plain(curve))


def _says(row: dict[str, Any]) -> str:
    curve = f"{row['title']}, {_name(row['curve'])}, at {row['x']:.3g}"
    return f"{curve}: {row['ours']:.3f}, published {row['published']:.3f}"


def _caption(data: FigureData) -> str:
    table = data.table
    worst = (table.ours - table.published).abs().max()
    return (
        f"{table.within.sum():,} of {len(table):,} numbers agree within their tolerance; the "
        f"largest difference is {significant(float(worst), 2)}. Grey: published; dark or "
        "coloured: ours."
    )


def _topics(results: Results) -> list[str]:
    kinds = set(results.reproduction.kind)
    return [topic for topic, look in LOOKS.items() if kinds & {*look.kinds}]


PUBLISHED = ReportFigure(
    "published",
    "Do we find the numbers that the authors published?",
    _table,
    _draw,
    _caption,
    value="ours",
    groups=("title",),
    topics=_topics,
    main=True,
)
