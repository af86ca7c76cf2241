"""Banks from weight files of every format."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mechcore.errors import MechcoreError
from mechcore.filters.bank import load_bank
from tests.helpers.weight_files import WRITERS, each_format, write_npz


@each_format
def test_every_format_gives_kernels_turned_by_180_degrees(
    tmp_path: Path, rng: np.random.Generator, suffix: str
) -> None:
    kernel = rng.random((4, 2, 3, 3), dtype=np.float32)
    path = tmp_path / f"net{suffix}"
    WRITERS[suffix](path, {"conv.weight": kernel, "conv.bias": kernel[:, 0, 0, 0]})
    path = path.rename(tmp_path / f"NET{suffix.upper()}")
    bank = load_bank(path)
    (layer,) = bank.layers
    np.testing.assert_array_equal(layer.kernels[:, :, 0, ::-1, ::-1], kernel)
    assert layer.kernels.dtype == np.float32
    assert layer.kernels.flags.c_contiguous
    assert layer.kernels.flags.writeable
    (skipped,) = bank.skipped
    assert skipped.reason in ("vector", "not the kernel of a convolution")
    assert bank.name == path.name
    assert sum(layer.kernels[..., 0, 0].size for layer in bank.layers) == 8
    assert bank.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@each_format
@pytest.mark.parametrize(("dtype", "read"), [("f8", "f8"), ("f4", "f4"), ("f2", "f4")])
@pytest.mark.parametrize("shape", [(6, 2, 5), (4, 3, 2, 3, 3), (4, 1, 1, 7)], ids=str)
def test_lines_and_volumes_are_lists_of_planes_of_the_type_that_holds_their_values(
    tmp_path: Path,
    rng: np.random.Generator,
    suffix: str,
    dtype: str,
    read: str,
    shape: tuple[int, ...],
) -> None:
    values = rng.random(shape).astype(dtype)
    values[0] = 0
    WRITERS[suffix](tmp_path / f"net{suffix}", {"conv.weight": values})
    (layer,) = load_bank(tmp_path / f"net{suffix}").layers
    assert layer.kernels.dtype == np.dtype(read)
    planes = values.reshape(*shape[:2], *(1,) * (5 - len(shape)), *shape[2:])
    np.testing.assert_array_equal(layer.kernels[..., ::-1, ::-1], planes)


def test_a_file_without_convolution_is_refused_with_reasons(tmp_path: Path) -> None:
    write_npz(tmp_path / "net.npz", {"a": np.ones((2, 3)), "b": np.ones(4), "c": np.ones((2, 2))})
    expected = r"net.npz: has no spatial convolution: 2 x matrix \(as 'a'\), 1 x vector \(as 'b'\)"
    with pytest.raises(MechcoreError, match=expected):
        load_bank(tmp_path / "net.npz")


def test_names_of_files_stay_on_one_line(tmp_path: Path) -> None:
    with pytest.raises(MechcoreError) as caught:
        load_bank(tmp_path / "a\n\x1b[31mb\x00.npz")
    assert str(caught.value).isprintable()


def test_too_large_a_bank_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel: Any = np.ones((4, 2, 3, 3), dtype=np.float32)
    monkeypatch.setattr("mechcore.filters.bank.LARGEST_BANK", kernel.nbytes)
    write_npz(tmp_path / "net.npz", {"a": kernel})
    (layer,) = load_bank(tmp_path / "net.npz").layers
    assert layer.kernels[..., 0, 0].size == 8
    write_npz(tmp_path / "net.npz", {"a": kernel, "b": kernel})
    with pytest.raises(MechcoreError, match="its kernels would take 576 bytes, more than 288"):
        load_bank(tmp_path / "net.npz")


def test_a_large_bank_takes_little_longer_than_its_arrays(tmp_path: Path) -> None:
    path = tmp_path / "large.npz"
    layers = np.random.default_rng(0).random((200, 100, 10, 3, 3), dtype=np.float32)
    np.savez(path, **{f"layer{number}": layer for number, layer in enumerate(layers)})
    begun = time.process_time()
    with np.load(path) as arrays:
        expected = sum(array.shape[0] * array.shape[1] for array in arrays.values())
    plain = time.process_time() - begun
    actual = sum(
        layer.kernels.shape[0] * layer.kernels.shape[1] for layer in load_bank(path).layers
    )
    assert actual == expected == 200_000
    # Three times; for each kernel by itself it would be hundreds.
    assert time.process_time() - begun - plain < 30 * plain
