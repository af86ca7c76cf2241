"""Reads ONNX: the graph states which tensors are the weights of convolutions."""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from mechcore.errors import shown
from mechcore.filters.formats import WeightFileError
from mechcore.filters.formats.tensors import Tensor, dequantised, output_factors, unread

Values = NDArray[Any]

Named = tuple[str, onnx.TensorProto]

LONGEST_CHAIN = 16
"""Nodes that a constant goes through before it is a kernel; more may form a circle."""

ASIDE = 2
"""The same for the scales and zero points of such a node."""


@dataclass(frozen=True)
class _Use:
    """What a node does with its kernel, and which of its inputs belong to the kernel."""

    kind: str = "convolution"
    weight: int = 1
    scale: int | None = None
    zero_point: int | None = None


USES = {
    "Conv": _Use(),
    "FusedConv": _Use(),
    "ConvTranspose": _Use("transposed"),
    "ConvInteger": _Use(zero_point=3),
    "QLinearConv": _Use(weight=3, scale=4, zero_point=5),
}
"""Nodes that have a kernel."""


@dataclass(frozen=True)
class _Scope:
    """What a graph can use by name: its own, and that of the graphs around it."""

    path: Path
    prefix: str = ""
    nodes: Sequence[onnx.NodeProto] = ()
    tensors: ChainMap[str, Named] = field(default_factory=ChainMap)
    producers: ChainMap[str, onnx.NodeProto] = field(default_factory=ChainMap)
    consumers: dict[str, list[onnx.NodeProto]] = field(default_factory=dict)
    """Nodes of the graph by what they take."""
    used: set[str] = field(default_factory=set)
    """Names of the stored tensors that are in kernels."""

    def constant(self, name: str, left: int = LONGEST_CHAIN) -> Values | None:
        """Return a stored tensor, or what nodes of `FOLDED` make of stored tensors."""
        if name in self.tensors:
            stored, tensor = self.tensors[name]
            self.used.add(stored)
            return _values(self.path, stored, tensor)
        node = self.producers.get(name)
        if node is None or node.op_type not in FOLDED or not left:
            return None
        first, *others = node.input
        values = [self.constant(first, left - 1)]
        values += [self.constant(other, min(left - 1, ASIDE)) for other in others if other]
        known = [value for value in values if value is not None]
        return FOLDED[node.op_type](node, *known) if len(known) == len(values) else None


def _attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    found = (item for item in node.attribute if item.name == name)
    return next((helper.get_attribute_value(item) for item in found), default)


ZERO, ONE = np.zeros(1, np.float32), np.ones(1, np.float32)


FOLDED: dict[str, Callable[..., Values]] = {
    "Identity": lambda _, values: values,
    "Cast": lambda node, values: values.astype(
        helper.tensor_dtype_to_np_dtype(_attribute(node, "to", onnx.TensorProto.FLOAT))
    ),
    "Transpose": lambda node, values: values.transpose(_attribute(node, "perm", None)),
    "DequantizeLinear": lambda node, values, scale, zero_point=ZERO: dequantised(
        values, scale, zero_point, _attribute(node, "axis", 1)
    ),
}
"""What nodes make of constants."""


@contextmanager
def open_tensors(path: Path) -> Generator[list[Tensor]]:
    """Open an ONNX file."""
    model = onnx.load(path, load_external_data=False)
    if any(node.op_type in USES for function in model.functions for node in function.node):
        advice = "expand them with onnx.inliner.inline_local_functions"
        raise WeightFileError(path, f"has convolutions inside of functions: {advice}")
    stored: dict[str, onnx.TensorProto] = {}
    kernels: dict[str, Tensor] = {}
    outermost = _Scope(path)
    for scope in _graphs(model.graph, outermost):
        stored.update(scope.tensors.maps[0].values())
        for node in scope.nodes:
            if node.op_type in USES and len(node.input) > USES[node.op_type].weight:
                source, kernel = _kernel(node, scope)
                kernels.setdefault(source, kernel)
    others = [
        unread(name, "not the kernel of a convolution", tuple(tensor.dims))
        for name, tensor in stored.items()
        if name not in outermost.used
    ]
    yield [*_named_apart(kernels), *others]


def _graphs(graph: onnx.GraphProto, outer: _Scope) -> Iterator[_Scope]:
    """Yield the scope of each graph, from the outside in."""
    scope = _inner_scope(graph, outer)
    yield scope
    for place, node in enumerate(graph.node):
        for name, inner in _inner_graphs(node):
            path = f"{scope.prefix}{node.op_type}_{place}.{name}/"
            yield from _graphs(inner, replace(scope, prefix=path))


def _inner_graphs(node: onnx.NodeProto) -> Iterator[tuple[str, onnx.GraphProto]]:
    for attribute in node.attribute:
        for number, inner in enumerate([attribute.g, *attribute.graphs]):
            if inner.node:
                yield f"{attribute.name}.{number}", inner


def _inner_scope(graph: onnx.GraphProto, outer: _Scope) -> _Scope:
    pairs = [(tensor.name, tensor) for tensor in graph.initializer]
    for node in graph.node:
        if node.op_type == "Constant" and node.output:
            pairs += [(node.output[0], item.t) for item in node.attribute if item.name == "value"]
    own = {name: (f"{outer.prefix}{name}", tensor) for name, tensor in pairs}
    if len(own) < len(pairs):
        raise WeightFileError(outer.path, "holds two tensors with the same name")
    producers = {output: node for node in graph.node for output in node.output}
    consumers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in dict.fromkeys(node.input):
            consumers.setdefault(name, []).append(node)
    return replace(
        outer,
        nodes=graph.node,
        tensors=outer.tensors.new_child(own),
        producers=outer.producers.new_child(producers),
        consumers=consumers,
    )


def _kernel(node: onnx.NodeProto, scope: _Scope) -> tuple[str, Tensor]:
    """Return where the kernel of a node comes from, and the kernel under the name of the node."""
    use = USES[node.op_type]
    name = _source(node.input[use.weight], scope)
    trial = replace(scope, used=set())
    values = _kernel_values(node, use, trial)
    # Names that are no UTF-8 come as bytes.
    source = scope.tensors[name][0] if name in scope.tensors else str(name)
    producer = scope.producers.get(name)
    if values is None:
        reason = f"computed by {producer.op_type}" if producer else "not stored as an array"
        return source, unread(source, f"kernel that is {reason}")
    scope.used.update(trial.used)
    groups = _attribute(node, "group", 1)
    if groups < 1 or (use.kind == "transposed" and values.ndim and values.shape[0] % groups):
        raise WeightFileError(scope.path, f"{shown(source)} cannot be split into {groups} groups")
    return source, Tensor(
        f"{scope.prefix}{node.name}" if node.name else source,
        values.shape,
        values.dtype.name,
        partial(np.asarray, values),
        layout="torch",
        kind=use.kind,
        groups=groups,
        dilations=_steps(node, "dilations", values.ndim - 2),
        strides=_steps(node, "strides", values.ndim - 2),
        output_scale=_batchnorm_behind(node.output[0], scope),
        # Weights are initialisers; what a node states was written into the program.
        fixed=producer is not None and producer.op_type == "Constant",
    )


def _kernel_values(node: onnx.NodeProto, use: _Use, scope: _Scope) -> Values | None:
    values = scope.constant(node.input[use.weight])
    if values is None or use.zero_point is None:
        return values

    def along(place: int | None) -> Values | None:
        given = place is not None and place < len(node.input) and node.input[place]
        return scope.constant(given) if given else None

    scale = along(use.scale) if use.scale else _scale_behind(node.output[0], scope)
    zero_point = along(use.zero_point)
    return dequantised(
        values, ONE if scale is None else scale, ZERO if zero_point is None else zero_point, axis=0
    )


def _scale_behind(output: str, scope: _Scope) -> Values | None:
    """The scale of a ConvInteger, which a node behind it multiplies with that of the image."""
    for node in scope.consumers.get(output, []):
        if node.op_type == "Cast":
            return _scale_behind(node.output[0], scope)
        if node.op_type == "Mul":
            factors = [scope.producers.get(name) for name in node.input]
            inner = [
                name
                for factor in factors
                if factor and factor.op_type == "Mul"
                for name in factor.input
            ]
            scales = map(scope.constant, [*node.input, *inner])
            return next((scale for scale in scales if scale is not None), None)
    return None


def _batchnorm_behind(output: str, scope: _Scope) -> Callable[[], NDArray[np.float64]] | None:
    for node in scope.consumers.get(output, []):
        if node.op_type == "BatchNormalization" and node.input[0] == output:
            scale, variance = (scope.constant(node.input[place]) for place in (1, 4))
            if scale is not None and variance is not None:
                return partial(output_factors, scale, variance, _attribute(node, "epsilon", 1e-5))
    return None


def _steps(node: onnx.NodeProto, name: str, axes: int) -> tuple[int, ...]:
    steps = tuple(_attribute(node, name, ()))
    if steps and (len(steps) != axes or min(steps) < 1):
        message = f"{shown(node.name)} has {name} of {shown(steps)} for {axes} axes"
        raise ValueError(message)
    return steps


def _source(name: str, scope: _Scope) -> str:
    # Exporters point to shared weights through nodes that only pass them on.
    for _ in range(LONGEST_CHAIN):
        producer = scope.producers.get(name)
        if name in scope.tensors or producer is None or producer.op_type != "Identity":
            break
        name = producer.input[0]
    return name


def _named_apart(kernels: dict[str, Tensor]) -> list[Tensor]:
    """Kernels under the names of their nodes, but for names that occur twice."""
    counts = Counter(kernel.name for kernel in kernels.values())
    return [
        kernel if counts[kernel.name] == 1 else replace(kernel, name=source)
        for source, kernel in kernels.items()
    ]


def _values(path: Path, name: str, tensor: onnx.TensorProto) -> Values:
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        advice = "save the model with its weights in one file"
        claim = f"{shown(name)} is in another file, which is not opened: {advice}"
        raise WeightFileError(path, claim)
    if any(length < 0 for length in tensor.dims):
        raise WeightFileError(
            path, f"{shown(name)} declares a negative length: {shown(tuple(tensor.dims))}"
        )
    return numpy_helper.to_array(tensor)
