"""Diffusion: the width of the state against the layer, and its contraction in motion."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from mechcore.figures.evidence import MOST_PANELS, Evidence, preferred, width_along
from mechcore.figures.style import CONE, MARKERS, THEORY, colours, new_figure, shades
from mechcore.figures.trajectories import BEYOND, beta_places
from mechcore.measures import contraction

WIDEST = 1.45
FASTEST = 1.35
"""Limits of the axes of the contraction: beyond beta* a few states are far wider."""


def activation_shown(evidence: Evidence) -> str:
    """Return the activation that stands for all: ReLU if it is there.

    Parameters
    ----------
    evidence : Evidence
        The results.

    Returns
    -------
    str
        Its name.
    """
    return preferred(evidence.experiment.activations, "relu", "modulus")


def diffusion_table(evidence: Evidence, family: str) -> pd.DataFrame:
    """Return widths of one activation, pattern and angle.

    Parameters
    ----------
    evidence : Evidence
        The results.
    family : str
        Kernel family.

    Returns
    -------
    pandas.DataFrame
        Columns size, beta, beta_star, t, width (px, grown since layer 0).
    """
    tables = []
    for size in evidence.sizes_shown:
        dataset = evidence.dataset(family, activation_shown(evidence), size)
        width = width_along(dataset).sel(pattern=evidence.point).isel(angle=0)
        grown = np.sqrt((width**2 - width.isel(t=0) ** 2).clip(min=0.0))
        rows = grown.isel(beta=beta_places(dataset)).to_dataframe("width").reset_index()
        star = float(dataset.beta_star.isel(angle=0, beta=0))
        tables.append(rows.assign(size=size, beta_star=star))
    return pd.concat(tables)[["size", "beta", "beta_star", "t", "width"]]


def draw_diffusion(table: pd.DataFrame, evidence: Evidence, family: str) -> Figure:
    """Draw width against the layer in double logarithmic axes, a panel for each size.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `diffusion_table`.
    evidence : Evidence
        The results.
    family : str
        Kernel family.

    Returns
    -------
    matplotlib.figure.Figure
        With the width of the even part, s sqrt(t), as a guide.
    """
    sizes = evidence.sizes_shown
    figure = new_figure(max(4.2, 2.15 * len(sizes) + 0.7), 3.1)
    panels = figure.subplots(1, len(sizes), squeeze=False, sharex=True, sharey=True)[0]
    for axes, size in zip(panels, sizes, strict=True):
        _draw_widths(axes, table[table["size"] == size])
        _draw_guide(axes, evidence, family, size)
        axes.set(xscale="log", yscale="log", title=f"k = {size}")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(NullFormatter())
    panels[0].set_ylim(*_width_limits(table))
    figure.supxlabel("layer $t$")
    figure.supylabel("width grown (px)")
    figure.legend(handles=_width_legend(table), loc="outside upper center", ncols=7 if len(sizes) > 2 else 3)
    return figure


def describe_diffusion(table: pd.DataFrame, evidence: Evidence, family: str) -> str:
    """Return what the figure of diffusion shows.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `diffusion_table`.
    evidence : Evidence
        The results.
    family : str
        Kernel family.

    Returns
    -------
    str
        For readers who do not see it.
    """
    last = int(table.t.max())
    slowest = table[(table.t == last) & (table.beta == table.beta.min())]
    widths = ", ".join(f"{row['width']:.3f} for k = {row['size']:g}" for _, row in slowest.iterrows())
    return (
        f"Width of the state in pixels against the layer in double logarithmic axes, {family}, "
        f"{activation_shown(evidence)}, pattern {evidence.point}. At beta {table.beta.min():g} and "
        f"layer {last} the width is {widths}; larger beta is narrower as long as no tap is negative."
    )


def caption_diffusion(table: pd.DataFrame, evidence: Evidence, family: str) -> str:
    """Return what a reader must know to read the figure of diffusion.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `diffusion_table`.
    evidence : Evidence
        The results.
    family : str
        Kernel family.

    Returns
    -------
    str
        The caption.
    """
    return (
        f"Width along the kernel's momentum, grown since layer 0, √(σ²(t) − σ²(0)) ({family}, "
        f"{activation_shown(evidence)}, {evidence.point}, {evidence.angle:g}°). Dotted: s√t with s "
        "the width of the even kernel, slope 1/2. Thin dashed lines: β > β*, where rectification "
        "acts; a state that does not grow has no line."
    )


def contraction_table(evidence: Evidence, family: str) -> pd.DataFrame:
    """Return the width in motion against the speed, for all cells of a family.

    Parameters
    ----------
    evidence : Evidence
        The results.
    family : str
        Kernel family.

    Returns
    -------
    pandas.DataFrame
        Columns activation, size, beta, beta_star, relative_speed (v / s, s the width of the even
        kernel in px per root of a layer), contraction (sigma(beta) / sigma(0)).
    """
    plan = evidence.experiment
    tables = [
        _contraction_of(evidence, family, activation, size)
        for activation in plan.activations
        for size in plan.sizes
    ]
    return pd.concat(tables, ignore_index=True)


def draw_contraction(table: pd.DataFrame, evidence: Evidence, family: str) -> Figure:
    """Draw contraction against relative speed, a panel for each activation.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `contraction_table`.
    evidence : Evidence
        The results.
    family : str
        Kernel family.

    Returns
    -------
    matplotlib.figure.Figure
        With the Lorentz factor sqrt(1 - v^2/s^2).
    """
    activations = evidence.experiment.activations
    columns = min(len(activations), MOST_PANELS)
    rows = -(-len(activations) // columns)
    figure = new_figure(max(4.2, 1.85 * columns + 0.7), 2.2 * rows + 0.9)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes, activation in zip(panels.flat, activations, strict=False):
        _draw_contraction(axes, table[table.activation == activation], evidence)
        axes.set(title=activation, xlim=(-0.04, FASTEST), ylim=(0, WIDEST))
    for axes in panels.flat[len(activations) :]:
        axes.set_visible(False)
    figure.supxlabel("relative speed $v/s$")
    figure.supylabel(r"contraction $\sigma(\beta)/\sigma(0)$")
    figure.legend(handles=_size_legend(evidence), loc="outside upper center", ncols=7 if columns > 2 else 3)
    return figure


def describe_contraction(table: pd.DataFrame, evidence: Evidence, family: str) -> str:
    """Return what the figure of contraction shows.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `contraction_table`.
    evidence : Evidence
        The results.
    family : str
        Kernel family.

    Returns
    -------
    str
        For readers who do not see it.
    """
    exact = table[table.beta <= table.beta_star]
    narrowest = exact.loc[exact.contraction.idxmin()] if exact.contraction.notna().any() else None
    seen = "" if narrowest is None else (
        f" Up to beta star it falls to {narrowest.contraction:.3f} at relative speed "
        f"{narrowest.relative_speed:.3f} ({narrowest.activation}, k = {narrowest['size']})."
    )
    return (
        f"Width in motion relative to the width at rest against speed over diffusion speed, "
        f"{family}, with the curve root of one minus the square.{seen} {_outside(table)}"
    )


def caption_contraction(table: pd.DataFrame, evidence: Evidence, family: str) -> str:
    """Return what a reader must know to read the figure of contraction.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `contraction_table`.
    evidence : Evidence
        The results.
    family : str
        Kernel family.

    Returns
    -------
    str
        The caption.
    """
    return (
        f"Width grown by layer {evidence.experiment.steps} relative to that of the even kernel, "
        f"against the measured speed in units of the diffusion speed s ({evidence.point}, "
        f"{evidence.angle:g}°). Curve: Lorentz factor √(1 − v²/s²). Filled: β ≤ β*; open: "
        f"rectification acts. {_outside(table)}"
    )


def has_rest(evidence: Evidence) -> bool:
    """Return whether the even kernel ran, to which widths in motion are compared.

    Parameters
    ----------
    evidence : Evidence
        The results.

    Returns
    -------
    bool
        Whether beta = 0 is on the grid.
    """
    return bool((evidence.metrics.beta == 0).any())


def _contraction_of(evidence: Evidence, family: str, activation: str, size: int) -> pd.DataFrame:
    dataset = evidence.dataset(family, activation, size)
    widths = contraction(dataset).sel(pattern=evidence.point).isel(angle=0)
    metrics = evidence.metrics
    chosen = (metrics.kernel == family) & (metrics.activation == activation)
    chosen &= (metrics["size"] == size) & (metrics.pattern == evidence.point)
    rows = metrics[chosen & (metrics.angle == evidence.angle)].set_index("beta")
    light = evidence.theories(family, size)[0].diffusion_speed
    columns = ["activation", "size", "beta", "beta_star", "relative_speed", "contraction"]
    return rows.assign(
        relative_speed=rows.speed / light,
        contraction=pd.Series(widths.values, index=widths.beta.values),
    ).reset_index()[columns]


def _outside(table: pd.DataFrame) -> str:
    known = table.dropna(subset=["relative_speed", "contraction"])
    count = int(((known.contraction > WIDEST) | (known.relative_speed > FASTEST)).sum())
    return f"{count} of {len(known)} points lie outside the axes."


def _draw_widths(axes: Axes, table: pd.DataFrame) -> None:
    betas = sorted(table.beta.unique())
    for beta, colour in zip(betas, shades(len(betas)), strict=True):
        line = table[(table.beta == beta) & (table.t > 0) & (table.width > 1e-6)]
        acts = not beta <= table.beta_star.iloc[0]
        axes.plot(
            line.t.to_numpy(),
            line.width.to_numpy(),
            color=colour,
            ls=BEYOND if acts else "-",
            lw=0.9 if acts else 1.4,
            gid="width",
        )


def _draw_guide(axes: Axes, evidence: Evidence, family: str, size: int) -> None:
    light = evidence.theories(family, size)[0].diffusion_speed
    if np.isfinite(light):
        t = np.array([1.0, evidence.experiment.steps])
        axes.plot(t, light * np.sqrt(t), color=THEORY, lw=1.1, ls=":", zorder=5)


def _width_limits(table: pd.DataFrame) -> tuple[float, float]:
    """All widths, but at most two decades below the largest: dying states have no width."""
    widths = table.width[(table.t > 0) & (table.width > 0)]
    if widths.empty:
        return 0.1, 10.0
    highest = float(widths.max())
    return max(0.8 * float(widths.min()), highest / 100), 1.4 * highest


def _width_legend(table: pd.DataFrame) -> list[Line2D]:
    betas = sorted(table.beta.unique())
    lines = [
        Line2D([], [], color=colour, label=rf"$\beta$ = {beta:.3g}")
        for beta, colour in zip(betas, shades(len(betas)), strict=True)
    ]
    return [*lines, Line2D([], [], color=THEORY, lw=1.1, ls=":", label=r"$s\,\sqrt{t}$")]


def _draw_contraction(axes: Axes, table: pd.DataFrame, evidence: Evidence) -> None:
    share = np.linspace(0, 1, 200)
    axes.plot(share, np.sqrt(1 - share**2), color=THEORY, lw=1.1, zorder=1)
    for size, style in _size_styles(evidence).items():
        rows = table[table["size"] == size]
        exact = (rows.beta <= rows.beta_star).to_numpy(bool)
        for chosen, face in ((exact, style["color"]), (~exact, "none")):
            axes.plot(
                rows.relative_speed.to_numpy()[chosen],
                rows.contraction.to_numpy()[chosen],
                ls="",
                ms=3.6,
                mfc=face,
                mec=style["color"],
                mew=0.8,
                marker=style["marker"],
                gid="contraction",
            )


def _size_styles(evidence: Evidence) -> dict[int, dict[str, str]]:
    sizes = evidence.experiment.sizes
    return {
        size: {"color": colour, "marker": MARKERS[index % len(MARKERS)]}
        for index, (size, colour) in enumerate(zip(sizes, colours(len(sizes)), strict=True))
    }


def _size_legend(evidence: Evidence) -> list[Line2D]:
    points = [
        Line2D([], [], ls="", ms=4, label=f"k = {size}", **style)
        for size, style in _size_styles(evidence).items()
    ]
    acts = Line2D([], [], ls="", ms=4, marker="o", mfc="none", mec=CONE, label=r"$\beta > \beta^*$")
    curve = Line2D([], [], color=THEORY, lw=1.1, label=r"$\sqrt{1 - v^2/s^2}$")
    return [*points, acts, curve]
