"""What MLflow is told of a finished cell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import xarray as xr

from mechcore.boundaries import domain_side
from mechcore.cells import Cell
from mechcore.config import Experiment
from mechcore.domains import EVERYWHERE
from mechcore.errors import MechcoreError
from mechcore.evidence import TABLES
from mechcore.figures.preview import cell_preview
from mechcore.figures.style import save
from mechcore.fits import first_fitted_layer
from mechcore.grid import expand
from mechcore.regressions import cell_names
from mechcore.storage import read_dataset
from mechcore.tracked import Description, Measured, TrackedRun, key

CELL_TAG = "mechcore.cell_id"

CURVES = ("speed", "speed_theory", "sigma_final", "diffusion_coefficient")
"""Columns of the metrics that become curves over beta; the step is round(1000 beta)."""

FITTED = ("slope", "slope_se", "intercept", "r2", "aic")
"""Columns of the regressions that become metrics."""


@dataclass(frozen=True)
class FinishedCell:
    """All that is known of a cell once its experiment has been collected."""

    cell: Cell
    path: Path
    dataset: xr.Dataset
    metrics: pd.DataFrame
    regressions: pd.DataFrame

    @property
    def content_sha256(self) -> str:
        """Hash of trajectories, metrics and regressions: whether a run of it exists already."""
        digest = hashlib.sha256(self.dataset.attrs["content_sha256"].encode())
        for table in (self.metrics, self.regressions):
            digest.update(table.to_csv(index=False, lineterminator="\n").encode())
        return digest.hexdigest()

    @property
    def finished_at(self) -> int:
        """Time of the trajectories in ms since 1970, so that a rebuilt store has the same times."""
        return int(self.path.stat().st_mtime * 1000)


def tracked_cells(experiment: Experiment, results: Path) -> Iterator[TrackedRun]:
    """Return the runs of all cells of an experiment.

    Parameters
    ----------
    experiment : Experiment
        The configuration.
    results : Path
        Folder of its results.

    Yields
    ------
    TrackedRun
        In the order of the grid. The tables are read, and every file looked for, before the first.

    Raises
    ------
    MechcoreError
        If a result is missing or damaged.
    """
    tables = _tables(experiment, results)
    return (
        TrackedRun(
            cell.cell.id,
            (CELL_TAG, cell.cell.id),
            cell.content_sha256,
            cell.finished_at,
            partial(_description, cell),
        )
        for cell in _finished_cells(experiment, results, tables)
    )


def _description(finished: FinishedCell) -> Description:
    return Description(
        {
            "mechcore.core_hash": str(finished.dataset.attrs["core_hash"]),
            "mlflow.source.name": "mechcore simulate",
            "mlflow.note.content": _note(finished.cell),
        },
        _params(finished.cell),
        [*_summary(finished), *_regressions(finished), *_curves(finished)],
        [finished.path],
        lambda folder: _write_details(finished, folder),
    )


def _note(cell: Cell) -> str:
    return (
        f"{cell.kernel} kernels of size {cell.size}, {cell.activation}: "
        f"{cell.simulations} simulations of {cell.steps} layers. "
        "The step of curves is 1000 beta."
    )


def _tables(experiment: Experiment, results: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the tables and look for every file, so that a store is opened only for what is there."""
    for name in expand(experiment):
        path = results / "trajectories" / f"{name}.nc"
        if not path.is_file():
            raise MechcoreError(f"{path}: missing, expected the trajectories of every cell")
    metrics, regressions = (
        TABLES[name](results / f"{name}.csv") for name in ("metrics", "regressions")
    )
    # One number a name: the fits over all betas stand for the cell.
    whole = regressions[regressions.domain == EVERYWHERE]
    return metrics, whole


def _finished_cells(
    experiment: Experiment, results: Path, tables: tuple[pd.DataFrame, pd.DataFrame]
) -> Iterator[FinishedCell]:
    metrics, regressions = tables
    names = cell_names(metrics, experiment.boundary)
    for name, cell in expand(experiment).items():
        path = results / "trajectories" / f"{name}.nc"
        rows, fits = metrics[names == name], regressions[regressions.cell == name]
        yield FinishedCell(cell, path, read_dataset(path), rows, fits)


def _params(cell: Cell) -> dict[str, object]:
    """All axes and settings, short: the whole cell is an artifact."""
    return {
        "kernel": cell.kernel,
        "activation": cell.activation,
        "size": cell.size,
        "patterns": " ".join(pattern.label for pattern in cell.patterns)[:500],
        "angles": " ".join(f"{angle:g}" for angle in cell.angles)[:500],
        "beta_min": min(cell.betas),
        "beta_max": max(cell.betas),
        "beta_count": len(cell.betas),
        "steps": cell.steps,
        "t_burn": first_fitted_layer(cell.steps, cell.t_burn),
        "mixing": cell.mixing,
        "normalise": cell.normalise,
        "boundary": cell.boundary,
        "domain": domain_side(cell.boundary, cell.domain) or "free",
        "density": cell.density,
        "engine": cell.engine,
        "seed": cell.seed,
    }


def _summary(finished: FinishedCell) -> Iterator[Measured]:
    metrics = finished.metrics
    yield "simulations", float(len(metrics)), 0
    yield "extinct", float(metrics.extinct_at.notna().sum()), 0
    yield "ill_conditioned", float(metrics.ill_conditioned.sum()), 0
    yield "beta_star", float(metrics.beta_star.iloc[0]), 0
    for pattern, rows in metrics.groupby("pattern", sort=False):
        yield key(pattern, "speed_max"), float(rows.speed.max()), 0


def _regressions(finished: FinishedCell) -> Iterator[Measured]:
    for row in finished.regressions.to_dict("records"):
        for column in FITTED:
            yield key(row["pattern"], f"{column}_{row['predictor']}"), float(row[column]), 0


def _curves(finished: FinishedCell) -> Iterator[Measured]:
    metrics = finished.metrics
    several = metrics.angle.nunique() > 1
    for (pattern, angle), rows in metrics.groupby(["pattern", "angle"], sort=False):
        group = f"{pattern}/angle{angle:g}" if several else str(pattern)
        for column in CURVES:
            for beta, value in zip(rows.beta, rows[column], strict=True):
                yield key(group, column), float(value), round(1000 * beta)


def _write_details(finished: FinishedCell, folder: Path) -> None:
    text = json.dumps(json.loads(finished.cell.to_json()), indent=2) + "\n"
    (folder / "cell.json").write_text(text, encoding="utf-8")
    save(cell_preview(finished.dataset), folder / "preview", suffixes=[".png"])
