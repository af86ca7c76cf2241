"""The layers of many networks as one table, and what the networks say together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.analysis.intervals import CONFIDENCE, Interval

KINDS = ("first", "full", "depthwise")
"""What a layer is: the first of its network, and what of the others sees one input per filter.
Pointwise layers have no spatial kernels, so they are in no table."""

JUDGED = (
    *("network", "trained", "low_frequency_share"),
    *("null_low_frequency_share", "null_low_frequency_limit", "fixed"),
)
"""The columns that a census of no networks has, too."""

DRAWS, SEED = 10_000, 20251231
"""Samples of a bootstrap: the ends of its interval are good to a thousandth."""


def network_layers(layers: pd.DataFrame, network: str, *, trained: bool) -> pd.DataFrame:
    """Return the layers of a network as rows of the census.

    Before the columns of `mechcore.filters.bank_file.BankAnalysis.layers` stand ``network``,
    ``trained``, ``layer`` (its name), ``number`` (from 1), ``depth`` (0 for the first layer, 1 for
    the last) and ``kind``, one of `KINDS`.
    """
    number = np.arange(1, len(layers) + 1)
    kinds = np.select([number == 1, layers.inputs == 1], ["first", "depthwise"], "full")
    place = {
        "network": network,
        "trained": trained,
        "layer": layers["name"],
        "number": number,
        "depth": (number - 1) / max(len(layers) - 1, 1),
        "kind": kinds,
    }
    return pd.concat([pd.DataFrame(place), layers.drop(columns="name")], axis=1)


def mean_share(holds: pd.Series, networks: pd.Series) -> Interval:
    """Return the share of layers in which something holds, in the mean over networks.

    Notes
    -----
    Layers of a network resemble each other, so networks are the units: the bootstrap draws
    networks, and in each of them layers anew. A sample of layers is a binomial number. Of ten
    networks or more the interval covers the mean of the population in 92% to 99% of cases, the
    more the less networks differ.

    References
    ----------
    A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application (1997), section 3.8.

    Examples
    --------
    >>> networks = pd.Series(np.repeat(np.arange(10), 4))
    >>> mean = mean_share(pd.Series([True, True, True, False] * 10), networks)
    >>> mean.value, bool(0.5 < mean.low < 0.75 < mean.high < 1)
    (0.75, True)
    """
    counts = holds.groupby(networks, sort=False).agg(["mean", "size"])
    share, layers = counts["mean"].to_numpy(float), counts["size"].to_numpy()
    generator = np.random.default_rng(SEED)
    drawn = generator.integers(len(counts), size=(DRAWS, len(counts)))
    means = (generator.binomial(layers[drawn], share[drawn]) / layers[drawn]).mean(axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(share.mean()), float(low), float(high))
