"""Examples: split once and for all, of classes or to denoise, and refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mechcore.errors import MechcoreError
from mechcore.experiment.training import Learning
from mechcore.training.data import load_data

pytest.importorskip("sklearn")


def test_digits_are_tested_that_were_not_trained_on() -> None:
    data = load_data(Learning())
    trained, tested = ({image.tobytes() for image in part.images} for part in data)
    assert not trained & tested
    assert (data.classes, data.channels, data.shape) == (10, 1, (8, 8))
    assert data.test.labels is not None
    # A fifth of each class of about 180.
    assert {int(count) for count in np.bincount(data.test.labels)} <= set(range(34, 38))


def test_photographs_are_tested_where_they_were_not_trained_on() -> None:
    data = load_data(Learning(data="photographs"))
    assert data.classes == 0
    assert np.isnan(data.chance)
    trained, tested = ({patch.tobytes() for patch in part.images} for part in data)
    assert not trained & tested


def test_folders_of_images_are_classes(tmp_path: Path, rng: np.random.Generator) -> None:
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        for number in range(10):
            pixels = rng.integers(255, size=(6, 5), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    data = load_data(Learning(data=str(tmp_path)))
    assert (data.classes, data.shape, len(data.test.images)) == (2, (6, 5), 4)
    assert load_data(Learning(data=str(tmp_path / "cats"))).classes == 0


def test_an_archive_holds_images_and_labels(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "own.npz"
    np.savez(path, images=rng.random((20, 3, 4, 4)), labels=["a", "b"] * 10)
    data = load_data(Learning(data=str(path)))
    assert (data.classes, data.channels) == (2, 3)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pixels": np.zeros((20, 4, 4))}, "holds pixels, expected images"),
        ({"images": np.zeros((9, 4, 4))}, "at least 10 finite ones"),
        ({"images": np.zeros((20, 4))}, r"shape \(20, 4\)"),
        ({"images": np.full((20, 4, 4), np.nan)}, "finite"),
        ({"images": np.zeros((20, 4, 4)), "labels": np.zeros(3)}, "no labels or one of each"),
        ({"images": np.array([["a"]])}, "real numbers"),
    ],
)
def test_other_archives_are_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    np.savez(tmp_path / "own.npz", **arrays)
    with pytest.raises(MechcoreError, match=message):
        load_data(Learning(data=str(tmp_path / "own.npz")))


def test_what_is_no_archive_and_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.npz").write_text("text")
    with pytest.raises(MechcoreError, match=r"not a readable \.npz"):
        load_data(Learning(data=str(tmp_path / "own.npz")))
    (tmp_path / "images").mkdir()
    with pytest.raises(MechcoreError, match="no images"):
        load_data(Learning(data=str(tmp_path / "images")))
    (tmp_path / "images" / "a.png").write_text("text")
    with pytest.raises(MechcoreError, match=r"a\.png: not a readable image"):
        load_data(Learning(data=str(tmp_path / "images")))


def test_small_files_of_large_images_are_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "own.npz", images=np.zeros((10, 1000, 1000)))
    with pytest.raises(MechcoreError, match="more than 100 times the file's"):
        load_data(Learning(data=str(tmp_path / "own.npz")))
    for number in range(10):
        Image.new("L", (1000, 1000)).save(tmp_path / f"{number}.png")
    with pytest.raises(MechcoreError, match=r"more than 100 times the .* bytes of their files"):
        load_data(Learning(data=str(tmp_path)))
