"""What units of whole networks see: how far it is displaced, and how wide it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse, Rectangle

from mechcore.errors import shortened
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import Panels, draw_panels, line
from mechcore.report.figures.style import CONE, PALETTE, THEORY, plain
from mechcore.results.results import Results

EVEN = np.sqrt(3.0)
"""Half-axes of ellipses in standard deviations: that of an evenly used square touches its sides."""

LONGEST = 0.9
"""Quantile of the arrows that are as long as the way to the next unit."""

LONGEST_NAME = 16
"""Characters of a layer's name above a panel."""


def _topics(results: Results) -> list[str]:
    return [*results.networks]


def _arrows(results: Results, topic: str) -> pd.DataFrame:
    trained = results.networks[topic].measurement.trained
    columns = ["layer", "x", "y", "displacement_x", "displacement_y"]
    if "field" not in trained:
        return pd.DataFrame(columns=columns)
    field = trained.field.mean("image")
    parts = xr.Dataset(
        {
            "displacement_x": field.sel(axis="x", drop=True),
            "displacement_y": field.sel(axis="y", drop=True),
            "x": trained.field_x,
            "y": trained.field_y,
        }
    )
    rows = parts.to_dataframe().reset_index().rename(columns={"map_layer": "layer"})
    return rows.dropna()[columns].reset_index(drop=True)


def _draw_arrows(data: FigureData) -> Panels:
    layers = data.table.groupby("layer", sort=False)
    titles = [f"{_title(name)}: {_length(rows):.2g} px" for name, rows in layers]
    panels = draw_panels(titles, ("x (px)", "y (px)"), panel=(2.1, 2.1), gap=(0.4, 0.55))
    for axes, rows in panels.facets(data.table, "layer"):
        step = max(np.diff(np.unique(rows.x), prepend=0).max(), 1.0)
        lengths = np.hypot(rows.displacement_x.to_numpy(), rows.displacement_y.to_numpy())
        longest = float(np.quantile(lengths, LONGEST))
        axes.quiver(
            *(rows[name] for name in ("x", "y", "displacement_x", "displacement_y")),
            color=PALETTE[0],
            angles="xy",
            scale_units="xy",
            scale=longest / step if longest else 1.0,
            width=0.006,
        )
        axes.set_aspect("equal")
        axes.margins(0.06)
        axes.invert_yaxis()
    return panels


def _title(name: object) -> str:
    return plain(shortened(str(name), LONGEST_NAME))


def _length(rows: pd.DataFrame) -> float:
    """Root mean square of the displacements."""
    return float(np.sqrt((rows.displacement_x**2 + rows.displacement_y**2).mean()))


def _arrows_caption(data: FigureData) -> str:
    layers = data.table.groupby("layer", sort=False)
    first, *_, last = [_length(rows) for _, rows in layers] * 2
    return (
        "Arrows go from a unit to the centre of what it sees by positive paths, in the mean over "
        f"channels and images: {first:.2g} px in the first layer shown, {last:.2g} px in the last "
        "(root mean square). They are scaled for each layer, and information moves against them."
    )


DISPLACEMENT = ReportFigure(
    "displacement",
    "Where does a network move what it sees?",
    _arrows,
    _draw_arrows,
    _arrows_caption,
    value="displacement_x",
    groups=("layer",),
    shows="Arrows from units to the centre of what they see, a panel for each layer; rightwards",
    topics=_topics,
    main=True,
)

LOOKS = {
    "trained": {"ec": PALETTE[0], "lw": 1.8},
    "untrained": {"ec": PALETTE[1], "lw": 1.4, "ls": "--"},
    "kernels alone": {"ec": THEORY, "lw": 1.1, "ls": ":"},
}
MOMENTS = {
    "trained": ("trained", "path_displacement", "path_covariance"),
    "untrained": ("untrained", "path_displacement", "path_covariance"),
    "kernels alone": ("trained", "energy_displacement", "energy_covariance"),
}
"""Ellipses: the network, and its variables of the centre and the covariance."""


def _ellipses(results: Results, topic: str) -> pd.DataFrame:
    measurement = results.networks[topic].measurement
    parts = [
        _moments(getattr(measurement, network), *variables).assign(ellipse=name)
        for name, (network, *variables) in MOMENTS.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _moments(network: xr.Dataset, displacement: str, covariance: str) -> pd.DataFrame:
    """Means over channels and images, for the layers that have a map."""
    names = network.map_layer.values if "map_layer" in network else []
    rows = []
    for name in names:
        number = list(network.layer.values).index(name)
        layer = network.isel(channel_index=network.layer_number.values == number)
        others = [dim for dim in layer[displacement].dims if dim != "axis"]
        centre = layer[displacement].mean(others).values
        spread = layer[covariance].mean(others).values
        side = float(network.theoretical_field[number])
        rows.append((name, *centre, spread[0, 0], spread[0, 1], spread[1, 1], side))
    columns = ["layer", "x", "y", "var_x", "cov_xy", "var_y", "theoretical_field"]
    return pd.DataFrame(rows, columns=columns)


def _draw_ellipses(data: FigureData) -> Panels:
    legend = [
        *(
            line(name, look["ec"], float(str(look["lw"])), ls=look.get("ls", "-"))
            for name, look in LOOKS.items()
        ),
        line("theoretical field", CONE, 1.0),
    ]
    titles = [_title(name) for name in data.table.layer.unique()]
    labels = "x from the unit (px)", "y from the unit (px)"
    panels = draw_panels(titles, labels, legend, panel=(1.9, 1.9), gap=(0.4, 0.55))
    for axes, rows in panels.facets(data.table, "layer"):
        _draw_layer(axes, rows.dropna())
    return panels


def _draw_layer(axes: Axes, rows: pd.DataFrame) -> None:
    side = float(rows.theoretical_field.iloc[0])
    axes.add_patch(Rectangle((-side / 2, -side / 2), side, side, fc="none", ec=CONE, lw=1.0))
    moments = rows[["x", "y", "var_x", "cov_xy", "var_y"]].to_numpy(float)
    for name, (x, y, var_x, cov_xy, var_y) in zip(rows.ellipse, moments, strict=True):
        values, vectors = np.linalg.eigh([[var_x, cov_xy], [cov_xy, var_y]])
        minor, major = 2 * EVEN * np.sqrt(np.maximum(values, 0.0))
        angle = float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])))
        look: dict[str, Any] = LOOKS[name]
        axes.add_patch(Ellipse((x, y), major, minor, angle=angle, fc="none", **look))
    reach = 0.56 * side
    axes.set(xlim=(-reach, reach), ylim=(reach, -reach))
    axes.set_aspect("equal")


def _ellipses_caption(data: FigureData) -> str:
    last = data.table[data.table.layer == data.table.layer.iloc[-1]].set_index("ellipse")
    radius = np.sqrt(last.var_x + last.var_y)
    shares = (radius / (last.theoretical_field / np.sqrt(6))).dropna()
    named = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    return (
        f"Radius in the last layer shown, relative to that of an evenly used field: {named}. "
        "The ellipse of an evenly used field touches the sides of the square."
    )


FIELDS = ReportFigure(
    "fields",
    "How much of its theoretical field does a layer use?",
    _ellipses,
    _draw_ellipses,
    _ellipses_caption,
    value="var_x",
    groups=("layer", "ellipse"),
    shows="Ellipses of effective receptive fields in the square of the theoretical field; variance",
    topics=_topics,
    main=True,
)
