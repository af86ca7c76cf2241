"""The layers of trained networks: where the energy of their kernels is, and how symmetric it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from scipy.special import betainc

from mechcore.claims.thresholds import DOMINATED, MOST_BY_CHANCE
from mechcore.experiment.representative import spread
from mechcore.filters.asymmetry import TYPES
from mechcore.filters.bank_file import BankAnalysis
from mechcore.filters.null import CHANCE, subspace_dimensions
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import Panels, bars, draw_panels, line, mark
from mechcore.report.figures.style import PALETTE, THEORY, plain, shades
from mechcore.results.results import Results

LAYERS_SHOWN = 40
NARROW = 12
"""Layers that fit into a panel of half the width."""

COMPONENTS_SHOWN = 9
"""Coefficients of the DCT: all of 3x3 kernels."""

PARTS = {"DC": "#6797c4", "two gradients": "#b3d0e8", "the rest": "0.92"}
TYPE_COLOURS = {"symmetric": "#d98880", "mixed": "0.92", "antisymmetric": "#6797c4"}
"""What a bar is stacked of, from the bottom to the top, with colours of distinct lightness."""

UNTRAINED: dict[str, Any] = {"ls": "", "marker": "D", "ms": 5, "mfc": "white", "color": PALETTE[3]}


def trained_banks(results: Results) -> dict[str, BankAnalysis]:
    """Return what is known of the banks of trained networks."""
    return {name: bank.analysis for name, bank in results.banks.items() if bank.plan.trained}


def layers_of(results: Results, columns: Sequence[str]) -> pd.DataFrame:
    """Return columns of the layers of all trained banks, also as they were before training."""
    known = ["bank", "number", "layer", "height", "width", *columns]
    parts = [pd.DataFrame(columns=[*known, *map("untrained_{}".format, columns)])]
    for name, analysis in trained_banks(results).items():
        layers = analysis.layers.rename(columns={"name": "layer"})
        layers = layers.assign(bank=name, number=np.arange(1, len(layers) + 1))[known]
        before = results.banks.get(results.banks[name].plan.untrained or "")
        old = (
            before.analysis.layers.set_index("name") if before else pd.DataFrame(columns=[*columns])
        )
        for column in columns:
            layers[f"untrained_{column}"] = layers.layer.map(old[column])
        parts.append(layers)
    return pd.concat(parts[1:] or parts, ignore_index=True)


def bank_panels(data: FigureData, labels: tuple[str, str], legend: Sequence[Artist]) -> Panels:
    """Return a panel for each bank, wide ones where networks are deep."""
    banks = data.table.groupby("bank", sort=False).number.nunique()
    narrow = banks.max() <= NARROW
    return draw_panels(
        [plain(name) for name in banks.index],
        labels,
        legend,
        panel=(3.2 if narrow else 7.0, 2.3),
        columns=2 if narrow else 1,
        legend_columns=3,
        sharey=True,
    )


def _low_table(results: Results, _: str) -> pd.DataFrame:
    shares = ["low_frequency_share", "dc_share"]
    return layers_of(results, [*shares, *map("null_{}".format, shares), "null_low_frequency_limit"])


def _draw_low(data: FigureData) -> Panels:
    table = data.table
    legend = [
        *(Patch(color=colour, label=name) for name, colour in PARTS.items()),
        line("chance: mean", ls=":"),
        line(f"chance: 1 in {1 / CHANCE:.0f}"),
        mark("untrained", **UNTRAINED),
    ]
    panels = bank_panels(data, ("layer", "share of the energy"), legend)
    for axes, layers in panels.facets(table, "bank"):
        shown = _shown(layers)
        low = shown.low_frequency_share
        parts = [shown.dc_share, low - shown.dc_share, 1 - low]
        bars(axes, pd.concat(parts, axis=1, keys=PARTS), list(PARTS.values()))
        levels(axes, shown.null_low_frequency_share, ":")
        levels(axes, shown.null_low_frequency_limit, "-")
        axes.plot(shown.index, shown.untrained_low_frequency_share, **UNTRAINED)
        places = shown.assign(place=shown.index)
        panels.say(axes, places, ("place", "low_frequency_share"), _says_low)
        name_layers(axes, shown)
    return panels


def _shown(layers: pd.DataFrame) -> pd.DataFrame:
    places = spread(list(range(len(layers))), LAYERS_SHOWN)
    return layers.iloc[places].reset_index(drop=True)


def levels(axes: Axes, height: pd.Series, style: str) -> None:
    """Draw a level across each bar."""
    known = height.astype(float).dropna()
    look: dict[str, Any] = {"color": THEORY, "lw": 1.4, "ls": style, "gid": height.name}
    axes.hlines(known, known.index - 0.44, known.index + 0.44, **look)


def name_layers(axes: Axes, shown: pd.DataFrame) -> None:
    """Number the bars, with the sizes of the kernels where there is room."""
    few = len(shown) <= NARROW
    rows = zip(shown.number, shown.height, shown.width, strict=True)
    names = [f"{number}\n{height}×{width}" if few else number for number, height, width in rows]
    axes.set_xticks(shown.index, names, fontsize=9 if few else 7)
    axes.tick_params(axis="x", length=0)
    axes.set(ylim=(0, 1.02), xlim=(-0.6, len(shown) - 0.4))


def _says_low(row: dict[str, float]) -> str:
    low, dc = row["low_frequency_share"], row["dc_share"]
    return f"layer {row['number']}, {row['layer']}: {dc:.0%} DC, {low - dc:.0%} gradients"


def _low_caption(data: FigureData) -> str:
    table = data.table
    decide = table[(table.null_low_frequency_share <= MOST_BY_CHANCE)]
    decide = decide.dropna(subset=["low_frequency_share"])
    low, before = decide.low_frequency_share, decide.untrained_low_frequency_share
    above, most = low > decide.null_low_frequency_limit, low > DOMINATED
    untrained = f", {before.mean():.0%} before training" if before.notna().any() else ""
    return (
        f"DC and the two gradients hold {low.mean():.0%} of the energy on average{untrained}: more "
        f"than chance in {above.sum()} of {len(decide)} layers, and more than {DOMINATED:.0%} in "
        f"{most.sum()}. Chance are kernels of the same energies that point anywhere; layers in "
        f"which they hold more than {MOST_BY_CHANCE:.0%} are not counted."
    )


SPECTRA = ReportFigure(
    "spectra",
    "Where is the energy of trained kernels?",
    _low_table,
    _draw_low,
    _low_caption,
    "Bars of the energy of each layer in DC, the two gradients and the rest of the DCT, with what "
    "chance gives and the untrained network; share of DC and gradients",
    value="low_frequency_share",
    groups=("bank", "number"),
    main=True,
)


def _type_table(results: Results, _: str) -> pd.DataFrame:
    layers = layers_of(results, [*TYPE_COLOURS, "strongest", "odd_energy_ratio"])
    shapes = list(zip(layers.height, layers.width, strict=True))
    (low, high) = TYPES["symmetric"][1], TYPES["antisymmetric"][0]
    return layers.assign(
        chance_symmetric=[_below(low, *shape) for shape in shapes],
        chance_not_antisymmetric=[_below(high, *shape) for shape in shapes],
    )


def _below(limit: float, height: int, width: int) -> float:
    """How many untrained kernels have a smaller asymmetric share, see `mechcore.filters.null`."""
    taps = height * width
    asymmetric = subspace_dimensions(height, width)["asymmetric_share"]
    return (
        float(betainc(asymmetric / 2, (taps - asymmetric) / 2, limit))
        if 0 < asymmetric < taps
        else np.nan
    )


def _draw_types(data: FigureData) -> Panels:
    table = data.table
    legend = [
        *(Patch(color=colour, label=name) for name, colour in TYPE_COLOURS.items()),
        line("chance"),
        mark("odd share ρ of the energy", colour=THEORY),
        mark("ρ, untrained", **UNTRAINED),
    ]
    panels = bank_panels(data, ("layer", "share of the strongest kernels"), legend)
    for axes, layers in panels.facets(table, "bank"):
        shown = _shown(layers)
        bars(axes, shown[list(TYPE_COLOURS)], list(TYPE_COLOURS.values()))
        levels(axes, shown.chance_symmetric, "-")
        levels(axes, shown.chance_not_antisymmetric, "-")
        axes.plot(shown.index, shown.untrained_odd_energy_ratio, **UNTRAINED)
        axes.plot(shown.index, shown.odd_energy_ratio, "o", color=THEORY, ms=5, gid="odd")
        places = shown.assign(place=shown.index)
        panels.say(axes, places, ("place", "odd_energy_ratio"), _says_types)
        name_layers(axes, shown)
    return panels


def _says_types(row: dict[str, float]) -> str:
    types = ", ".join(f"{row[name]:.0%} {name}" for name in TYPE_COLOURS)
    return f"layer {row['number']}, {row['layer']}: {types}; ρ = {row['odd_energy_ratio']:.2f}"


def _type_caption(data: FigureData) -> str:
    table = data.table
    means = table[list(TYPE_COLOURS)].mean()
    chance = table.chance_symmetric.mean(), (1 - table.chance_not_antisymmetric).mean()
    return (
        f"In the mean over layers, {means.symmetric:.0%} of the strongest kernels are symmetric "
        f"(by chance {chance[0]:.0%}) and {means.antisymmetric:.0%} antisymmetric (by chance "
        f"{chance[1]:.0%}). Symmetric are those that lose at most {TYPES['symmetric'][1]} of their "
        "energy in the mean over the symmetries of the square, antisymmetric those that lose at "
        f"least {TYPES['antisymmetric'][0]}."
    )


SYMMETRY = ReportFigure(
    "symmetry",
    "Are trained kernels symmetric or antisymmetric?",
    _type_table,
    _draw_types,
    _type_caption,
    "Bars of the types of the strongest kernels of each layer, and points of the odd share of "
    "its energy; share of the symmetric ones",
    value="symmetric",
    groups=("bank", "number"),
    main=True,
)


def _component_table(results: Results, _: str) -> pd.DataFrame:
    parts = [pd.DataFrame(columns=["bank", "number", "place", "v", "u", "share", "sum"])]
    for name, analysis in trained_banks(results).items():
        spectra = pd.concat([_spectra(slices) for slices in analysis.slices.values()])
        parts.append(spectra.sort_values(["number", "place"]).assign(bank=name))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _spectra(slices: xr.Dataset) -> pd.DataFrame:
    """The shares of the energy of the layers of a shape by DCT component, and their sums."""
    number = (slices.layer + 1).rename("number")
    spectrum = slices.dct_energy.groupby(number).sum()
    share = (spectrum / spectrum.sum(["v", "u"])).to_dataframe("share").reset_index()
    rows = in_order(share[["number", "v", "u", "share"]])
    place = rows.groupby("number").cumcount() + 1
    rows = rows.assign(place=place, sum=rows.groupby("number").share.cumsum())
    return rows[rows.place <= COMPONENTS_SHOWN]


def in_order(spectrum: pd.DataFrame) -> pd.DataFrame:
    """Return coefficients of layers in the paper's order: 00, 01, 10, 11, 02, 20, 12, 21, 22."""
    keys = {"total": spectrum.v + spectrum.u, "apart": (spectrum.v - spectrum.u).abs()}
    order = ["number", "total", "apart", "v"]
    return spectrum.assign(**keys).sort_values(order).drop(columns=[*keys])


def _draw_components(data: FigureData) -> Panels:
    table = data.table
    most = shades(table.groupby("bank").number.nunique().max())
    legend = [line("first layer", most[0]), line("last layer", most[-1])]
    labels = "DCT components, by rising frequency", "share of the energy, summed"
    panels = bank_panels(data, labels, legend)
    for axes, rows in panels.facets(table, "bank"):
        palette = shades(rows.number.nunique())
        for colour, (_, layer) in zip(palette, rows.groupby("number"), strict=True):
            axes.plot(layer.place, layer["sum"], "o-", color=colour, ms=3.5, lw=1.1, gid="sum")
        panels.say(axes, rows, ("place", "sum"), _says_component)
        axes.set(ylim=(0, 1.04), xticks=range(1, COMPONENTS_SHOWN + 1))
    return panels


def _says_component(row: dict[str, float]) -> str:
    return (
        f"layer {row['number']}, component {row['v']}{row['u']}: {row['share']:.0%} of the energy"
    )


def _component_caption(data: FigureData) -> str:
    third = data.table[data.table.place == 3]["sum"]
    return (
        f"The first three, DC and the gradients, hold {third.min():.0%} to {third.max():.0%} of "
        "the energy of a layer. Components are in the paper's order, by sign changes downwards "
        "and to the right: 00, 01, 10, 11, 02, 20."
    )


COMPONENTS = ReportFigure(
    "components",
    "How many DCT components hold the energy of trained kernels?",
    _component_table,
    _draw_components,
    _component_caption,
    "Share of the energy of each layer in the first DCT components, summed, a line a layer",
    value="sum",
    groups=("bank", "number"),
)
