"""The results of an experiment as one object, for claims, figures and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from mechcore.analysis.collect import Measurements, collect
from mechcore.analysis.combinations import axes_of, rows_at
from mechcore.analysis.measures import end_column, end_columns
from mechcore.analysis.mechanics import KERNELS, MECHANICS, NO_CONTROLS, SIMULATION, controls_table
from mechcore.analysis.pooled import POOLED_COLUMNS, pool
from mechcore.analysis.regressions import COLUMNS, mean_speeds, regress
from mechcore.analysis.tables import KERNEL, TEXTS, joined, read_metrics, read_table
from mechcore.errors import MechcoreError
from mechcore.experiment import paths
from mechcore.experiment.banks import planned_banks
from mechcore.experiment.cell import Cell
from mechcore.experiment.config import Experiment
from mechcore.experiment.controls import control_cells, controls_settings
from mechcore.experiment.films import film_cells
from mechcore.experiment.grid import expand
from mechcore.experiment.networks import planned_networks
from mechcore.experiment.published import REPRODUCTION_COLUMNS
from mechcore.experiment.representative import preferred, representative_family, shown_sizes
from mechcore.experiment.training import planned_runs
from mechcore.io.hashes import file_sha256, settings_sha256
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.boundaries import BOUNDARIES
from mechcore.model.geometry import light_speed
from mechcore.model.kernels import FAMILIES, kernel
from mechcore.model.theory import Theory, theory
from mechcore.plots.notebook import plot_law
from mechcore.results.banks import BankResults, bank_files
from mechcore.results.joined import joined_trajectories
from mechcore.results.networks import NetworkResults, network_file
from mechcore.simulation.checks import check_attributes
from mechcore.simulation.reading import read_trajectories

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PANELS = 4
"""A figure with more columns of panels than this cannot be read on paper."""

TABLES: dict[str, Callable[[Path], pd.DataFrame]] = {
    "metrics": read_metrics,
    "mechanics": partial(read_table, columns=MECHANICS, key=SIMULATION),
    "kernels": partial(read_table, columns=KERNELS, key=KERNEL),
    "regressions": partial(read_table, columns=COLUMNS),
    "pooled": partial(read_table, columns=POOLED_COLUMNS),
}
"""How each table of results is read, in the order of `Results`; files carry these names."""

OF_KERNELS = ["celerity", "diffusion_speed", "light_speed"]
"""Columns of the kernels that `Results.simulations` shows beside each simulation."""


def netcdf_files(experiment: Experiment) -> list[str]:
    """Return the names of all netCDF files of a finished experiment, below its results."""
    banks = planned_banks(experiment).values()
    return [
        *(f"{paths.TRAJECTORIES}/{name}.nc" for name in expand(experiment)),
        *(f"{paths.FILMS}/{name}.nc" for name in film_cells(experiment)),
        paths.CONTROLS_FILE,
        *(path.as_posix() for bank in banks for path in bank_files(bank, Path())),
        *(network_file(name, Path()).as_posix() for name in planned_networks(experiment)),
        *(f"{paths.TRAININGS}/{name}.nc" for name in planned_runs(experiment.training)),
    ]


def table_files(experiment: Experiment) -> list[str]:
    """Return the names of the tables and of the claims, whose hashes are in the sweep."""
    published = [paths.REPRODUCTION_FILE] if experiment.published else []
    layers = [paths.CENSUS_FILE] if experiment.filter_banks else []
    layers += [paths.NETWORKS_FILE] if experiment.networks else []
    trained = [paths.TRAINING_FILE, paths.TRAINING_TESTS_FILE] if experiment.training else []
    return [*(f"{name}.csv" for name in TABLES), *published, *layers, *trained, paths.CLAIMS_FILE]


def existing_hashes(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of the files that exist."""
    return {name: file_sha256(folder / name) for name in names if (folder / name).is_file()}


@dataclass(frozen=True)
class Results:
    """The results of an experiment."""

    experiment: Experiment
    """The plan; cells may be missing from all tables."""
    folder: Path
    """Folder of the results."""
    metrics: pd.DataFrame
    mechanics: pd.DataFrame
    kernels: pd.DataFrame
    """What was measured, see `mechcore.analysis.collect.Measurements`."""
    regressions: pd.DataFrame
    pooled: pd.DataFrame
    """What was fitted, see `mechcore.analysis.regressions` and `mechcore.analysis.pooled`."""
    _read: dict[str, xr.Dataset] = field(default_factory=dict, init=False, repr=False)

    def __repr__(self) -> str:
        return (
            f"Results of {self.experiment.experiment} in {self.folder}: {len(self.finished)} of "
            f"{len(self.cells)} cells, {len(self.metrics)} simulations"
        )

    @classmethod
    def load(cls, experiment: Experiment, results: Path) -> Results:
        """Read the tables of an experiment; trajectories are read when a figure needs them."""
        tables = {name: read(results / f"{name}.csv") for name, read in TABLES.items()}
        missing = {*map(end_column, experiment.ends)} - {*tables["metrics"]}
        if missing:
            reason = f"made with other settings than {experiment.experiment} has"
            names = ", ".join(sorted(missing))
            raise MechcoreError(f"{results / paths.METRICS_FILE}: no column {names}, {reason}")
        return cls(experiment, results, *tables.values())

    @classmethod
    def measured(cls, experiment: Experiment, results: Path) -> Results:
        """Measure and fit the finished cells of an experiment that may not be finished."""
        folder = results / paths.TRAJECTORIES
        cells = {
            name: cell
            for name, cell in expand(experiment).items()
            if (folder / f"{name}.nc").is_file()
        }
        if not cells:
            raise MechcoreError(f"{folder}: no trajectories of {experiment.experiment} yet")
        return cls.fitted(experiment, results, collect(cells, folder))

    @classmethod
    def fitted(cls, experiment: Experiment, results: Path, measured: Measurements) -> Results:
        """Fit what was measured."""
        metrics, kernels = measured.metrics, measured.kernels
        fits = regress(metrics, kernels), pool(metrics, kernels)
        return cls(experiment, results, metrics, measured.mechanics, kernels, *fits)

    def file_hashes(self) -> dict[str, str]:
        """Return the SHA-256 of files with numbers that the identifier of a sweep leaves out."""
        films = [f"{paths.FILMS}/{name}.nc" for name in film_cells(self.experiment)]
        names = (*table_files(self.experiment), paths.CONTROLS_FILE, *films)
        return existing_hashes(self.folder, names)

    @cached_property
    def combinations(self) -> list[Results]:
        """The results of each combination of settings that are axes, as of a grid without them."""
        parts = map(self._at, self.experiment.combinations)
        return [part for part in parts if not part.metrics.empty]

    @cached_property
    def reference(self) -> Results:
        """The results of the first combination, by which claims are judged."""
        if not self.experiment.axes:
            return self
        first = self._at(self.experiment.reference)
        if first.metrics.empty:
            raise MechcoreError(
                f"{self.folder}: no trajectories yet of {self.experiment.setting}, by which "
                "claims are judged"
            )
        return first

    def _at(self, one: Experiment) -> Results:
        tables = (rows_at(getattr(self, name), one.first_values) for name in TABLES)
        metrics, *others = tables
        ends = {*map(end_column, one.ends)}
        foreign = [name for name in end_columns(metrics) if name not in ends]
        return Results(one, self.folder, metrics.drop(columns=foreign), *others)

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """The cells by id, as planned."""
        return expand(self.experiment)

    @cached_property
    def finished(self) -> set[str]:
        """The ids of the finished cells."""
        return set(self.metrics.cell)

    @cached_property
    def trajectories(self) -> xr.Dataset:
        """All trajectories as one dataset, see `mechcore.results.joined.joined_trajectories`."""
        finished = {name: cell for name, cell in self.cells.items() if name in self.finished}
        return joined_trajectories(self.folder / paths.TRAJECTORIES, finished)

    @cached_property
    def mean_speeds(self) -> pd.DataFrame:
        """The points that lines are fitted through, see `mechcore.analysis.regressions`."""
        return mean_speeds(self.metrics[self.metrics.pattern.isin(self.patterns)])

    @cached_property
    def simulations(self) -> pd.DataFrame:
        """Metrics and mechanics of simulations, with s and the light speed of the kernels."""
        tables = (self.metrics, self.mechanics)
        keys = [*SIMULATION, *axes_of(self.metrics)]
        known = self.metrics.merge(self.mechanics, on=keys, validate="one_to_one")
        alone = sum(len(table) - len(known) for table in tables)
        if alone:
            raise MechcoreError(
                f"{self.folder}: {alone} simulations are in only one of metrics.csv and "
                "mechanics.csv, expected all in both"
            )
        key = [*KERNEL, *axes_of(self.kernels)]
        known = known[known.pattern.isin(self.patterns)]
        bodies = self.kernels[[*key, *OF_KERNELS]]
        return known.merge(bodies, on=key, how="left", validate="many_to_one")

    @cached_property
    def controls(self) -> pd.DataFrame:
        """The table of controls, see `mechcore.analysis.mechanics`; empty if they did not run."""
        ran = (self.folder / paths.CONTROLS_FILE).is_file()
        return controls_table(self.control_runs) if ran else NO_CONTROLS

    @cached_property
    def control_runs(self) -> xr.Dataset:
        """The trajectories of the controls."""
        # To see what such a file holds, it runs a layer of a control.
        from mechcore.simulation.controls import read_controls

        path = self.folder / paths.CONTROLS_FILE
        runs = read_controls(path, control_cells(self.experiment))
        settings = settings_sha256(controls_settings(self.experiment))
        check_attributes(path, runs, {"config_sha256": settings})
        return runs

    @cached_property
    def reproduction(self) -> pd.DataFrame:
        """The published numbers beside ours; empty if they were not computed."""
        path = self.folder / paths.REPRODUCTION_FILE
        if not self.experiment.published or not path.is_file():
            return pd.DataFrame(columns=list(REPRODUCTION_COLUMNS))
        table = read_table(path, REPRODUCTION_COLUMNS)
        return table.assign(**{name: table[name].astype(object).fillna("") for name in TEXTS})

    @cached_property
    def films(self) -> dict[str, xr.Dataset]:
        """The films of this experiment by cell id, trajectories with snapshots."""
        planned = film_cells(self.experiment)
        files = {name: self.folder / paths.FILMS / f"{name}.nc" for name in planned}
        present = {name: path for name, path in files.items() if path.is_file()}
        return {name: read_trajectories(path, planned[name]) for name, path in present.items()}

    @cached_property
    def banks(self) -> dict[str, BankResults]:
        """The banks of trained kernels by name, as far as they are analysed."""
        return {
            name: BankResults.load(plan, self.folder, self.experiment)
            for name, plan in planned_banks(self.experiment).items()
            if bank_files(plan, self.folder)[0].is_file()
        }

    @cached_property
    def census(self) -> pd.DataFrame:
        """The layers of all banks, see `mechcore.filters.census`; empty without banks."""
        from mechcore.filters.census import JUDGED, network_layers

        layers = (
            network_layers(bank.analysis.layers, name, trained=bank.plan.trained)
            for name, bank in self.banks.items()
        )
        return joined(layers, JUDGED)

    @cached_property
    def networks(self) -> dict[str, NetworkResults]:
        """The whole networks by name, on each set of images, as far as they are measured."""
        plans = planned_networks(self.experiment)
        files = {name: network_file(name, self.folder) for name in plans}
        present = {name: path for name, path in files.items() if path.is_file()}
        return {name: NetworkResults.load(plans[name], path) for name, path in present.items()}

    @cached_property
    def network_layers(self) -> pd.DataFrame:
        """The layers of all networks, see `mechcore.networks.summary`; empty without networks."""
        from mechcore.networks import summary

        return joined((network.layers for network in self.networks.values()), summary.COLUMNS)

    @cached_property
    def trainings(self) -> dict[str, xr.Dataset]:
        """The trajectories of the networks that are trained, by name, as far as they are."""
        from mechcore.results.trainings import read_study

        folder, planned = self.folder / paths.TRAININGS, planned_runs(self.experiment.training)
        runs = {name: run for name, run in planned.items() if (folder / f"{name}.nc").is_file()}
        return read_study(runs, folder)

    @cached_property
    def training(self) -> pd.DataFrame:
        """A row for each network that was trained, see `mechcore.results.trainings`."""
        from mechcore.results.trainings import study_table

        planned = planned_runs(self.experiment.training)
        return study_table({name: planned[name] for name in self.trainings}, self.trainings)

    @cached_property
    def training_epochs(self) -> pd.DataFrame:
        """A row for each epoch of each of these networks."""
        from mechcore.results.trainings import epochs_table

        return epochs_table(planned_runs(self.experiment.training), self.trainings)

    @cached_property
    def training_tests(self) -> pd.DataFrame:
        """What sets the networks apart, see `mechcore.results.training_tests`."""
        from mechcore.results.training_tests import study_tests

        return study_tests(self.training)

    def read_beside_the_grid(self) -> None:
        """Read what is beside the grid, or refuse what is damaged or of other settings."""
        for kind in ("films", "control_runs", "banks", "networks", "trainings"):
            getattr(self, kind)

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
        """Labels of the patterns that are measured on the whole image; of all if none is."""
        pairs = zip(self.experiment.patterns, self.experiment.regions, strict=True)
        return [pattern.label for pattern, region in pairs if region == "image"] or [
            pattern.label for pattern in self.experiment.patterns
        ]

    @property
    def angle(self) -> float:
        """The angle that stands for all: the first."""
        return self.experiment.angles[0]

    @property
    def sizes_shown(self) -> list[int]:
        """A few sizes, from the smallest to the largest."""
        return shown_sizes(self.experiment.sizes, MOST_PANELS)

    def sizes_of(self, family: str) -> list[int]:
        """Return the sizes that a family has."""
        return [size for size in self.experiment.sizes if FAMILIES[family].has_size(size)]

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
            path = self.folder / paths.TRAJECTORIES / f"{name}.nc"
            self._read[name] = read_trajectories(path, self.cells[name])
        return self._read[name]

    def plot(self, family: str | None = None, layers: float | None = None) -> Axes:
        """Draw the headline law of a family, see `mechcore.plots.notebook.plot_law`.

        Of settings that are axes, the first values are shown.
        """
        points, kernels = self.reference.mean_speeds, self.reference.kernels
        chosen = (points.kernel == (family or self.family)) & (points.pattern == self.point)
        return plot_law(points[chosen], kernels, layers)

    def shows(self, cell: str, *betas: float) -> bool:
        """Return whether a finished cell has the pattern and angle that stand for all, and betas.

        The experiment may leave them out.
        """
        if cell not in self.finished:
            return False
        plan = self.cells[cell]
        labels = [pattern.label for pattern in plan.patterns]
        return self.point in labels and self.angle in plan.angles and set(betas) <= set(plan.betas)

    def kernel(self, family: str, size: int, mixing_ratio: float) -> NDArray[np.float64]:
        """Return a kernel of the experiment at its first angle."""
        plan = self.experiment
        return kernel(family, size, mixing_ratio, self.angle, plan.mixing, seed=plan.seed)

    def cell_name(self, family: str, activation: str, size: int) -> str:
        """Return the name of a cell of this experiment."""
        return self.experiment.cell_name(family, activation, size)

    def mean_light_speed(self, size: int) -> float:
        """Return the light speed of a size, in the mean over the angles as speeds are shown."""
        return float(np.mean([light_speed(size, angle) for angle in self.experiment.angles]))

    def theories(self, family: str, size: int) -> list[Theory]:
        """Return the exact theory of a family at each angle, at equal energy of both parities."""
        half, seed = np.sqrt(0.5), self.experiment.seed
        angles = self.experiment.angles
        return [theory(kernel(family, size, half, angle, seed=seed)) for angle in angles]
