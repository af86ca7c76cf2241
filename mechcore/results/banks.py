"""The results of a bank of trained kernels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr

from mechcore.experiment.banks import PlannedBank, filter_run
from mechcore.experiment.config import Experiment
from mechcore.experiment.paths import BANK_RUNS, BANKS
from mechcore.experiment.weight_files import weights_sha256
from mechcore.io.netcdf import ROOT, read_groups
from mechcore.simulation.checks import check_attributes

if TYPE_CHECKING:
    from mechcore.filters.bank_file import BankAnalysis


def bank_files(plan: PlannedBank, results: Path) -> list[Path]:
    """Return the files of a bank: its analysis, and the runs of its kernels if there are any."""
    folders = (BANKS, BANK_RUNS) if plan.runs else (BANKS,)
    return [results / folder / f"{plan.name}.nc" for folder in folders]


@dataclass(frozen=True)
class BankResults:
    """The results of one bank of kernels."""

    plan: PlannedBank
    analysis: BankAnalysis
    runs: dict[str, xr.Dataset] | None
    """Runs of the strongest kernels; None for weights before training, or if they did not run."""

    @classmethod
    def load(cls, plan: PlannedBank, results: Path, experiment: Experiment) -> BankResults:
        """Read the results of a bank."""
        from mechcore.filters.bank_file import read_analysis

        paths = bank_files(plan, results)
        # Whoever brought the file: only the bytes that the configuration names count.
        sha256 = plan.source.sha256 if plan.source else weights_sha256(Path(plan.weights))
        origin = {"weights_sha256": sha256, **plan.reading.attributes}
        analysis = read_analysis(paths[0])
        check_attributes(paths[0], xr.Dataset(attrs=analysis.attributes), origin)
        if not plan.runs or not paths[1].is_file():
            return cls(plan, analysis, None)
        runs = read_groups(paths[1])
        settings = {"settings": filter_run(experiment, plan).to_json()}
        check_attributes(paths[1], runs[ROOT], origin | settings)
        return cls(plan, analysis, runs)

    @cached_property
    def velocities(self) -> pd.DataFrame:
        """Measured beside predicted, see `mechcore.filters.velocities.filter_velocities`."""
        from mechcore.filters.velocities import filter_velocities

        return filter_velocities(self.analysis, self.runs or {})
