"""The file of a network on a set of images; reading it needs neither the network nor ONNX."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from mechcore.errors import MechcoreError
from mechcore.io.netcdf import ROOT, describe, file_attributes, read_groups, write_groups

UNTRAINED, PREDICTION = "untrained", "prediction"
"""Groups of the file, beside the root with the trained network."""

TRAINED, FLIPPED = "trained", "flipped"
"""Names of copies; those with mirrored kernels are numbered."""

ABOUT = "How far and where each layer of a convolutional network moves what it sees."
"""Summary of the file."""

PREDICTION_VARIABLES = {
    "slope": ("displacement per momentum of the kernels, over the channels of a layer", "1"),
    "r2": ("share of the variance over channels that the momenta explain", "1"),
}


@dataclass(frozen=True)
class NetworkMeasurement:
    """A network on a set of images, and the same network without what it learned."""

    attributes: dict[str, object]
    trained: xr.Dataset
    """See `mechcore.network`."""
    untrained: xr.Dataset
    """The same with the weights of `mechcore.networks.copies.untrained`."""
    prediction: xr.Dataset
    """Lines of `mechcore.networks.prediction.predict` for each of ``weights``: the two networks by
    their own kernels, and copies with mirrored kernels by the kernels of the trained one."""


def write_measurement(measurement: NetworkMeasurement, path: Path) -> None:
    """Write a measurement as netCDF-4, whole or not at all."""
    title = f"Displacements in the network {measurement.attributes['model']}"
    made_by = file_attributes(title, ABOUT) | measurement.attributes
    root = measurement.trained.assign_attrs(measurement.trained.attrs | made_by)
    prediction = describe(measurement.prediction, PREDICTION_VARIABLES)
    write_groups({ROOT: root, UNTRAINED: measurement.untrained, PREDICTION: prediction}, path)


def read_measurement(path: Path) -> NetworkMeasurement:
    """Read what `write_measurement` wrote."""
    groups = read_groups(path)
    missing = [name for name in (UNTRAINED, PREDICTION) if name not in groups]
    if missing:
        raise MechcoreError(f"{path}: no group {', '.join(missing)}: another kind of file")
    root = groups[ROOT]
    return NetworkMeasurement(dict(root.attrs), root, groups[UNTRAINED], groups[PREDICTION])
