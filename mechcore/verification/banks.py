"""What the files of banks are held against: their weights, taken apart and run again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from mechcore.errors import MechcoreError
from mechcore.experiment.banks import FilterRun, filter_run, planned_banks
from mechcore.experiment.cell import Cell, Propagation, first_fitted_layer
from mechcore.experiment.config import Experiment
from mechcore.experiment.paths import BANK_RUNS, BANKS
from mechcore.filters.bank import load_bank
from mechcore.filters.bank_file import (
    SLICE_COORDINATES,
    BankAnalysis,
    analyse_bank,
    analysis_groups,
)
from mechcore.filters.runs import run_kernels, simulate_shape, strongest_kernels
from mechcore.io.netcdf import ROOT, read_groups
from mechcore.simulation.checks import (
    check_attributes,
    check_coordinates,
    check_structure,
    differing_attributes,
)
from mechcore.verification.certificate import Check, failed, merged
from mechcore.verification.deviations import affordable_layers
from mechcore.verification.distances import distances
from mechcore.verification.reruns import compared_simulation
from mechcore.verification.sampling import Sampling
from mechcore.verification.simulations import MOST_MULTIPLY_ADDS, told_of

SAME_ANALYSIS = 1e-9
"""How far numbers of an analysis may be apart, of the number and a thousandth of the largest of its
kind: sums over some hundred taps are good to 1e-14, and where they cancel, which most of all the
velocities divide by, to some thousand times less."""

ORIGIN = ("weights", "weights_sha256", "layout")
"""Attributes that tell which bank a file is of."""


class Run(NamedTuple):
    """Where a run of a kernel is in the file of its bank."""

    shape: str
    activation: int
    pattern: int
    slice: int


def check_banks(experiment: Experiment, results: Path, sampling: Sampling) -> Check:
    """Take all banks apart again, and run some of their kernels with the reference engine."""
    parts = []
    for name, plan in planned_banks(experiment).items():
        analysis = analyse_bank(load_bank(plan.weights, plan.layout))
        parts.append(_check_analysis(results / BANKS / f"{name}.nc", analysis))
        if plan.trained:
            path, settings = results / BANK_RUNS / f"{name}.nc", filter_run(experiment, plan)
            parts.append(_check_runs(path, analysis, settings, sampling))
            sampling.tell(told_of(parts[-1]))
    return merged("banks", "The weights give the same analyses, and the same runs", parts)


def _check_analysis(path: Path, analysis: BankAnalysis) -> Check:
    """Hold the file of an analysis against what it should be."""
    expected, weights = analysis_groups(analysis), str(analysis.attributes["weights"])
    count = sum(len(group.variables) for group in expected.values())
    try:
        found = _groups(path, set(expected), analysis)
        for name, group in expected.items():
            check_structure(path, found[name], group, {str(k): n for k, n in group.sizes.items()})
    except MechcoreError as error:
        return failed("analysis", f"kernels of {weights}", str(error))
    far = {
        f"{name}/{variable}": _apart(found[name][variable].values, group[variable].values)
        for name, group in expected.items()
        for variable in group.variables
    }
    return Check(
        name="analysis",
        statement=f"kernels of {weights}",
        compared=count,
        failures=[
            f"{path}: {name} is {one:.1e} away from what follows from {weights}"
            for name, one in far.items()
            if one > SAME_ANALYSIS
        ],
    )


def _groups(path: Path, expected: set[str], analysis: BankAnalysis) -> dict[str, xr.Dataset]:
    """The groups of a file of a bank, if they are those of this bank."""
    found = read_groups(path)
    if set(found) != expected:
        raise MechcoreError(f"{path}: other groups than {', '.join(sorted(expected))}")
    origin = {name: analysis.attributes[name] for name in ORIGIN}
    other = differing_attributes(found[ROOT].attrs, origin)
    if other:
        raise MechcoreError(f"{path}: made of other {', '.join(other)}")
    return found


def _apart(found: NDArray[np.generic], due: NDArray[np.generic]) -> float:
    """How far numbers are apart at most; infinitely if texts, counts or truths differ at all."""
    if due.dtype.kind not in "f":
        return 0.0 if np.array_equal(found.astype(str), due.astype(str)) else math.inf
    size = np.abs(due)
    scale = size + 1e-3 * np.nanmax(size, initial=0.0)
    return float(np.max(distances(found, due, scale), initial=0.0))


def _check_runs(
    path: Path, analysis: BankAnalysis, settings: FilterRun, sampling: Sampling
) -> Check:
    """Run some kernels of a bank again."""
    statement = f"runs of kernels of {analysis.attributes['weights']}"
    chosen = strongest_kernels(analysis.slices, settings)
    try:
        found = _groups(path, {ROOT, *chosen}, analysis)
        for name, slices in chosen.items():
            _check_form(path, found[name], slices, settings)
    except MechcoreError as error:
        return failed("runs", statement, str(error))
    parts = [
        _check_run(found[run.shape], chosen[run.shape], run, settings)
        for run in sampling.of(_runs(chosen, settings))
    ]
    return merged("runs", statement, parts)


def _check_form(path: Path, found: xr.Dataset, slices: xr.Dataset, settings: FilterRun) -> None:
    """Refuse runs of one shape that are not of these kernels."""
    once = _reference(settings, 1).model_copy(update={"activations": settings.activations[:1]})
    height, width = slices.taps.shape[1:]
    sizes = {
        "activation": len(settings.activations),
        "pattern": len(settings.patterns),
        "slice": slices.sizes["slice"],
        "t": settings.steps + 1,
        "kernel_y": height,
        "kernel_x": width,
    }
    check_structure(path, found, simulate_shape(slices.isel(slice=[0]), once), sizes)
    coordinates: dict[str, ArrayLike] = {
        "activation": settings.activations,
        "pattern": [pattern.label for pattern in settings.patterns],
        "t": np.arange(settings.steps + 1),
        **{name: slices[name].values for name in SLICE_COORDINATES},
    }
    check_coordinates(path, found, coordinates)
    burn = first_fitted_layer(settings.steps, settings.t_burn)
    told = {"boundary": settings.boundary, "density": settings.density, "t_burn": burn}
    check_attributes(path, found, told)


def _runs(chosen: Mapping[str, xr.Dataset], settings: FilterRun) -> list[Run]:
    """All runs of a bank."""
    axes = (len(settings.activations), len(settings.patterns))
    return [
        Run(shape, *place)
        for shape, slices in chosen.items()
        for place in np.ndindex(*axes, slices.sizes["slice"])
    ]


def _check_run(found: xr.Dataset, slices: xr.Dataset, run: Run, settings: FilterRun) -> Check:
    """Run one kernel again."""
    one = found.isel(activation=run.activation, pattern=run.pattern, slice=run.slice)
    kernel = slices.isel(slice=[run.slice])
    again = _reference(settings, _layers(kernel.taps.shape[1:], run, settings))
    expected = run_kernels(kernel, settings.activations[run.activation], run.pattern, again)
    return compared_simulation(str(run), one, expected.isel(kernel=0))


def _reference(settings: FilterRun, layers: int) -> FilterRun:
    """The same through so many layers of the reference engine."""
    return settings.model_copy(update={"engine": "reference", "steps": layers, "t_burn": None})


def _layers(shape: tuple[int, ...], run: Run, settings: FilterRun) -> int:
    """How many layers are affordable: as many as of a cell of the same size."""
    shared = {name: getattr(settings, name) for name in Propagation.model_fields}
    axes = {"kernel": "dct", "activation": "identity", "size": max(2, *shape), "betas": [0.0]}
    cell = Cell.model_validate(shared | axes)
    return affordable_layers(cell, settings.patterns[run.pattern], MOST_MULTIPLY_ADDS)
