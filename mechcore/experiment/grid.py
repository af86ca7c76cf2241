"""The grid: cells of kernel family x activation x size."""

from __future__ import annotations

from mechcore.errors import MechcoreError
from mechcore.experiment.cell import Cell, Shared
from mechcore.experiment.config import Experiment
from mechcore.experiment.extensions import used_extensions
from mechcore.experiment.sub_grids import remaining
from mechcore.model.kernels import FAMILIES


def expand(experiment: Experiment) -> dict[str, Cell]:
    """Return the cells of an experiment by id; a family has no cells of sizes that it lacks."""
    cells = [
        cell
        for one in experiment.combinations
        for kernel in one.kernels
        for activation in one.activations
        for size in one.sizes
        if FAMILIES[kernel].has_size(size) and (cell := grid_cell(one, kernel, activation, size))
    ]
    if not cells:
        raise MechcoreError("include and exclude leave no cell of the grid, expected at least one")
    if cells[0].axes != experiment.first_values:
        raise MechcoreError(
            f"include and exclude leave no cell of {experiment.setting}, the first values, "
            "by which claims are judged: put other values first"
        )
    return {cell.id: cell for cell in cells}


def grid_cell(experiment: Experiment, kernel: str, activation: str, size: int) -> Cell | None:
    """Return a cell of the grid; None if the experiment leaves it out."""
    names = {"kernel": kernel, "activation": activation, "size": size}
    names |= {"varies": [*experiment.axes] or None}
    whole = cell_of(experiment, **names)
    if experiment.include is None and experiment.exclude is None:
        return whole
    axes = remaining(whole, experiment.include, experiment.exclude or [])
    return cell_of(experiment, **names, **axes) if axes else None


def cell_of(experiment: Experiment, **values: object) -> Cell:
    """Return a cell with the values of an experiment but for some."""
    shared = {name: getattr(experiment, name) for name in Shared.model_fields}
    # Checked with the experiment; checking ten thousand cells again takes seconds.
    cell = Cell.model_construct(**shared | values)
    if experiment.extensions:
        cell.__dict__["extensions"] = used_extensions(cell.names)
    return cell
