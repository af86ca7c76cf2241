"""Trained networks as runs: a study, and below it a run a training with curves over the epochs."""

from __future__ import annotations

from collections.abc import Iterator

import xarray as xr

from mechcore.experiment.naming import metric_name
from mechcore.experiment.paths import TRAINING_FILE, TRAINING_TESTS_FILE, TRAININGS
from mechcore.experiment.training import Learning, TrainingRun, planned_runs
from mechcore.io.hashes import file_sha256
from mechcore.model.dct_groups import dct_groups
from mechcore.results.results import Results
from mechcore.results.training_tests import relative_scores
from mechcore.results.trainings import PLACE
from mechcore.tracking.runs import MetricValue, TrackedRun, content_sha256, worthiest
from mechcore.training.mechanics import OF_LAYER
from mechcore.training.trajectory import OF_EPOCH

STUDY = "study"
"""Name and kind of the run that is the parent of all trainings."""


def training_runs(results: Results) -> list[TrackedRun]:
    """Return the study, and a run for each network that was trained."""
    if not results.trainings:
        return []
    planned = planned_runs(results.experiment.training)
    children = [
        _training(results, planned[name], trajectory)
        for name, trajectory in results.trainings.items()
    ]
    return [_study(results, children), *children]


def _study(results: Results, children: list[TrackedRun]) -> TrackedRun:
    training = results.experiment.training
    assert training is not None
    files = [results.folder / name for name in (TRAINING_FILE, TRAINING_TESTS_FILE)]
    files = [file for file in files if file.is_file()]
    return TrackedRun(
        name=STUDY,
        kind=STUDY,
        key=results.experiment.experiment,
        content_sha256=content_sha256([child.content_sha256 for child in children]),
        started_at=min(child.started_at for child in children),
        finished_at=max(child.finished_at for child in children),
        source="mechcore collect-training",
        note="Step of a curve: the DCT components that are left of each kernel.",
        params={"trainings": len(children), **_flat(training.to_mapping())},
        metrics=worthiest(list(_kept(results))),
        inputs={file: file_sha256(file) for file in files},
        files=files,
    )


def _training(results: Results, run: TrainingRun, trajectory: xr.Dataset) -> TrackedRun:
    path = results.folder / TRAININGS / f"{run.id}.nc"
    files = [path.with_suffix(suffix) for suffix in (".nc", ".safetensors", ".md")]
    written_at = int(path.stat().st_mtime * 1000)
    [row] = results.training[results.training.run == run.id].to_dict("records")
    axes = (*PLACE, "restriction", "initialisation", "fine_tuned", "components", "seed")
    return TrackedRun(
        name=run.id,
        kind="training",
        key=run.id,
        parent=STUDY,
        content_sha256=str(trajectory.attrs["content_sha256"]),
        started_at=written_at,
        finished_at=written_at,
        source="mechcore train",
        note="Step of a curve: the epoch. Curves without a layer are means over the layers.",
        params={
            "condition": run.condition,
            **{name: row[name] for name in axes},
            **{name: getattr(run, name) for name in (*Learning.model_fields, "epochs")},
        },
        metrics=worthiest(list(_curves(run, trajectory))),
        files=[file for file in files if file.is_file()],
    )


def _kept(results: Results) -> Iterator[MetricValue]:
    """What networks keep of their accuracy above chance, in the mean over seeds."""
    relative = relative_scores(results.training)
    for keys, rows in relative.groupby([*PLACE, "components"]):
        name, step = "-".join(map(str, keys[:-1])), int(rows.components.iloc[0])
        for when in ("before", "after"):
            yield metric_name(name, f"kept_{when}"), float(rows[when].mean()), step


def _curves(run: TrainingRun, trajectory: xr.Dataset) -> Iterator[MetricValue]:
    """Curves over the epochs, those of most worth first."""
    means = trajectory[[*OF_EPOCH, *OF_LAYER]].mean("layer")
    means = means.rename(score=str(trajectory.attrs["score"]))
    curves = {str(name): values for name, values in means.items()}
    for name, places in dct_groups(run.size).items():
        shares = [trajectory.dct_share.sel(v=v, u=u).mean("layer") for v, u in places]
        curves[metric_name("dct", name)] = sum(shares[1:], shares[0])
    for name in OF_LAYER:
        for number in trajectory.layer.values:
            of_layer = trajectory[name].sel(layer=number)
            curves[metric_name(f"layer{number}", name)] = of_layer
    for name, values in curves.items():
        for step, value in zip(values.epoch.values, values.values, strict=True):
            yield name, float(value), int(step)


def _flat(settings: dict[str, object]) -> dict[str, object]:
    """Settings as parameters: lists in one line."""
    return {
        name: " ".join(map(str, value)) if isinstance(value, list) else value
        for name, value in settings.items()
    }
