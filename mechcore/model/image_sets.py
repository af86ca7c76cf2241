"""Sets of images for networks: photographs, digits, synthetic ones, and folders of users."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mechcore.errors import InvalidValue, MechcoreError
from mechcore.io.arrays import Array, load_array, real_array
from mechcore.io.pictures import read_picture
from mechcore.model.patterns import MOST_PIXELS

GREY = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue (ITU-R BT.601)."""

SUFFIXES = (".npy", ".png", ".jpg", ".jpeg")
"""Of image files in a folder."""

KEY = "images"


@dataclass(frozen=True)
class Request:
    """The images that a network needs."""

    count: int
    """At most as many."""
    height: int
    width: int
    seed: int


@dataclass(frozen=True)
class ImageSet:
    """A set of images that needs no file of the user."""

    summary: str
    images: Callable[[Request], Array]
    """(image, y, x, colour) from 0 to 1, with one colour or three."""
    real: bool = False
    """Whether they show something real, so that claims about real images are judged by them."""


def _photographs(request: Request) -> Array:
    """Tiles at random places of both photographs, in turn."""
    photographs = [image / 255.0 for image in _scikit_learn().load_sample_images().images]
    generator = np.random.default_rng(request.seed)
    return np.stack(
        [_tile(photographs[number % 2], request, generator) for number in range(request.count)]
    )


def _tile(image: Array, request: Request, generator: np.random.Generator) -> Array:
    image = _covering(image, request) if _is_smaller(image, request) else image
    top, left = (
        generator.integers(side - wanted + 1)
        for side, wanted in zip(image.shape, (request.height, request.width), strict=False)
    )
    return image[top : top + request.height, left : left + request.width]


def _digits(request: Request) -> Array:
    images = _scikit_learn().load_digits().images / 16.0
    generator = np.random.default_rng(request.seed)
    chosen = generator.permutation(len(images))[: request.count]
    return np.stack([_covering(images[number][..., np.newaxis], request) for number in chosen])


def _disc(request: Request) -> Array:
    """One disc in the middle, half as wide as the image."""
    y, x = (np.arange(side) - (side - 1) / 2 for side in (request.height, request.width))
    radius = min(request.height, request.width) / 4
    inside = y[:, np.newaxis] ** 2 + x**2 <= radius**2
    return inside[np.newaxis, ..., np.newaxis].astype(np.float64)


def _noise(request: Request) -> Array:
    shape = (request.count, request.height, request.width, 1)
    return np.random.default_rng(request.seed).random(shape)


IMAGE_SETS: dict[str, ImageSet] = {
    "photographs": ImageSet("tiles of scikit-learn's two photographs", _photographs, real=True),
    "digits": ImageSet("handwritten digits, which scikit-learn has", _digits, real=True),
    "disc": ImageSet("one disc, half as wide as the image", _disc),
    "noise": ImageSet("uniform noise, each pixel by itself", _noise),
}
"""Sets of images by name. A new one is one entry."""


def image_set(
    name: str, count: int, size: tuple[int, int], channels: int = 3, seed: int = 0
) -> Array:
    """Return images for a network.

    Parameters
    ----------
    name : str
        Key of `IMAGE_SETS`, or the path of a folder with ``.png``, ``.jpg`` and ``.npy`` files.
    count : int
        At most as many images; of more, the seed chooses.
    size : (int, int)
        Height and width that the network takes, px. Photographs are cut; digits and files are
        scaled until they cover the size, and then cut around their middle.
    channels : int
        1 for grey or 3 for red, green and blue.
    seed : int
        Decides what is cut and chosen.

    Returns
    -------
    (image, channel, y, x) ndarray
        Values from 0 to 1; those of ``.npy`` files stay as they are.

    Raises
    ------
    MechcoreError
        If a file cannot be read, a package is missing, or the network takes no image.

    Examples
    --------
    >>> int(image_set("disc", 4, (8, 8), channels=1).sum())
    12
    """
    if channels not in (1, 3):
        raise InvalidValue("channels", channels, "a network that takes images: 1 or 3 channels")
    request = Request(count, *size, seed)
    known = IMAGE_SETS.get(name)
    images = known.images(request) if known else _folder(Path(name), request)
    return np.moveaxis(_with_channels(images, channels), -1, 1)


def image_files(folder: Path) -> list[Path]:
    """Return the image files of a folder, or refuse a folder without any."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    files = [file for file in files if file.suffix.lower() in SUFFIXES]
    if not files:
        allowed = f"one of {', '.join(IMAGE_SETS)}, or a folder of {', '.join(SUFFIXES)} files"
        raise InvalidValue(KEY, str(folder), allowed)
    return files


def _folder(folder: Path, request: Request) -> Array:
    files = image_files(folder)
    chosen = np.random.default_rng(request.seed).permutation(len(files))[: request.count]
    # One after the other, as a small file may hold a large image.
    return np.stack(
        [_covering(_with_channels(_read(files[number]), 3), request) for number in sorted(chosen)]
    )


def _with_channels(images: Array, channels: int) -> Array:
    """The same images in grey or in colour."""
    if channels == 1:
        return images if images.shape[-1] == 1 else (images @ GREY)[..., np.newaxis]
    return np.broadcast_to(images, (*images.shape[:-1], channels))


def _is_smaller(image: Array, request: Request) -> bool:
    height, width = image.shape[:2]
    return bool(height < request.height or width < request.width)


def _covering(image: Array, request: Request) -> Array:
    """Scale an image until it covers the request, and cut it around its middle."""
    from PIL import Image

    scale = max(request.height / image.shape[0], request.width / image.shape[1])
    height, width = (round(scale * side) for side in image.shape[:2])
    colours = [
        Image.fromarray(image[..., number].astype(np.float32)).resize(
            (width, height), Image.Resampling.BILINEAR
        )
        for number in range(image.shape[-1])
    ]
    scaled = np.stack([np.asarray(colour, np.float64) for colour in colours], axis=-1)
    top, left = (height - request.height) // 2, (width - request.width) // 2
    return scaled[top : top + request.height, left : left + request.width]


def _read(path: Path) -> Array:
    """Read an image file as (y, x, colour)."""
    if path.suffix.lower() != ".npy":
        picture = read_picture(path, KEY, ["PNG", "JPEG"], MOST_PIXELS)
        return np.asarray(picture.convert("RGB"), np.float64) / 255.0
    values = real_array(load_array(path, KEY, MOST_PIXELS), KEY)
    values = values[..., np.newaxis] if values.ndim == 2 else values
    if values.ndim != 3 or values.shape[-1] not in (1, 3) or not values.size:
        description = f"{path}: an array of shape {values.shape}"
        raise InvalidValue(KEY, values, "(y, x) or (y, x, 3)", description=description)
    if not np.isfinite(values).all():
        raise InvalidValue(KEY, values, "finite values", description=str(path))
    return values


def _scikit_learn() -> Any:
    try:
        from sklearn import datasets
    except ModuleNotFoundError as error:
        advice = "pip install 'mechcore[images]'"
        raise MechcoreError(f"{KEY}: need the package scikit-learn: {advice}") from error
    return datasets
