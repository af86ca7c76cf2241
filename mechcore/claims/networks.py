"""C11 and F4: whether the momenta of trained kernels predict displacements in whole networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from mechcore.analysis.intervals import Interval
from mechcore.analysis.tables import joined
from mechcore.claims import thresholds as limits
from mechcore.claims.judgement import Judgement, measured, verdict, with_interval
from mechcore.claims.verdict import NOT_OBSERVED, OBSERVED, Figure
from mechcore.claims.wording import listed_names
from mechcore.experiment.paths import NETWORKS_FILE
from mechcore.networks.measurement_file import FLIPPED, TRAINED, UNTRAINED
from mechcore.networks.prediction import Line
from mechcore.networks.summary import mean_interval
from mechcore.results.networks import NetworkResults
from mechcore.results.results import Results

JUDGED = {
    "step": ("first", "full", "depthwise", "transposed"),
    "cumulated": ("full", "depthwise", "transposed", "pointwise"),
}
POSITIVE = {"step_positive": JUDGED["step"]}
FIRST_MOMENT = {"step_first": JUDGED["step"]}
"""Kinds of layers by what is predicted. Kernels of one tap displace nothing by themselves, and in
the first layer both displacements are the same."""

WORDS = {
    "step": "displacement by {} layers",
    "cumulated": "displacement up to {} layers",
    "step_positive": "positive taps, {} layers",
    "step_first": "first moment, {} layers",
}

FEWEST_IMAGES = 2
"""A single image has no interval."""


class Case(NamedTuple):
    """One measure of one kind of layers, in the mean over layers, images and networks."""

    name: str
    slope: Interval
    r2: Interval
    r2_flipped: float
    """The largest of the copies with mirrored kernels."""
    r2_untrained: float

    @property
    def holds(self) -> bool:
        """Whether the momenta predict direction and distance."""
        low, high = limits.PREDICTED_SLOPE
        return self.r2.low > limits.PREDICTED and low <= self.slope.low and self.slope.high <= high

    @property
    def above_chance(self) -> bool:
        """Whether they say more than those of other kernels."""
        return self.r2.low > self.r2_flipped and self.slope.low > 0

    @property
    def figures(self) -> list[Figure]:
        """What was measured."""
        name, source = self.name, NETWORKS_FILE
        return [
            *with_interval(f"R², {name}", self.r2, "1", source),
            *with_interval(f"slope, {name}", self.slope, "1", source),
            measured(f"R², {name}, most of a flipped copy", self.r2_flipped, "1", source),
            measured(f"R², {name}, untrained", self.r2_untrained, "1", source),
        ]


def displacements(results: Results) -> Judgement | None:
    """C11: slope and share of variance, in the mean over the layers of a kind."""
    cases = cases_of(results, JUDGED)
    if not cases:
        return None
    holds = pd.Series([case.holds for case in cases])
    figures = _figures(cases)
    figures += [figure for case in cases_of(results, FIRST_MOMENT) for figure in case.figures]
    partly = any(case.above_chance for case in cases)
    return Judgement(verdict(holds, partly=partly), figures, _where(results, cases))


def positive_taps(results: Results) -> Judgement | None:
    """F4: the same line from the centroid of the positive taps."""
    cases = cases_of(results, POSITIVE)
    if not cases:
        return None
    decided = OBSERVED if all(case.holds for case in cases) else NOT_OBSERVED
    return Judgement(decided, _figures(cases), _where(results, cases))


def _figures(cases: list[Case]) -> list[Figure]:
    """The least R² of all, which decides, and what was measured of each."""
    least = min(case.r2.low for case in cases)
    decisive = measured("R² at least, in each kind of layers", least, "1", NETWORKS_FILE)
    return [decisive, *(figure for case in cases for figure in case.figures)]


def cases_of(results: Results, kinds: Mapping[str, Sequence[str]]) -> list[Case]:
    """Return what is known of each measure and kind of layers, on real images."""
    judged = [network for network in results.networks.values() if is_judged(network)]
    values = joined((kind_values(network, kinds) for network in judged), ())
    if values.empty:
        return []
    return [
        _case(WORDS[str(measure)].format(kind), rows)
        for (measure, kind), rows in values.groupby(["measure", "kind"], sort=False)
    ]


def is_judged(network: NetworkResults) -> bool:
    """Whether a network sees images enough of something real."""
    return network.plan.real and network.measurement.prediction.sizes["image"] >= FEWEST_IMAGES


def kind_values(network: NetworkResults, kinds: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return slope and R² of a network by measure, kind of layer, copy and image.

    Each is a mean over the layers of the kind, as far as they have enough channels.
    """
    trained, lines = network.measurement.trained, network.measurement.prediction
    known = lines.assign_coords(kind=("layer", trained.layer_kind.values))
    known = known.isel(layer=trained.layer_channels.values >= limits.FEWEST_CHANNELS)
    parts = [
        _means(known.sel(measure=measure).isel(layer=np.isin(known.kind.values, some)))
        for measure, some in kinds.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(network=network.plan.network.label, images=network.plan.images)


def _means(lines: xr.Dataset) -> pd.DataFrame:
    if not lines.sizes["layer"]:
        return pd.DataFrame()
    table = lines.groupby("kind").mean("layer").to_dataframe().reset_index()
    return table.dropna(subset=[*Line._fields])


def _case(name: str, rows: pd.DataFrame) -> Case:
    trained = pd.DataFrame(rows[rows.weights == TRAINED])
    many = trained.network.nunique() >= limits.CENSUS_NETWORKS
    slope, r2 = (
        mean_interval(
            trained.pivot_table(quantity, "network", ["images", "image"]), draw_networks=many
        )
        for quantity in Line._fields
    )
    # A share is none outside of 0 and 1, where few images would put it.
    r2 = Interval(*np.clip(r2, 0.0, 1.0).tolist())
    copies = rows.groupby(["weights", "network"]).r2.mean().groupby("weights").mean()
    flipped = copies[copies.index.str.startswith(FLIPPED)]
    return Case(name, slope, r2, float(flipped.max()), float(copies.get(UNTRAINED, np.nan)))


def _sample(networks: list[str]) -> str:
    """What the intervals are about."""
    if len(networks) < limits.CENSUS_NETWORKS:
        return f"Of these networks only: {listed_names(networks)}"
    return f"{len(networks)} networks"


def _where(results: Results, cases: list[Case]) -> str:
    """How good the prediction is by kind of layer, and which networks were tested."""
    groups = {
        "predicted": [case.name for case in cases if case.holds],
        "better than by chance": [c.name for c in cases if c.above_chance and not c.holds],
        "not predicted": [c.name for c in cases if not (c.above_chance or c.holds)],
    }
    where = "; ".join(f"{words}: {', '.join(names)}" for words, names in groups.items() if names)
    networks = {one.plan.network.label for one in results.networks.values() if is_judged(one)}
    return f"{where}. {_sample(sorted(networks))}"
