"""The layers of networks as one table, and what layers of a kind say together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy
import xarray as xr

from mechcore.analysis.intervals import CONFIDENCE, Interval
from mechcore.filters.census import DRAWS, SEED
from mechcore.io.arrays import Array
from mechcore.networks.dataset import layer_means
from mechcore.networks.measurement_file import FLIPPED, TRAINED, UNTRAINED, NetworkMeasurement
from mechcore.networks.prediction import MEASURES

KINDS = ("first", "full", "depthwise", "transposed", "pointwise")
"""Layers with kernels: the first of the network, those that see all inputs, one input per filter,
transposed ones, and those of one tap."""

LENGTHS = {"step": "path_step", "displacement": "path_displacement", "radius": "radius"}
"""Columns of `mechcore.networks.dataset.layer_means` by what the table calls them."""

COLUMNS = ("network", "images", "real", "layer", "kind")
"""Columns that a table of no networks has, too."""


def layer_table(
    measurement: NetworkMeasurement, network: str, images: str, *, real: bool
) -> pd.DataFrame:
    """Return a row for each layer with kernels of a network on a set of images.

    ``number`` counts from 1, ``depth`` goes from 0 for the first layer to 1 for the last. Lengths
    are root mean squares over channels of the means over images, px. For each of
    `mechcore.networks.prediction.MEASURES`, ``slope`` and ``r2`` are means over images; those of
    the flipped copies are means over copies and images, and ``r2_flipped_most`` is the largest of
    a copy.
    """
    trained, redrawn = measurement.trained, measurement.untrained
    layers = pd.DataFrame(
        {
            "layer": trained.layer.values,
            "op": trained.layer_op.values,
            "kind": trained.layer_kind.values,
            "channels": trained.layer_channels.values,
            "theoretical_field": trained.theoretical_field.values,
            **_lengths(trained),
            **{f"{name}_untrained": values for name, values in _lengths(redrawn).items()},
            **_lines(measurement.prediction),
        }
    )
    layers = layers[layers.kind.isin(KINDS)].reset_index(drop=True)
    place = {"network": network, "images": images, "real": real, "number": layers.index + 1}
    place["depth"] = layers.index / max(len(layers) - 1, 1)
    return pd.concat([pd.DataFrame(place), layers], axis=1)


def _lengths(network: xr.Dataset) -> dict[str, pd.Series]:
    """How far a layer and all up to it displace, and how wide the field is, a number a layer."""
    means = layer_means(network)
    return {name: means[variable] for name, variable in LENGTHS.items()}


def _lines(prediction: xr.Dataset) -> dict[str, Array]:
    means = prediction.mean("image")
    copies = [name for name in prediction.weights.values if name.startswith(FLIPPED)]
    columns = {}
    for measure in MEASURES:
        lines = means.sel(measure=measure)
        for name in ("slope", "r2"):
            columns[f"{measure}_{name}"] = lines[name].sel(weights=TRAINED).values
            columns[f"{measure}_{name}_untrained"] = lines[name].sel(weights=UNTRAINED).values
            columns[f"{measure}_{name}_flipped"] = (
                lines[name].sel(weights=copies).mean("weights").values
            )
        columns[f"{measure}_r2_flipped_most"] = lines.r2.sel(weights=copies).max("weights").values
    return columns


def mean_interval(values: pd.DataFrame, *, draw_networks: bool) -> Interval:
    """Return the mean over networks of their means over images, and its interval.

    Parameters
    ----------
    values : DataFrame
        A row a network; columns are images with the levels (set, number). NaN where a network did
        not see an image.
    draw_networks : bool
        Whether the networks are a sample, too.

    Notes
    -----
    A bootstrap that draws n - 1 of the n images of each set, and of networks likewise, so that the
    variance of a mean has no bias. The interval is widened from quantiles of the normal
    distribution to those of Student's t for the smallest sample. Networks see the same images, so
    images and networks are drawn independently, which covers at least as often as drawing values.

    References
    ----------
    J. N. K. Rao and C. F. J. Wu, Resampling inference with complex survey data, JASA 83 (1988);
    A. B. Owen, The pigeonhole bootstrap, Ann. Appl. Stat. 1 (2007).

    Examples
    --------
    >>> images = pd.MultiIndex.from_product([["digits"], range(4)])
    >>> values = pd.DataFrame([[0.1, 0.2, 0.3, 0.4]], columns=images)
    >>> mean = mean_interval(values, draw_networks=False)
    >>> [round(value, 2) for value in mean]
    [0.25, 0.06, 0.44]
    """
    known, generator = values.notna().to_numpy(float), np.random.default_rng(SEED)
    sizes = values.columns.get_level_values(0).value_counts(sort=False).tolist()
    images = np.concatenate([_drawn(generator, size) for size in sizes], axis=1)
    networks = _drawn(generator, len(values)) if draw_networks else np.ones((DRAWS, len(values)))
    sums, counts = images @ values.fillna(0.0).to_numpy(float).T, images @ known.T
    weights = np.where(counts > 0, networks, 0.0)
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    drawn = (weights * means).sum(axis=1) / weights.sum(axis=1)
    mean, tail = float(values.mean(axis=1).mean()), (1 - CONFIDENCE) / 2
    freedom = min([*sizes, len(values)] if draw_networks else sizes) - 1
    stretch = scipy.special.stdtrit(freedom, tail) / scipy.special.ndtri(tail)
    low, high = mean + stretch * (np.nanquantile(drawn, [tail, 1 - tail]) - mean)
    return Interval(mean, float(low), float(high))


def _drawn(generator: np.random.Generator, count: int) -> Array:
    """How often each of some items is drawn, in each draw of one item less."""
    return generator.multinomial(count - 1, np.full(count, 1 / count), DRAWS).astype(np.float64)
