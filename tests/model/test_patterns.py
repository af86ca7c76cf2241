"""Test patterns: shapes, files, and what is refused."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from mechcore.model.patterns import PATTERNS, as_pattern, is_file_name, pattern_image
from tests.helpers.oracles import of, run_one
from tests.helpers.refusals import refused

each_pattern = pytest.mark.parametrize("name", list(PATTERNS))


@each_pattern
def test_patterns_are_usable_centred_and_new_in_every_call(name: str) -> None:
    image, noisy = pattern_image(name), name in ("random", "noise")
    if name != "noise":
        np.testing.assert_array_equal(as_pattern(image), image)
    start = run_one(np.ones((1, 1)), image, steps=1)
    centre = [of(start, "mu_x")[0, 0], of(start, "mu_y")[0, 0]]
    # Noise has its own centroid; the others have the symmetries of the square, but for rounding.
    np.testing.assert_allclose(centre, 0, atol=1 if noisy else 1e-14)
    if not noisy:
        for other in (image[::-1], image[:, ::-1], image.T):
            np.testing.assert_array_equal(other, image)
    before = image.copy()
    image[:] = -1
    np.testing.assert_array_equal(pattern_image(name), before)


@given(st.floats(0.5, 40))
def test_a_disc_holds_the_pixels_within_its_radius(radius: float) -> None:
    image = pattern_image("disc", radius=radius)
    side = image.shape[0]
    y, x = np.indices(image.shape) - side // 2
    np.testing.assert_array_equal(image, np.hypot(x, y) <= radius)
    # pi r^2 pixels, give or take the pixels of the rim.
    assert image.sum() == pytest.approx(np.pi * radius**2, abs=2 * np.pi * radius + 2)


@given(st.floats(1, 10))
def test_a_gaussian_has_its_width_and_is_cut_where_little_is_left(sigma: float) -> None:
    image = pattern_image("gaussian", sigma=sigma)
    assert image.max() == 1
    # Five standard deviations: exp(-12.5) is 3.7e-6.
    assert image[0].max() <= 3.8e-6
    start = run_one(np.ones((1, 1)), image, steps=1)
    assert of(start, "sigma_x")[0, 0] == pytest.approx(sigma, rel=1e-4)  # the cut


def test_a_square_is_full_and_noise_is_its_seed() -> None:
    np.testing.assert_array_equal(pattern_image("square", side=7), np.ones((7, 7)))
    first, again, other = (pattern_image("random", side=5, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    "values",
    [[[-1.0, 2]], [[np.nan, 1]], np.zeros((2, 2)), np.ones(3), np.ones((0, 2)), [["a"]], None],
)
def test_what_is_not_an_image_is_refused(values: object) -> None:
    with refused("pattern: ", " is not allowed, expected "):
        as_pattern(values)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8, np.int32, np.bool_])
def test_npy_files_are_read(tmp_path: Path, dtype: type) -> None:
    path = tmp_path / "image.npy"
    np.save(path, np.array([[0, 1], [1, 1]], dtype=dtype))
    image = pattern_image(str(path))
    assert image.dtype == np.float64
    np.testing.assert_array_equal(image, [[0, 1], [1, 1]])


@pytest.mark.parametrize(("mode", "dtype"), [("L", np.uint8), ("I;16", np.uint16), ("1", np.bool_)])
def test_grey_png_files_are_read_as_they_are(tmp_path: Path, mode: str, dtype: type) -> None:
    path = tmp_path / "image.PNG"
    values = np.array([[0, 1, 1], [1, 0, 1]], dtype=dtype)
    image = PillowImage.fromarray(values)
    assert image.mode == mode
    image.save(path, format="PNG")
    np.testing.assert_array_equal(pattern_image(str(path)) > 0, values > 0)
    assert pattern_image(str(path)).shape == (2, 3)


def test_colour_png_files_become_grey(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    PillowImage.fromarray(np.full((2, 2, 3), 100, dtype=np.uint8)).save(path)
    np.testing.assert_array_equal(pattern_image(str(path)), np.full((2, 2), 100.0))


@pytest.mark.parametrize("suffix", ["npy", "png"])
def test_too_little_memory_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = tmp_path / f"image.{suffix}"
    np.save(tmp_path / "image.npy", np.ones((2, 2)))
    PillowImage.fromarray(np.ones((2, 2), dtype=np.uint8)).save(tmp_path / "image.png")
    for name in ("array", "asarray"):
        monkeypatch.setattr(np, name, Mock(side_effect=MemoryError))
    with pytest.raises(MemoryError):
        pattern_image(str(path))


def test_files_are_known_by_their_suffix_and_take_no_arguments() -> None:
    assert is_file_name("a/b.npy")
    assert is_file_name("A.PNG")
    assert not is_file_name("npy")
    assert not is_file_name(None)
    with refused("expected no argument"):
        pattern_image("a.npy", radius=3)
