"""MLflow: the one module that knows it. The store is a view of the files and can be rebuilt."""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr
from filelock import FileLock

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
from mechcore.provenance import git_commit, git_is_dirty
from mechcore.regressions import cell_names
from mechcore.storage import read_dataset, replace_file

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

DATABASE = "mlflow.db"
"""Name of the default store, in the folder that the command runs in."""

SQLITE = "sqlite:///"

CELL_TAG = "mechcore.cell_id"
CONTENT_TAG = "mechcore.content_sha256"
SUPERSEDED_TAG = "mechcore.superseded_by"

CURVES = ("speed", "speed_theory", "sigma_final", "diffusion_coefficient")
"""Columns of the metrics that become curves over beta; the step is round(1000 beta)."""

FITTED = ("slope", "slope_se", "intercept", "r2", "aic")
"""Columns of the regressions that become metrics."""


@dataclass(frozen=True)
class Receipt:
    """What tracking did.

    Parameters
    ----------
    uri : str
        The store.
    experiment_id : str
        MLflow's id of the experiment.
    runs : mapping of str to str
        Current run id of every cell.
    logged, unchanged, superseded : int
        New runs, cells that were there already, and old runs that a new one replaces.
    """

    uri: str
    experiment_id: str
    runs: Mapping[str, str]
    logged: int
    unchanged: int
    superseded: int


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


def tracking_uri() -> str:
    """Return the store: ``MLFLOW_TRACKING_URI``, or a SQLite file in the current folder.

    Returns
    -------
    str
        A URI for MLflow.
    """
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{Path.cwd() / DATABASE}"


def track(experiment: Experiment, results: Path) -> Receipt:
    """Log every finished cell of an experiment once.

    Parameters
    ----------
    experiment : Experiment
        The configuration.
    results : Path
        Folder of its results.

    Returns
    -------
    Receipt
        The runs. A cell whose content is in the store already is left alone; one whose content
        changed gets a new run, and the old one a tag with the id of the new.

    Raises
    ------
    MechcoreError
        If a result is missing or damaged.
    """
    # MLflow reports its use over the network unless told not to, before it is imported.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    uri = tracking_uri()
    tables = _tables(experiment, results)
    with _store_lock(uri):
        client = MlflowClient(uri)
        experiment_id = _experiment_id(client, experiment)
        known = _finished_runs(client, experiment_id, ours=uri.startswith(SQLITE))
        runs: dict[str, str] = {}
        logged = superseded = 0
        for finished in _finished_cells(experiment, results, tables):
            name, content = finished.cell.id, finished.content_sha256
            old = known.get(name, [])
            current = [run.info.run_id for run in old if run.data.tags[CONTENT_TAG] == content]
            if not current:
                current = [_log(client, experiment_id, finished)]
                logged += 1
            runs[name] = current[0]
            # Also after an interruption, which may have left a run and its successor side by side.
            superseded += _supersede(client, old, runs[name])
    return Receipt(uri, experiment_id, runs, logged, len(runs) - logged, superseded)


def write_receipt(receipt: Receipt, path: Path) -> None:
    """Write a receipt as JSON.

    Parameters
    ----------
    receipt : Receipt
        What `track` returned.
    path : Path
        The file.
    """
    text = json.dumps(asdict(receipt), indent=2) + "\n"
    replace_file(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def _store_lock(uri: str) -> AbstractContextManager[object]:
    """Two processes that open a new SQLite store at once fail in its migration."""
    if not uri.startswith(SQLITE):
        return nullcontext()
    return FileLock(uri.removeprefix(SQLITE) + ".lock")


def _experiment_id(client: MlflowClient, experiment: Experiment) -> str:
    found = client.get_experiment_by_name(experiment.experiment)
    if found is None:
        return str(client.create_experiment(experiment.experiment))
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _finished_runs(client: MlflowClient, experiment_id: str, *, ours: bool) -> dict[str, list[Run]]:
    """Current runs by cell.

    An unfinished run in a store of ours, which is locked, was cut off by a crash: it is deleted and
    logged anew. On a server it may be one that somebody else is writing.
    """
    by_cell: dict[str, list[Run]] = {}
    token: str | None = None
    while True:
        page = client.search_runs([experiment_id], max_results=1000, page_token=token)
        for run in page:
            tags = run.data.tags
            if CELL_TAG not in tags or SUPERSEDED_TAG in tags:
                continue
            if run.info.status == "FINISHED":
                by_cell.setdefault(tags[CELL_TAG], []).append(run)
            elif ours:
                client.delete_run(run.info.run_id)
        token = page.token
        if not token:
            return by_cell


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


def _log(client: MlflowClient, experiment_id: str, finished: FinishedCell) -> str:
    """Make a run of a finished cell and close it."""
    from mlflow.entities import Param

    when = finished.finished_at
    run = client.create_run(
        experiment_id, start_time=when, tags=_tags(finished), run_name=finished.cell.id
    )
    run_id = str(run.info.run_id)
    params = [Param(key, str(value)) for key, value in _params(finished.cell).items()]
    client.log_batch(run_id, params=params)
    metrics = list(_metrics(finished))
    # The most that a store takes in one request.
    for start in range(0, len(metrics), 1000):
        client.log_batch(run_id, metrics=metrics[start : start + 1000])
    _log_artifacts(client, run_id, finished)
    client.set_terminated(run_id, "FINISHED", end_time=when)
    return run_id


def _supersede(client: MlflowClient, old: list[Run], new_id: str) -> int:
    replaced = [run.info.run_id for run in old if run.info.run_id != new_id]
    for run_id in replaced:
        client.set_tag(run_id, SUPERSEDED_TAG, new_id)
    return len(replaced)


def _tags(finished: FinishedCell) -> dict[str, str]:
    commit, dirty = git_commit(), git_is_dirty()
    cell = finished.cell
    return {
        CELL_TAG: cell.id,
        CONTENT_TAG: finished.content_sha256,
        "mechcore.core_hash": str(finished.dataset.attrs["core_hash"]),
        "mlflow.source.name": "mechcore simulate",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": commit or "unknown",
        "mlflow.source.git.dirty": "unknown" if dirty is None else str(dirty).lower(),
        "mlflow.note.content": (
            f"{cell.kernel} kernels of size {cell.size}, {cell.activation}: "
            f"{cell.simulations} simulations of {cell.steps} layers. "
            "The step of curves is 1000 beta."
        ),
    }


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


def _metrics(finished: FinishedCell) -> Iterator[Metric]:
    """Regressions, a summary, and curves over beta; what is not finite is left out."""
    from mlflow.entities import Metric

    when = finished.finished_at
    values = [*_summary(finished), *_regressions(finished), *_curves(finished)]
    for name, value, step in values:
        if math.isfinite(value):
            yield Metric(name, value, when, step)


def _summary(finished: FinishedCell) -> Iterator[tuple[str, float, int]]:
    metrics = finished.metrics
    yield "simulations", float(len(metrics)), 0
    yield "extinct", float(metrics.extinct_at.notna().sum()), 0
    yield "ill_conditioned", float(metrics.ill_conditioned.sum()), 0
    yield "beta_star", float(metrics.beta_star.iloc[0]), 0
    for pattern, rows in metrics.groupby("pattern", sort=False):
        yield _key(pattern, "speed_max"), float(rows.speed.max()), 0


def _regressions(finished: FinishedCell) -> Iterator[tuple[str, float, int]]:
    for row in finished.regressions.to_dict("records"):
        for column in FITTED:
            yield _key(row["pattern"], f"{column}_{row['predictor']}"), float(row[column]), 0


def _curves(finished: FinishedCell) -> Iterator[tuple[str, float, int]]:
    metrics = finished.metrics
    several = metrics.angle.nunique() > 1
    for (pattern, angle), rows in metrics.groupby(["pattern", "angle"], sort=False):
        group = f"{pattern}/angle{angle:g}" if several else str(pattern)
        for column in CURVES:
            for beta, value in zip(rows.beta, rows[column], strict=True):
                yield _key(group, column), float(value), round(1000 * beta)


def _key(group: object, name: str) -> str:
    """A metric's name: MLflow allows letters, digits and ``_-. :/``."""
    clean = "".join(sign if sign.isalnum() or sign in "_-./" else "_" for sign in str(group))
    return f"{clean.strip('/.')}/{name}"


def _log_artifacts(client: MlflowClient, run_id: str, finished: FinishedCell) -> None:
    client.log_artifact(run_id, str(finished.path))
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "cell.json"
        config.write_text(json.dumps(json.loads(finished.cell.to_json()), indent=2) + "\n")
        save(cell_preview(finished.dataset), Path(folder) / "preview")
        client.log_artifact(run_id, str(config))
        client.log_artifact(run_id, str(Path(folder) / "preview.png"))
