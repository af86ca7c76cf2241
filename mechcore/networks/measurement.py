"""What the workflow measures of a network on a set of images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import xarray as xr

from mechcore.errors import InvalidValue
from mechcore.experiment.networks import NetworkRun
from mechcore.io.arrays import Array
from mechcore.io.hashes import file_sha256
from mechcore.io.provenance import provenance
from mechcore.model.image_sets import image_set
from mechcore.networks.copies import flipped, untrained
from mechcore.networks.measurement_file import FLIPPED, TRAINED, UNTRAINED, NetworkMeasurement
from mechcore.networks.network import input_size, load_model, network
from mechcore.networks.prediction import predict


def measure_network(path: Path, run: NetworkRun) -> NetworkMeasurement:
    """Measure a network and its copies on a set of images."""
    model = load_model(path)
    images = network_images(model, run)
    trained = network(model, images, until=run.until)
    redrawn = network(untrained(model, run.seed), images, until=run.until)
    lines = {TRAINED: predict(trained, trained), UNTRAINED: predict(redrawn, redrawn)}
    for number in range(1, run.flipped + 1):
        copy = network(flipped(model, run.seed + number), images, until=run.until)
        lines[f"{FLIPPED} {number}"] = predict(trained, copy)
    names = xr.Variable("weights", np.array([*lines], dtype=object))
    attributes: dict[str, object] = {
        "model": path.name,
        "model_sha256": file_sha256(path, "model"),
        "settings": run.to_json(),
        **provenance("networks", run.to_mapping()),
    }
    return NetworkMeasurement(
        attributes, trained, redrawn, xr.concat(lines.values(), names, data_vars="all")
    )


def network_images(model: onnx.ModelProto, run: NetworkRun) -> Array:
    """Return the images of a run as the network takes them, (image, channel, y, x)."""
    channels, *sides = input_size(model)
    height, width = (run.size if side is None else side for side in sides)
    images = image_set(run.images, run.count, (height, width), channels, run.seed)
    mean, scale = (
        _by_channel(key, getattr(run, key), channels)[:, np.newaxis, np.newaxis]
        for key in ("mean", "scale")
    )
    return (images - mean) * scale


def _by_channel(key: str, values: list[float], channels: int) -> Array:
    if len(values) not in (1, channels):
        raise InvalidValue(key, values, f"one number, or one for each of {channels} channels")
    return np.broadcast_to(np.array(values, dtype=np.float64), channels)
