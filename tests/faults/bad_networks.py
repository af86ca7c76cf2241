"""Whole networks, and sets of images for them, that are refused."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto

from tests.faults.bad_arrays import IMAGES
from tests.faults.cases import Case, Maker, Table
from tests.helpers.onnx_models import model, node

KERNELS = {"k": np.full((1, 1, 3, 3), 1e30)}


def conv(to: str, taken: str = "image", **attributes: Any) -> NodeProto:
    return node("Conv", taken, "k", to=to, **attributes)


def of_nodes(*nodes: NodeProto, image: tuple[int, int, int] = (1, 8, 8)) -> Maker:
    return lambda path: path.write_bytes(model(nodes, KERNELS, image).SerializeToString())


def chain(length: int) -> Sequence[NodeProto]:
    """Each convolution sees the one before it."""
    padded = {"pads": [1] * 4}
    return [conv("0", **padded), *(conv(f"{n + 1}", f"{n}", **padded) for n in range(length))]


def _outside(path: Path) -> None:
    made = model([conv("y")], KERNELS)
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    # A link beside the network that leads out of the folder.
    (path.parent / "values").symlink_to("../outside/secret")
    tensor.external_data.add(key="location", value="values")
    path.write_bytes(made.SerializeToString())


MOST = "at most 4194304 values"

NETWORKS: Table = {
    "an image of gigapixels": (of_nodes(conv("y"), image=(1, 90_000, 90_000)), ("'image'", MOST)),
    "sixteen large images": (of_nodes(conv("y"), image=(3, 1100, 1100)), ("'images'", "at most")),
    "many channels": (
        of_nodes(conv("c"), node("Concat", *["c"] * 600, to="y", axis=1), image=(1, 99, 99)),
        ("'y' would be 1 x 600 x 97 x 97", MOST),
    ),
    "taps far apart": (
        of_nodes(conv("y", dilations=[9000] * 2, pads=[9000] * 4)),
        ("'y, padded,'", MOST),
    ),
    "values that overflow": (of_nodes(*chain(12)), ("node", "(Conv)", "overflow")),
    "a loop": (of_nodes(node("Loop", "k", "k", "image", to="y")), ("(Loop)", "not supported")),
    "a constant of terabytes": (
        of_nodes(node("Tile", "k", "k", to="t"), node("Conv", "image", "t", to="y")),
        ("(Tile)", "not supported"),
    ),
    "values behind a link": (_outside, ("'k' is in another file", "not opened")),
}

SOUND = of_nodes(conv("y"))

ALLOWED = ("black", "a JPEG", "a folder", "a palette without colours")
"""What a pattern cannot be, and a picture of a set may."""


def in_folder(make: Maker, name: str) -> Maker:
    """A network, and a folder of one picture."""

    def write(path: Path) -> None:
        SOUND(path)
        folder = path.parent / "pictures"
        folder.mkdir()
        make(folder / name)

    return write


FOLDERS: Table = {
    **{
        f"a picture: {name}": (in_folder(make, "a.png"), ("images", "a.png"))
        for name, (make, _) in IMAGES.items()
        if name not in ALLOWED
    },
    "a pipe": (in_folder(os.mkfifo, "a.png"), ("images", "a.png", "it is a device, pipe")),
    "no picture": (in_folder(Path.touch, "a.txt"), ("images", "a folder of")),
}


def cases() -> list[Case]:
    tables = {"noise": NETWORKS, "pictures": FOLDERS}
    return [
        Case(f"network: {name}", ("network", "n.onnx", "--images", images), message, "n.onnx", make)
        for images, table in tables.items()
        for name, (make, message) in table.items()
    ]
