"""The results, which claims are judged by and figures drawn from, and what stands for the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from mechcore.activations import ACTIVATIONS
from mechcore.boundaries import BOUNDARIES
from mechcore.choices import preferred, spread
from mechcore.config import Experiment
from mechcore.contents import representative_family
from mechcore.errors import MechcoreError
from mechcore.exact_theory import Theory, theory
from mechcore.geometry import light_speed
from mechcore.grid import Cell, expand
from mechcore.kernels import kernel
from mechcore.mechanics import NO_CONTROLS, SIMULATION, controls_table
from mechcore.naming import cell_name
from mechcore.regressions import cell_names
from mechcore.storage import read_dataset
from mechcore.tables import collect, read_metrics, read_table

MOST_PANELS = 4
"""A figure with more columns of panels than this cannot be read on paper."""


TABLES: dict[str, Callable[[Path], pd.DataFrame]] = {
    "metrics": read_metrics,
    "mechanics": read_table,
    "kernels": read_table,
    "regressions": read_table,
    "models": read_table,
    "pooled": read_table,
}
"""How each table of results is read, in the order of `Evidence`; files carry these names."""


OF_KERNELS = ["celerity", "diffusion_speed", "light_speed"]


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
        What was measured, see `mechcore.tables.Measurements`.
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
            If a table is missing or damaged.
        """
        tables = {name: read(results / f"{name}.csv") for name, read in TABLES.items()}
        return cls(experiment, results, *tables.values())

    @classmethod
    def measured(cls, experiment: Experiment, results: Path) -> Evidence:
        """Measure and fit what is there of an experiment that may not be finished.

        Parameters
        ----------
        experiment : Experiment
            What was planned.
        results : Path
            Folder with ``trajectories``; tables in it are not read.

        Returns
        -------
        Evidence
            The results, with the cells whose trajectories exist.

        Raises
        ------
        MechcoreError
            If there are none, or one is damaged.
        """
        from mechcore.models import compare_models
        from mechcore.pooled import pool
        from mechcore.regressions import regress

        folder, boundary = results / "trajectories", experiment.boundary
        cells = {
            name: cell
            for name, cell in expand(experiment).items()
            if (folder / f"{name}.nc").is_file()
        }
        if not cells:
            raise MechcoreError(f"{folder}: no trajectories of {experiment.experiment} yet")
        found = collect(cells, folder)
        return cls(
            experiment,
            results,
            found.metrics,
            found.mechanics,
            found.kernels,
            regress(found.metrics, boundary),
            compare_models(found.metrics, found.kernels, boundary),
            pool(found.metrics, found.kernels, boundary),
        )

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
        keys = list(SIMULATION)
        known = self.metrics.merge(self.mechanics, on=keys, validate="one_to_one")
        bodies = self.kernels[["kernel", "size", "angle", "beta", *OF_KERNELS]]
        return known.merge(
            bodies, on=["kernel", "size", "angle", "beta"], how="left", validate="many_to_one"
        )

    @cached_property
    def controls(self) -> pd.DataFrame:
        """The table of controls, see `mechcore.mechanics`; empty if they did not run."""
        path = self.results / "controls.nc"
        return controls_table(read_dataset(path)) if path.is_file() else NO_CONTROLS

    @cached_property
    def films(self) -> dict[str, xr.Dataset]:
        """The films by cell id: trajectories with snapshots."""
        paths = sorted((self.results / "films").glob("*.nc"))
        return {path.stem: read_dataset(path) for path in paths}

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
        return spread(sorted(self.experiment.sizes), MOST_PANELS)

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
            If the file is missing or damaged.
        """
        wanted = (family, activation, size)
        name = next(
            name
            for name, cell in self.cells.items()
            if (cell.kernel, cell.activation, cell.size) == wanted
        )
        if name not in self._read:
            self._read[name] = read_dataset(self.results / "trajectories" / f"{name}.nc")
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
