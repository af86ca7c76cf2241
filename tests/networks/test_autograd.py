"""The evidence of units equals gradient times image, by automatic differentiation."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from mechcore.networks.network import unit_moments  # noqa: E402


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.short, self.last = nn.Conv2d(2, 4, 1), nn.Conv2d(4, 3, 3, stride=2)

    def forward(self, x):
        inner = self.second(torch.relu(self.first(x)))
        return self.last(torch.relu(inner + self.short(x)))


class UShaped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down, self.deep = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1)
        self.up, self.last = nn.ConvTranspose2d(6, 4, 2, stride=2), nn.Conv2d(14, 2, 3, padding=1)

    def forward(self, x):
        wide = torch.relu(self.down(x))
        deep = torch.relu(self.deep(torch.max_pool2d(wide, 2)))
        smooth = nn.functional.interpolate(deep, scale_factor=2, mode="bilinear")
        return self.last(torch.cat([wide, torch.relu(self.up(deep)), smooth], dim=1))


EXACT = 2.0**-10
"""Attributes of ONNX are in single precision; this and 0.25 are the same in both."""

ARCHITECTURES = {
    "plain": lambda: nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4, eps=EXACT),
        nn.ReLU(),
        nn.Conv2d(4, 4, (2, 3), stride=2, dilation=(1, 2), padding=(1, 0)),
        nn.LeakyReLU(0.25),
        nn.Conv2d(4, 3, 2),
    ),
    "residual": Residual,
    "depthwise": lambda: nn.Sequential(
        nn.Conv2d(2, 6, 1),
        nn.ReLU6(),
        nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=6),
        nn.BatchNorm2d(6, eps=EXACT),
        nn.PReLU(6),
        nn.Conv2d(6, 4, 3, groups=2),
    ),
    "pooled": lambda: nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.Conv2d(4, 4, 2),
        nn.ReLU(),
        nn.AvgPool2d(2, stride=1, padding=1, count_include_pad=False),
        nn.Conv2d(4, 4, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    ),
    "u-shaped": UShaped,
}


def _exported(network, image) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        # The new exporter needs a package more.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(network, image, file, dynamo=False)
    return file.getvalue()


def _evidence(network, image):
    """Gradient times pixel of all units of the last layer, (unit, channel, y, x)."""
    result = network(image).flatten()
    rows = [torch.autograd.grad(unit, image, retain_graph=True)[0] for unit in result]
    return (torch.stack(rows) * image)[:, 0].detach().numpy()


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("seed", [0, 1])
def test_unit_moments_equal_autograd(name: str, seed: int) -> None:
    torch.manual_seed(seed)
    network = ARCHITECTURES[name]().double()
    # One batch gives the normalisations means and variances of their own.
    network(torch.randn(8, 2, 10, 8, dtype=torch.float64))
    network.eval()
    image = torch.randn(1, 2, 10, 8, dtype=torch.float64, requires_grad=True)

    units = [*unit_moments(_exported(network, image), image.detach().numpy()[0]).values()][-1]

    evidence = _evidence(network, image)
    x, y = np.arange(8) - 3.5, np.arange(10)[:, np.newaxis] - 4.5
    weights = [1 + 0 * x * y, x + 0 * y, y + 0 * x, x**2 + 0 * y, y**2 + 0 * x, x * y]
    expected = np.einsum("ucyx,myx->mu", evidence, np.array(weights))
    scale = np.einsum("ucyx,myx->mu", np.abs(evidence), np.abs(weights))
    assert units.signed.size == expected.size
    # 1e-9 of what would be summed without signs: rounding grows with that.
    assert np.abs(units.signed.reshape(6, -1) - expected).max() <= 1e-9 * scale.max()
