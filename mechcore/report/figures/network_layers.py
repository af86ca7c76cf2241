"""Whole networks: momenta against displacements, and how both change over depth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mechcore.claims.networks import JUDGED, cases_of, is_judged
from mechcore.claims.thresholds import FEWEST_CHANNELS
from mechcore.experiment.representative import spread
from mechcore.networks.prediction import MEASURES
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import Panels, draw_panels, line, mark
from mechcore.report.figures.style import CONE, PALETTE, THEORY, colours, plain
from mechcore.results.networks import NetworkResults
from mechcore.results.results import Results

MOST_DOTS = 400
"""Channels and axes of a panel: more dots hide each other."""

COLUMNS = ["kind", "network", "images", "layer", "channel", "axis", "momentum", "displacement"]


def _channels(results: Results, _: str) -> pd.DataFrame:
    parts = [_channels_of(one) for one in results.networks.values() if is_judged(one)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def _channels_of(network: NetworkResults) -> pd.DataFrame:
    """Momenta and displacements as deviations from the mean of the layer, in units of its spread.

    As in the lines, the mean is that of an axis. Both are divided by the root mean square of the
    momenta, so that layers of all strides fit into a panel and slopes stay.
    """
    trained = network.measurement.trained
    predictor, response = MEASURES["step"]
    columns = {"momentum": trained[predictor], "displacement": trained[response].mean("image")}
    rows = pd.concat(
        [values.drop_vars("layer", errors="ignore").to_series() for values in columns.values()],
        axis=1,
        keys=[*columns],
    ).reset_index()
    number = trained.layer_number.to_series()
    rows["number"] = rows.channel_index.map(number)
    places = {"layer": "layer", "kind": "layer_kind", "channels": "layer_channels"}
    rows = rows.assign(**{key: trained[name].values[rows.number] for key, name in places.items()})
    rows["channel"] = rows.channel_index - rows.number.map(
        number.reset_index().groupby("layer_number").channel_index.min()
    )
    rows = rows[rows.kind.isin(JUDGED["step"]) & (rows.channels >= FEWEST_CHANNELS)].dropna()
    axes, layers = rows.groupby(["number", "axis"]), rows.groupby("number")
    rows[[*columns]] -= axes[[*columns]].transform("mean")
    size = layers.momentum.transform(lambda values: np.sqrt((values**2).mean()))
    rows[[*columns]] = rows[[*columns]].div(size.where(size > 0), axis=0)
    plan = network.plan
    return rows.assign(network=plan.network.label, images=plan.images).dropna()[COLUMNS]


def _draw_channels(data: FigureData) -> Panels:
    table = data.table.sort_values("kind", key=lambda kinds: kinds.map(JUDGED["step"].index))
    names = list(table.network.unique())
    palette = dict(zip(names, colours(len(names)), strict=True))
    legend = [mark(plain(name), colour=colour) for name, colour in palette.items()]
    panels = draw_panels(
        [f"{kind} layers" for kind in table.kind.unique()],
        ("momentum of the kernels, in units of its spread", "displacement, same units"),
        [*legend, line("equal", THEORY, ls=":")],
        panel=(2.6, 2.6),
        sharex=True,
        sharey=True,
    )
    for axes, rows in panels.facets(table, "kind"):
        shown = rows.iloc[spread(list(range(len(rows))), MOST_DOTS)]
        for name, part in shown.groupby("network", sort=False):
            look: dict[str, Any] = {"color": palette[name], "ms": 2.5, "mew": 0, "alpha": 0.6}
            axes.plot(part.momentum, part.displacement, "o", gid="displacement", **look)
        axes.axline((0, 0), slope=1, color=THEORY, lw=1, ls=":")
        axes.set(xlim=(-4, 4), ylim=(-4, 4))
        axes.set_aspect("equal")
        panels.say(axes, shown, ("momentum", "displacement"), _says_channel)
    return panels


def _says_channel(row: dict[str, Any]) -> str:
    return (
        f"{row['network']} on {row['images']}, layer {row['layer']}, channel {row['channel']}, "
        f"{row['axis']}: momentum {row['momentum']:.2f}, displacement {row['displacement']:.2f}"
    )


def _prediction_caption(data: FigureData) -> str:
    parts = [
        f"{case.r2.value:.0%} ({case.r2.low:.0%} to {case.r2.high:.0%}; mirrored kernels at most "
        f"{case.r2_flipped:.0%}) of the {case.name}"
        for case in cases_of(data.results)
    ]
    return (
        f"Over the channels of a layer and on single images, momenta explain {', '.join(parts)}. "
        "Dots are channels and axes in the mean over images, as deviations from their layer's mean."
    )


PREDICTION = ReportFigure(
    "prediction",
    "Does the momentum of trained kernels predict where a network moves what it sees?",
    _channels,
    _draw_channels,
    _prediction_caption,
    value="displacement",
    groups=("kind", "network", "images"),
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
    return (
        f"layer {row['number']}, {row['layer']}: {row['trained']:.3g}, untrained "
        f"{row['untrained']:.3g}"
    )


def _depth_caption(data: FigureData) -> str:
    last = data.table.groupby("quantity").last()
    words = {"displacement": "are displaced by", "radius": "see a radius of"}
    parts = [
        f"{said} {last.trained[name]:.2g} px (untrained {last.untrained[name]:.2g})"
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
