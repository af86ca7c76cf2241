"""The table of the layers of many networks, and means over networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mechcore.analysis.tables import joined
from mechcore.filters.bank import load_bank
from mechcore.filters.bank_file import analyse_bank
from mechcore.filters.census import JUDGED, mean_share, network_layers
from tests.helpers.projects import PROJECT
from tests.helpers.weight_files import write_npz


def test_layers_are_placed_and_told_apart(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    shapes = {"stem": (8, 1, 3, 3), "depthwise": (8, 1, 3, 3), "pointwise": (16, 8, 1, 1)}
    shapes |= {"last": (4, 16, 3, 3)}
    path = tmp_path / "net.npz"
    arrays = {f"{name}.weight": rng.normal(size=shape) for name, shape in shapes.items()}
    write_npz(path, {name: array.astype(np.float32) for name, array in arrays.items()})
    layers = network_layers(analyse_bank(load_bank(path)).layers, "net", trained=True)
    assert layers.kind.tolist() == ["first", "depthwise", "full"]
    assert layers.depth.tolist() == [0, 0.5, 1]
    assert layers.inputs.tolist() == [1, 1, 16]


def test_a_census_holds_the_layers_of_all_networks() -> None:
    names = ("digits", "denoiser")
    analyses = {
        name: analyse_bank(load_bank(PROJECT / f"resources/banks/{name}.safetensors"))
        for name in names
    }
    layers = [
        network_layers(analysis.layers, name, trained=True) for name, analysis in analyses.items()
    ]
    table = joined(layers, JUDGED)
    assert table.groupby("network", sort=False).size().to_dict() == {
        name: len(analysis.layers) for name, analysis in analyses.items()
    }
    assert table.low_frequency_share.between(0, 1).all()
    assert joined([], JUDGED).columns.tolist() == [*JUDGED]


@pytest.mark.parametrize("networks", [10, 18])
@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (2, 3), (50, 50)])
def test_the_interval_covers_the_mean_of_all_networks(networks: int, a: float, b: float) -> None:
    rng, repeats = np.random.default_rng(7), 150
    covered = 0
    for _ in range(repeats):
        layers = rng.integers(2, 60, networks)
        passing = rng.binomial(layers, rng.beta(a, b, networks))
        names = np.repeat(np.arange(networks), layers)
        holds = np.concatenate(
            [np.arange(count) < some for count, some in zip(layers, passing, strict=True)]
        )
        mean = mean_share(pd.Series(holds), pd.Series(names))
        covered += mean.low <= a / (a + b) <= mean.high
    # 92% at least; three standard deviations of 150 draws are 7%.
    assert covered / repeats >= 0.92 - 0.07


def test_a_network_counts_once_whatever_its_depth() -> None:
    holds = pd.Series([True] * 90 + [False] * 9)
    networks = pd.Series([0] * 90 + list(range(1, 10)))
    assert mean_share(holds, networks).value == pytest.approx(0.1)
