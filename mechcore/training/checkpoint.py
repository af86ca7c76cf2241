"""The state of a training after an epoch: what it needs to go on as if it had not been stopped."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from mechcore.errors import MechcoreError
from mechcore.io.arrays import Array
from mechcore.io.atomic import replace_file
from mechcore.io.reading import open_regular

PARTS = ("parameters", "momenta", "history")

CARD = "card"
"""The one key of the metadata: the library writes several in an order by chance."""


@dataclass(frozen=True)
class State:
    """A training after some epochs.

    The order of the examples and the noise of an epoch follow from the seed and its number, so that
    no generator has a state that must be kept.
    """

    parameters: dict[str, Array]
    momenta: dict[str, Array]
    history: dict[str, Array]
    """What was measured, along the epochs from 0."""

    @property
    def epoch(self) -> int:
        """The number of finished epochs."""
        return len(self.history["score"]) - 1


def write_state(state: State, made_by: dict[str, object], path: Path) -> None:
    """Write a state, whole or not at all."""
    parts = ((name, getattr(state, name)) for name in PARTS)
    arrays = {f"{part}/{name}": array for part, table in parts for name, array in table.items()}
    write_arrays(arrays, made_by, path)


def read_state(path: Path, made_by: dict[str, object]) -> State | None:
    """Read a state; None if there is none that these settings and this code made."""
    try:
        with safe_open(path, framework="numpy") as file:
            if json.loads((file.metadata() or {}).get(CARD, "{}")) != made_by:
                return None
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    # Also of metadata that are no JSON.
    except (OSError, SafetensorError, ValueError):
        return None
    return State(
        *(
            {
                name.removeprefix(f"{part}/"): array
                for name, array in arrays.items()
                if name.startswith(f"{part}/")
            }
            for part in PARTS
        )
    )


def write_arrays(
    arrays: dict[str, NDArray[np.generic]], card: dict[str, object], path: Path
) -> None:
    """Write arrays and a card as safetensors, whole or not at all: equal ones as equal bytes."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    content = save(contiguous, {CARD: json.dumps(card)})
    replace_file(path, lambda draft: draft.write_bytes(content))


def read_weights(path: Path) -> dict[str, Array]:
    """Read the weights of a trained network, all of them."""
    open_regular(path, "--start").close()
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise MechcoreError(f"{path}: not a readable .safetensors file") from error
