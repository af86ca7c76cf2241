"""The map of the grid: what is done, what died, what failed, and the commands behind each tile."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mechcore.experiment.config import Experiment
from mechcore.experiment.naming import cell_name
from mechcore.jobs.status import cell_states
from mechcore.results.results import Results

STATES = {
    "done": ("✓", "done"),
    "extinct": ("◐", "done, but some simulations died out"),
    "failed": ("✗", "failed"),
    "missing": ("·", "not computed yet"),
}
"""The states of a cell by name, which is also a class of the page: a symbol, and its meaning."""


@dataclass(frozen=True)
class Tile:
    """A cell of the grid."""

    size: int
    state: str
    """A key of `STATES`."""
    note: str
    """How many simulations died, or why the cell failed."""


TileMap = dict[str, dict[str, list[Tile | None]]]
"""For each kernel family and each activation a row of tiles by size."""


@dataclass(frozen=True)
class Commands:
    """Files and commands, with ``{cell}``, ``{family}`` and the like in place of what varies."""

    file: str
    """The netCDF file of a cell."""
    again: str
    """The command that regenerates it."""
    alone: str
    """The command that runs one of its simulations."""
    patterns: dict[str, str]
    """Labels to what ``{pattern}`` stands for; empty where ``propagate`` has no way to name it."""
    angles: list[str]
    betas: list[str]


def tile_map(results: Results, logs: Path | None) -> TileMap:
    """Return the map of the grid."""
    plan = results.experiment
    died, failed = _extinctions(results.metrics), _failures(results, logs)

    def tile(family: str, activation: str, size: int) -> Tile | None:
        if size not in results.sizes_of(family):
            return None
        cell = results.cell_name(family, activation, size)
        if cell in results.finished:
            return Tile(size, "extinct" if cell in died else "done", died.get(cell, ""))
        return Tile(size, "failed" if cell in failed else "missing", failed.get(cell, ""))

    return {
        family: {
            name: [tile(family, name, size) for size in plan.sizes] for name in plan.activations
        }
        for family in plan.kernels
    }


def state_counts(tiles: TileMap) -> dict[str, int]:
    """Return how many cells are in each state of `STATES`."""
    every = [tile for rows in tiles.values() for row in rows.values() for tile in row]
    states = [tile.state for tile in every if tile]
    return {name: states.count(name) for name in STATES}


def _extinctions(metrics: pd.DataFrame) -> dict[str, str]:
    """How many simulations died in the cells in which any did."""
    died = metrics.extinct_at.notna().groupby(metrics.cell).agg(["sum", "size"])
    return {
        str(cell): f"{row['sum']} of {row['size']} simulations died out"
        for cell, row in died[died["sum"] > 0].iterrows()
    }


def commands(experiment: Experiment) -> Commands:
    """Return the files and commands behind the cells of an experiment."""
    name = experiment.experiment
    file = f"results/{name}/trajectories/{{cell}}.nc"
    return Commands(
        file=file,
        again=f"snakemake -c1 --configfile config/{name}.yaml \\\n  --force {file}",
        alone=" \\\n  ".join([*ALONE, *_settings(experiment), "--output one.nc"]),
        patterns={
            pattern.label: "" if pattern.arguments or pattern.region else shlex.quote(pattern.name)
            for pattern in experiment.patterns
        },
        angles=[f"{angle:.12g}" for angle in experiment.angles],
        betas=[f"{beta:.12g}" for beta in experiment.betas],
    )


def template_cell(experiment: Experiment) -> str:
    """Return the name of a cell with braces, as ``{family}-{activation}-k{size}``."""
    plain = cell_name("{family}", "{activation}", 0, experiment.boundary)
    return plain.replace("-k0", "-k{size}", 1)


ALONE = (
    "mechcore propagate --family {family} --size {size}",
    "--beta {beta} --angle {angle}",
    "--activation {activation} --pattern {pattern}",
)

OPTIONS = (
    *("t_burn", "mixing", "normalise", "boundary", "domain", "density", "region", "placement"),
    *("engine", "seed"),
)
"""Settings of an experiment that are options of ``propagate`` by the same names."""


def _settings(experiment: Experiment) -> list[str]:
    """Options of ``propagate`` for what differs from its defaults."""
    words = [f"--steps {experiment.steps}"]
    for name in OPTIONS:
        value = getattr(experiment, name)
        if value != type(experiment).model_fields[name].default:
            words.append(f"--{name.replace('_', '-')} {value}")
    snapshots = experiment.snapshots
    if snapshots.layers:
        words.append(" ".join(f"--snapshot {layer}" for layer in snapshots.layers))
        words.append(f"--window {snapshots.window}")
    return words


def _failures(results: Results, logs: Path | None) -> dict[str, str]:
    """Why cells failed."""
    if logs is None:
        return {}
    states = cell_states(results.cells, results.folder, logs)
    return {state.cell: state.reason for state in states if state.state == "failed"}
