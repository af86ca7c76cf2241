"""The moments of all units of a whole network, beside one gradient for each unit."""

from __future__ import annotations

import io
import time
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import onnx

from benchmarks.ratio import Ratio
from benchmarks.timing import in_child, timed
from mechcore.networks.network import network

SIDE = {False: 224, True: 96}
"""px of the image, in a full and in a quick run."""

BLOCKS = (
    *((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)),
    *((6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)),
)
"""Expansion, channels, repeats and stride of the blocks of MobileNetV2 (Sandler et al., 2018)."""

GRADIENTS = 2
"""Units of each layer whose gradients are timed; the time is scaled to all."""


def measure_networks(quick: bool) -> Iterator[Ratio]:
    """Compare the moments of all units of a network of random weights with their gradients."""
    # PyTorch makes the network.
    if find_spec("torch") is None:
        return
    side = SIDE[quick]
    model, by_gradients = in_child(_peer, side)
    seconds, remark = in_child(_timing, model, side)
    name = f"all units of MobileNetV2 at {side} px"
    yield Ratio(name, seconds, "PyTorch, a gradient for each unit", by_gradients, remark)


def _timing(model: bytes, side: int) -> tuple[float, str]:
    """Seconds for moments of all units, signed, by positive paths, and of the kernels alone."""
    image = np.random.default_rng(0).standard_normal((3, side, side))
    seconds, data = timed(lambda: network(onnx.load_model_from_string(model), image[np.newaxis]))
    units = int((data.layer_units * data.layer_channels).sum())
    return seconds, f"{units:,} units in {data.sizes['layer']} layers"


def _peer(side: int) -> tuple[bytes, float]:
    """The network as ONNX, and the seconds of the gradients of all its units."""
    import torch

    torch.manual_seed(0)
    made = torch.nn.Sequential(*_layers(torch.nn)).eval()
    image = torch.randn(1, 3, side, side)
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(made, image, file, dynamo=False)
    return file.getvalue(), _seconds_of_gradients(made.double(), image.double())


def _layers(nn: Any) -> list[Any]:
    layers, channels = [*_unit(nn, 3, 32, 3, 2)], 32
    for expansion, outputs, repeats, first_stride in BLOCKS:
        for number in range(repeats):
            stride, inner = (1 if number else first_stride), channels * expansion
            block = [
                *(_unit(nn, channels, inner, 1, 1) if expansion > 1 else []),
                *_unit(nn, inner, inner, 3, stride, groups=inner),
                *_unit(nn, inner, outputs, 1, 1)[:-1],
            ]
            layers.append(_with_shortcut(nn, block, stride == 1 and channels == outputs))
            channels = outputs
    return [*layers, *_unit(nn, channels, 1280, 1, 1)]


def _unit(nn: Any, inputs: int, outputs: int, size: int, stride: int, groups: int = 1) -> list[Any]:
    convolution = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU6()]


def _with_shortcut(nn: Any, block: list[Any], has_shortcut: bool) -> Any:
    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(*block)

        def forward(self, x: Any) -> Any:
            return x + self.inner(x) if has_shortcut else self.inner(x)

    return Block()


def _seconds_of_gradients(network: Any, image: Any) -> float:
    import torch

    made: list[Any] = []
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda _, __, output: made.append(output))
    image.requires_grad_(True)
    network(image)
    seconds = 0.0
    for output in made:
        units = output.flatten()
        start = time.process_time()
        for unit in units[len(units) // 2 :][:GRADIENTS]:
            torch.autograd.grad(unit, image, retain_graph=True)
        seconds += (time.process_time() - start) / GRADIENTS * len(units)
    return seconds
