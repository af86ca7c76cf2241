"""The benchmarks: what is installed computes the same, and a slowdown is seen."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.history import append_run, earlier_ratios, slowdowns
from benchmarks.peers import PEERS, TOLERANCES, Batch, Peer
from benchmarks.ratio import Ratio
from benchmarks.report import write_report
from benchmarks.timing import spent
from benchmarks.workloads import COMPARED, MEASURED, Workload
from mechcore.engines import run
from mechcore.engines.rule import LayerRule

LAYERS = 5
INSTALLED = [peer for peer in PEERS if peer.package == "scipy"]


@pytest.mark.parametrize("peer", INSTALLED, ids=lambda peer: peer.name)
@pytest.mark.parametrize("workload", COMPARED.values(), ids=list(COMPARED))
@pytest.mark.parametrize("size", [2, 3])
def test_peers_do_the_same_work(peer: Peer, workload: Workload, size: int) -> None:
    kernels, image = workload.kernels(size), workload.image()
    actual = peer.prepare(Batch(kernels, image, "float64", LAYERS))()
    expected = run("reference", kernels, image, LayerRule(steps=LAYERS)).record[..., MEASURED]
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCES["float64"])


def test_what_is_slower_than_in_earlier_runs_of_this_kind_of_machine_is_told(
    tmp_path: Path,
) -> None:
    history = tmp_path / "history.jsonl"
    for machine, value in (("this", 1.0), ("this", 1.1), ("this", 9.0), ("another", 100.0)):
        append_run(history, machine, {"engine": value, "start": 2.0})
    earlier = earlier_ratios(history, "this")
    assert len(earlier) == 3
    # The median is 1.1, and the limit 1.3 times that.
    assert slowdowns({"engine": 1.42, "start": 2.0, "new": 5.0}, earlier) == []
    (told,) = slowdowns({"engine": 1.44, "start": 2.0}, earlier)
    assert "engine, 1.31 times its median of 3 earlier runs" in told


def test_the_time_of_a_command_includes_what_it_starts(tmp_path: Path) -> None:
    busy = "import time\nwhile time.process_time() < 0.2: pass"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    assert spent([sys.executable, "-c", outer], tmp_path).processor >= 0.2


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no such thing"):
        spent([sys.executable, "-c", "raise SystemExit('no such thing')"], tmp_path)


def test_the_first_run_has_nothing_to_compare_with(tmp_path: Path) -> None:
    earlier = earlier_ratios(tmp_path / "history.jsonl", "this")
    assert slowdowns({"engine": 1.0}, earlier) == []


def test_a_run_becomes_a_table_and_a_figure(tmp_path: Path) -> None:
    ratios = [Ratio("k = 3", 2.0, "JAX", 9.0), Ratio("k = 5", 3.0, "JAX", 2.0, "64 layers")]
    earlier = pd.DataFrame({"k = 3": [0.2, 0.25], "gone": [1.0, 1.0]})
    write_report({"engine": ratios}, earlier, tmp_path)
    table = pd.read_csv(tmp_path / "benchmarks.csv")
    assert table["ratio"].tolist() == pytest.approx([2 / 9, 1.5], rel=1e-5)
    assert "4.5 times as fast" in (tmp_path / "benchmarks.md").read_text()
    assert "<svg" in (tmp_path / "benchmarks.svg").read_text()
