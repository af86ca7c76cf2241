"""Examples that networks are trained and tested on: from scikit-learn, or of the user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mechcore.errors import MechcoreError
from mechcore.experiment.training import DATA, Learning
from mechcore.io.arrays import Array, real_array
from mechcore.io.pictures import read_picture
from mechcore.model.patterns import MOST_PIXELS

TEST_SHARE, SPLIT_SEED = 0.2, 0
"""Share of the examples to test on, and the seed that chooses them for every training."""

PATCH, STRIDE = 16, 13
"""Side of a patch of a photograph and the way to the next; odd, as JPEG has blocks of 8 px."""

TEST_COLUMNS = 160
"""Width of the right part of each photograph, to test on."""

MOST_PATCHES = 2000
"""Patches of each part: as many steps as the digits need."""

NOISE = 25 / 255
"""Standard deviation of the noise that a denoiser removes; black is 0 and white is 1."""

GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""


class Part(NamedTuple):
    """Some examples."""

    images: Array
    """(example, channel, y, x)."""
    labels: NDArray[np.int64] | None
    """Classes from 0; None if the images are to be denoised."""


class Data(NamedTuple):
    """Examples to train on and to test on."""

    train: Part
    test: Part

    @property
    def channels(self) -> int:
        """Channels of the images."""
        return int(self.train.images.shape[1])

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the images in px."""
        height, width = self.train.images.shape[2:]
        return height, width

    @property
    def classes(self) -> int:
        """Number of classes; 0 if the images are to be denoised."""
        labels = self.train.labels
        return 0 if labels is None else int(labels.max()) + 1

    @property
    def chance(self) -> float:
        """Share of test images in the most frequent class."""
        labels = self.test.labels
        return float("nan") if labels is None else float(np.bincount(labels).max() / len(labels))


def load_data(learning: Learning) -> Data:
    """Read the examples of a study."""
    if learning.data in LOADERS:
        return LOADERS[learning.data]()
    path = Path(learning.data)
    images, labels = _of_folder(path) if path.is_dir() else _of_npz(path)
    return _split(images, labels)


def _digits() -> Data:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return _split((images / images.max()).reshape(-1, 1, 8, 8), labels)


def _photographs() -> Data:
    from sklearn.datasets import load_sample_images

    grey = np.stack(load_sample_images().images) / 255 @ np.array(GREY)
    parts = grey[..., :-TEST_COLUMNS], grey[..., -TEST_COLUMNS:]
    return Data(*(Part(_patches(part), None) for part in parts))


def _patches(images: Array) -> Array:
    windows = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), axis=(1, 2))
    patches = windows[:, ::STRIDE, ::STRIDE].reshape(-1, 1, PATCH, PATCH)
    return patches[:: -(-len(patches) // MOST_PATCHES)].copy()


def _of_npz(path: Path) -> tuple[Array, NDArray[np.int64] | None]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    # Damaged archives raise errors of a dozen types.
    except Exception as error:
        raise MechcoreError(f"{path}: not a readable .npz file of arrays") from error
    if "images" not in arrays:
        names = ", ".join(arrays) or "nothing"
        raise MechcoreError(f"{path}: holds {names}, expected images and, for classes, labels")
    images = real_array(arrays["images"], "images")
    labels = arrays.get("labels")
    if labels is not None:
        labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    return _four_axes(path, images, labels), labels


def _of_folder(path: Path) -> tuple[Array, NDArray[np.int64] | None]:
    """Read images; folders in it are classes."""
    files = [Path(file) for file in Learning(data=str(path)).files]
    if not files:
        raise MechcoreError(f"{path}: no images, expected .png or .jpg files")
    images = [_image(file) for file in files]
    if len({image.shape for image in images}) > 1:
        raise MechcoreError(f"{path}: images of several sizes, expected one")
    names = [str(file.parent.relative_to(path)) for file in files]
    labels = np.unique(names, return_inverse=True)[1].astype(np.int64)
    known = labels if labels.any() else None
    return _four_axes(path, np.stack(images), known), known


def _image(file: Path) -> Array:
    try:
        picture = read_picture(file, "data", ["PNG", "JPEG"], MOST_PIXELS)
    except MechcoreError as error:
        raise MechcoreError(f"{file}: not a readable image") from error
    return np.asarray(picture.convert("L"), dtype=float) / 255


def _four_axes(path: Path, images: Array, labels: NDArray[np.int64] | None) -> Array:
    if images.ndim == 3:
        images = images[:, np.newaxis]
    sound = images.ndim == 4 and len(images) >= 2 / TEST_SHARE and np.isfinite(images).all()
    if not sound or (labels is not None and labels.shape != images.shape[:1]):
        fewest = round(2 / TEST_SHARE)
        raise MechcoreError(
            f"{path}: images of shape {images.shape}, expected at least {fewest} finite ones, as "
            "(image, y, x) or (image, channel, y, x), and no labels or one of each"
        )
    return images


def _split(images: Array, labels: NDArray[np.int64] | None) -> Data:
    """Split examples by chance, with equal shares of each class."""
    generator = np.random.default_rng(SPLIT_SEED)
    classes: Sequence[NDArray[np.intp]] = [np.arange(len(images))]
    if labels is not None:
        classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    orders = [generator.permutation(members) for members in classes]
    held_out = [order[: round(TEST_SHARE * len(order))] for order in orders]
    test = np.sort(np.concatenate(held_out))
    parts = np.setdiff1d(np.arange(len(images)), test), test
    return Data(*(Part(images[part], None if labels is None else labels[part]) for part in parts))


LOADERS: dict[str, Callable[[], Data]] = {"digits": _digits, "photographs": _photographs}
assert set(LOADERS) == set(DATA)
