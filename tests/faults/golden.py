"""Records that every engine, machine and version must give again: what they are, and their maker.

``python tests/trust/golden.py`` makes them anew with the reference engine, which is right only
if the definition of what is computed has changed, and says so in the changelog. ``python
tests/trust/golden.py ENGINE`` prints how far an engine is from them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import xarray as xr

from mechcore.engines.trajectories import QUANTITIES, record_distance
from mechcore.experiment.cell import Cell
from mechcore.io.netcdf import read_dataset, write_dataset
from mechcore.simulation.run import simulate

FOLDER = Path(__file__).parent / "golden"

COMMON: dict[str, object] = {
    "engine": "reference",
    "angles": [0.0, 30.0],
    "betas": [0.0, 0.4, 0.9, 1.0],
    "patterns": ["delta", "disc"],
    "steps": 16,
}
ALONE: list[dict[str, object]] = [
    {"kernel": "dct", "activation": "relu", "size": 2, "snapshots": {"layers": [16], "window": 21}},
    {"kernel": "dct", "activation": "modulus", "size": 3, "patterns": ["random", "square"]},
    {"kernel": "dct", "activation": "identity", "size": 7, "steps": 8},
    {"kernel": "gaussian", "activation": "leaky_relu", "size": 4, "normalise": "peak"},
    {"kernel": "binomial", "activation": "gelu", "size": 3, "normalise": "mass"},
    {"kernel": "binomial", "activation": "relu", "size": 11, "steps": 6, "mixing": "linear"},
    {"kernel": "highpass", "activation": "relu", "size": 5, "normalise": "none", "steps": 8},
    {"kernel": "random", "activation": "tanh", "size": 3, "boundary": "wrap", "domain": 33},
    {"kernel": "random", "activation": "softplus", "size": 2, "boundary": "reflect", "domain": 32},
    {"kernel": "random", "activation": "relu", "size": 6, "boundary": "zero", "domain": 31},
    {"kernel": "gaussian", "activation": "modulus", "size": 5, "density": "square"},
]
"""Together every family, activation, normalisation, boundary and density."""


def golden_files() -> list[Path]:
    """Return all records that were kept, whoever made them."""
    return sorted(FOLDER.glob("*.nc"))


def cell_of(dataset: xr.Dataset) -> Cell:
    """Return what a record is of."""
    return Cell.from_json(str(dataset.attrs["cell"]))


def deviation(path: Path, engine: str) -> float:
    """Return how far an engine is from a record, leaving out what rounding decides."""
    kept = read_dataset(path)
    again = simulate(cell_of(kept).model_copy(update={"engine": engine}))
    sound = ~(kept.ill_conditioned | again.ill_conditioned).values
    assert sound.any()
    first, second = (
        np.stack([one[name].values for name in QUANTITIES], axis=-1) for one in (kept, again)
    )
    for name in ("extinct_at", "diverged_at"):
        np.testing.assert_array_equal(kept[name].values[sound], again[name].values[sound])
    return float(record_distance(first, second)[sound].max())


def make() -> None:
    """Make the records."""
    for settings in ALONE:
        cell = Cell.model_validate(COMMON | settings)
        write_dataset(simulate(cell), FOLDER / f"{cell.id}.nc")


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps({path.stem: deviation(path, sys.argv[1]) for path in golden_files()}))
    else:
        make()
