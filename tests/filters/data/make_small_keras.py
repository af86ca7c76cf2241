"""Made small.keras with Keras 3.15.1: KERAS_BACKEND=torch python make_small_keras.py.

It holds a layer of each kind that Keras keeps in an order of its own, one of them in a nested
model.
"""

from __future__ import annotations

from pathlib import Path


def main() -> None:
    # Not at the top: pytest imports this file, and keras is no dependency of the tests.
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    inner_input = keras.Input((None, None, 3))
    inside = layers.Conv2D(2, 3, padding="same", name="inside")(inner_input)
    inner = keras.Model(inner_input, inside, name="inner")

    image = keras.Input((8, 8, 2))
    state = layers.Conv2D(4, 3, padding="same", groups=2, name="first")(image)
    state = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", name="each")(state)
    state = layers.SeparableConv2D(3, 5, padding="same", name="apart")(state)
    state = inner(state)
    state = layers.Conv2DTranspose(3, 3, padding="same", name="up")(state)
    line = layers.Conv1D(2, 3, padding="same", name="line")(layers.Reshape((64, 3))(state))
    volume = layers.Conv3D(2, (2, 3, 3), name="volume")(layers.Reshape((8, 8, 3, 1))(state))
    keras.Model(image, [line, volume]).save(Path(__file__).with_name("small.keras"))


if __name__ == "__main__":
    main()
