"""All trainings of a study: their trajectories as one dataset, and a table with a row a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mechcore.experiment.training import TrainingRun
from mechcore.io.netcdf import describe, file_attributes
from mechcore.model.dct_groups import components
from mechcore.training.mechanics import OF_LAYER
from mechcore.training.trajectory import OF_EPOCH, VARIABLES, read_trajectory

PLACE = ("architecture", "size", "activation")
"""Columns of the axes that the tests never mix."""

AXES = (*PLACE, "restriction", "initialisation", "fine_tuned", "components", "seed")
"""Columns and coordinates that say which run it is; of a fine-tuned network, the
restriction is that of the cut."""

STARTS = tuple(f"{name}_start" for name in (*OF_EPOCH, *OF_LAYER))

RUN_COLUMNS = (
    *("run", *AXES, "epochs", "measure", "chance"),
    *OF_EPOCH,
    *("score_mean",),
    *OF_LAYER,
    *STARTS,
)
"""Columns of ``training.csv``: numbers after the last epoch, with ``_start`` before the first;
``score_mean`` is the mean over the epochs, so of two that end alike the faster has more. Those of
layers are means over the layers."""


AXIS_VARIABLES = {
    "architecture": ("architecture of the network", "1"),
    "size": ("size k of the kernels, px", "1"),
    "activation": ("activation", "1"),
    "restriction": ("DCT components that are trained", "1"),
    "initialisation": ("where the training starts", "1"),
    "fine_tuned": ("whether it starts from the components of a trained network", "1"),
    "components": ("number of DCT components that are trained", "1"),
    "seed": ("seed of the replicate", "1"),
}
"""Long name and unit of each of `AXES`."""

SUMMARY = "Networks that were trained under several conditions, each from several seeds."


def read_study(runs: Mapping[str, TrainingRun], folder: Path) -> dict[str, xr.Dataset]:
    """Read the trajectories of all runs."""
    return {name: read_trajectory(folder / f"{name}.nc", run) for name, run in runs.items()}


def study_dataset(
    runs: Mapping[str, TrainingRun], trajectories: Mapping[str, xr.Dataset]
) -> xr.Dataset:
    """Return all trajectories along ``run``; NaN where a run has fewer epochs or components."""
    parts = [trajectories[name].drop_attrs() for name in runs]
    # Of numpy's own texts: those of pandas are of another type, which no file has.
    names = xr.Variable("run", np.array(list(runs)))
    together = xr.concat(parts, "run", join="outer").assign_coords(run=names)
    axes = pd.DataFrame([_axes(run) for run in runs.values()])
    together = together.assign_coords(
        {name: ("run", np.array(axes[name].tolist())) for name in axes}
    )
    together = together.assign_attrs(file_attributes("A study of trainings", SUMMARY))
    return describe(together, VARIABLES | AXIS_VARIABLES)


def epochs_table(
    runs: Mapping[str, TrainingRun], trajectories: Mapping[str, xr.Dataset]
) -> pd.DataFrame:
    """Return a row for each epoch of each run; numbers of layers are means over the layers."""
    parts = [
        numbers.to_dataframe().reset_index().assign(run=name, **_axes(runs[name]))
        for name, trajectory in trajectories.items()
        for numbers in [trajectory[[*OF_EPOCH, *OF_LAYER]].mean("layer")]
    ]
    columns = ["run", *AXES, "epoch", *OF_EPOCH, *OF_LAYER]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def study_table(
    runs: Mapping[str, TrainingRun], trajectories: Mapping[str, xr.Dataset]
) -> pd.DataFrame:
    """Return a row for each run, see `RUN_COLUMNS`."""
    rows = [_row(run, trajectories[name]) for name, run in runs.items()]
    return pd.DataFrame(rows, columns=list(RUN_COLUMNS))


def _axes(run: TrainingRun) -> dict[str, Any]:
    own = {name: getattr(run, name) for name in (*PLACE, "seed")}
    label = run.initialisation.label
    return own | {
        "restriction": run.trainable,
        "initialisation": label,
        "fine_tuned": run.cut is not None,
        "components": int(np.count_nonzero(components(run.trainable, run.size))),
    }


def _row(run: TrainingRun, trajectory: xr.Dataset) -> dict[str, object]:
    numbers = trajectory[[*OF_EPOCH, *OF_LAYER]].mean("layer")
    ends = {str(name): float(numbers[name][-1]) for name in numbers}
    starts = {f"{name}_start": float(numbers[name][0]) for name in ends}
    return {
        "run": run.id,
        **_axes(run),
        "epochs": run.epochs,
        "measure": trajectory.attrs["score"],
        "chance": float(trajectory.attrs["chance"]),
        "score_mean": float(trajectory.score[1:].mean()),
        **ends,
        **starts,
    }
