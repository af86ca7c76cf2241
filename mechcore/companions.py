"""Simulations beside the grid: controls that the claims are held against, and films to look at."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import xarray as xr

from mechcore.cells import Cell, PatternSettings, Shared, SnapshotSettings
from mechcore.choices import preferred, spread
from mechcore.config import Experiment
from mechcore.contents import filmed_activations, representative_family
from mechcore.geometry import light_speed
from mechcore.kernels import FAMILIES
from mechcore.made_by import made_by
from mechcore.patterns import PATTERNS

NOISE = "random"
"""No symmetry: an even kernel leaves a symmetric pattern in place whatever the activation does."""

PURE = [0.0, 1.0]
"""Even kernels, and odd ones."""

FILM_BETAS = [round(0.1 * tenth, 1) for tenth in range(11)]
MOST_LAYERS = 17
WIDEST_FILM = 161
"""Side of a film in px: what leaves it has left the picture."""

DESCRIPTION = ("kernel", "activation", "size")
"""Coordinates of the controls along their dimension ``cell``."""


def control_cells(experiment: Experiment) -> list[Cell]:
    """Return the controls of an experiment: even and odd kernels of every family, on noise.

    Parameters
    ----------
    experiment : Experiment
        Its activations and sizes are controlled, whichever families it runs.

    Returns
    -------
    list of Cell
        All other settings are the experiment's.
    """
    axes = {
        "patterns": [_noise(experiment)],
        "angles": [0.0],
        "betas": PURE,
        "snapshots": SnapshotSettings(),
    }
    return [
        Cell.model_validate(_shared(experiment) | axes | _names(family, activation, size))
        for family in FAMILIES
        for activation in experiment.activations
        for size in experiment.sizes
    ]


def run_controls(experiment: Experiment) -> xr.Dataset:
    """Run the controls of an experiment.

    Parameters
    ----------
    experiment : Experiment
        What was planned.

    Returns
    -------
    xarray.Dataset
        Trajectories, dimensions ``cell, pattern, angle, beta, t``, with the coordinates kernel,
        activation and size along ``cell``. Of the kernels, whose sizes differ, only the smallest
        tap is kept. ``config_sha256`` is that of the grid, `Experiment.without_banks`.
    """
    # The workflow reads the plans above without starting the engine.
    from mechcore.simulation import simulate

    cells = control_cells(experiment)
    made = made_by("mechcore.companions", controls_settings(experiment))
    return joined_controls(cells, [simulate(cell) for cell in cells]).assign_attrs(made)


def controls_settings(experiment: Experiment) -> dict[str, Any]:
    """Return what the controls of an experiment depend on.

    Parameters
    ----------
    experiment : Experiment
        What was planned.

    Returns
    -------
    dict
        Its grid, as JSON holds it.

    Examples
    --------
    >>> from mechcore.config import load_experiment
    >>> controls_settings(load_experiment({"experiment": "a", "kernels": ["dct"], "sizes": [2],
    ...     "activations": ["relu"], "betas": [0.0, 1.0]}))["sizes"]
    [2]
    """
    return experiment.without_banks().to_mapping()


def joined_controls(cells: Sequence[Cell], runs: Iterable[xr.Dataset]) -> xr.Dataset:
    """Put controls that ran into one dataset.

    Parameters
    ----------
    cells : sequence of Cell
        The controls.
    runs : iterable of xarray.Dataset
        Trajectories of each.

    Returns
    -------
    xarray.Dataset
        As `run_controls` returns, without what tells how it was made.

    Examples
    --------
    >>> from mechcore.simulation import simulate
    >>> cells = [Cell(kernel="dct", activation=name, size=2, betas=[1.0], steps=4)
    ...          for name in ("relu", "modulus")]
    >>> joined_controls(cells, map(simulate, cells)).activation.values.tolist()
    ['relu', 'modulus']
    """
    joined = xr.concat(
        [without_taps(run) for run in runs],
        "cell",
        combine_attrs="drop_conflicts",
        join="override",
    )
    columns = {name: ("cell", [getattr(cell, name) for cell in cells]) for name in DESCRIPTION}
    return joined.assign_coords(columns)


def _noise(experiment: Experiment) -> PatternSettings:
    """Noise that fits into the domain."""
    side = PATTERNS[NOISE].defaults["side"]
    if experiment.domain is None or experiment.domain >= side:
        return PatternSettings(name=NOISE)
    return PatternSettings(name=NOISE, arguments={"side": experiment.domain})


def without_taps(dataset: xr.Dataset) -> xr.Dataset:
    """Return trajectories with only the smallest tap of each kernel.

    Parameters
    ----------
    dataset : xarray.Dataset
        Trajectories.

    Returns
    -------
    xarray.Dataset
        With ``smallest_tap`` instead of ``kernel_taps``.

    Examples
    --------
    >>> from mechcore.simulation import simulate
    >>> cell = Cell(kernel="dct", activation="relu", size=2, betas=[1.0], steps=4)
    >>> round(without_taps(simulate(cell)).smallest_tap.item(), 12)
    -0.5
    """
    smallest = dataset.kernel_taps.min(["kernel_y", "kernel_x"])
    smallest.attrs = {"long_name": "smallest tap of the kernel", "units": "1"}
    return dataset.assign(smallest_tap=smallest).drop_vars("kernel_taps")


def film_cells(experiment: Experiment) -> dict[str, Cell]:
    """Return the films of an experiment by cell id.

    Parameters
    ----------
    experiment : Experiment
        What was planned.

    Returns
    -------
    dict of str to Cell
        The kernel family, size and pattern that stand for all, under at most two activations.

    Examples
    --------
    >>> from mechcore.config import load_experiment
    >>> list(film_cells(load_experiment({"experiment": "a", "kernels": ["dct"], "sizes": [2, 3],
    ...     "activations": ["tanh", "relu"], "betas": [0.0, 1.0]})))
    ['dct-relu-k3', 'dct-tanh-k3']
    """
    family, size = representative_family(experiment), preferred(experiment.sizes, 3)
    shared = _shared(experiment) | _film(experiment, size)
    cells = [
        Cell.model_validate(shared | _names(family, activation, size))
        for activation in filmed_activations(experiment)
    ]
    return {cell.id: cell for cell in cells}


def _film(experiment: Experiment, size: int) -> dict[str, object]:
    """The axes of a film: everything that is seen at light speed fits into its window."""
    # Of a point there is nothing to see at first.
    pattern = max(experiment.patterns, key=lambda one: one.image().size)
    angle, steps = experiment.angles[0], experiment.steps
    reach = light_speed(size, angle) * steps + max(pattern.image().shape) / 2
    side = min(2 * math.ceil(reach) + 1, WIDEST_FILM)
    layers = spread(list(range(steps + 1)), MOST_LAYERS)
    return {
        "patterns": [pattern],
        "angles": [angle],
        "betas": FILM_BETAS,
        "snapshots": SnapshotSettings(layers=layers, window=side),
    }


def _shared(experiment: Experiment) -> dict[str, object]:
    return {name: getattr(experiment, name) for name in Shared.model_fields}


def _names(family: str, activation: str, size: int) -> dict[str, object]:
    return {"kernel": family, "activation": activation, "size": size}
