"""Whole networks: momenta against displacements, and how both change over depth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mechcore.analysis.tables import joined
from mechcore.claims.networks import JUDGED, Case, cases_of, is_judged
from mechcore.claims.thresholds import FEWEST_CHANNELS
from mechcore.experiment.representative import spread
from mechcore.networks.prediction import MEASURES, NO_MOMENTUM
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import Panels, draw_panels, line, mark
from mechcore.report.figures.style import CONE, PALETTE, THEORY, colours, plain
from mechcore.results.networks import NetworkResults
from mechcore.results.results import Results

MOST_DOTS = 300
"""Channels and axes of a panel: more dots hide each other."""

PREDICTORS = {"energy": "step", "positive taps": "step_positive"}
"""Momenta of kernels by what their centroid is of; keys of `MEASURES`."""

COLUMNS = [
    *("panel", "kind", "network", "images", "layer", "channel", "axis"),
    *("momentum", "displacement"),
]


def _channels(results: Results, _: str) -> pd.DataFrame:
    judged = [network for network in results.networks.values() if is_judged(network)]
    parts = (_channels_of(network, name) for name in PREDICTORS for network in judged)
    table = joined(parts, [*COLUMNS, "predictor"])
    kinds = table.kind.map(JUDGED["step"].index)
    order = table.predictor.map([*PREDICTORS].index) * len(JUDGED["step"]) + kinds
    table = table.assign(panel=table.predictor + ", " + table.kind)
    return table.iloc[np.argsort(order, kind="stable")][COLUMNS].reset_index(drop=True)


def _channels_of(network: NetworkResults, predictor: str) -> pd.DataFrame:
    """Momenta and displacements as deviations from the mean of the layer, in units of its spread.

    As in the lines, the mean is that of an axis. Both are divided by the root mean square of the
    momenta, so that layers of all strides fit into a panel and slopes stay.
    """
    trained, plan = network.measurement.trained, network.plan
    momentum, displacement = MEASURES[PREDICTORS[predictor]]
    pair = xr.Dataset({"momentum": trained[momentum], "displacement": trained[displacement]})
    rows = pair.mean("image").to_dataframe().reset_index()
    for name in ("layer", "layer_kind", "layer_channels"):
        rows[name.removeprefix("layer_")] = trained[name].values[rows.layer_number]
    judged = rows.kind.isin(JUDGED["step"]) & (rows.channels >= FEWEST_CHANNELS)
    rows = rows[judged].dropna(subset=["momentum", "displacement"])
    both = ["momentum", "displacement"]
    rows[both] -= rows.groupby(["layer_number", "axis"])[both].transform("mean")
    size = (rows.momentum**2).groupby(rows.layer_number).transform("mean") ** 0.5
    rows[both] = rows[both].div(size.where(size > NO_MOMENTUM), axis=0)
    named = {"predictor": predictor, "network": plan.network.label, "images": plan.images}
    return rows.assign(**named).dropna(subset=both)


def _draw_channels(data: FigureData) -> Panels:
    table = data.table
    names = list(table.network.unique())
    palette = dict(zip(names, colours(len(names)), strict=True))
    legend = [mark(plain(name), colour=colour) for name, colour in palette.items()]
    panels = draw_panels(
        list(table.panel.unique()),
        (
            "momentum of the kernels, in units of its spread",
            "displacement by the layer, same units",
        ),
        [*legend, line("equal", THEORY, ls=":")],
        panel=(2.0, 2.0),
        columns=table.kind.nunique(),
        sharex=True,
        sharey=True,
    )
    for axes, rows in panels.facets(table, "panel"):
        shown = rows.iloc[spread(list(range(len(rows))), MOST_DOTS)]
        for name, part in shown.groupby("network", sort=False):
            look: dict[str, Any] = {"color": palette[name], "ms": 2.5, "mew": 0, "alpha": 0.6}
            axes.plot(part.momentum, part.displacement, "o", gid="displacement", **look)
        axes.axline((0, 0), slope=1, color=THEORY, lw=1, ls=":")
        axes.set(xlim=(-3, 3), ylim=(-3, 3))
        axes.set_aspect("equal")
        panels.say(axes, shown, ("momentum", "displacement"), _says_channel)
    return panels


def _says_channel(row: dict[str, Any]) -> str:
    return (
        f"{row['network']} on {row['images']}, layer {row['layer']}, channel {row['channel']}, "
        f"{row['axis']}: momentum {row['momentum']:.2f}, displacement {row['displacement']:.2f}"
    )


def _prediction_caption(data: FigureData) -> str:
    energy, positive = (
        cases_of(data.results, {name: JUDGED["step"]}) for name in PREDICTORS.values()
    )
    return (
        f"The centroid of the kernels' energy explains {_shares(energy)} of the variance over the "
        f"channels of a layer on an image (mirrored kernels at most "
        f"{max(case.r2_flipped for case in energy):.0%}), that of their positive taps "
        f"{_shares(positive)}. Dots are channels and axes in the mean over images, as deviations "
        "from the mean of their layer."
    )


def _shares(cases: list[Case]) -> str:
    """The shares of all kinds of layers, from the least to the largest."""
    shares = [f"{case.r2.value:.0%}" for case in sorted(cases, key=lambda case: case.r2.value)]
    return " to ".join(dict.fromkeys([shares[0], shares[-1]]))


PREDICTION = ReportFigure(
    "prediction",
    "Does the momentum of trained kernels predict where a network moves what it sees?",
    _channels,
    _draw_channels,
    _prediction_caption,
    value="displacement",
    groups=("panel", "network", "images"),
    shows="Displacement by a layer against the momentum of its kernels, a dot a channel",
    main=True,
)

QUANTITIES = {
    "displacement": "displacement so far (px)",
    "radius": "radius of the field (px)",
    "step_r2": "R² of momentum and step",
}
"""Columns of the table of layers that are drawn over depth; each has one before training."""


def _over_depth(results: Results, topic: str) -> pd.DataFrame:
    layers = results.networks[topic].layers
    parts = [
        pd.DataFrame(
            {
                "quantity": name,
                "number": layers.number,
                "layer": layers.layer,
                "trained": layers[name],
                "untrained": layers[f"{name}_untrained"],
            }
        )
        for name in QUANTITIES
    ]
    table = pd.concat(parts, ignore_index=True)
    # A field that is used alike everywhere: s²/12 along each side.
    whole = np.tile(layers.theoretical_field / np.sqrt(6), len(parts))
    return table.assign(uniform=np.where(table.quantity == "radius", whole, np.nan))


def _draw_over_depth(data: FigureData) -> Panels:
    legend = [
        line("trained", PALETTE[0], marker="o", ms=4),
        line("untrained", PALETTE[1], marker="D", ms=4, mfc="white"),
        line("all of the theoretical field alike", CONE, ls="--"),
    ]
    titles = [QUANTITIES[str(name)] for name in data.table.quantity.unique()]
    panels = draw_panels(titles, ("layer", ""), legend, panel=(2.3, 2.1), gap=(0.45, 0.4))
    for axes, rows in panels.facets(data.table, "quantity"):
        for entry, name in zip(legend, ("trained", "untrained", "uniform"), strict=True):
            look = {key: getattr(entry, f"get_{key}")() for key in ("marker", "ls", "mfc", "color")}
            axes.plot(rows.number, rows[name], ms=3.5, lw=1.1, gid=name, **look)
        axes.set_ylim(bottom=0)
        panels.say(axes, rows, ("number", "trained"), _says_layer)
    return panels


def _says_layer(row: dict[str, Any]) -> str:
    values = _with_untrained(row["trained"], row["untrained"])
    return f"layer {row['number']}, {row['layer']}: {values}"


def _with_untrained(trained: float, untrained: float, unit: str = "") -> str:
    """A number beside that before training; weights that are all alike have none."""
    before = f" (untrained {untrained:.2g})" if np.isfinite(untrained) else ""
    return f"{trained:.2g}{unit}{before}"


def _depth_caption(data: FigureData) -> str:
    last = data.table.groupby("quantity").nth(-1).set_index("quantity")
    words = {"displacement": "are displaced by", "radius": "see a radius of"}
    parts = [
        f"{said} {_with_untrained(last.trained[name], last.untrained[name], ' px')}"
        for name, said in words.items()
    ]
    return (
        f"Channels of the last layer {' and '.join(parts)}. Lengths are root mean squares over "
        "channels, of means over units and images."
    )


DEPTH = ReportFigure(
    "depth",
    "Does training change how far a network moves what it sees?",
    _over_depth,
    _draw_over_depth,
    _depth_caption,
    value="trained",
    groups=("quantity",),
    shows="Displacement, radius of the receptive field and share that momenta explain, by layer",
    topics=lambda results: [*results.networks],
    main=True,
)
