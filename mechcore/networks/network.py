"""Measures a network: how far and where each layer moves what it sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import xarray as xr

from mechcore.errors import InvalidValue, MechcoreError
from mechcore.experiment.weights import format_of
from mechcore.filters.formats import WeightFileError, one_line_errors
from mechcore.io.arrays import Array
from mechcore.io.reading import reason_not_to_open
from mechcore.model.patterns import pattern_image
from mechcore.networks.composition import Composition, Kernels
from mechcore.networks.dataset import Layer, map_units, mapped, network_dataset
from mechcore.networks.evidence import PositivePaths, SignedEvidence
from mechcore.networks.graph import Graph, image_input, load_graph
from mechcore.networks.measures import (
    UnitMoments,
    channel_measures,
    field,
    kernel_measures,
    unit_moments_of,
)
from mechcore.networks.operators import Call
from mechcore.networks.step import LAYERS
from mechcore.networks.walk import Flow, walk

OPEN_SIZE = 224
"""px of images where a network leaves the size open: that of most networks for photographs."""

KERNELS = (Kernels(1), Kernels(2))

Model = str | Path | bytes | onnx.ModelProto

LARGEST_SIZE = 4096
"""px, a guard against typing errors."""


def load_model(path: str | Path) -> onnx.ModelProto:
    """Read an ONNX file; any failure is one line."""
    path = Path(path)
    reason = reason_not_to_open(path)
    if reason:
        raise WeightFileError(path, f"cannot be read: {reason}")
    with one_line_errors(path):
        if format_of(path) != "onnx":
            raise MechcoreError(f"is of {format_of(path)}, expected a network in the format ONNX")
        return onnx.load(path, load_external_data=False)


def input_size(model: onnx.ModelProto) -> tuple[int, int | None, int | None]:
    """Return channels, height and width of a network's images; None for an open side."""
    channels, height, width = image_input(model)[1]
    if channels is None:
        raise MechcoreError("the network leaves the number of channels open")
    return channels, height, width


def image_shape(model: onnx.ModelProto, size: int | None = None) -> tuple[int, int, int]:
    """Return channels, height and width of a network's images, with a size for open sides."""
    if size is not None and not 1 <= size <= LARGEST_SIZE:
        raise InvalidValue("size", size, f"an integer from 1 to {LARGEST_SIZE}")
    channels, height, width = input_size(model)
    return channels, height or size or OPEN_SIZE, width or size or OPEN_SIZE


def network(
    model: Model,
    images: Array | None = None,
    *,
    pattern: str | None = None,
    until: str | None = None,
    size: int | None = None,
) -> xr.Dataset:
    """Measure how far and where each layer of a network moves what it sees.

    Parameters
    ----------
    model : str, Path, bytes or onnx.ModelProto
        A network of convolutions in the format ONNX.
    images : (image, channel, y, x) array_like, optional
        In the scale that the network takes. Without images or a pattern the kernels alone are
        analysed.
    pattern : str, optional
        Key of `mechcore.model.patterns.PATTERNS`: one image, the same in all channels.
    until : str, optional
        Name of a node: analyse only what it needs.
    size : int, optional
        Height and width of a pattern where the network leaves them open, px; default 224.

    Returns
    -------
    xarray.Dataset
        For each channel of each layer displacement and covariance of what it sees, by the kernels
        alone and for each image, signed and by positive paths. Lengths are px of the input, +x to
        the right, +y downwards. A displacement is the centre of the evidence minus the unit's own
        position; information moves the opposite way. See docs/networks.md.

    Raises
    ------
    MechcoreError
        If the file cannot be read, or a node is not supported.

    Examples
    --------
    >>> from onnx import TensorProto, helper
    >>> def tensor(name, shape):
    ...     return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    >>> kernel = helper.make_tensor("k", TensorProto.FLOAT, (1, 1, 1, 3), [0.0, 0.0, 1.0])
    >>> node = helper.make_node("Conv", ["image", "k"], ["y"], pads=[0, 1, 0, 1])
    >>> graph = helper.make_graph(
    ...     [node], "shift", [tensor("image", [1, 1, 8, 8])], [tensor("y", [1, 1, 8, 8])], [kernel]
    ... )
    >>> data = network(helper.make_model(graph), pattern="square")
    >>> data.kernel_displacement.values, data.path_displacement.values[0]
    (array([[1., 0.]]), array([[1., 0.]]))
    """
    loaded = _loaded(model)
    if images is None and pattern is not None:
        images = _of_pattern(pattern, image_shape(loaded, size))
    given = None if images is None else _checked(images, loaded)
    shape = image_shape(loaded, size) if given is None else given.shape[1:]
    graph = load_graph(loaded, shape, until)
    layers = _kernels_alone(graph, np.zeros(shape))
    if not layers:
        raise MechcoreError("the network has no layer with kernels")
    for image in given if given is not None else ():
        _measure(graph, image, layers)
    return network_dataset(layers, loaded.graph.name)


def unit_moments(model: Model, image: Array, *, until: str | None = None) -> dict[str, UnitMoments]:
    """Return the evidence of all units of all layers for a (channel, y, x) image, by layer."""
    loaded = _loaded(model)
    given = _checked(np.asarray(image)[np.newaxis], loaded)[0]
    graph = load_graph(loaded, given.shape, until)
    return {call.step.node.name: units for call, units in _units(graph, given)}


def kernel_moments(model: Model) -> dict[str, tuple[Composition, Composition]]:
    """Return the kernels from the image to all layers, by layer, and the same of squares."""
    loaded = _loaded(model)
    blank = np.zeros(image_shape(loaded))
    layers = _layers(load_graph(loaded, blank.shape), blank, KERNELS)
    return {call.step.node.name: (signed, energy) for call, (signed, energy) in layers}


def _loaded(model: Model) -> onnx.ModelProto:
    if isinstance(model, onnx.ModelProto):
        return model
    if isinstance(model, bytes):
        return onnx.load_model_from_string(model)
    return load_model(model)


def _layers(
    graph: Graph, image: Array, flows: Sequence[Flow]
) -> Iterator[tuple[Call, tuple[Any, ...]]]:
    """Yield the layers of a network on an image, and what each flow knows of their units."""
    for call, made in walk(graph, image, flows):
        if call.step.kind in LAYERS:
            yield call, made.carried


def _units(graph: Graph, image: Array) -> Iterator[tuple[Call, UnitMoments]]:
    for call, (signed, paths) in _layers(graph, image, [SignedEvidence(), PositivePaths()]):
        yield call, unit_moments_of(signed, paths, call.grid)


def _kernels_alone(graph: Graph, blank: Array) -> list[Layer]:
    return [
        Layer(
            call.step.node.name,
            call.step.kind,
            _kind(call),
            call.depth,
            call.value.shape[1],
            call.grid,
            kernel_measures(call, *compositions),
        )
        for call, compositions in _layers(graph, blank, KERNELS)
    ]


def _kind(call: Call) -> str:
    groups = call.step.attributes.get("group", 1)
    kinds = {
        "dense": call.step.kind in ("Gemm", "MatMul"),
        "transposed": call.step.kind == "ConvTranspose",
        "first": call.depth == 1,
        "depthwise": groups > 1 and call.weights.shape[1] == 1,
        "pointwise": call.weights[0, 0].size == 1,
        "full": True,
    }
    return next(kind for kind, holds in kinds.items() if holds)


def _measure(graph: Graph, image: Array, layers: list[Layer]) -> None:
    drawn = {layer.name for layer in mapped(layers)}
    for layer, (_, units) in zip(layers, _units(graph, image), strict=True):
        layer.measured.append(channel_measures(units))
        if layer.name in drawn:
            x, y = (map_units(count) for count in layer.grid.counts)
            maps = {name: values[..., y[:, None], x] for name, values in field(units).items()}
            layer.maps.append(maps)


def _of_pattern(pattern: str, shape: tuple[int, int, int]) -> Array:
    """One image with a pattern at its centre, cut off where it is larger."""
    channels, *sides = shape
    drawn = pattern_image(pattern)
    missing = [max(0, side - length) for side, length in zip(sides, drawn.shape, strict=True)]
    padded = np.pad(drawn, [(number // 2, number - number // 2) for number in missing])
    top, left = ((length - side) // 2 for length, side in zip(padded.shape, sides, strict=True))
    canvas = padded[top : top + sides[0], left : left + sides[1]]
    return np.broadcast_to(canvas, (1, channels, *sides))


def _checked(images: Array, model: onnx.ModelProto) -> Array:
    """Images as float64, refused if the network cannot take them."""
    values = np.asarray(images, dtype=np.float64)
    taken = input_size(model)
    fits = values.ndim == 4 and all(
        known in (None, length) for known, length in zip(taken, values.shape[1:], strict=True)
    )
    if not fits or 0 in values.shape:
        sides = ", ".join("any" if side is None else str(side) for side in taken)
        allowed = f"(image, {sides}): channel, y, x"
        raise InvalidValue("images", values.shape, allowed, description=f"shape {values.shape}")
    if not np.isfinite(values).all():
        raise InvalidValue(
            "images",
            values,
            "finite values",
            description="an image with values that are not finite",
        )
    return values
