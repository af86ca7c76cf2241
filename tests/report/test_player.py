"""The films of the player: states as bytes of one picture."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from mechcore.report.player import player_data, quantised
from tests.helpers.reports import Report


def test_film_keeps_the_states(small: Report) -> None:
    data: Any = player_data(small.results)
    film = small.results.films["dct-modulus-k3"]
    sprite = data["films"][1]["sprite"].partition(",")[2]
    sheet = np.asarray(Image.open(BytesIO(base64.b64decode(sprite))))
    row, column = 7, len(data["layers"]) - 1
    height, width = data["height"], data["width"]
    frame = sheet[row * height :, column * width :][:height, :width]
    state = film.snapshot.isel(pattern=0, angle=0, beta=row, snapshot_t=-1).values
    top = int(data["top"][-1] - film.snapshot_y.values[0, -1])
    left = int(data["left"][-1] - film.snapshot_x.values[0, -1])
    shares = state[top : top + height, left : left + width] / state.max()
    # Half a step of the 255 in which a frame is kept.
    np.testing.assert_allclose(frame / 255, shares, atol=0.5 / 255 + 1e-6)
    # What was cropped is less than half a step.
    assert (state > state.max() * 0.5001 / 255).sum() == (frame > 0).sum()


def test_states_with_both_signs_have_zero_in_the_middle() -> None:
    states = np.array([[[-2.0, 0.0, 1.0]], [[np.nan, np.nan, np.nan]]])
    assert quantised(states, signed=True).tolist() == [[[1, 128, 192]], [[128, 128, 128]]]
