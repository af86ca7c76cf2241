"""The census of networks on the page: its answer, and tables of networks and of kinds of layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from mechcore.claims.kernels import ABOVE_CHANCE, DOMINATED_LAYER, UNDECIDED, layer_verdicts
from mechcore.claims.thresholds import CENSUS_NETWORKS
from mechcore.claims.verdict import Claim
from mechcore.report.statistics import StatisticsTable
from mechcore.results.results import Results

CLAIM = "C10"

HEADINGS = (
    *("layers", "DC, gradients", "chance", "above chance", "dominated"),
    *("odd ρ", "chance", "below chance", "authors’ β²"),
    *("symmetric", "mixed", "antisymmetric"),
)


@dataclass(frozen=True)
class CensusPart:
    """What opens the page of an experiment that is about networks."""

    answer: str
    first: StatisticsTable
    """The networks, with what the answer is about."""
    networks: StatisticsTable
    layers: StatisticsTable


def census_part(results: Results, claims: Sequence[Claim]) -> CensusPart | None:
    """Return the census; None of fewer networks than decide by themselves."""
    claim = next((claim for claim in claims if claim.id == CLAIM), None)
    census = results.census
    layers = pd.DataFrame(census[census.trained.astype(bool)])
    if claim is None or layers.network.nunique() < CENSUS_NETWORKS:
        return None
    layers["verdict"] = layer_verdicts(layers)
    layers = pd.DataFrame(layers[~layers.verdict.isin(UNDECIDED)])
    networks = _table("network", layers, [layers.network])
    return CensusPart(
        _answer(claim, layers),
        _some_columns(networks, ("network", "layers", "above chance", "dominated")),
        networks,
        _table("layer", layers, [layers.kind, _sizes(layers), _thirds(layers)]),
    )


def _answer(claim: Claim, layers: pd.DataFrame) -> str:
    """The claim's first figures are its shares of layers, each with an interval."""
    passing, low, high, above, above_low, above_high = (
        f"{figure.value:.0f}%" for figure in claim.figures[:6]
    )
    return (
        f"In the mean over {layers.network.nunique()} networks, DC and the two gradients hold most "
        f"of the energy in {passing} of the layers (95% interval {low} to {high}), and more than "
        f"chance gives in {above} ({above_low} to {above_high}): {claim.verdict}. In "
        f"{_below_chance(layers).mean():.0%} of all {len(layers)} layers the odd part holds less "
        f"energy than chance gives."
    )


def _some_columns(table: StatisticsTable, headings: Sequence[str]) -> StatisticsTable:
    places = [table.headings.index(heading) for heading in headings]
    rows = [tuple(row[place] for place in places) for row in table.rows]
    return StatisticsTable(table.title, [*headings], rows)


def _below_chance(layers: pd.DataFrame) -> pd.Series:
    return pd.Series(layers.odd_energy_ratio < layers.null_odd_energy_ratio)


def _sizes(layers: pd.DataFrame) -> pd.Series:
    """Kernel sizes, the rare ones together."""
    sizes = layers.height.astype(str) + "×" + layers.width.astype(str)
    return sizes.where(sizes.map(sizes.value_counts()) >= CENSUS_NETWORKS, "other sizes")


def _thirds(layers: pd.DataFrame) -> pd.Series:
    names = ["first third", "middle", "last third"]
    return pd.Series(pd.cut(layers.depth, [0, 1 / 3, 2 / 3, 1], labels=names, include_lowest=True))


def _table(name: str, layers: pd.DataFrame, groupings: list[pd.Series]) -> StatisticsTable:
    """A row a group of layers, for each grouping, and one of all."""
    groups = [
        (str(key), rows)
        for grouping in groupings
        for key, rows in layers.groupby(grouping, sort=False, observed=True)
    ]
    rows = [(key, *_row(rows)) for key, rows in [*groups, ("all", layers)]]
    return StatisticsTable(name, [name, *HEADINGS], rows)


def _row(layers: pd.DataFrame) -> list[str]:
    """Means over layers, and counts of layers."""
    means = layers.mean(numeric_only=True)
    shares = ("low_frequency_share", "null_low_frequency_share")
    odd = ("odd_energy_ratio", "null_odd_energy_ratio")
    above = layers.verdict.isin((ABOVE_CHANCE, DOMINATED_LAYER))
    return [
        str(len(layers)),
        *(f"{means[share]:.2f}" for share in shares),
        str(above.sum()),
        str((layers.verdict == DOMINATED_LAYER).sum()),
        *(f"{means[share]:.2f}" for share in odd),
        str(_below_chance(layers).sum()),
        f"{means.asymmetric_share:.2f}",
        *(f"{means[kind]:.2f}" for kind in ("symmetric", "mixed", "antisymmetric")),
    ]
