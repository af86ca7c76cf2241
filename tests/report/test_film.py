"""The film of the first screen."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
from PIL import Image

from mechcore.report.film import film_of
from tests.helpers.reports import Report


def test_film_keeps_the_states(small: Report) -> None:
    film, source = film_of(small.results), small.results.films["dct-relu-k3"]
    assert film is not None
    assert (film.activation, film.size, film.pattern) == ("relu", 3, "gaussian")
    assert film.betas == [0.0, 0.3, 0.7, 1.0]
    image = Image.open(BytesIO(base64.b64decode(film.strip.partition(",")[2])))
    strip = np.asarray(image)
    assert strip.shape == (film.height, film.width * len(film.layers))
    # The last panel of the last frame is that of beta = 1.
    shown = strip[film.height // 2 :, -film.width // 2 :]
    chosen = source.isel(pattern=0, angle=0, beta=-1, snapshot_t=len(film.layers) - 1)
    state = np.abs(chosen.snapshot.values)
    levels = np.floor(255 * state / state.max() + 0.5)
    visible = np.argwhere(shown == 255)
    assert len(visible) == (levels == 255).sum()
    # What was cropped is too faint to be seen.
    assert (shown >= 5).sum() == (levels >= 5).sum()
