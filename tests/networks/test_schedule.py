"""A network of one channel is the simulator: kernels in turn, and rectifiers."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

import mechcore
from mechcore.networks.network import kernel_moments, unit_moments
from tests.helpers.onnx_models import Array, model, node

SIZE, SIDE, LAYERS = 3, 25, 4


def _kernels() -> Array:
    return np.stack(
        [mechcore.kernel("dct", SIZE, beta=beta, angle=45.0) for beta in (0.0, 0.3, 0.9, 0.5)]
    )


def _network(kernels: Array, *, relu: bool) -> onnx.ModelProto:
    """Networks correlate, so kernels are turned; padding by k - 1 cuts nothing off."""
    nodes, of = [], "image"
    for number in range(len(kernels)):
        pads = [SIZE - 1] * 4
        nodes.append(node("Conv", of, f"k{number}", to=f"conv{number}", pads=pads))
        of = f"conv{number}"
        if relu:
            nodes.append(node("Relu", of, to=f"relu{number}"))
            of = f"relu{number}"
    arrays = {f"k{number}": kernel[::-1, ::-1][None, None] for number, kernel in enumerate(kernels)}
    return model(nodes, arrays, (1, SIDE, SIDE))


@pytest.mark.parametrize("pattern", ["disc", "random"])
def test_displacement_and_covariance_of_a_linear_schedule(pattern: str) -> None:
    kernels = _kernels()
    run = mechcore.propagate(
        kernels, "identity", pattern, LAYERS, normalise="none", density="signed", in_turns=True
    )
    signed, _ = kernel_moments(_network(kernels, relu=False))["conv3"]
    mass, x, y, xx, yy, xy = signed.moments[:, 0, 0]
    start, end = run.isel(t=0), run.isel(t=LAYERS)
    # Evidence lies where information comes from; covariances add.
    found = [-x / mass, -y / mass]
    np.testing.assert_allclose(found, [end.mu_x - start.mu_x, end.mu_y - start.mu_y], atol=1e-12)
    spread = [xx / mass - (x / mass) ** 2, yy / mass - (y / mass) ** 2, (xy - x * y / mass) / mass]
    expected = [
        end.sigma_x**2 - start.sigma_x**2,
        end.sigma_y**2 - start.sigma_y**2,
        end.cov_xy - start.cov_xy,
    ]
    # Squares of lengths up to 10 px are subtracted.
    np.testing.assert_allclose(spread, expected, atol=1e-11)


def test_images_of_a_rectified_schedule(rng: np.random.Generator) -> None:
    kernels = _kernels()
    image = rng.random((SIDE, SIDE))
    run = mechcore.propagate(
        kernels,
        "relu",
        image,
        LAYERS,
        normalise="none",
        in_turns=True,
        snapshots=range(LAYERS + 1),
        window=SIDE + LAYERS * (SIZE - 1),
    )
    units = unit_moments(_network(kernels, relu=True), image[None])
    for layer in range(LAYERS):
        # Without biases the evidence of a unit sums to its value.
        value = np.maximum(units[f"conv{layer}"].signed[0, 0], 0)
        edge = (run.snapshot.shape[-1] - value.shape[-1]) // 2
        inner = slice(edge, edge + value.shape[-1])
        state = run.snapshot.sel(snapshot_t=layer + 1).values[inner, inner]
        # Snapshots are in single precision, trajectories are not.
        np.testing.assert_allclose(state, value, rtol=1e-6, atol=1e-6)
        x = np.arange(len(value)) - (len(value) - 1) / 2
        centre = [(value.sum(axis=axis) @ x) / value.sum() for axis in (0, 1)]
        moved = run.sel(t=layer + 1)
        np.testing.assert_allclose(centre, [moved.mu_x, moved.mu_y], atol=1e-12)
