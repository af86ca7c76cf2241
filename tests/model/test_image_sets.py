"""Sets of images: of the size that a network takes, by a seed, from tables and from folders."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mechcore.errors import MechcoreError
from mechcore.model.image_sets import IMAGE_SETS, image_set

SIZE = (24, 40)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", IMAGE_SETS)
def test_images_have_the_size_of_the_network(name: str, channels: int) -> None:
    images = image_set(name, 5, SIZE, channels, seed=3)
    assert images.shape[1:] == (channels, *SIZE)
    assert 1 <= len(images) <= 5
    assert images.min() >= 0
    assert images.max() <= 1
    # Each shows something.
    assert (images.std(axis=(1, 2, 3)) > 0).all()


@pytest.mark.parametrize("name", ["photographs", "digits", "noise"])
def test_the_seed_decides_which_images(name: str) -> None:
    first, again, other = (image_set(name, 3, SIZE, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_photograph_is_scaled_only_if_it_is_too_small() -> None:
    # Wider than the photographs, which have 427 x 640 px.
    assert image_set("photographs", 1, (500, 700)).shape == (1, 3, 500, 700)


def test_a_folder_gives_its_images_scaled_and_cut(tmp_path: Path) -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 255
    Image.fromarray(wide).save(tmp_path / "wide.png")
    Image.fromarray(wide).save(tmp_path / "wide.jpg")
    np.save(tmp_path / "wide.npy", 7.0 * np.ones((10, 30)))
    (tmp_path / "notes.txt").write_text("no image")
    images = image_set(str(tmp_path), 16, (10, 10))
    assert images.shape == (3, 3, 10, 10)
    # The middle is white; JPEG is within some levels of 255.
    np.testing.assert_allclose(images[[0, 2]], 1.0, atol=0.05)
    # Arrays keep their values.
    np.testing.assert_array_equal(images[1], 7.0)
    assert len(image_set(str(tmp_path), 2, (10, 10))) == 2


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("bad.png", b"\x89PNG\r\n\x1a\n broken", "not a PNG or JPEG image"),
        ("bad.npy", b"none", "cannot read"),
        (None, b"", "or a folder of"),
    ],
)
def test_what_is_no_image_is_refused_in_one_line(
    tmp_path: Path, name: str | None, content: bytes, words: str
) -> None:
    if name:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(MechcoreError, match=words) as refusal:
        image_set(str(tmp_path), 4, SIZE)
    assert "\n" not in str(refusal.value)


def test_arrays_of_other_shapes_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "stack.npy", np.ones((2, 3, 4, 5)))
    with pytest.raises(MechcoreError, match="an array of shape"):
        image_set(str(tmp_path), 4, SIZE)


def test_a_network_of_four_channels_takes_no_images() -> None:
    with pytest.raises(MechcoreError, match="channels: 4 is not allowed"):
        image_set("disc", 1, SIZE, channels=4)


def test_without_scikit_learn_one_line_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MechcoreError, match="need the package scikit-learn: pip install"):
        image_set("digits", 1, SIZE)
