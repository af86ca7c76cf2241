"""What is measured on the trajectories of an experiment: the tables of all cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import xarray as xr

from mechcore.analysis.combinations import axes_of, with_axes
from mechcore.analysis.measures import metrics_table
from mechcore.analysis.mechanics import kernels_table, mechanics_table
from mechcore.analysis.tables import KERNEL
from mechcore.experiment.cell import Cell
from mechcore.simulation.reading import read_trajectories


@dataclass(frozen=True)
class Measurements:
    """What is measured on the trajectories of an experiment."""

    metrics: pd.DataFrame
    mechanics: pd.DataFrame
    """One row a simulation, see `mechcore.analysis.measures.METRICS`,
    `mechcore.analysis.mechanics.MECHANICS`."""
    kernels: pd.DataFrame
    """One row a kernel, columns `mechcore.analysis.mechanics.KERNELS`."""


def collect(
    cells: Mapping[str, Cell],
    trajectories: Path,
    read: Callable[[Path, Cell], xr.Dataset] = read_trajectories,
) -> Measurements:
    """Measure cells, in their order.

    ``trajectories`` is a folder with a file for every cell; ``read`` reads the trajectories of one.
    """
    metrics, mechanics = [], []
    # The same kernels run under all activations, for all patterns.
    kernels: dict[object, pd.DataFrame] = {}
    for name, cell in cells.items():
        dataset = read(trajectories / f"{name}.nc", cell)
        metrics.append(with_axes(metrics_table(dataset, cell.ends), cell.axes))
        mechanics.append(with_axes(mechanics_table(dataset), cell.axes))
        # No other of these settings changes a kernel.
        seed = {name: value for name, value in cell.axes.items() if name == "seed"}
        of_cell = (cell.kernel, cell.size, cell.seed, *cell.angles), tuple(cell.betas)
        if of_cell not in kernels:
            kernels[of_cell] = with_axes(kernels_table(dataset), seed)
    of_cells, of_simulations, of_kernels = (
        pd.concat(tables, ignore_index=True) for tables in (metrics, mechanics, kernels.values())
    )
    # Cells may have different parts of the axes.
    key = [*KERNEL, *axes_of(of_kernels)]
    distinct = of_kernels.drop_duplicates(key, ignore_index=True)
    return Measurements(of_cells, of_simulations, distinct)
