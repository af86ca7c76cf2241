"""Which tensors of a file count, and weights that are put together from their parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mechcore.filters.bank import load_bank
from tests.helpers.weight_files import write_npz, write_torch

KERNEL = np.arange(36, dtype=np.float32).reshape(2, 2, 3, 3)

COPY, OPTIMISER = "another copy of a layer", "a state of the optimiser"


def read(tmp_path: Path, *names: str, **options: Any) -> tuple[list[str], dict[str, str]]:
    """Return the layers of a file with kernels of these names, and the others with reasons."""
    write_npz(tmp_path / "net.npz", dict.fromkeys(names, KERNEL))
    bank = load_bank(tmp_path / "net.npz", **options)
    return [layer.name for layer in bank.layers], {item.name: item.reason for item in bank.skipped}


@pytest.mark.parametrize(
    ("kept", "others"),
    [
        ("params_ema.conv.weight", ["params.conv.weight"]),
        ("ema.conv.weight", ["conv.weight"]),
        ("ema.module.conv.weight", ["model.conv.weight"]),
        ("g_ema.conv.weight", ["g.conv.weight"]),
        ("model_ema.unetconv1weight", ["model.unet.conv.1.weight"]),
        ("best.conv.weight", ["last.conv.weight"]),
        ("model.conv.weight", ["last_model.conv.weight"]),
        ("ema/conv/kernel", ["net/conv/kernel", "best/conv/kernel"]),
    ],
)
def test_of_copies_the_averaged_then_the_best_then_the_plain_one_counts(
    tmp_path: Path, kept: str, others: list[str]
) -> None:
    for names in ([kept, *others], [*others, kept]):
        assert read(tmp_path, *names) == ([kept], dict.fromkeys(others, COPY))


@pytest.mark.parametrize(
    "names",
    [
        ["g_a.conv.weight", "g_b.conv.weight"],
        ["conv.weight", "conv_last.weight"],
        ["net.conv.weight", "model.conv.weight"],
        ["body.ema.weight", "body.weight"],
    ],
)
def test_other_layers_of_one_shape_are_no_copies(tmp_path: Path, names: list[str]) -> None:
    assert read(tmp_path, *names) == (names, {})


@pytest.mark.parametrize("word", ["exp_avg", "exp_avg_sq", "momentum_buffer", "square_avg"])
def test_averages_of_optimisers_are_skipped_by_name(tmp_path: Path, word: str) -> None:
    names = ["conv.weight", f"state.0.{word}"]
    assert read(tmp_path, *names) == (names[:1], {names[1]: OPTIMISER})


def test_the_user_decides_before_the_rules_do(tmp_path: Path) -> None:
    names = ["params.a.weight", "params.b.weight", "params_ema.a.weight"]
    layers, others = read(tmp_path, *names, select=["params.*"])
    assert (layers, others) == (names[:2], {names[2]: "not selected"})
    layers, others = read(tmp_path, *names, exclude=["*_ema.*", "*.b.*"])
    assert (layers, others) == (names[:1], {names[1]: "excluded", names[2]: "excluded"})


@pytest.mark.parametrize("shape", [(6, 4, 5), (6, 4, 3, 3), (1, 4, 3, 3)])
@pytest.mark.parametrize("dim", [0, 1, None])
@pytest.mark.parametrize("new", [False, True])
def test_weight_norm_is_that_of_torch(
    tmp_path: Path, shape: tuple[int, ...], dim: int | None, new: bool
) -> None:
    torch = pytest.importorskip("torch")
    convolution = {3: torch.nn.Conv1d, 4: torch.nn.Conv2d}[len(shape)]
    layer = convolution(shape[1], shape[0], shape[2:])
    if new:
        torch.nn.utils.parametrizations.weight_norm(layer, dim=dim)
        with torch.no_grad():
            layer.parametrizations.weight.original0 *= 3
    else:
        with pytest.warns(FutureWarning, match="weight_norm"):
            torch.nn.utils.weight_norm(layer, dim=dim)
        with torch.no_grad():
            layer.weight_g *= 3
    layer(torch.zeros(1, shape[1], *shape[2:]))
    torch.save({f"pre.{name}": value for name, value in layer.state_dict().items()}, tmp_path / "a")
    (read,) = load_bank(tmp_path / "a").layers
    assert read.name == "pre.weight"
    expected: NDArray[Any] = layer.weight.detach().numpy()
    # float32 of torch beside float64.
    np.testing.assert_allclose(read.kernels[..., ::-1, ::-1].reshape(shape), expected, rtol=1e-6)


def test_pruned_weights_are_masked(tmp_path: Path) -> None:
    mask = (KERNEL % 2).astype(np.float32)
    write_torch(tmp_path / "a", {"conv.weight_orig": KERNEL, "conv.weight_mask": mask})
    (layer,) = load_bank(tmp_path / "a").layers
    np.testing.assert_array_equal(layer.kernels[:, :, 0, ::-1, ::-1], KERNEL * mask)
