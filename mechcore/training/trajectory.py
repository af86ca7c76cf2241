"""The files of a training: its trajectory over the epochs, its weights, and their card."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import xarray as xr

from mechcore.experiment.training import TrainingRun
from mechcore.io.arrays import Array
from mechcore.io.atomic import replace_file
from mechcore.io.hashes import file_sha256
from mechcore.io.netcdf import describe, file_attributes, read_dataset, write_dataset
from mechcore.io.provenance import provenance, versions
from mechcore.simulation.checks import check_attributes
from mechcore.training.array_files import write_arrays
from mechcore.training.data import Data
from mechcore.training.mechanics import OF_LAYER

OF_EPOCH = {
    "train_loss": ("loss on the examples to train on", "1"),
    "test_loss": ("loss on the examples to test on", "1"),
    "score": ("accuracy of a classifier, or the ratio of peak to noise of a denoiser in dB", "1"),
}

VARIABLES = {
    "run": ("name of the training", "1"),
    "epoch": ("finished epochs", "1"),
    "layer": ("number of the convolution, from 1", "1"),
    "v": ("sign changes of the DCT-II basis, downwards", "1"),
    "u": ("sign changes of the DCT-II basis, to the right", "1"),
    **OF_EPOCH,
    **OF_LAYER,
    "dct_share": ("share of each DCT-II component of the energy of the layer", "1"),
}
"""Long name and unit by variable."""

SUMMARY = "A network that was trained: its scores, and what its kernels are, at each epoch."

DIMENSIONS = ("epoch", "layer", "v", "u")

SCORES = {True: "accuracy", False: "psnr"}
"""What the score of a classifier and of a denoiser is."""


def trajectory_dataset(run: TrainingRun, data: Data, history: dict[str, Array]) -> xr.Dataset:
    """Return what was measured during a training, along ``epoch``, ``layer``, ``v`` and ``u``."""
    # In an order of their own: a state that was read gives them in another one.
    ordered = {name: history[name] for name in VARIABLES if name in history}
    variables = {name: (DIMENSIONS[: values.ndim], values) for name, values in ordered.items()}
    epochs, layers = history["energy"].shape
    places = {
        "epoch": np.arange(epochs),
        "layer": np.arange(1, layers + 1),
        "v": np.arange(run.size),
        "u": np.arange(run.size),
    }
    attributes = file_attributes(f"Training {run.id}", SUMMARY) | {
        "run": run.id,
        "settings": run.to_json(),
        "score": SCORES[bool(data.classes)],
        "chance": data.chance,
        "data_sha256": data_sha256(data),
        "torch_version": versions(["torch"])["torch"],
        **provenance("training", run.to_mapping()),
    }
    return describe(xr.Dataset(variables, places, attributes), VARIABLES)


def data_sha256(data: Data) -> str:
    """Return a hash of all examples."""
    digest = hashlib.sha256()
    for part in data:
        for array in part:
            digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def write_training(
    run: TrainingRun, data: Data, weights: dict[str, Array], history: dict[str, Array], path: Path
) -> None:
    """Write the trajectory; beside it the weights and their card, with other suffixes."""
    trajectory = trajectory_dataset(run, data, history)
    facts = _facts(run, trajectory)
    write_arrays(weights, facts, path.with_suffix(".safetensors"))
    card = _card(run, facts, file_sha256(path.with_suffix(".safetensors")))
    replace_file(path.with_suffix(".md"), lambda draft: draft.write_text(card, encoding="utf-8"))
    write_dataset(trajectory, path)


def read_trajectory(path: Path, run: TrainingRun) -> xr.Dataset:
    """Read the trajectory of a run, or refuse that of another."""
    trajectory = read_dataset(path)
    check_attributes(path, trajectory, {"settings": run.to_json()})
    return trajectory


def _facts(run: TrainingRun, trajectory: xr.Dataset) -> dict[str, str]:
    """What the card says of the weights."""
    known = trajectory.attrs
    score = float(trajectory.score[-1])
    settings = {name: value for name, value in run.to_mapping().items() if name != "initialisation"}
    return {
        "network": run.id,
        "initialisation": run.initialisation.label,
        **{name: str(value) for name, value in settings.items()},
        known["score"]: f"{score:.4f}",
        "precision": "float64",
        "loss": "cross-entropy" if known["score"] == SCORES[True] else "mean squared error",
        **{name: str(known[name]) for name in ("data_sha256", "torch_version", "core_hash")},
        "command": f"mechcore train '{run.to_json()}'",
    }


def _card(run: TrainingRun, facts: dict[str, str], sha256: str) -> str:
    rows = "\n".join(f"| {name} | {text} |" for name, text in facts.items())
    return (
        f"# {run.id}\n\nA small network that `mechcore train` made; `{run.id}.safetensors` holds "
        f"its weights in the order of PyTorch.\n\n| | |\n|---|---|\n{rows}\n| sha256 | {sha256} |\n"
    )
