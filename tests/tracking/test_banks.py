"""A bank of trained kernels is a run with curves over the depth of the network."""

from __future__ import annotations

from pathlib import Path

from tests.helpers import stores


def test_a_bank_is_a_run_with_curves_over_its_depth(tracked: Path) -> None:
    run = stores.run_named(tracked, "filters/digits")
    assert run["params"] | {"trained": "True", "layers": "3"} == run["params"]
    assert "conv1.weight, conv2.weight" in run["tags"]["mlflow.note.content"]
    assert [step for step, *_ in run["metrics"]["layer_low_frequency_share"]] == [0, 1, 2]
    assert {"low_frequency_share", "energy", "relu_speed_median"} <= set(run["metrics"])
    assert list(run["artifacts"]) == ["layers.csv"]
