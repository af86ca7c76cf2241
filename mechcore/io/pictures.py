"""Reads picture files of users."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mechcore.errors import InvalidValue, MechcoreError
from mechcore.io.reading import open_regular

if TYPE_CHECKING:
    from PIL.Image import Image


def read_picture(path: Path, key: str, formats: Sequence[str], most_pixels: int) -> Image:
    """Read a picture of one of Pillow's formats, or refuse it in one line."""
    # Imported only for this.
    from PIL import Image as PillowImage

    try:
        # Pillow warns of large images, which are refused below, and of odd chunks.
        with warnings.catch_warnings(), open_regular(path, key) as stream:
            warnings.simplefilter("ignore")
            image = PillowImage.open(stream, formats=[*formats])
            # Before any pixel is unpacked.
            pixels = image.width * image.height
            if pixels > most_pixels:
                raise InvalidValue(f"{key} {path}", f"{pixels} px", f"at most {most_pixels} px")
            image.load()
            return image
    except (MechcoreError, MemoryError):
        raise
    # Damaged images raise anything: OSError, SyntaxError, ValueError, errors of zlib, ...
    except Exception as error:
        reason = f"not a {' or '.join(formats)} image, or a damaged one"
        raise MechcoreError(f"{key}: cannot read {str(path)!r}: {reason}") from error
