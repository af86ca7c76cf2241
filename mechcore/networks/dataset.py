"""What is known of a network as one dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mechcore.io.netcdf import describe
from mechcore.networks.grid import Grid
from mechcore.networks.prediction import layer_lines
from mechcore.networks.windows import Array

AXES = ("x", "y")

MOST_MAPS = 6
"""Layers that have maps, evenly over depth."""

MAP_UNITS = 24
"""Units along an axis of a map: more arrows are not told apart."""

PER_CHANNEL = {
    "kernel_mass": (),
    "kernel_displacement": ("axis",),
    "energy_displacement": ("axis",),
    "energy_covariance": ("axis", "axis2"),
    "own_momentum": ("axis",),
    "own_positive_momentum": ("axis",),
    "own_first_moment": ("axis",),
    "signed_displacement": ("axis",),
    "signed_covariance": ("axis", "axis2"),
    "cancelled": (),
    "path_displacement": ("axis",),
    "path_covariance": ("axis", "axis2"),
    "path_step": ("axis",),
    "radius": (),
}
"""Variables along `channel_index`, and the axes that they have beside it."""

MAPS = {"field": ("axis",), "field_spread": ("axis", "axis2")}

EXPLAINED = {
    "explained_signed": ("kernel_displacement", "signed_displacement"),
    "explained_path": ("energy_displacement", "path_displacement"),
    "explained_step": ("own_momentum", "path_step"),
}
"""What the kernels alone say, and what it should explain of the images."""

LENGTHS = (
    *("own_momentum", "path_step", "energy_displacement", "path_displacement"),
    *("signed_displacement", "radius"),
)
"""What `layer_means` gives of each layer, px."""

VARIABLES: dict[str, tuple[str, str]] = {
    "layer": ("name of the layer", "1"),
    "layer_number": ("position of the channel's layer along the dimension layer", "1"),
    "channel": ("number of the channel in its layer", "1"),
    "layer_op": ("operator", "1"),
    "layer_kind": ("first, full, depthwise, pointwise, transposed or dense", "1"),
    "layer_depth": ("layers on the longest path from the image, from 1", "1"),
    "layer_channels": ("number of channels", "1"),
    "layer_units": ("units of a channel", "1"),
    "layer_spacing": ("distance of units, px", "1"),
    "theoretical_field": (
        "geometric mean of the sides of the theoretical receptive field, px",
        "1",
    ),
    "kernel_mass": ("sum of the kernel from the image to the channel, gates counted as 1", "1"),
    "kernel_displacement": ("centroid of that kernel from the unit, NaN where it cancels, px", "1"),
    "energy_displacement": ("the same for squares of kernels: independent signs, px", "1"),
    "energy_covariance": ("covariance of the energy in the receptive field, px^2", "1"),
    "own_momentum": ("centroid of the squares of the layer's own kernels from the unit, px", "1"),
    "own_positive_momentum": ("centroid of their positive taps from the unit, px", "1"),
    "own_first_moment": ("their first moment, over the root of their energy, px", "1"),
    "signed_displacement": ("centroid of the signed evidence from the unit, px", "1"),
    "signed_covariance": ("covariance of the signed evidence, px^2", "1"),
    "cancelled": ("share of units whose signed evidence cancels", "1"),
    "path_displacement": ("centroid of the positive paths from the unit, px", "1"),
    "path_covariance": ("covariance of the positive paths, px^2", "1"),
    "path_step": ("centroid of the layer's own positive contributions from the unit, px", "1"),
    "radius": (
        "radius of the effective receptive field: root of the trace of the covariance, px",
        "1",
    ),
    "explained_signed": ("share of variance over channels of signed_displacement", "1"),
    "explained_path": ("share of variance over channels of path_displacement", "1"),
    "explained_step": ("share of variance over channels of path_step", "1"),
    "field": ("displacement by positive paths, mean over channels, px", "1"),
    "field_spread": ("covariance of positive paths, mean over channels, px^2", "1"),
    "field_x": ("position of the units of a map, px", "1"),
    "field_y": ("position of the units of a map, px", "1"),
}
"""Long names and units."""

SIGN = (
    "centre of the evidence minus the position of the unit, which is the centre of its theoretical"
    " receptive field; +x right, +y down; information moves the opposite way"
)


@dataclass(eq=False)
class Layer:
    """What is known of a layer."""

    name: str
    op: str
    kind: str
    depth: int
    channels: int
    grid: Grid
    kernels: Mapping[str, Array]
    """Measures of the kernels alone, by channel."""
    measured: list[Mapping[str, Array]] = field(default_factory=list)
    """Measures by channel, for each image."""
    maps: list[Mapping[str, Array]] = field(default_factory=list)


def mapped(layers: Sequence[Layer]) -> list[Layer]:
    """Return the layers that have maps: the first, the last, and some between."""
    spatial = [layer for layer in layers if max(layer.grid.counts) > 1]
    if not spatial:
        return []
    places = np.linspace(0, len(spatial) - 1, MOST_MAPS).round().astype(int)
    return [spatial[place] for place in np.unique(places)]


def network_dataset(layers: Sequence[Layer], name: str) -> xr.Dataset:
    """Return all layers side by side: their channels are along `channel_index`."""
    data = xr.Dataset(_of_layers(layers), _coordinates(layers))
    data = data.assign(_channels([layer.kernels for layer in layers]))
    if layers[0].measured:
        images = map(_channels, zip(*(layer.measured for layer in layers), strict=True))
        data = data.assign(xr.concat(images, "image", data_vars="all"))
        data = data.assign(_explained(data))
    maps = [layer for layer in layers if layer.maps]
    if maps:
        data = data.assign(_maps(maps)).assign_coords(map_layer=_names(maps))
    data.attrs |= {"network": name, "displacement": SIGN}
    return describe(data, VARIABLES)


def layer_means(data: xr.Dataset) -> pd.DataFrame:
    """Return a row a layer: root mean squares over channels, of means over images."""
    columns = ("kind", "depth", "channels", "units")
    rows = {"layer": data.layer.values, **{name: data[f"layer_{name}"].values for name in columns}}
    rows["theoretical_field"] = data.theoretical_field.values
    for name in (*LENGTHS, "cancelled", *EXPLAINED):
        if name in data:
            values = data[name].mean("image") if "image" in data[name].dims else data[name]
            rows[name] = _by_layer(values, data.layer_number).values
    return pd.DataFrame(rows)


def _by_layer(values: xr.DataArray, number: xr.DataArray) -> xr.DataArray:
    if "layer" in values.dims:
        return values
    if str(values.name) not in LENGTHS:
        return values.groupby(number).mean()
    squares = (values**2).sum("axis", skipna=False) if "axis" in values.dims else values**2
    return squares.groupby(number).mean() ** 0.5


def _names(layers: Sequence[Layer]) -> Array:
    return np.array([layer.name for layer in layers], dtype=object)


def _coordinates(layers: Sequence[Layer]) -> dict[str, object]:
    sizes = [layer.channels for layer in layers]
    return {
        "layer": _names(layers),
        "axis": np.array(AXES, dtype=object),
        "axis2": np.array(AXES, dtype=object),
        "layer_number": ("channel_index", np.repeat(np.arange(len(sizes)), sizes)),
        "channel": ("channel_index", np.concatenate([np.arange(size) for size in sizes])),
    }


def _of_layers(layers: Sequence[Layer]) -> dict[str, object]:
    columns: dict[str, list[Any]] = {
        "layer_op": [layer.op for layer in layers],
        "layer_kind": [layer.kind for layer in layers],
        "layer_depth": [layer.depth for layer in layers],
        "layer_channels": [layer.channels for layer in layers],
        "layer_units": [layer.grid.counts[0] * layer.grid.counts[1] for layer in layers],
        "theoretical_field": [float(np.sqrt(layer.grid.size.prod())) for layer in layers],
    }
    arrays = {
        name: np.array(values, dtype=object if isinstance(values[0], str) else None)
        for name, values in columns.items()
    }
    spacing = np.array([layer.grid.spacing for layer in layers])
    return {name: ("layer", values) for name, values in arrays.items()} | {
        "layer_spacing": (("layer", "axis"), spacing)
    }


def _channels(measures: Sequence[Mapping[str, Array]]) -> xr.Dataset:
    """Measures of all layers, their channels one after the other."""
    return xr.Dataset(
        {
            name: (("channel_index", *axes), np.concatenate([layer[name] for layer in measures]))
            for name, axes in PER_CHANNEL.items()
            if name in measures[0]
        }
    )


def _explained(data: xr.Dataset) -> dict[str, object]:
    return {
        name: (("image", "layer"), layer_lines(data, data, *pair).r2.T)
        for name, pair in EXPLAINED.items()
    }


def _maps(layers: Sequence[Layer]) -> dict[str, object]:
    """Maps and the positions of their units, filled up with NaN to the size of the largest."""
    known: dict[str, object] = {
        name: (
            ("image", "map_layer", *axes, "map_y", "map_x"),
            np.moveaxis(
                _padded([np.stack([each[name] for each in layer.maps]) for layer in layers]), 0, 1
            ),
        )
        for name, axes in MAPS.items()
    }
    for axis, name in enumerate(AXES):
        lines = [layer.grid.axis(axis)[map_units(layer.grid.counts[axis])] for layer in layers]
        known[f"field_{name}"] = (("map_layer", f"map_{name}"), _padded(lines))
    return known


def map_units(count: int) -> Array:
    """Return which units along an axis are in a map."""
    return np.unique(np.linspace(0, count - 1, min(count, MAP_UNITS)).round().astype(int))


def _padded(arrays: Sequence[Array]) -> Array:
    shape = np.max([array.shape for array in arrays], axis=0)
    result = np.full((len(arrays), *shape), np.nan)
    for target, array in zip(result, arrays, strict=True):
        target[tuple(slice(length) for length in array.shape)] = array
    return result
