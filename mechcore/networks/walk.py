"""Goes through a network for one image: values, positions of units, and what flows carry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from mechcore.errors import MechcoreError
from mechcore.networks.checks import refused
from mechcore.networks.graph import Graph
from mechcore.networks.grid import Grid
from mechcore.networks.operators import FACTORS, Call, Tensor
from mechcore.networks.step import Step
from mechcore.networks.windows import Array

THROUGH = ("Add", "Sub", "Mul", "Div", "Identity", "Reshape", "Squeeze", "Unsqueeze")
"""What may lie between a function with limits and the product that it is a factor of."""


class Flow(Protocol):
    """Something that is known of each tensor; operators change it by the kind of their rule."""

    def start(self, image: Array, grid: Grid) -> Any:
        """Return what is known of the pixels of a (1, channel, y, x) image."""

    def linear(self, call: Call, known: list[Any]) -> Any:
        """Return what is known of sums, from what is known of their terms."""

    def gate(self, call: Call, known: list[Any]) -> Any:
        """Return what is known of products with factors that are kept."""

    def choice(self, call: Call, known: list[Any]) -> Any:
        """Return what is known of units each of which is one of others."""

    def rearrangement(self, call: Call, known: list[Any]) -> Any:
        """Return what is known of units in another place."""


def walk(graph: Graph, image: Array, flows: Sequence[Flow]) -> Iterator[tuple[Call, Tensor]]:
    """Run a network on a (channel, y, x) image, and yield each node with what it made.

    A tensor is dropped as soon as no node needs it.
    """
    pixels = image[np.newaxis]
    grid = Grid.of_pixels(*image.shape[1:])
    start = Tensor(pixels, grid, tuple(flow.start(pixels, grid) for flow in flows))
    known = {name: Tensor(value) for name, value in graph.constants.items()} | {graph.image: start}
    last_use = {name: place for place, step in enumerate(graph.steps) for name in step.node.input}
    for place, step in enumerate(graph.steps):
        inputs = [known[name] if name else None for name in step.node.input]
        with _one_line_errors(step):
            outputs = step(*(each.value if each else None for each in inputs))
            call = Call(step, inputs, *outputs)
            made = _made(call, flows)
        yield call, made
        known[step.node.output[0]] = made
        for name in {name for name in step.node.input if last_use[name] == place}:
            known.pop(name, None)


@contextmanager
def _one_line_errors(step: Step) -> Iterator[None]:
    """Name the node where a model contradicts itself: numpy raises anything."""
    try:
        yield
    except (MechcoreError, MemoryError):
        raise
    except Exception as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise refused(step.node, f"cannot run: {lines[0]}") from error


def _made(call: Call, flows: Sequence[Flow]) -> Tensor:
    kind = call.step.kind
    if call.is_constant:
        return Tensor(call.value)
    if call.value.ndim not in (2, 4):
        raise refused(
            call.step.node, f"it makes {call.value.ndim} axes, expected 4, or 2 at the end"
        )
    carried = tuple(
        getattr(flow, call.rule.kind)(call, [each.carried[number] for each in call.data])
        for number, flow in enumerate(flows)
    )
    passed_on = kind in THROUGH and len(call.data) == 1 and call.data[0].is_factor
    return Tensor(call.value, call.grid, carried, kind in FACTORS or passed_on, call.depth)
