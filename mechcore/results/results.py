"""The results, which claims are judged by and figures drawn from, and what stands for the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from mechcore.analysis import regressions
from mechcore.analysis.collect import MEASURES, collect
from mechcore.analysis.mechanics import KERNELS, MECHANICS, NO_CONTROLS, SIMULATION, controls_table
from mechcore.analysis.tables import KERNEL, MODEL_COLUMNS, POOLED_COLUMNS, read_metrics, read_table
from mechcore.errors import MechcoreError
from mechcore.experiment.banks import planned_banks
from mechcore.experiment.cell import Cell
from mechcore.experiment.config import Experiment
from mechcore.experiment.controls import control_cells
from mechcore.experiment.films import film_cells
from mechcore.experiment.grid import expand
from mechcore.experiment.naming import cell_name
from mechcore.experiment.paths import CLAIMS_FILE, CONTROLS_FILE
from mechcore.experiment.representative import preferred, representative_family, shown_sizes
from mechcore.io.hashes import file_sha256
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.boundaries import BOUNDARIES
from mechcore.model.geometry import light_speed
from mechcore.model.kernels import kernel
from mechcore.model.theory import Theory, theory
from mechcore.results.banks import BankResults, bank_files
from mechcore.simulation.reading import read_trajectories

if TYPE_CHECKING:
    pass

NO_LAYERS = pd.DataFrame(
    columns=["bank", "trained", "low_frequency_share", "null_low_frequency_share"]
)


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
"""How each table of results is read, in the order of `Results`; files carry these names."""


OF_KERNELS = ["celerity", "diffusion_speed", "light_speed"]


@dataclass(frozen=True)
class Results:
    """The results of an experiment."""

    experiment: Experiment
    """What was planned; cells may be missing from all tables."""
    folder: Path
    """Folder of the results."""
    metrics: pd.DataFrame
    mechanics: pd.DataFrame
    kernels: pd.DataFrame
    """What was measured, see `mechcore.analysis.collect.Measurements`."""
    regressions: pd.DataFrame
    models: pd.DataFrame
    pooled: pd.DataFrame
    """What was fitted, see `mechcore.analysis.regressions`, `mechcore.analysis.curve_comparison`
    and `mechcore.analysis.pooled`."""
    _read: dict[str, xr.Dataset] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def load(cls, experiment: Experiment, results: Path) -> Results:
        """Read the tables of an experiment; trajectories are read when a figure needs them."""
        tables = {name: read(results / f"{name}.csv") for name, read in TABLES.items()}
        return cls(experiment, results, *tables.values())

    @classmethod
    def measured(cls, experiment: Experiment, results: Path, *, kept: bool = True) -> Results:
        """Measure and fit what is there of an experiment that may not be finished."""
        from mechcore.analysis.curve_comparison import compare_models
        from mechcore.analysis.pooled import pool

        folder = results / "trajectories"
        cells = {
            name: cell
            for name, cell in expand(experiment).items()
            if (folder / f"{name}.nc").is_file()
        }
        if not cells:
            raise MechcoreError(f"{folder}: no trajectories of {experiment.experiment} yet")
        found = collect(cells, folder, results / MEASURES if kept else None)
        return cls(
            experiment,
            results,
            found.metrics,
            found.mechanics,
            found.kernels,
            regressions.regress(found.metrics),
            compare_models(found.metrics, found.kernels),
            pool(found.metrics, found.kernels),
        )

    def file_hashes(self) -> dict[str, str]:
        """Return what changes with any number that the identifier of the sweep does not tell of."""
        films = [f"films/{name}.nc" for name in film_cells(self.experiment)]
        names = (*(f"{name}.csv" for name in TABLES), CLAIMS_FILE, CONTROLS_FILE, *films)
        return {
            name: file_sha256(self.folder / name)
            for name in names
            if (self.folder / name).is_file()
        }

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """The cells by id, as planned."""
        return expand(self.experiment)

    @cached_property
    def finished(self) -> set[str]:
        """The ids of the cells whose results are there."""
        return set(self.metrics.cell)

    @cached_property
    def mean_speeds(self) -> pd.DataFrame:
        """The points that lines are fitted through, see `mechcore.analysis.regressions`."""
        return regressions.mean_speeds(self.metrics)

    @cached_property
    def simulations(self) -> pd.DataFrame:
        """Metrics and mechanics of each simulation, with s and the light speed of its kernel."""
        keys, tables = list(SIMULATION), (self.metrics, self.mechanics)
        known = self.metrics.merge(self.mechanics, on=keys, validate="one_to_one")
        alone = sum(len(table) - len(known) for table in tables)
        if alone:
            raise MechcoreError(
                f"{self.folder}: {alone} simulations are in only one of metrics.csv and "
                "mechanics.csv, expected all in both"
            )
        bodies = self.kernels[[*KERNEL, *OF_KERNELS]]
        return known.merge(bodies, on=list(KERNEL), how="left", validate="many_to_one")

    @cached_property
    def controls(self) -> pd.DataFrame:
        """The table of controls, see `mechcore.analysis.mechanics`; empty if they did not run."""
        # It runs a layer of a control, to see what such a file holds.
        from mechcore.simulation.controls import read_controls

        path = self.folder / CONTROLS_FILE
        if not path.is_file():
            return NO_CONTROLS
        return controls_table(read_controls(path, control_cells(self.experiment)))

    @cached_property
    def films(self) -> dict[str, xr.Dataset]:
        """The films of this experiment by cell id: trajectories with snapshots."""
        planned = film_cells(self.experiment)
        paths = {name: self.folder / "films" / f"{name}.nc" for name in planned}
        return {
            name: read_trajectories(path, planned[name])
            for name, path in paths.items()
            if path.is_file()
        }

    @cached_property
    def banks(self) -> dict[str, BankResults]:
        """The banks of trained kernels by name, as far as they are analysed."""
        return {
            name: BankResults.load(plan, self.folder, self.experiment)
            for name, plan in planned_banks(self.experiment).items()
            if bank_files(plan, self.folder)[0].is_file()
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
    def activation(self) -> str:
        """The activation that stands for all: ReLU, or else the modulus, if it is there."""
        return preferred(self.experiment.activations, "relu", "modulus")

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
        """Return whether the exact theory holds for an activation up to beta*."""
        return self.free and ACTIVATIONS[activation].identity_on_positive

    def dataset(self, family: str, activation: str, size: int) -> xr.Dataset:
        """Return the trajectories of a cell, read once."""
        name = self.cell_name(family, activation, size)
        if name not in self._read:
            path = self.folder / "trajectories" / f"{name}.nc"
            self._read[name] = read_trajectories(path, self.cells[name])
        return self._read[name]

    def kernel(self, family: str, size: int, mixing_ratio: float) -> NDArray[np.float64]:
        """Return a kernel of the experiment at its first angle."""
        plan = self.experiment
        return kernel(family, size, mixing_ratio, self.angle, plan.mixing, seed=plan.seed)

    def cell_name(self, family: str, activation: str, size: int) -> str:
        """Return the name of a cell of this experiment."""
        return cell_name(family, activation, size, self.experiment.boundary)

    def mean_light_speed(self, size: int) -> float:
        """Return the light speed of a size, in the mean over the angles as speeds are shown."""
        return float(np.mean([light_speed(size, angle) for angle in self.experiment.angles]))

    def theories(self, family: str, size: int) -> list[Theory]:
        """Return what is known of a family at each angle, at equal energy of both parities."""
        half, seed = np.sqrt(0.5), self.experiment.seed
        angles = self.experiment.angles
        return [theory(kernel(family, size, half, angle, seed=seed)) for angle in angles]
