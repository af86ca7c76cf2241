"""Where the momenta of the kernels of networks point."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.claims.thresholds import CENSUS_NETWORKS
from mechcore.filters.census import KINDS
from mechcore.report.figures.census import LOOKS
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import Panels, draw_panels, line
from mechcore.report.figures.style import CONE, plain
from mechcore.report.figures.trained_layers import trained_banks
from mechcore.report.figures.trained_motion import kernels_of
from mechcore.results.results import Results

SECTORS = 16
"""Four between two axes: that is what a 3x3 kernel can tell."""

COLUMNS = ["bank", "kind", "sector", "angle", "share"]


def _table(results: Results, _: str) -> pd.DataFrame:
    """The share of the length of all momenta in each sector, of networks and kinds of layers."""
    banks = trained_banks(results)
    if len(banks) < CENSUS_NETWORKS:
        return pd.DataFrame(columns=COLUMNS)
    kinds = results.census.set_index(["network", "number"])[["kind", "height", "width"]]
    parts = []
    for name, analysis in banks.items():
        kernels = kernels_of(analysis, ["momentum_x", "momentum_y"])
        kernels = kernels.join(kinds.loc[name], on="number")
        # Along one axis there are two directions.
        parts.append(_rose(kernels[kernels[["height", "width"]].min(axis=1) > 1]).assign(bank=name))
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _rose(kernels: pd.DataFrame) -> pd.DataFrame:
    angle = np.degrees(np.arctan2(kernels.momentum_y, kernels.momentum_x))
    sector = pd.Series(np.round(angle / 360 * SECTORS).astype(int) % SECTORS, kernels.index)
    lengths = pd.Series(np.hypot(kernels.momentum_x, kernels.momentum_y), kernels.index)
    every = pd.MultiIndex.from_product(
        [[kind for kind in KINDS if kind in set(kernels.kind)], range(SECTORS)],
        names=["kind", "sector"],
    )
    sums = (
        lengths.groupby([kernels.kind, sector.rename("sector")]).sum().reindex(every, fill_value=0)
    )
    share = (sums / sums.groupby("kind").transform("sum")).rename("share").reset_index()
    return share.assign(angle=share.sector * 360 / SECTORS)


def _draw(data: FigureData) -> Panels:
    table = data.table
    legend = [line(f"{kind} layers", LOOKS[kind]["colour"]) for kind in KINDS]
    legend.append(line("no direction", CONE, 1.0))
    names = table.bank.drop_duplicates()
    titles = [plain(name) for name in names]
    panels = draw_panels(
        titles, ("", ""), legend, panel=(1.5, 1.5), columns=5, bottom=0.2, left=0.2
    )
    circle = np.radians(np.arange(0, 361, 5))
    for axes, rows in panels.facets(table, "bank"):
        axes.plot(np.cos(circle) / SECTORS, np.sin(circle) / SECTORS, color=CONE, lw=1.0)
        for kind, rose in rows.groupby("kind", sort=False):
            closed = pd.concat([rose, rose.iloc[:1]])
            angle = np.radians(closed.angle)
            places = closed.share * np.cos(angle), closed.share * np.sin(angle)
            axes.plot(*places, color=LOOKS[str(kind)]["colour"], lw=1.2, gid="share")
        reach = 1.1 * rows.share.max()
        # As images: y is downwards in a kernel.
        axes.set(xlim=(-reach, reach), ylim=(reach, -reach), aspect="equal")
        axes.axis("off")
    return panels


def _caption(data: FigureData) -> str:
    full = data.table[data.table.kind == "full"]
    along = full[full.sector % (SECTORS // 4) == 0].groupby("bank").share.sum()
    return (
        f"The distance from the centre is a sector's share of the length of all momenta. The four "
        f"sectors along the axes hold {along.median():.0%} in full layers, in the median over "
        f"networks, of {SECTORS} sectors; {4 / SECTORS:.0%} would be no direction."
    )


ROSES = ReportFigure(
    "roses",
    "Where do the momenta of trained kernels point?",
    _table,
    _draw,
    _caption,
    value="share",
    groups=("bank", "kind"),
    main=True,
    shows="A rose for each kind of layer: the share of momenta in each direction",
)
