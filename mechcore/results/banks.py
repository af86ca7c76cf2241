"""The results of the banks: what their kernels hold, and how they ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr

from mechcore.errors import MechcoreError
from mechcore.experiment.banks import PlannedBank, filter_run
from mechcore.experiment.config import Experiment
from mechcore.io.hashes import file_sha256
from mechcore.io.netcdf import ROOT, read_groups

if TYPE_CHECKING:
    from mechcore.filters.bank_file import BankAnalysis
from mechcore.experiment.paths import BANK_RUNS, BANKS


def bank_files(plan: PlannedBank, results: Path) -> list[Path]:
    """Return the files of a bank."""
    folders = (BANKS, BANK_RUNS) if plan.trained else (BANKS,)
    return [results / folder / f"{plan.name}.nc" for folder in folders]


def _check_made_of(path: Path, found: Mapping[str, object], wanted: Mapping[str, str]) -> None:
    """Refuse the file of a bank that was made from something else."""
    other = [name for name, value in wanted.items() if found.get(name) != value]
    if other:
        raise MechcoreError(
            f"{path}: made with other {' and '.join(other)}, expected those of this configuration"
        )


@dataclass(frozen=True)
class BankResults:
    """The results of one bank of kernels."""

    plan: PlannedBank
    """What it is."""
    analysis: BankAnalysis
    """What its kernels hold."""
    runs: dict[str, xr.Dataset] | None
    """How the strongest of them ran, see `mechcore.filters.runs.simulate_bank`; None if they did
    not, as weights before training."""

    @classmethod
    def load(cls, plan: PlannedBank, results: Path, experiment: Experiment) -> BankResults:
        """Read the results of a bank."""
        from mechcore.filters.bank_file import read_analysis

        analysis, *runs = bank_files(plan, results)
        wanted = {"weights_sha256": file_sha256(plan.weights), "layout": plan.layout}
        found = read_analysis(analysis)
        _check_made_of(analysis, found.attributes, wanted)
        ran = [(path, read_groups(path)) for path in runs if path.is_file()]
        for path, groups in ran:
            settings = {"settings": filter_run(experiment, plan).to_json()}
            _check_made_of(path, groups[ROOT].attrs, wanted | settings)
        return cls(plan, found, ran[0][1] if ran else None)

    @cached_property
    def velocities(self) -> pd.DataFrame:
        """Measured beside predicted, see `mechcore.filters.velocities.filter_velocities`."""
        from mechcore.filters.velocities import filter_velocities

        return filter_velocities(self.analysis, self.runs or {})
