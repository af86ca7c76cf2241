"""C11: whether the momenta of trained kernels predict displacements in whole networks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from mechcore.claims.judgement import Judgement, measured, verdict
from mechcore.claims.thresholds import (
    CENSUS_NETWORKS,
    FEWEST_CHANNELS,
    PREDICTED,
    PREDICTED_SLOPE,
)
from mechcore.claims.verdict import Figure
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
"""Kinds of layers by what is predicted. Kernels of one tap displace nothing by themselves, and in
the first layer both displacements are the same."""

FEWEST_IMAGES = 2
"""Of one image there is no interval."""


def displacements(results: Results) -> Judgement | None:
    """C11: slope and share of variance, in the mean over the layers of a kind."""
    real = [
        network
        for network in results.networks.values()
        if network.plan.real and network.measurement.prediction.sizes["image"] >= FEWEST_IMAGES
    ]
    tables = [kind_values(network) for network in real]
    values = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    if values.empty:
        return None
    cases = pd.DataFrame(
        [_case(*key, rows) for key, rows in values.groupby(["measure", "kind"], sort=False)]
    )
    low, high = PREDICTED_SLOPE
    holds = (cases.r2_low > PREDICTED) & (cases.slope_low >= low) & (cases.slope_high <= high)
    above = (cases.r2_low > cases.r2_flipped) & (cases.slope_low > 0)
    figures = [
        measured("least lower end of R²", cases.r2_low.min(), source=NETWORKS_FILE),
        *(figure for case in cases.to_dict("records") for figure in _figures(case)),
    ]
    return Judgement(verdict(holds, partly=bool(above.any())), figures, _where(cases, holds, above))


def kind_values(network: NetworkResults) -> pd.DataFrame:
    """Return slope and R² of a network for each copy, image, measure and kind of layer.

    Each is a mean over the layers of the kind, as far as they have enough channels.
    """
    trained, lines = network.measurement.trained, network.measurement.prediction
    known = lines.assign_coords(kind=("layer", trained.layer_kind.values))
    known = known.isel(layer=trained.layer_channels.values >= FEWEST_CHANNELS)
    parts = [
        _means(known.sel(measure=measure).isel(layer=np.isin(known.kind.values, kinds)))
        for measure, kinds in JUDGED.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(network=network.plan.network.label, images=network.plan.images)


def _means(lines: xr.Dataset) -> pd.DataFrame:
    if not lines.sizes["layer"]:
        return pd.DataFrame()
    table = lines.groupby("kind").mean("layer").to_dataframe().reset_index()
    return table.dropna(subset=[*Line._fields])


def _case(measure: str, kind: str, rows: pd.DataFrame) -> dict[str, object]:
    """One measure of one kind of layers: means with intervals, and those of the copies."""
    trained = rows[rows["copy"] == TRAINED]
    networks = trained.network.nunique()
    case: dict[str, object] = {"measure": measure, "kind": kind, "networks": networks}
    for name in Line._fields:
        values = trained.pivot_table(name, "network", ["images", "image"])
        mean = mean_interval(values, draw_networks=networks >= CENSUS_NETWORKS)
        case |= dict(zip((name, f"{name}_low", f"{name}_high"), mean, strict=True))
    others = rows.groupby(["copy", "network"]).r2.mean().groupby("copy").mean()
    flipped = others[others.index.str.startswith(FLIPPED)]
    return case | {"r2_flipped": flipped.max(), "r2_untrained": others.get(UNTRAINED, np.nan)}


NAMES = {"step": "step", "cumulated": "displacement"}


def _figures(case: dict[str, object]) -> list[Figure]:
    of_kind = f"of the {NAMES[str(case['measure'])]}, {case['kind']} layers"
    names = {
        f"R² {of_kind}": "r2",
        f"R² {of_kind}: at least": "r2_low",
        f"R² {of_kind}: at most": "r2_high",
        f"slope {of_kind}": "slope",
        f"slope {of_kind}: at least": "slope_low",
        f"slope {of_kind}: at most": "slope_high",
        f"R² {of_kind}, most of a flipped copy": "r2_flipped",
        f"R² {of_kind}, untrained": "r2_untrained",
    }
    return [
        measured(name, float(str(case[key])), source=NETWORKS_FILE) for name, key in names.items()
    ]


def _where(cases: pd.DataFrame, holds: pd.Series, above: pd.Series) -> str:
    named = [f"{NAMES[row.measure]} of {row.kind} layers" for row in cases.itertuples()]
    parts = {
        "predicted": [name for name, good in zip(named, holds, strict=True) if good],
        "better than by chance": [
            name for name, good in zip(named, above & ~holds, strict=True) if good
        ],
        "not predicted": [
            name for name, good in zip(named, above | holds, strict=True) if not good
        ],
    }
    return "; ".join(f"{words}: {', '.join(names)}" for words, names in parts.items() if names)
