"""What the page knows of each cell: its state, its file, the commands behind it, its MLflow run."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mechcore.experiment.cell import Shared
from mechcore.experiment.config import Experiment
from mechcore.experiment.paths import TRACKING_FILE
from mechcore.io.json_models import read_settings
from mechcore.jobs.status import cell_states
from mechcore.results.receipt import Receipt
from mechcore.results.results import Results

STATES = {
    "done": ("✓", "done"),
    "extinct": ("◐", "done, but some simulations died out"),
    "failed": ("✗", "failed"),
    "missing": ("·", "not computed yet"),
}
"""The states of a cell by name, which is also a class of the page: a symbol, and its meaning."""

AS_RUNS = "?workflowType=machine_learning"
"""Ends addresses of MLflow: without it, pages open that are for language models."""

LOCAL_SERVER = "http://127.0.0.1:5000"
"""Where ``make ui`` shows a store that is no server."""


@dataclass(frozen=True)
class CellState:
    """The state of a cell."""

    state: str
    """A key of `STATES`."""
    note: str = ""
    """How many simulations died, or why the cell failed."""


def states_of(results: Results, logs: Path | None) -> dict[str, CellState]:
    """Return the states of all planned cells."""
    died, failed = _extinctions(results.metrics), _failures(results, logs)

    def state(cell: str) -> CellState:
        if cell in results.finished:
            return CellState("extinct" if cell in died else "done", died.get(cell, ""))
        return CellState("failed" if cell in failed else "missing", failed.get(cell, ""))

    return {cell: state(cell) for cell in results.cells}


def cell_map(results: Results) -> dict[str, dict[str, list[str]]]:
    """Return the cells of each family and activation by size; empty where there is none.

    Each combination of settings that are axes has its own part.
    """
    return {
        ", ".join(filter(None, (family, one.setting))): {
            activation: [
                name if (name := one.cell_name(family, activation, size)) in results.cells else ""
                for size in one.sizes
            ]
            for activation in one.activations
        }
        for one in results.experiment.combinations
        for family in one.kernels
    }


def cell_data(results: Results, states: dict[str, CellState]) -> dict[str, object]:
    """Return what the page shows of a cell, as values for JSON.

    In the commands ``{cell}``, ``{kernel}``, ``{activation}``, ``{size}`` and ``{settings}`` stand
    for what varies.
    """
    name = results.experiment.experiment
    file, runs = f"results/{name}/trajectories/{{cell}}.nc", run_pages(results)
    return {
        "file": file,
        "again": f"snakemake -c1 --configfile config/{name}.yaml \\\n  --force {file}",
        "alone": one_simulation(results.experiment),
        "cells": {
            cell: {
                "kernel": plan.kernel,
                "activation": plan.activation,
                "size": plan.size,
                "state": ": ".join(
                    filter(None, (STATES[states[cell].state][1], states[cell].note))
                ),
                "run": runs.get(cell, ""),
                **({"settings": _options(plan)} if plan.varies else {}),
            }
            for cell, plan in results.cells.items()
        },
    }


def run_pages(results: Results) -> dict[str, str]:
    """Return the addresses of the MLflow runs of cells, if an earlier tracking left its receipt."""
    path = results.folder / TRACKING_FILE
    if not path.is_file():
        return {}
    receipt = read_settings(Receipt, path, "mechcore track")
    number = receipt.experiments.get(results.experiment.experiment)
    server = receipt.uri.rstrip("/") if receipt.uri.startswith("http") else LOCAL_SERVER
    return {
        name: f"{server}/#/experiments/{number}/runs/{run}{AS_RUNS}"
        for name, run in receipt.runs.items()
        if number
    }


OPTIONS = (
    *(
        "steps",
        "t_burn",
        "mixing",
        "normalise",
        "boundary",
        "domain",
        "density",
        "region",
        "placement",
    ),
    *("engine", "seed"),
)
"""Settings of an experiment that are options of ``propagate`` by the same names."""


def one_simulation(experiment: Experiment) -> str:
    """Return the command that runs one simulation of a cell, as an example to change."""
    nameable = [
        pattern.name for pattern in experiment.patterns if not (pattern.arguments or pattern.region)
    ]
    pattern = shlex.quote(nameable[0] if nameable else "delta")
    angle, beta = experiment.angles[0], experiment.betas[len(experiment.betas) // 2]
    words = [
        "mechcore propagate --family {kernel} --size {size}",
        f"--beta {beta:.12g} --angle {angle:.12g}",
        f"--activation {{activation}} --pattern {pattern}",
        "{settings}" if experiment.axes else _options(experiment),
    ]
    return " \\\n  ".join([*words, "--output one.nc"])


def _options(settings: Shared) -> str:
    """The options of ``propagate`` for settings that are not those by default."""
    values = {name: getattr(settings, name) for name in OPTIONS}
    return " \\\n  ".join(
        f"--{name.replace('_', '-')} {value}"
        for name, value in values.items()
        if name == "steps" or value != Shared.model_fields[name].default
    )


def _extinctions(metrics: pd.DataFrame) -> dict[str, str]:
    """How many simulations died in the cells in which any did."""
    died = metrics.extinct_at.notna().groupby(metrics.cell).agg(["sum", "size"])
    return {
        str(cell): f"{row['sum']} of {row['size']} simulations died out"
        for cell, row in died[died["sum"] > 0].iterrows()
    }


def _failures(results: Results, logs: Path | None) -> dict[str, str]:
    """Why cells failed."""
    if logs is None:
        return {}
    states = cell_states(results.cells, results.folder, logs)
    return {state.cell: state.reason for state in states if state.state == "failed"}
