"""Networks whose kernels are sums of trainable DCT components, in float64."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mechcore.errors import MechcoreError
from mechcore.experiment.training import ARCHITECTURES, TrainingRun
from mechcore.io.arrays import Array
from mechcore.model.activations import LEAK
from mechcore.model.dct_groups import components, dct_bases
from mechcore.training.data import Data
from mechcore.training.initialisation import initial_coefficients

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "relu": functional.relu,
    "modulus": torch.abs,
    "leaky_relu": lambda x: functional.leaky_relu(x, LEAK),
    "softplus": functional.softplus,
    "gelu": functional.gelu,
    "tanh": torch.tanh,
}

Weights = dict[str, Array]


class RestrictedConvolution(nn.Module):
    """A convolution whose kernels have no other components than those that are trained.

    The kernel of output o and input i is the sum over the kept components n of
    ``coefficients[o, i, n] * bases[n]``: what is frozen is zero, and stays so. Images keep their
    size; an even kernel gets one more zero on the right and at the bottom.
    """

    def __init__(self, coefficients: Array, kept: NDArray[np.bool_]) -> None:
        super().__init__()
        size = len(kept)
        self.before, self.after = (size - 1) // 2, size // 2
        self.coefficients = nn.Parameter(torch.from_numpy(coefficients[..., kept]))
        self.bias = nn.Parameter(torch.zeros(len(coefficients), dtype=torch.float64))
        self.register_buffer("bases", torch.from_numpy(dct_bases(size)[kept]))

    @property
    def weight(self) -> Tensor:
        """The kernels, (out, in, y, x)."""
        return torch.tensordot(self.coefficients, self.bases, dims=1)

    def forward(self, images: Tensor) -> Tensor:
        """Return the images under the kernels."""
        sides = (self.before, self.after, self.before, self.after)
        return functional.conv2d(functional.pad(images, sides), self.weight, self.bias)


class Network(nn.Module):
    """A classifier or a denoiser."""

    def __init__(self, run: TrainingRun, data: Data, weights: Weights | None) -> None:
        super().__init__()
        self.architecture = ARCHITECTURES[run.architecture]
        self.activation = ACTIVATIONS[run.activation]
        generator = np.random.default_rng(run.seed)
        channels = [data.channels, *[run.width] * run.depth]
        if not data.classes:
            channels[-1] = data.channels
        kept = components(run.trainable, run.size)
        self.convolutions = nn.ModuleList(
            RestrictedConvolution(initial_coefficients(run, outputs, inputs, generator), kept)
            for inputs, outputs in pairwise(channels)
        )
        self.linear = _linear(self._features(run, data), data.classes, generator)
        if weights is not None:
            self._load(weights)

    def forward(self, images: Tensor) -> Tensor:
        """Return the scores of the classes, or the images without their noise."""
        state = images
        for depth, convolution in enumerate(self.convolutions):
            out = convolution(state)
            if self.linear is None and depth == len(self.convolutions) - 1:
                # Noise has both signs.
                return images - out
            out = self.activation(out)
            added = self.architecture.residual and depth > 0
            state = state + out if added else out
        assert self.linear is not None
        return self.linear(self._pooled(state))

    def weights(self) -> Weights:
        """Return all weights by name, as PyTorch would name those of plain layers."""
        named: dict[str, Tensor] = {}
        for number, layer in enumerate(self.convolutions, start=1):
            named |= {f"conv{number}.weight": layer.weight, f"conv{number}.bias": layer.bias}
        if self.linear is not None:
            named |= {"linear.weight": self.linear.weight, "linear.bias": self.linear.bias}
        return {name: value.detach().cpu().numpy().copy() for name, value in named.items()}

    def kernels(self) -> list[Array]:
        """Return the kernels of each layer, (out, in, y, x)."""
        return [layer.weight.detach().cpu().numpy() for layer in self.convolutions]

    def _features(self, run: TrainingRun, data: Data) -> int:
        height, width = data.shape
        return run.width * (1 if self.architecture.mean else (height // 2) * (width // 2))

    def _pooled(self, state: Tensor) -> Tensor:
        if self.architecture.mean:
            return state.mean((2, 3))
        return functional.max_pool2d(state, 2).flatten(1)

    def _load(self, weights: Weights) -> None:
        """Take the weights of a trained network, of whose kernels the restriction is left."""
        known, own = (
            {name: array.shape for name, array in part.items()}
            for part in (weights, self.weights())
        )
        if known != own:
            raise MechcoreError(f"start: weights of the shapes {known}, expected {own}")
        with torch.no_grad():
            for number, layer in enumerate(self.convolutions, start=1):
                kernels = torch.from_numpy(weights[f"conv{number}.weight"])
                layer.coefficients.copy_(torch.tensordot(kernels, layer.bases, ([2, 3], [1, 2])))
                layer.bias.copy_(torch.from_numpy(weights[f"conv{number}.bias"]))
            if self.linear is not None:
                self.linear.weight.copy_(torch.from_numpy(weights["linear.weight"]))
                self.linear.bias.copy_(torch.from_numpy(weights["linear.bias"]))


def _linear(features: int, classes: int, generator: np.random.Generator) -> nn.Linear | None:
    """The layer that classifies, whose weights keep the energy of what it sees."""
    if not classes:
        return None
    layer = nn.utils.skip_init(nn.Linear, features, classes, dtype=torch.float64)
    drawn = generator.standard_normal((classes, features)) / np.sqrt(features)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(drawn))
        layer.bias.zero_()
    return layer
