"""The layers of many networks in one figure: how much of their energy is in low frequencies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mechcore.analysis.pooled import fit_clustered
from mechcore.claims.thresholds import CENSUS_NETWORKS, MOST_BY_CHANCE
from mechcore.filters.census import KINDS
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import Panels, draw_panels, line, mark
from mechcore.report.figures.style import CONE, PALETTE, THEORY
from mechcore.results.results import Results

COLUMNS = [
    *("network", "layer", "number", "kind", "depth", "height", "width"),
    *("low_frequency_share", "null_low_frequency_share", "null_low_frequency_limit"),
]

LOOKS: dict[str, dict[str, Any]] = {
    "first": {"shape": "s", "colour": PALETTE[1]},
    "full": {"shape": "o", "colour": PALETTE[0]},
    "depthwise": {"shape": "^", "colour": PALETTE[2]},
}
"""Mark and colour of each kind of layer."""


def _table(results: Results, _: str) -> pd.DataFrame:
    census = results.census
    if census.network.nunique() < CENSUS_NETWORKS:
        return pd.DataFrame(columns=COLUMNS)
    judged = census.trained.astype(bool) & ~census.fixed.astype(bool)
    judged &= census.null_low_frequency_share <= MOST_BY_CHANCE
    return census.loc[judged, COLUMNS].dropna().reset_index(drop=True)


def _draw(data: FigureData) -> Panels:
    table = data.table
    legend = [mark(f"{kind} layer", **LOOKS[kind]) for kind in KINDS]
    legend += [
        mark("not above chance", mfc="white", colour=THEORY),
        mark("limit of chance", "_", CONE),
        line("line through all layers"),
    ]
    labels = "depth in the network, first to last layer", "share of the energy"
    panels = draw_panels([""], labels, legend, panel=(6.6, 3.4), legend_columns=3)
    axes = panels.axes[0]
    axes.plot(table.depth, table.null_low_frequency_limit, ls="", marker="_", color=CONE, ms=7)
    above = table.low_frequency_share > table.null_low_frequency_limit
    for (kind, full), rows in table.groupby([table.kind, above]):
        look = LOOKS[str(kind)]
        axes.plot(
            rows.depth,
            rows.low_frequency_share,
            ls="",
            marker=look["shape"],
            color=look["colour"],
            mfc=look["colour"] if full else "white",
            ms=4,
            gid="share",
        )
    fit = _line(table)
    ends = np.array([0.0, 1.0])
    axes.plot(ends, fit["intercept"] + fit["slope"] * ends, color=THEORY, lw=1.4)
    axes.set(xlim=(-0.03, 1.03), ylim=(0, 1.02))
    panels.say(axes, table, ("depth", "low_frequency_share"), _says)
    return panels


def _line(table: pd.DataFrame) -> dict[str, float]:
    columns = table.depth.to_numpy(), table.low_frequency_share.to_numpy()
    return fit_clustered(*columns, table.network)


def _says(row: dict[str, Any]) -> str:
    share, chance = row["low_frequency_share"], row["null_low_frequency_share"]
    return (
        f"{row['network']}, layer {row['number']}, {row['kind']}, {row['height']}×{row['width']}: "
        f"{share:.0%}, by chance {chance:.0%}"
    )


def _caption(data: FigureData) -> str:
    table, fit = data.table, _line(data.table)
    above = (table.low_frequency_share > table.null_low_frequency_limit).mean()
    return (
        f"In {table.network.nunique()} networks, {above:.0%} of {len(table)} layers have more "
        f"energy in DC and the gradients than chance gives. From the first layer to the last the "
        f"share changes by {fit['slope']:+.2f} (95% interval, clustered by network: "
        f"{fit['ci_low']:+.2f} to {fit['ci_high']:+.2f})."
    )


CENSUS = ReportFigure(
    "census",
    "Do DC and gradients dominate the layers of public networks?",
    _table,
    _draw,
    _caption,
    value="low_frequency_share",
    groups=("network",),
    shows="Share of the energy in DC and gradients against depth, a mark for each layer",
    main=True,
)
