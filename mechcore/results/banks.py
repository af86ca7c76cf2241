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
    runs = [results / BANK_RUNS / f"{name}.nc" for name in plan.runs.values()]
    return [results / BANKS / f"{plan.name}.nc", *runs]


@dataclass(frozen=True)
class BankResults:
    """The results of one bank of kernels."""

    plan: PlannedBank
    analysis: BankAnalysis
    runs: dict[str, dict[str, xr.Dataset]]
    """The groups of the files of the strongest kernels' runs, by activation."""

    @classmethod
    def load(cls, plan: PlannedBank, results: Path, experiment: Experiment) -> BankResults:
        """Read the results of a bank."""
        from mechcore.filters.bank_file import read_analysis

        path, *of_runs = bank_files(plan, results)
        # Whoever brought the file: only the bytes that the configuration names count.
        sha256 = plan.source.sha256 if plan.source else weights_sha256(Path(plan.weights))
        origin = {"weights_sha256": sha256, **plan.reading.attributes}
        analysis = read_analysis(path)
        check_attributes(path, xr.Dataset(attrs=analysis.attributes), origin)
        runs: dict[str, dict[str, xr.Dataset]] = {}
        for activation, path in zip(plan.activations, of_runs, strict=True):
            if path.is_file():
                runs[activation] = read_groups(path)
                settings = {"settings": filter_run(experiment, plan, activation).to_json()}
                check_attributes(path, runs[activation][ROOT], origin | settings)
        return cls(plan, analysis, runs)

    @cached_property
    def velocities(self) -> pd.DataFrame:
        """Measured beside predicted, see `mechcore.filters.velocities.filter_velocities`."""
        from mechcore.filters.velocities import filter_velocities

        return filter_velocities(self.analysis, self.runs.values())
