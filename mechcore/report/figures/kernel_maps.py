"""The kernels themselves, from even to odd."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from mechcore.experiment.representative import spread
from mechcore.model.decomposition import decompose
from mechcore.model.geometry import centred_coordinates
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import Panels, draw_panels
from mechcore.report.figures.style import plain
from mechcore.results.results import Results

BETAS_SHOWN = 5
SIDE = 0.9
"""Side of a kernel, where rows and columns of kernels are 1 apart."""

CORNERS = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])


def _table(results: Results, _: str) -> pd.DataFrame:
    betas = spread(sorted(results.experiment.betas), BETAS_SHOWN)
    parts = [
        _taps(results, family, size, beta)
        for family in results.experiment.kernels
        for size in results.sizes_shown
        if size in results.sizes_of(family)
        for beta in betas
    ]
    return pd.concat(parts, ignore_index=True)


def _taps(results: Results, family: str, size: int, mixing_ratio: float) -> pd.DataFrame:
    taps = results.kernel(family, size, mixing_ratio)
    places = centred_coordinates(size)
    y, x = np.meshgrid(places, places, indexing="ij")
    head = {"kernel": family, "size": size, "odd_energy_ratio": decompose(taps).beta ** 2}
    return pd.DataFrame({**head, "x": x.ravel(), "y": y.ravel(), "tap": taps.ravel()})


def _draw(data: FigureData) -> Panels:
    table = data.table
    families, sizes = list(table.kernel.unique()), sorted(table["size"].unique())
    columns = table.groupby(["kernel", "size"]).odd_energy_ratio.nunique().max()
    panels = draw_panels(
        [plain(family) for family in families],
        ("odd share ρ of the energy", "size k"),
        panel=(0.62 * columns, 0.62 * len(sizes)),
        columns=2,
        gap=(0.3, 0.65),
    )
    for axes, rows in panels.facets(table, "kernel"):
        _draw_family(axes, rows, sizes)
        shares = rows[rows["size"] == rows["size"].iloc[0]].odd_energy_ratio.unique()
        axes.set_xticks(range(len(shares)), [f"{share:.2g}" for share in shares])
        axes.set_yticks(range(len(sizes)), sizes)
        axes.set(xlim=(-0.5, columns - 0.5), ylim=(len(sizes) - 0.5, -0.5))
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    return panels


def _draw_family(axes: Axes, rows: pd.DataFrame, sizes: list[int]) -> None:
    """Squares in the colours of the taps."""
    column = rows.groupby("size").odd_energy_ratio.transform(lambda shares: pd.factorize(shares)[0])
    centres = np.column_stack([column, rows["size"].map(sizes.index)]).astype(float)
    step = (SIDE / rows["size"].to_numpy(float))[:, np.newaxis]
    taps = centres + rows[["x", "y"]].to_numpy(float) * step
    squares = taps[:, np.newaxis] + CORNERS * step[..., np.newaxis]
    strongest = rows.groupby(["size", "odd_energy_ratio"]).tap.transform(
        lambda taps: taps.abs().max()
    )
    collection = PolyCollection(list(squares), ec="0.6", lw=0.4, cmap="RdBu_r", clim=(-1.4, 1.4))
    collection.set_array(rows.tap / strongest)
    axes.add_collection(collection)


def _caption(data: FigureData) -> str:
    results = data.results
    return (
        f"Taps at {results.angle:g}° in the convolution convention, from the even kernel to the "
        "odd one: red is positive and blue negative, in units of the strongest tap of each kernel "
        f"({data.table.tap.abs().max():.2f} at most)."
    )


KERNELS = ReportFigure(
    "kernels",
    "What are the kernels?",
    _table,
    _draw,
    _caption,
    value="tap",
    groups=("kernel", "size"),
    shows="Taps of the kernels as heat maps, a column for each odd share",
)
