"""The layers of trained networks: where the energy of their kernels is, and how symmetric it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mechcore.analysis.tables import joined
from mechcore.claims.thresholds import CENSUS_NETWORKS, DOMINATED, MOST_BY_CHANCE
from mechcore.experiment.config import UNTRAINED as BEFORE
from mechcore.experiment.representative import spread
from mechcore.filters.asymmetry import TYPES
from mechcore.filters.bank_file import BankAnalysis
from mechcore.filters.null import CHANCE, null_law, null_share
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import Panels, draw_panels, line, mark
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

UNTRAINED: dict[str, Any] = {"shape": "D", "mfc": "white", "colour": PALETTE[3]}


def trained_banks(results: Results) -> dict[str, BankAnalysis]:
    """Return what is known of the banks of trained networks."""
    return {name: bank.analysis for name, bank in results.banks.items() if bank.plan.trained}


def _topics(results: Results) -> Sequence[str]:
    """All banks in one figure, or of a census a figure each."""
    banks = list(trained_banks(results))
    return banks if len(banks) >= CENSUS_NETWORKS else ("",)


def _layers(results: Results, topic: str, columns: list[str], before: str) -> pd.DataFrame:
    """Columns of the layers of trained banks, and one of them before training."""
    known = ["bank", "number", "layer", "height", "width", *columns]
    census = results.census.rename(columns={"network": "bank"}).reindex(columns=["trained", *known])
    trained = census.trained.astype(bool)
    old = census.loc[~trained, ["bank", "layer", before]].rename(columns={before: "untrained"})
    old = old.assign(bank=old.bank.str.removesuffix(BEFORE), untrained=old.untrained.astype(float))
    shown = trained & ((census.bank == topic) | (topic == ""))
    return census.loc[shown, known].merge(old, "left", ["bank", "layer"])


def _panels(table: pd.DataFrame, labels: tuple[str, str], legend: Sequence[Artist]) -> Panels:
    """A panel for each bank, wide ones where networks are deep."""
    banks = table.groupby("bank", sort=False).number.nunique()
    narrow, alone = banks.max() <= NARROW, len(banks) == 1
    return draw_panels(
        [plain(name) for name in banks.index],
        labels,
        legend,
        panel=(3.2 if narrow else 7.0, 2.3),
        columns=2 if narrow else 1,
        legend_columns=2 if narrow and alone else 3,
        sharey=True,
    )


@dataclass(frozen=True)
class Bars:
    """What a figure of bars, one a layer, is made of: columns of its table."""

    label: str
    parts: dict[str, str]
    """Stacked from the bottom to the top, with their colours."""
    levels: dict[str, Line2D]
    """Drawn across each bar, with their entries in the legend."""
    dots: dict[str, Line2D]
    says: Callable[[dict[str, Any]], str]
    """What the first dot of a layer says."""

    def draw(self, data: FigureData) -> Panels:
        """Draw a panel for each bank."""
        panels = _panels(data.table, ("layer", self.label), self.legend)
        for axes, layers in panels.facets(data.table, "bank"):
            shown = shown_layers(layers)
            self.draw_layers(axes, shown)
            dot = next(iter(self.dots))
            panels.say(axes, shown.assign(place=shown.index), ("place", dot), self.says)
        return panels

    @property
    def legend(self) -> list[Artist]:
        """What the parts, levels and dots are."""
        patches = [Patch(color=colour, label=name) for name, colour in self.parts.items()]
        return [*patches, *(e for e in (self.levels | self.dots).values() if e.get_label())]

    def draw_layers(self, axes: Axes, shown: pd.DataFrame) -> None:
        """Draw a bar for each layer of a bank."""
        heights = shown[[*self.parts]].fillna(0.0)
        bottoms = heights.cumsum(axis=1) - heights
        for name, colour in self.parts.items():
            axes.bar(shown.index, heights[name], 0.66, bottoms[name], color=colour)
        for name, entry in self.levels.items():
            known = shown[name].dropna()
            look: dict[str, Any] = {"color": THEORY, "ls": entry.get_linestyle(), "gid": name}
            axes.hlines(known, known.index - 0.44, known.index + 0.44, **look)
        for name, entry in self.dots.items():
            look = {"color": entry.get_color(), "mfc": entry.get_markerfacecolor(), "gid": name}
            axes.plot(shown.index, shown[name], ls="", marker=entry.get_marker(), ms=5, **look)
        few = len(shown) <= NARROW
        rows = zip(shown.number, shown.height, shown.width, strict=True)
        names = [f"{number}\n{height}×{width}" if few else number for number, height, width in rows]
        axes.set_xticks(shown.index, names, fontsize=9 if few else 7)
        axes.tick_params(axis="x", length=0)
        axes.set(ylim=(0, 1.02), xlim=(-0.6, len(shown) - 0.4))


def shown_layers(layers: pd.DataFrame) -> pd.DataFrame:
    """Return as many layers of a bank as can be told apart, numbered from 0."""
    return layers.iloc[spread(list(range(len(layers))), LAYERS_SHOWN)].reset_index(drop=True)


def _low_table(results: Results, topic: str) -> pd.DataFrame:
    low, chance = "low_frequency_share", ["null_low_frequency_share", "null_low_frequency_limit"]
    return with_parts(_layers(results, topic, [low, "dc_share", *chance], before=low))


def with_parts(layers: pd.DataFrame) -> pd.DataFrame:
    """Return layers with the shares of their energy that `PARTS` names."""
    low = layers.low_frequency_share
    parts = zip(PARTS, (layers.dc_share, low - layers.dc_share, 1 - low), strict=True)
    return layers.assign(**dict(parts))


def _says_low(row: dict[str, Any]) -> str:
    shares = f"{row['DC']:.0%} DC, {row['two gradients']:.0%} gradients"
    return f"layer {row['number']}, {row['layer']}: {shares}"


def _low_caption(data: FigureData) -> str:
    table = data.table.dropna(subset=["low_frequency_share"])
    decide = table[table.null_low_frequency_share <= MOST_BY_CHANCE]
    low, before = decide.low_frequency_share, decide.untrained
    above, most = low > decide.null_low_frequency_limit, low > DOMINATED
    untrained = f", {before.mean():.0%} before training" if before.notna().any() else ""
    mean = f"{low.mean():.0%} of the energy on average{untrained}" if len(low) else "no known share"
    return (
        f"DC and the two gradients hold {mean}: more than chance in {above.sum()} of {len(decide)} "
        f"layers, and more than {DOMINATED:.0%} in {most.sum()}. Chance is what kernels "
        "of the same energies in random directions give; layers in which it is more than "
        f"{MOST_BY_CHANCE:.0%} are not counted."
    )


CHANCE_LEVELS = {
    "null_low_frequency_share": line("chance: mean", ls=":"),
    "null_low_frequency_limit": line(f"chance: 1 in {1 / CHANCE:.0f}"),
}

ONE_PICTURE = Bars(
    "share of the energy",
    PARTS,
    CHANCE_LEVELS,
    {
        "odd_energy_ratio": mark("odd share", colour=THEORY),
        "null_odd_energy_ratio": mark("odd share by chance", **UNTRAINED),
    },
    _says_low,
)
"""What `mechcore filters` draws of the layers of weight files."""

SPECTRA = ReportFigure(
    "spectra",
    "Where is the energy of trained kernels?",
    _low_table,
    Bars(
        "share of the energy",
        PARTS,
        CHANCE_LEVELS,
        {"untrained": mark("DC and gradients, untrained", **UNTRAINED)},
        _says_low,
    ).draw,
    _low_caption,
    value="low_frequency_share",
    groups=("bank", "number"),
    topics=_topics,
    main=True,
)


def _type_table(results: Results, topic: str) -> pd.DataFrame:
    ratio = "odd_energy_ratio"
    layers = _layers(results, topic, [*TYPE_COLOURS, ratio, "asymmetric_share"], before=ratio)
    shapes = list(zip(layers.height, layers.width, strict=True))
    limits = {"chance_symmetric": "symmetric", "chance_not_antisymmetric": "antisymmetric"}
    inner = {"symmetric": TYPES["symmetric"][1], "antisymmetric": TYPES["antisymmetric"][0]}
    chances = {
        column: [_chance_below(inner[name], *shape) for shape in shapes]
        for column, name in limits.items()
    }
    return layers.assign(**chances)


def _chance_below(limit: float, height: int, width: int) -> float:
    """How many untrained kernels have a smaller asymmetric share, see `mechcore.filters.null`."""
    if not 0 < null_share("asymmetric_share", height, width) < 1:
        return np.nan
    return null_law("asymmetric_share", height, width).cdf(limit)


def _says_types(row: dict[str, Any]) -> str:
    types = ", ".join(f"{row[name]:.0%} {name}" for name in TYPE_COLOURS)
    return f"layer {row['number']}, {row['layer']}: {types}; ρ = {row['odd_energy_ratio']:.2f}"


def _type_caption(data: FigureData) -> str:
    means = data.table.mean(numeric_only=True)
    return (
        f"In the mean over layers, {means.symmetric:.0%} of the strongest kernels are symmetric "
        f"(by chance {means.chance_symmetric:.0%}) and {means.antisymmetric:.0%} antisymmetric (by "
        f"chance {1 - means.chance_not_antisymmetric:.0%}). Symmetric are those that lose at most "
        f"{TYPES['symmetric'][1]} of their energy in the mean over the symmetries of the square, "
        f"antisymmetric those that lose at least {TYPES['antisymmetric'][0]}."
    )


SYMMETRY = ReportFigure(
    "symmetry",
    "Are trained kernels symmetric or antisymmetric?",
    _type_table,
    Bars(
        "share of the strongest kernels",
        TYPE_COLOURS,
        {"chance_symmetric": line("chance"), "chance_not_antisymmetric": line("")},
        {
            "odd_energy_ratio": mark("odd share ρ of the energy", colour=THEORY),
            "untrained": mark("ρ, untrained", **UNTRAINED),
            "asymmetric_share": mark("asymmetric share", "s", THEORY, mfc="none"),
        },
        _says_types,
    ).draw,
    _type_caption,
    value="symmetric",
    groups=("bank", "number"),
    topics=_topics,
    shows="Share of the strongest kernels that is symmetric, mixed and antisymmetric; the first",
    main=True,
)


def _component_table(results: Results, topic: str) -> pd.DataFrame:
    parts = []
    banks = trained_banks(results)
    for name, analysis in {topic: banks[topic]}.items() if topic else banks.items():
        spectra = pd.concat([_spectra(slices) for slices in analysis.slices.values()])
        parts.append(spectra.sort_values(["number", "place"]).assign(bank=name))
    return joined(parts, ["bank", "number", "place", "v", "u", "share", "sum"])


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
    panels = _panels(table, labels, legend)
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
    value="sum",
    groups=("bank", "number"),
    topics=_topics,
)
