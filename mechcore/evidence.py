"""What figures are drawn from: the results, and which of them stand for the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from mechcore.activations import ACTIVATIONS
from mechcore.boundaries import BOUNDARIES
from mechcore.config import Experiment
from mechcore.exact_theory import Theory, theory
from mechcore.geometry import light_speed
from mechcore.grid import Cell, expand
from mechcore.kernels import kernel
from mechcore.naming import cell_name
from mechcore.storage import read_dataset
from mechcore.tables import read_metrics, read_table

MOST_PANELS = 4
"""A figure with more columns of panels than this cannot be read on paper."""

Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Evidence:
    """The results of an experiment.

    Parameters
    ----------
    experiment : Experiment
        What was planned.
    metrics, regressions : pandas.DataFrame
        The tables of results.
    folder : Path
        Where the trajectories of the cells are.
    """

    experiment: Experiment
    metrics: pd.DataFrame
    regressions: pd.DataFrame
    folder: Path
    _read: dict[str, xr.Dataset] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, experiment: Experiment, results: Path) -> Evidence:
        """Read the tables of an experiment; trajectories are read when a figure needs them.

        Parameters
        ----------
        experiment : Experiment
            What was planned.
        results : Path
            Folder with ``metrics.csv``, ``regressions.csv`` and ``trajectories``.

        Returns
        -------
        Evidence
            The results.

        Raises
        ------
        MechcoreError
            If a table is missing or damaged.
        """
        metrics = read_metrics(results / "metrics.csv")
        regressions = read_table(results / "regressions.csv")
        return cls(experiment, metrics, regressions, results / "trajectories")

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """The cells by id."""
        return expand(self.experiment)

    @property
    def family(self) -> str:
        """The kernel family that stands for all: the paper's if it is there."""
        return preferred(self.experiment.kernels, "dct")

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
            self._read[name] = read_dataset(self.folder / f"{name}.nc")
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


def spread(values: list[Choice], most: int) -> list[Choice]:
    """Return at most so many values, evenly spaced, with the first and the last.

    Parameters
    ----------
    values : list
        Ordered values.
    most : int
        How many to keep.

    Returns
    -------
    list
        Some of the values.

    Examples
    --------
    >>> spread([0, 1, 2, 3, 4], 3)
    [0, 2, 4]
    """
    places = np.linspace(0, len(values) - 1, min(most, len(values))).round().astype(int)
    return [values[place] for place in places]


def preferred(values: list[Choice], *wishes: Choice) -> Choice:
    """Return the first wish that is there, else the first value.

    Parameters
    ----------
    values : list
        What is there.
    *wishes : object
        What would be best.

    Returns
    -------
    object
        One of the values.

    Examples
    --------
    >>> preferred([2, 5], 3, 5)
    5
    """
    return next((wish for wish in wishes if wish in values), values[0])
