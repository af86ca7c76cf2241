"""The benchmarks: what is installed computes the same, so that what is timed is the same work."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.comparison import Comparison, Timing
from benchmarks.peers import PEERS, TOLERANCES, Batch, Peer
from benchmarks.report import fastest, peer_table
from benchmarks.workloads import COMPARED, MEASURED
from mechcore.engines import run
from mechcore.engines.rule import LayerRule

LAYERS = 5
INSTALLED = [peer for peer in PEERS if peer.package in ("numpy", "scipy")]


@pytest.mark.parametrize("peer", INSTALLED, ids=lambda peer: peer.name)
@pytest.mark.parametrize("workload", COMPARED.values(), ids=list(COMPARED))
@pytest.mark.parametrize("size", [2, 3])
def test_peers_do_the_same_work(peer: Peer, workload: object, size: int) -> None:
    kernels, image = workload.kernels(size), workload.image()
    actual = peer.prepare(Batch(kernels, image, "float64", LAYERS))()
    expected = run("reference", kernels, image, LayerRule(steps=LAYERS)).record[..., MEASURED]
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCES["float64"])


def test_a_ratio_is_the_time_of_a_peer_over_that_of_the_engine() -> None:
    timings = (
        Timing("general", "mechcore compiled", "float64", 3, 2.0),
        Timing("general", "a library", "float64", 3, 9.0),
        Timing("general", "a specialist", "float64", 3, 4.0, by_hand=True),
    )
    table = peer_table(Comparison(timings, (0.0,), ()))
    assert list(table["ratio"]) == [1.0, 4.5, 2.0]
    assert fastest(table, "general", "float64")["method"].tolist() == ["a specialist"]
    assert fastest(table, "general", "float64", by_hand=False)["method"].tolist() == ["a library"]
    assert isinstance(table, pd.DataFrame)
