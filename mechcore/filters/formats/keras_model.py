"""What a model of Keras says of its layers: in HDF5, in an archive, or for TensorFlow.js."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

KINDS = {
    "convd": "convolution",
    "convdtranspose": "transposed",
    "depthwiseconvd": "depthwise",
    "separableconvd": "depthwise",
}
"""What layers do with their first variable, by the letters of their class."""


@dataclass(frozen=True)
class LayerClass:
    """What a model says of a layer."""

    key: str
    settings: Mapping[str, object] = field(default_factory=dict)

    def steps(self, name: str, axes: int) -> tuple[int, ...]:
        """Return a number for each axis of the kernel; none where the model states none."""
        stated = self.settings.get(name)
        each = stated if isinstance(stated, list) else [stated] * axes
        steps = tuple(step for step in each if isinstance(step, int) and step > 0)
        return steps if len(steps) == axes else ()


Classes = Mapping[str, LayerClass]


def classes_of(configuration: str | bytes) -> Classes:
    """Return the class of each layer by its name, in the order of the model."""
    classes: dict[str, LayerClass] = {}
    waiting = [json.loads(configuration)]
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, dict) and isinstance(entry.get("config"), dict):
            name, key = entry["config"].get("name"), class_key(str(entry.get("class_name", "")))
            if isinstance(name, str):
                classes.setdefault(name, LayerClass(key, entry["config"]))
        children = list(entry.values()) if isinstance(entry, dict) else entry
        if isinstance(children, list):
            waiting += children[::-1]
    return classes


def is_fixed(owners: Iterable[str], classes: Classes) -> bool:
    """Return whether a model does not train one of the layers that hold a variable."""
    return any(
        classes[owner].settings.get("trainable") is False for owner in owners if owner in classes
    )


def class_key(name: str) -> str:
    """Return the letters of the name of a class, or of a layer that is named after its class."""
    # Conv2DTranspose, conv2d_transpose and conv2d_transpose_12 are the same class.
    return re.sub(r"[\d_]", "", name).lower()


def layer_of(owners: Iterable[str], classes: Classes) -> LayerClass:
    """Return the outermost of the layers that hold a variable and have a kernel."""
    known = (classes[owner] for owner in owners if owner in classes)
    return next((layer for layer in known if layer.key in KINDS), LayerClass(""))
