"""Files of arrays with a card: the weights of a network, and the state of its training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from mechcore.errors import MechcoreError
from mechcore.io.arrays import Array
from mechcore.io.atomic import replace_file

CARD = "card"
"""The one key of the metadata: the library writes several in an order by chance."""


def write_arrays(arrays: Mapping[str, Array], card: Mapping[str, object], path: Path) -> None:
    """Write arrays and a card as safetensors, whole or not at all: equal ones as equal bytes."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    content = save(contiguous, {CARD: json.dumps(card)})
    replace_file(path, lambda draft: draft.write_bytes(content))


def read_arrays(path: Path, card: Mapping[str, object]) -> dict[str, Array] | None:
    """Read arrays; None if there are none with this card."""
    try:
        with safe_open(path, framework="numpy") as file:
            known = json.loads((file.metadata() or {}).get(CARD, "{}")) == card
            return {name: file.get_tensor(name) for name in file.keys()} if known else None  # noqa: SIM118
    except (OSError, SafetensorError):
        return None


def read_weights(path: Path) -> dict[str, Array]:
    """Read the weights of a trained network, all of them."""
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise MechcoreError(f"{path}: not a readable .safetensors file") from error
