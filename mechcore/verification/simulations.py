"""Simulations of the grid, of the controls and of films: the reference engine runs them again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from mechcore.engines.factors import products
from mechcore.engines.methods import direct_cost
from mechcore.engines.trajectories import (
    AGREEMENT,
    ILL_CONDITIONED,
    QUANTITIES,
    moment_rounding,
    record_distance,
)
from mechcore.experiment.cell import Cell, PatternSettings, Propagation, SnapshotSettings
from mechcore.experiment.controls import control_cells
from mechcore.experiment.films import film_cells
from mechcore.model.boundaries import domain_side
from mechcore.results.results import Results
from mechcore.simulation.controls import IN_PLACE_OF_TAPS, without_taps
from mechcore.simulation.run import simulate
from mechcore.verification.certificate import Check, merged
from mechcore.verification.comparison import differences
from mechcore.verification.sampling import MOST_MULTIPLY_ADDS, Sampling

OVERHEAD = 1e5
"""What a layer costs however small the state is, in multiply-adds: numpy's calls."""

OTHER_ROUNDING = 40.0
"""Rounding differs between engines, and with it the sensitivity of a run, see
`mechcore.engines.trajectories.ILL_CONDITIONED`. A value this far below the limit in one engine
cannot exceed it in the other."""

SAME_PICTURE = 1e-6
"""Tolerance of a pixel of a snapshot, which is kept in float32, whose rounding is 6e-8."""

CONSTANTS = (
    *("kernel_taps", "odd_energy_ratio", "beta_star", *IN_PLACE_OF_TAPS),
    *("edge_at", "snapshot_x", "snapshot_y"),
)
"""What follows from the kernel, and from the sizes of states, without any engine."""

ENDS = ["extinct_at", "diverged_at"]


class SimulationIndex(NamedTuple):
    """Indices of a simulation along the dimensions of its cell."""

    pattern: int
    angle: int
    beta: int


def check_cell(dataset: xr.Dataset, cell: Cell, sampling: Sampling) -> Check:
    """Run simulations of one cell again."""
    parts = []
    for index in sampling.draw(_indices(cell)):
        actual = dataset.isel(index._asdict())
        again = _expected(cell, index, sampling.multiply_adds, actual)
        parts.append(compared_simulation(_name(cell, index), actual, again))
    check = merged("cell", cell.id, parts, cell.simulations)
    sampling.report(summary_line(check))
    return check


def check_controls(results: Results, sampling: Sampling) -> Check:
    """Run a sample of the controls again."""
    cells = control_cells(results.experiment)
    planned = [(cell, index) for cell in cells for index in _indices(cell)]
    parts = []
    for number in sampling.draw(range(len(planned))):
        cell, index = planned[number]
        name = f"control {_name(cell, index)}, density {cell.density}"
        actual = results.control_runs.isel(control=number)
        expected = without_taps(_expected(cell, index, sampling.multiply_adds, actual))
        parts.append(compared_simulation(name, actual, expected))
    statement = "The reference engine gives the same controls"
    check = merged("controls", statement, parts, len(planned))
    sampling.report(summary_line(check))
    return check


def check_films(results: Results, sampling: Sampling) -> Check:
    """Run a sample of each film again."""
    parts = [
        check_cell(results.films[name], cell, sampling)
        for name, cell in film_cells(results.experiment).items()
    ]
    return merged("films", "The reference engine gives the same films", parts)


def summary_line(check: Check) -> str:
    """Return one line about simulations that ran again."""
    count = check.compared + check.excused
    if not count:
        return f"{check.statement}: none"
    worst = "infinitely far apart" if check.compared else "all decided by rounding"
    if check.largest is not None:
        worst = f"at most {check.largest:.1e} apart"
    return f"{check.statement}: {count} simulations, {worst}"


def _indices(cell: Cell) -> list[SimulationIndex]:
    shape = (len(cell.patterns), len(cell.angles), len(cell.betas))
    return [SimulationIndex(*index) for index in np.ndindex(shape)]


def _name(cell: Cell, index: SimulationIndex) -> str:
    pattern, angle = cell.patterns[index.pattern].label, cell.angles[index.angle]
    return f"{cell.id}, {pattern}, angle {angle:g}, beta {cell.betas[index.beta]:g}"


def _expected(
    cell: Cell, index: SimulationIndex, multiply_adds: float, actual: xr.Dataset
) -> xr.Dataset:
    """What a file should hold of a simulation.

    The compiled engine runs a product of two lines as lines. It may know them well where a state of
    two dimensions is unstable, and the reference engine knows nothing: then it runs them again.
    """
    expected = _rerun(cell, index, multiply_adds)
    if bool(actual.ill_conditioned) or not bool(expected.ill_conditioned):
        return expected
    matrices = (expected.kernel_taps.values, cell.patterns[index.pattern].image())
    if all(products(matrix[np.newaxis])[0][0] for matrix in matrices):
        return _rerun(cell, index, multiply_adds, cell.engine)
    return expected


def _rerun(
    cell: Cell, index: SimulationIndex, multiply_adds: float, engine: str = "reference"
) -> xr.Dataset:
    """Run one simulation of a cell again, through the layers that the reference engine can."""
    pattern = cell.patterns[index.pattern]
    layers = affordable_layers(cell, cell.size, pattern, multiply_adds)
    again = {
        "engine": engine,
        "steps": layers,
        "patterns": [pattern],
        "angles": [cell.angles[index.angle]],
        "betas": [cell.betas[index.beta]],
        # Both may be beyond the last layer that is left.
        "t_burn": None,
        "snapshots": cell.snapshots if layers == cell.steps else SnapshotSettings(),
    }
    return simulate(cell.model_copy(update=again)).isel(pattern=0, angle=0, beta=0)


def affordable_layers(
    settings: Propagation,
    size: int,
    pattern: PatternSettings,
    multiply_adds: float = MOST_MULTIPLY_ADDS,
) -> int:
    """Return how many layers of a simulation the reference engine may compute."""
    side = domain_side(settings.boundary, settings.domain)
    if side is None:
        # It never trims a state.
        grown = np.arange(settings.steps) * (size - 1.0)
        height, width = pattern.image().shape
        pixels = (height + grown) * (width + grown)
    else:
        pixels = np.full(settings.steps, (side + 2.0 * (size - 1)) ** 2)
    total = np.cumsum(pixels * direct_cost(size, size) + OVERHEAD)
    return max(1, int(np.count_nonzero(total <= multiply_adds)))


def compared_simulation(name: str, actual: xr.Dataset, expected: xr.Dataset) -> Check:
    """Compare all that a file holds of a simulation with what the reference engine gives."""
    layers = expected.sizes["t"] - 1
    in_part = layers < actual.sizes["t"] - 1
    excused = bool(expected.ill_conditioned)
    actual = actual.isel(t=slice(layers + 1))
    constants = expected[[constant for constant in CONSTANTS if constant in expected]]
    lines = [
        *_flag(actual, expected, in_part),
        *differences(actual, constants.reset_coords(drop=True), AGREEMENT, unit=1.0),
    ]
    distance = None
    if not excused:
        distance = float(record_distance(_record(expected), _record(actual)))
        lines += _moved(actual, expected, distance, layers)
    return Check(
        name="simulation",
        statement=name,
        compared=int(not excused),
        in_part=int(in_part and not excused),
        excused=int(excused),
        largest=distance if distance is not None and math.isfinite(distance) else None,
        limit=AGREEMENT,
        failures=[f"{name}: {line}" for line in lines],
    )


def _moved(actual: xr.Dataset, expected: xr.Dataset, distance: float, layers: int) -> Iterator[str]:
    if not distance <= AGREEMENT:
        yield f"{distance:.1e} apart, at most {AGREEMENT:g} is allowed"
    # Nothing is known of later layers.
    first, second = (run[ENDS].where(run[ENDS] <= layers) for run in (actual, expected))
    yield from differences(first, second.reset_coords(drop=True), AGREEMENT, unit=1.0)
    if "snapshot" in expected:
        yield from differences(actual, expected[["snapshot"]].reset_coords(drop=True), SAME_PICTURE)


def _record(dataset: xr.Dataset) -> NDArray[np.float64]:
    return np.stack([dataset[name].values for name in QUANTITIES], axis=-1)


def _flag(actual: xr.Dataset, expected: xr.Dataset, in_part: bool) -> Iterator[str]:
    """Whether rounding decides: claims leave out the simulations that a file marks so."""
    marked, sensitivity = bool(actual.ill_conditioned), float(actual.rounding_sensitivity)
    measured = float(expected.rounding_sensitivity)
    if marked != (sensitivity > ILL_CONDITIONED):
        yield f"ill_conditioned is {marked}, but rounding_sensitivity {sensitivity:.1e}"
    # Later layers can only be more sensitive.
    hidden = marked and not in_part and measured * OTHER_ROUNDING < ILL_CONDITIONED
    # By more than that, no engine can be held to another one. The moments of a state that has
    # collapsed are known no better than its centroid.
    most = max(AGREEMENT, moment_rounding(_record(expected))[-1])
    if hidden or (not marked and measured > most):
        yield f"ill_conditioned is {marked}, expected {not marked}: sensitivity {measured:.1e}"
