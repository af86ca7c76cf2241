"""The results, which claims are judged by and figures drawn from, and what stands for the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from mechcore import regressions
from mechcore.activations import ACTIVATIONS
from mechcore.boundaries import BOUNDARIES
from mechcore.cells import Cell
from mechcore.choices import preferred, shown_sizes
from mechcore.companions import control_cells, film_cells
from mechcore.config import Experiment
from mechcore.contents import representative_family
from mechcore.errors import MechcoreError
from mechcore.exact_theory import Theory, theory
from mechcore.filters.plan import PlannedBank, filter_run, planned_banks
from mechcore.geometry import light_speed
from mechcore.grid import expand
from mechcore.kernels import kernel
from mechcore.made_by import file_sha256
from mechcore.measured import collect
from mechcore.mechanics import KERNELS, MECHANICS, NO_CONTROLS, SIMULATION, controls_table
from mechcore.naming import cell_name
from mechcore.regressions import cell_names
from mechcore.storage import ROOT, read_groups
from mechcore.tables import (
    KERNEL,
    MODEL_COLUMNS,
    POOLED_COLUMNS,
    read_metrics,
    read_table,
    read_trajectories,
)
from mechcore.verdicts import CLAIMS_FILE, CONTROLS_FILE

if TYPE_CHECKING:
    from mechcore.filters.bank_file import BankAnalysis

NO_LAYERS = pd.DataFrame(
    columns=["bank", "trained", "low_frequency_share", "null_low_frequency_share"]
)

BANKS, BANK_RUNS = "filters", "filter_runs"
"""Folders of results: what banks of trained kernels hold, and how these kernels ran."""

MOST_PANELS = 4
"""A figure with more columns of panels than this cannot be read on paper."""


TABLES: dict[str, Callable[[Path], pd.DataFrame]] = {
    "metrics": read_metrics,
    "mechanics": partial(read_table, columns=MECHANICS, key=SIMULATION),
    "kernels": partial(read_table, columns=KERNELS, key=KERNEL),
    "regressions": partial(read_table, columns=regressions.COLUMNS),
    "models": partial(read_table, columns=MODEL_COLUMNS),
    "pooled": partial(read_table, columns=POOLED_COLUMNS),
}
"""How each table of results is read, in the order of `Evidence`; files carry these names."""


OF_KERNELS = ["celerity", "diffusion_speed", "light_speed"]


def bank_files(plan: PlannedBank, results: Path) -> list[Path]:
    """Return the files of a bank.

    Parameters
    ----------
    plan : PlannedBank
        The bank.
    results : Path
        Folder of the results of the experiment.

    Returns
    -------
    list of Path
        Its analysis and, if it was trained, how its kernels ran.
    """
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
class BankEvidence:
    """The results of one bank of kernels.

    Parameters
    ----------
    plan : PlannedBank
        What it is.
    analysis : BankAnalysis
        What its kernels hold.
    runs : dict of str to xarray.Dataset or None
        How the strongest of them ran, see `mechcore.filters.runs.simulate_bank`; None if they did
        not, as weights before training.
    """

    plan: PlannedBank
    analysis: BankAnalysis
    runs: dict[str, xr.Dataset] | None

    @classmethod
    def load(cls, plan: PlannedBank, results: Path, experiment: Experiment) -> BankEvidence:
        """Read the results of a bank.

        Parameters
        ----------
        plan : PlannedBank
            What it is.
        results : Path
            Folder of the results of the experiment.
        experiment : Experiment
            What was planned.

        Returns
        -------
        BankEvidence
            The results.

        Raises
        ------
        MechcoreError
            If the analysis is missing, a file is damaged, or of other weights or settings.
        """
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


@dataclass(frozen=True)
class Evidence:
    """The results of an experiment.

    Parameters
    ----------
    experiment : Experiment
        What was planned; cells may be missing from all tables.
    results : Path
        Folder of the results.
    metrics, mechanics, kernels : pandas.DataFrame
        What was measured, see `mechcore.measured.Measurements`.
    regressions, models, pooled : pandas.DataFrame
        What was fitted, see `mechcore.regressions`, `mechcore.models` and `mechcore.pooled`.
    """

    experiment: Experiment
    results: Path
    metrics: pd.DataFrame
    mechanics: pd.DataFrame
    kernels: pd.DataFrame
    regressions: pd.DataFrame
    models: pd.DataFrame
    pooled: pd.DataFrame
    _read: dict[str, xr.Dataset] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def load(cls, experiment: Experiment, results: Path) -> Evidence:
        """Read the tables of an experiment; trajectories are read when a figure needs them.

        Parameters
        ----------
        experiment : Experiment
            What was planned.
        results : Path
            Folder with the tables (`TABLES`) and ``trajectories``.

        Returns
        -------
        Evidence
            The results.

        Raises
        ------
        MechcoreError
            If a table is missing, damaged, or holds something else.
        """
        tables = {name: read(results / f"{name}.csv") for name, read in TABLES.items()}
        return cls(experiment, results, *tables.values())

    @classmethod
    def measured(cls, experiment: Experiment, results: Path, *, kept: bool = True) -> Evidence:
        """Measure and fit what is there of an experiment that may not be finished.

        Parameters
        ----------
        experiment : Experiment
            What was planned.
        results : Path
            Folder with ``trajectories``; tables in it are not read.
        kept : bool, optional
            Whether to look up what was measured, see `mechcore.measured.collect`.

        Returns
        -------
        Evidence
            The results, with the cells whose trajectories exist.

        Raises
        ------
        MechcoreError
            If there are none, or one is damaged or of another configuration.
        """
        from mechcore.models import compare_models
        from mechcore.pooled import pool

        folder, boundary = results / "trajectories", experiment.boundary
        cells = {
            name: cell
            for name, cell in expand(experiment).items()
            if (folder / f"{name}.nc").is_file()
        }
        if not cells:
            raise MechcoreError(f"{folder}: no trajectories of {experiment.experiment} yet")
        found = collect(cells, folder, kept=kept)
        return cls(
            experiment,
            results,
            found.metrics,
            found.mechanics,
            found.kernels,
            regressions.regress(found.metrics, boundary),
            compare_models(found.metrics, found.kernels, boundary),
            pool(found.metrics, found.kernels, boundary),
        )

    def file_hashes(self) -> dict[str, str]:
        """Return what changes with any number that the identifier of the sweep does not tell of.

        Returns
        -------
        dict of str to str
            SHA-256 by name of the tables, verdicts, controls and films that are there.
        """
        films = [f"films/{name}.nc" for name in film_cells(self.experiment)]
        names = (*(f"{name}.csv" for name in TABLES), CLAIMS_FILE, CONTROLS_FILE, *films)
        return {
            name: file_sha256(self.results / name)
            for name in names
            if (self.results / name).is_file()
        }

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """The cells by id, as planned."""
        return expand(self.experiment)

    @cached_property
    def finished(self) -> set[str]:
        """The ids of the cells whose results are there."""
        return set(cell_names(self.metrics, self.experiment.boundary))

    @cached_property
    def simulations(self) -> pd.DataFrame:
        """Metrics and mechanics of each simulation, with s and the light speed of its kernel."""
        keys, tables = list(SIMULATION), (self.metrics, self.mechanics)
        known = self.metrics.merge(self.mechanics, on=keys, validate="one_to_one")
        alone = sum(len(table) - len(known) for table in tables)
        if alone:
            raise MechcoreError(
                f"{self.results}: {alone} simulations are in only one of metrics.csv and "
                "mechanics.csv, expected all in both"
            )
        bodies = self.kernels[[*KERNEL, *OF_KERNELS]]
        return known.merge(bodies, on=list(KERNEL), how="left", validate="many_to_one")

    @cached_property
    def controls(self) -> pd.DataFrame:
        """The table of controls, see `mechcore.mechanics`; empty if they did not run."""
        # It runs a layer of a control, to see what such a file holds.
        from mechcore.controls_file import read_controls

        path = self.results / CONTROLS_FILE
        if not path.is_file():
            return NO_CONTROLS
        return controls_table(read_controls(path, control_cells(self.experiment)))

    @cached_property
    def films(self) -> dict[str, xr.Dataset]:
        """The films of this experiment by cell id: trajectories with snapshots."""
        planned = film_cells(self.experiment)
        paths = {name: self.results / "films" / f"{name}.nc" for name in planned}
        return {
            name: read_trajectories(path, planned[name])
            for name, path in paths.items()
            if path.is_file()
        }

    @cached_property
    def banks(self) -> dict[str, BankEvidence]:
        """The banks of trained kernels by name, as far as they are analysed."""
        return {
            name: BankEvidence.load(plan, self.results, self.experiment)
            for name, plan in planned_banks(self.experiment).items()
            if bank_files(plan, self.results)[0].is_file()
        }

    @cached_property
    def bank_layers(self) -> pd.DataFrame:
        """The layers of all banks, with ``bank`` and ``trained``; empty without banks."""
        parts = [
            bank.analysis.layers.assign(bank=name, trained=bank.plan.trained)
            for name, bank in self.banks.items()
        ]
        return pd.concat(parts, ignore_index=True) if parts else NO_LAYERS

    @property
    def family(self) -> str:
        """The kernel family that stands for all: the paper's if it is there."""
        return representative_family(self.experiment)

    @property
    def size(self) -> int:
        """The kernel size that stands for all: the paper's 3 if it is there."""
        return preferred(self.experiment.sizes, 3)

    @property
    def point(self) -> str:
        """The pattern whose width starts at zero, or the first."""
        return preferred(self.patterns, "delta")

    @property
    def patterns(self) -> list[str]:
        """Labels of the patterns."""
        return [pattern.label for pattern in self.experiment.patterns]

    @property
    def angle(self) -> float:
        """The angle that stands for all: the first."""
        return self.experiment.angles[0]

    @property
    def sizes_shown(self) -> list[int]:
        """A few sizes, from the smallest to the largest."""
        return shown_sizes(self.experiment.sizes, MOST_PANELS)

    @property
    def free(self) -> bool:
        """Whether the exact theory may hold: the mass is the sum of the state, on free space."""
        finite = BOUNDARIES[self.experiment.boundary].finite
        return not finite and self.experiment.density == "absolute"

    def is_exact(self, activation: str) -> bool:
        """Return whether the exact theory holds for an activation up to beta*.

        Parameters
        ----------
        activation : str
            Name of the activation.

        Returns
        -------
        bool
            False as well for an experiment on a finite domain.
        """
        return self.free and ACTIVATIONS[activation].identity_on_positive

    def dataset(self, family: str, activation: str, size: int) -> xr.Dataset:
        """Return the trajectories of a cell, read once.

        Parameters
        ----------
        family, activation : str
            Names.
        size : int
            Kernel size.

        Returns
        -------
        xarray.Dataset
            Dimensions ``pattern, angle, beta, t``.

        Raises
        ------
        MechcoreError
            If the file is missing, damaged, or of another configuration.
        """
        name = self.cell_name(family, activation, size)
        if name not in self._read:
            path = self.results / "trajectories" / f"{name}.nc"
            self._read[name] = read_trajectories(path, self.cells[name])
        return self._read[name]

    def kernel(self, family: str, size: int, mixing_ratio: float) -> NDArray[np.float64]:
        """Return a kernel of the experiment at its first angle.

        Parameters
        ----------
        family : str
            Kernel family.
        size : int
            Kernel size.
        mixing_ratio : float
            As configured.

        Returns
        -------
        (size, size) ndarray
            The kernel that ran.
        """
        plan = self.experiment
        return kernel(family, size, mixing_ratio, self.angle, plan.mixing, seed=plan.seed)

    def cell_name(self, family: str, activation: str, size: int) -> str:
        """Return the name of a cell of this experiment."""
        return cell_name(family, activation, size, self.experiment.boundary)

    def mean_light_speed(self, size: int) -> float:
        """Return the light speed of a size, in the mean over the angles as speeds are shown."""
        return float(np.mean([light_speed(size, angle) for angle in self.experiment.angles]))

    def theories(self, family: str, size: int) -> list[Theory]:
        """Return what is known of a family at each angle, at equal energy of both parities.

        Parameters
        ----------
        family : str
            Kernel family.
        size : int
            Kernel size.

        Returns
        -------
        list of Theory
            At celerity 1: the speed is the slope M1(O^)/M0(E^) against the celerity.
        """
        half, seed = np.sqrt(0.5), self.experiment.seed
        angles = self.experiment.angles
        return [theory(kernel(family, size, half, angle, seed=seed)) for angle in angles]


@dataclass(frozen=True)
class FigureData:
    """What one figure shows.

    Parameters
    ----------
    evidence : Evidence
        The results.
    topic : str
        What the figure is about, as a kernel family.
    table : pandas.DataFrame
        The data that are drawn.
    """

    evidence: Evidence
    topic: str
    table: pd.DataFrame
