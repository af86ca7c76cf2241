"""How far the centroid moves, and how its motion depends on the angle of the kernel."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from mechcore.analysis.beta_ranges import within_theory
from mechcore.analysis.displacement import displacement_along
from mechcore.analysis.measures import AT_REST, rows_of
from mechcore.analysis.tables import joined
from mechcore.experiment.representative import preferred, spread
from mechcore.model.geometry import light_speed
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import Panels, draw_panels, few, line
from mechcore.report.figures.style import CONE, paper_style, plain, shades
from mechcore.report.numbers import significant
from mechcore.results.results import Results

BETAS_SHOWN = 6
LINES = {True: "-", False: (0, (3.5, 1.5))}
"""Styles up to beta*, and beyond, where rectification acts."""


def beta_places(dataset: xr.Dataset, most: int = BETAS_SHOWN) -> list[int]:
    """Return which betas of a cell are shown."""
    return spread([int(place) for place in np.argsort(dataset.beta.values)], most)


def _displacements(results: Results, family: str) -> pd.DataFrame:
    parts = []
    for activation in results.experiment.activations:
        cell = results.cell_name(family, activation, results.size)
        if results.shows(cell):
            dataset = results.dataset(family, activation, results.size)
            # Chosen before anything is computed: a cell holds hundreds of trajectories.
            chosen = dataset.sel(pattern=results.point).isel(angle=0, beta=beta_places(dataset))
            rows = rows_of(displacement_along(chosen).to_dataset(name="displacement"), "beta", "t")
            star = float(chosen.beta_star[0])
            parts.append(rows.assign(activation=activation, beta_star=star))
    columns = ["activation", "beta", "beta_star", "t", "displacement"]
    return joined(parts, columns)[columns]


def _draw_displacements(data: FigureData) -> Panels:
    table, results = data.table, data.results
    activations, betas = list(table.activation.unique()), sorted(table.beta.unique())
    colour = dict(zip(betas, shades(len(betas)), strict=True))
    legend = [line(f"ρ = {beta**2:.2g}", shade) for beta, shade in colour.items()]
    panels = draw_panels(
        [plain(name) for name in activations],
        ("layer t", "displacement (px)"),
        [*legend, line("light cone", CONE, ls="--")],
        sharex=True,
        sharey=True,
    )
    steps = results.experiment.steps
    farthest = light_speed(results.size, results.angle) * steps
    for axes, rows in panels.facets(table, "activation"):
        axes.plot([0, steps], [0, farthest], color=CONE, lw=1.0, ls="--", zorder=1)
        for beta, part in rows.groupby("beta"):
            style = LINES[bool(within_theory(part).all())]
            look = {"color": colour[beta], "ls": style, "gid": "displacement"}
            axes.plot(part.t, part.displacement, **look)
    return panels


def _displacement_caption(data: FigureData) -> str:
    results, table = data.results, data.table
    ends = table[table.t == results.experiment.steps].displacement
    speed = light_speed(results.size, results.angle)
    return (
        f"A straight line is a constant speed: centroids of a point move along the momentum of the "
        f"kernel (k = {results.size}) by up to {ends.max():.1f} px in {results.experiment.steps} "
        f"layers. Dashed colours are beyond β*; light cone {speed:.3g} px/layer."
    )


DISPLACEMENTS = ReportFigure(
    "trajectories",
    "Is the speed constant?",
    _displacements,
    _draw_displacements,
    _displacement_caption,
    value="displacement",
    groups=("activation", "beta"),
    topics=lambda results: [results.family],
)


def cell_preview(dataset: xr.Dataset) -> Figure:
    """Draw the displacement of the state of a cell against the layer, a line for each beta."""
    pattern = preferred([str(name) for name in dataset.pattern.values], "delta")
    places = beta_places(dataset)
    chosen = dataset.sel(pattern=pattern).isel(angle=0, beta=places)
    name = plain(dataset.attrs.get("cell_id", dataset.attrs["activation"]))
    with paper_style():
        figure = Figure((4.8, 3.2))
        axes = figure.subplots()
        figure.subplots_adjust(0.13, 0.15, 0.97, 0.9)
        axes.set_prop_cycle(color=shades(len(places)))
        axes.plot(chosen.t, displacement_along(chosen).transpose("t", "beta"))
        axes.legend([f"β = {beta:.3g}" for beta in chosen.measured_beta.values], loc="upper left")
        axes.locator_params(nbins=4)
        axes.set(xlabel="layer t", ylabel="displacement (px)")
        axes.set_title(f"{name}, pattern {plain(pattern)}")
    return figure


def _by_angle(results: Results, family: str) -> pd.DataFrame:
    rows = results.mechanics
    chosen = (rows.kernel == family) & (rows.activation == results.activation)
    chosen &= (rows.pattern == results.point) & (rows["size"] == results.size) & (rows.beta > 0)
    keys = ["kernel", "size", "angle", "beta"]
    kernels = results.kernels[[*keys, "momentum_angle", "beta_star"]]
    table = few(rows[chosen], BETAS_SHOWN).merge(kernels, on=keys)
    speed = pd.Series(np.hypot(table.velocity_x, table.velocity_y), table.index)
    direction = np.degrees(np.arctan2(table.velocity_y, table.velocity_x))
    deviation = (direction - table.momentum_angle + 180) % 360 - 180
    table = table.assign(speed=speed, deviation=deviation.where(speed > AT_REST))
    columns = ["size", "angle", "beta", "beta_star", "deviation", "speed"]
    return table[columns].sort_values(["beta", "angle"], ignore_index=True)


def _draw_by_angle(data: FigureData) -> Panels:
    table = data.table
    colour = dict(zip(table.beta.unique(), shades(table.beta.nunique()), strict=True))
    panels = draw_panels(
        ["direction less momentum (°)", "speed (px/layer)"],
        ("angle of the kernel (°)", ""),
        [line(f"ρ = {beta**2:.2g}", shade) for beta, shade in colour.items()],
        panel=(3.2, 2.0),
        gap=(0.5, 0.4),
    )
    for axes, column in zip(panels.axes, ("deviation", "speed"), strict=True):
        for beta, part in table.groupby("beta"):
            look = {"color": colour[beta], "marker": "o", "ms": 3, "gid": column}
            axes.plot(part.angle, part[column], lw=0.9, **look)
    # A degree at least: smaller differences are not to be blown up.
    turned = 1.12 * float(np.nanmax([*table.deviation.abs(), 1.0]))
    panels.axes[0].set_ylim(-turned, turned)
    panels.axes[1].set_ylim(bottom=0)
    return panels


def _angle_caption(data: FigureData) -> str:
    table = data.table
    turned = significant(float(table.deviation.abs().max()), 2)
    spans = table.groupby("beta").speed.agg(["min", "max", "mean"])
    uneven = ((spans["max"] - spans["min"]) / spans["mean"]).max()
    return (
        f"A point moves at most {turned}° off the momentum of its kernel "
        f"(k = {data.results.size}, {data.results.activation}). Its speed differs between the "
        f"angles by up to {uneven:.0%} of the mean."
    )


ANGLES = ReportFigure(
    "isotropy",
    "Does the direction of the kernel matter?",
    _by_angle,
    _draw_by_angle,
    _angle_caption,
    value="speed",
    groups=("beta",),
    shows="Deviation from the momentum (°) and speed (px/layer) against the angle; the speed",
    topics=lambda results: [results.family] if len(results.experiment.angles) > 1 else [],
)
