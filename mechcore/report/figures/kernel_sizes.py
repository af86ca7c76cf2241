"""How diffusion and speed grow with the kernel."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mechcore.analysis.beta_ranges import UP_TO_BETA_STAR
from mechcore.analysis.mechanics import characteristic_speeds
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import Margins, line, marks, panel_grid
from mechcore.report.figures.series import category_styles, draw_series, in_words
from mechcore.report.figures.style import CONE, THEORY
from mechcore.results.results import Results

QUANTITIES = {
    "diffusion_coefficient": "diffusion coefficient (px)",
    "largest_speed": "largest speed (px/layer)",
    "slope": r"slope in $\gamma\beta$ (px/layer)",
}
"""What is drawn against the size, with axis labels."""

KEYS = ["activation", "size"]
COLUMNS = [*KEYS, *QUANTITIES, "light_cone", "diffusion_speed"]


def _table(results: Results, family: str) -> pd.DataFrame:
    metrics, points, fits = results.metrics, results.mean_speeds, results.regressions
    chosen = (metrics.kernel == family) & (metrics.pattern == results.point) & (metrics.beta == 0)
    diffusion = metrics[chosen].groupby(KEYS).diffusion_coefficient.mean()
    points = points[(points.kernel == family) & (points.pattern == results.point)]
    largest = points.groupby(["cell", *KEYS], sort=False).speed.max()
    chosen = (fits.predictor == "celerity") & (fits.domain == UP_TO_BETA_STAR)
    slopes = fits[chosen & (fits.pattern == results.point)].set_index("cell").slope
    table = largest.rename("largest_speed").reset_index().assign(kernel=family)
    table = table.join(diffusion, on=KEYS).join(slopes.astype(float), on="cell")
    table = table.join(characteristic_speeds(results.kernels), on=["kernel", "size"])
    return table.sort_values("size", kind="stable", ignore_index=True)[COLUMNS]


def _draw(data: FigureData) -> Figure:
    table, experiment = data.table, data.results.experiment
    styles = category_styles(experiment.activations)
    speed = line("diffusion speed $s$", THEORY, 1.1, ls="--")
    figure, panels = panel_grid(
        (1, len(QUANTITIES)),
        (1.85, 1.9),
        [*marks(styles), speed, line("light cone", CONE, 1.2)],
        legend_columns=5,
        gap=(0.55, 0.1),
        margins=Margins(left=0.5),
        sharex=True,
    )
    kernels = table.drop_duplicates("size")
    for axes, (column, label) in zip(panels[0], QUANTITIES.items(), strict=True):
        axes.plot(kernels["size"], kernels.diffusion_speed, color=THEORY, lw=1.1, ls="--", gid="s")
        if column != "diffusion_coefficient":
            axes.plot(kernels["size"], kernels.light_cone, color=CONE, lw=1.2, gid="cone")
        draw_series(axes, table, ("size", column), "activation", styles, apart=0.6)
        axes.set(xlabel="kernel size $k$ (px)", ylabel=label)
        axes.set_ylim(bottom=0)
        axes.set_xticks(sorted(experiment.sizes))
    return figure


def _alt_text(data: FigureData) -> str:
    return (
        "Width that an even kernel adds in the first layer, largest speed, and slope of speed on "
        f"celerity up to beta star, against kernel size, {data.topic} family. Diffusion "
        f"coefficient and largest speed of {in_words(data.table, KEYS, _values)}."
    )


def _caption(data: FigureData) -> str:
    rule = ", for dct √((k² − 1)/12)" if data.topic == "dct" else ""
    return (
        f"{data.topic}, {data.results.point}; activations side by side at each size. Left: c of "
        "the width c tᵃ fitted at β = 0. Middle: largest over β. Right: least-squares slope over "
        f"β ≤ β*. Dashed: diffusion speed s, the width of the even kernel{rule}. Grey: light cone."
    )


def _values(rows: pd.DataFrame) -> str:
    known = rows[["diffusion_coefficient", "largest_speed"]].iloc[0]
    return " and ".join(f"{value:z.3f}" if np.isfinite(value) else "none" for value in known)


FIGURE = ReportFigure("largest_speed", _table, _draw, _alt_text, _caption)
