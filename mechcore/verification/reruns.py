"""One simulation again, with the reference engine: all that a file tells of it must be the same."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from mechcore.engines.trajectories import AGREEMENT, ILL_CONDITIONED, QUANTITIES, record_distance
from mechcore.experiment.cell import Cell
from mechcore.simulation.run import simulate
from mechcore.verification.certificate import Check
from mechcore.verification.deviations import Place, affordable_layers, reference_cell
from mechcore.verification.distances import distances

OTHER_ROUNDING = 40.0
"""Between two engines the sensitivity of a run differs by what other rounding does, see
`mechcore.engines.trajectories.ILL_CONDITIONED`: what one of them finds this much below the limit,
the other does not find beyond it."""

SAME_PICTURE = 1e-6
"""Of the largest pixel of a snapshot: it is kept in float32, whose rounding is 6e-8."""

TAPS = ("kernel_taps", "smallest_tap")
OF_KERNELS = (*TAPS, "odd_energy_ratio", "beta_star")
"""What is told of a kernel; the taps are compared relative to the largest of them."""

PLACES = ("edge_at", "snapshot_x", "snapshot_y")
"""What follows from sizes of states alone: half pixels at most."""

ENDS = ("extinct_at", "diverged_at")


def rerun(cell: Cell, place: Place, most: float) -> xr.Dataset:
    """Run one simulation of a cell with the reference engine.

    Examples
    --------
    >>> cell = Cell(kernel="dct", activation="relu", size=2, betas=[0.0, 1.0], steps=4)
    >>> rerun(cell, Place(0, 0, 1), 1e9).mu_x.values
    array([0. , 0.5, 1. , 1.5, 2. ])
    """
    layers = affordable_layers(cell, cell.patterns[place.pattern], most)
    again = reference_cell(cell, place, layers)
    if layers == cell.steps:
        again = again.model_copy(update={"snapshots": cell.snapshots})
    return simulate(again).isel(pattern=0, angle=0, beta=0)


def compared_simulation(name: str, found: xr.Dataset, expected: xr.Dataset) -> Check:
    """Compare all that is told of a simulation with what the reference engine tells.

    Examples
    --------
    >>> cell = Cell(kernel="dct", activation="relu", size=2, betas=[0.5], steps=4)
    >>> expected = rerun(cell, Place(0, 0, 0), 1e9)
    >>> compared_simulation("run", expected, expected).holds
    True
    >>> dropped = expected.assign(ill_conditioned=True, rounding_sensitivity=1.0)
    >>> compared_simulation("run", dropped, expected).failures[0][:38]
    'run: ill_conditioned is True, expected'
    """
    layers = expected.sizes["t"] - 1
    in_part = layers < found.sizes["t"] - 1
    excused = bool(expected.ill_conditioned)
    found = found.isel(t=slice(layers + 1))
    distance = None if excused else float(record_distance(_record(expected), _record(found)))
    lines = [*_flag(found, expected, in_part), *_constants(found, expected)]
    if distance is not None:
        lines += [*_too_far(distance), *_ends(found, expected, layers), *_picture(found, expected)]
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


def _record(dataset: xr.Dataset) -> NDArray[np.float64]:
    return np.stack([dataset[name].values for name in QUANTITIES], axis=-1)


def _too_far(distance: float) -> Iterator[str]:
    if not distance <= AGREEMENT:
        yield f"{distance:.1e} apart, at most {AGREEMENT:g} is allowed"


def _flag(found: xr.Dataset, expected: xr.Dataset, in_part: bool) -> Iterator[str]:
    """Whether rounding decides: claims leave out what a file says so of, and nothing else."""
    told, sensitivity = bool(found.ill_conditioned), float(found.rounding_sensitivity)
    measured = float(expected.rounding_sensitivity)
    if told != (sensitivity > ILL_CONDITIONED):
        yield f"ill_conditioned is {told}, but rounding_sensitivity {sensitivity:.1e}"
    # Later layers can only be more sensitive.
    hidden = told and not in_part and measured * OTHER_ROUNDING < ILL_CONDITIONED
    # By more than that, no engine can be held to another one.
    if hidden or (not told and measured > AGREEMENT):
        yield f"ill_conditioned is {told}, expected {not told}: sensitivity {measured:.1e}"


def _constants(found: xr.Dataset, expected: xr.Dataset) -> Iterator[str]:
    """What no engine computes."""
    for name in (*OF_KERNELS, *PLACES):
        if name in expected:
            due = expected[name].values
            scale = np.abs(due).max() if name in TAPS else 1.0
            apart = _apart(found[name].values, due, scale)
            if apart > AGREEMENT:
                yield f"{name} is {apart:.1e} away from what is expected"


def _ends(found: xr.Dataset, expected: xr.Dataset, layers: int) -> Iterator[str]:
    for name in ENDS:
        told, due = (_until(float(one[name]), layers) for one in (found, expected))
        if told != due:
            yield f"{name} is {told}, expected {due}"


def _until(end: float, layers: int) -> str:
    """When a state ended, within some layers."""
    return f"{end:g}" if end <= layers else "never"


def _picture(found: xr.Dataset, expected: xr.Dataset) -> Iterator[str]:
    if "snapshot" in expected:
        due = expected.snapshot.values.astype(np.float64)
        apart = _apart(found.snapshot.values, due, np.nanmax(np.abs(due), initial=0.0))
        if apart > SAME_PICTURE:
            yield f"snapshots are {apart:.1e} apart, at most {SAME_PICTURE:g} is allowed"


def _apart(found: NDArray[np.generic], due: NDArray[np.float64], scale: float) -> float:
    """The largest difference on a scale; where that is zero, as it is."""
    return float(np.max(distances(found, due, scale or 1.0), initial=0.0))
