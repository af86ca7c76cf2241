"""The results of a bank of trained kernels."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from mechcore.errors import MechcoreError
from mechcore.experiment.banks import planned_banks
from mechcore.experiment.public_weights import PublicWeights
from mechcore.results.banks import BankResults
from tests.helpers.experiments import SMALL, run

CONFIG = SMALL | {"activations": ["relu"], "steps": 5, "engine": "reference"}


def test_results_of_other_weights_or_settings_are_refused(tmp_path: Path) -> None:
    for name, taps in (("first", 2), ("second", 3)):
        weights = {"conv.weight": np.ones((2, 2, taps, taps), np.float32)}
        save_file(weights, tmp_path / f"{name}.safetensors")
    files = [str(tmp_path / f"{name}.safetensors") for name in ("first", "second")]
    experiment = run(tmp_path, CONFIG | {"filter_banks": files})
    plan = planned_banks(experiment)["first"]
    BankResults.load(plan, tmp_path, experiment)
    source = PublicWeights(
        package="net==1", member="net.pt", sha256="0" * 64, licence="MIT", origin="nobody"
    )
    with pytest.raises(MechcoreError, match=r"filters/first\.nc: .* \(weights_sha256\)"):
        BankResults.load(replace(plan, source=source), tmp_path, experiment)
    other = experiment.model_copy(update={"steps": 9})
    with pytest.raises(
        MechcoreError, match=r"filter_runs/first-relu\.nc: made with other settings"
    ):
        BankResults.load(plan, tmp_path, other)
    for kind, end in (("filter_runs", "-relu.nc"), ("filters", ".nc")):
        shutil.copy(tmp_path / kind / f"second{end}", tmp_path / kind / f"first{end}")
        with pytest.raises(MechcoreError, match=rf"{kind}/first{end}: .* \(weights_sha256\)"):
            BankResults.load(plan, tmp_path, experiment)
