"""Banks of trained kernels: analysed again from their weights, and run again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import xarray as xr

from mechcore.experiment.banks import FilterRun, filter_run
from mechcore.experiment.cell import first_fitted_layer
from mechcore.experiment.paths import BANK_RUNS, BANKS
from mechcore.filters.bank import load_bank
from mechcore.filters.bank_file import (
    SLICE_COORDINATES,
    BankAnalysis,
    analyse_bank,
    analysis_groups,
)
from mechcore.filters.runs import run_kernels, strongest_kernels
from mechcore.io.netcdf import ROOT
from mechcore.results.banks import BankResults
from mechcore.results.results import Results
from mechcore.simulation.checks import differing_attributes
from mechcore.verification.certificate import Check, failed, merged
from mechcore.verification.comparison import differences
from mechcore.verification.sampling import Sampling
from mechcore.verification.simulations import affordable_layers, compared_simulation, summary_line

SAME_ANALYSIS = 1e-9
"""How far numbers of an analysis may be apart, relative to their size: sums over some hundred taps
are good to 1e-14, and where they cancel, which most of all the velocities divide by, to some
thousand times less."""


class RunIndex(NamedTuple):
    """Where a run of a kernel is in the file of its bank."""

    activation: str
    shape: str
    pattern: int
    slice: int


def check_banks(results: Results, sampling: Sampling) -> Check:
    """Analyse all banks again, and run some of their kernels with the reference engine."""
    parts = []
    for bank in results.banks.values():
        analysis = analyse_bank(load_bank(bank.plan.weights, **dict(bank.plan.reading)))
        parts.append(_check_analysis(bank, analysis))
        if bank.runs:
            settings = {
                activation: filter_run(results.experiment, bank.plan, activation)
                for activation in bank.runs
            }
            parts.append(_check_runs(bank, analysis, settings, sampling))
            sampling.report(summary_line(parts[-1]))
    return merged("banks", "The weights give the same analyses, and the same runs", parts)


def _check_analysis(bank: BankResults, analysis: BankAnalysis) -> Check:
    actual, expected = analysis_groups(bank.analysis), analysis_groups(analysis)
    lines = [
        f"{name}/{line}".removeprefix(f"{ROOT}/")
        for name, group in expected.items()
        for line in differences(actual.get(name, xr.Dataset()), group, SAME_ANALYSIS)
    ]
    return Check(
        name="analysis",
        statement=f"kernels of {bank.plan.name}",
        compared=sum(len(group.variables) for group in expected.values()),
        failures=[f"{BANKS}/{bank.plan.name}.nc: {line}" for line in lines],
    )


def _check_runs(
    bank: BankResults,
    analysis: BankAnalysis,
    settings: dict[str, FilterRun],
    sampling: Sampling,
) -> Check:
    """Run some kernels of a bank again; ``settings`` by activation."""
    statement = f"runs of kernels of {bank.plan.name}"
    chosen = strongest_kernels(analysis.slices, next(iter(settings.values())))
    indices = []
    for activation, run in settings.items():
        for line in _other_form(bank.runs[activation], chosen, run):
            path = f"{BANK_RUNS}/{bank.plan.runs[activation]}.nc"
            return failed("runs", statement, f"{path}: {line}")
        for shape, slices in chosen.items():
            sizes = len(run.patterns), slices.sizes["slice"]
            indices += [RunIndex(activation, shape, *index) for index in np.ndindex(sizes)]
    parts = [
        _check_run(
            bank.runs[index.activation][index.shape],
            chosen[index.shape],
            index,
            settings[index.activation],
            sampling,
        )
        for index in sampling.draw(indices)
    ]
    return merged("runs", statement, parts, len(indices))


def _other_form(
    groups: dict[str, xr.Dataset], chosen: dict[str, xr.Dataset], settings: FilterRun
) -> Iterator[str]:
    """What is wrong with the groups of the runs, their axes and the fitted layers."""
    if set(groups) != {ROOT, *chosen}:
        yield f"other groups than {', '.join(sorted(chosen))}"
        return
    for shape, slices in chosen.items():
        for line in _other_axes(groups[shape], slices, settings):
            yield f"{shape}: {line}"


def _other_axes(actual: xr.Dataset, slices: xr.Dataset, settings: FilterRun) -> list[str]:
    """What is wrong with the axes of the runs of one shape, and with the fitted layers."""
    axes: dict[str, object] = {
        "activation": settings.activations,
        "pattern": [pattern.label for pattern in settings.patterns],
        "region": ("pattern", np.array(settings.regions, dtype=object)),
        "t": np.arange(settings.steps + 1),
        **{name: ("slice", slices[name].values) for name in SLICE_COORDINATES},
    }
    burn = first_fitted_layer(settings.steps, settings.t_burn)
    attributes = {"boundary": settings.boundary, "density": settings.density, "t_burn": burn}
    others = differing_attributes(actual.attrs, attributes)
    lines = [f"made with other settings ({name})" for name in others]
    return [*lines, *differences(actual, xr.Dataset(coords=axes), limit=0.0)]


def _check_run(
    actual: xr.Dataset,
    slices: xr.Dataset,
    index: RunIndex,
    settings: FilterRun,
    sampling: Sampling,
) -> Check:
    """Run one kernel again."""
    kernel = slices.isel(slice=[index.slice])
    size, pattern = max(kernel.taps.shape[1:]), settings.patterns[index.pattern]
    layers = affordable_layers(settings, size, pattern, sampling.multiply_adds)
    again = settings.model_copy(update={"engine": "reference", "steps": layers, "t_burn": None})
    expected = run_kernels(kernel, index.activation, index.pattern, again)
    missing = set(expected.data_vars) - set(actual.data_vars)
    if missing:
        return failed("run", index.shape, f"{index}: no variable {', '.join(map(str, missing))}")
    run = actual.isel(activation=0, pattern=index.pattern, slice=index.slice)
    return compared_simulation(str(index), run, expected.isel(kernel=0))
