"""No command replaces a file that it reads, or writes two results to one file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.helpers.isolation import run_limited

FAMILY = ("--family", "dct", "--size", "2", "--beta", "1")
SETTINGS = '{"activations": ["relu"], "slices_per_layer": 1, "steps": 4}'
CELL = '{"kernel": "dct", "activation": "relu", "size": 2, "betas": [0, 1], "steps": 4, '
CELL += '"patterns": [{"name": "image.npy"}]}'
TABLES = ("--metrics", "m.csv", "--kernels", "k.csv", "--pooled", "p.csv")
COLLECTED = ("--mechanics", "x.csv", "--kernels", "k2.csv")
GRID = ("--experiment", "grid.yaml")
OVERWRITING: dict[str, tuple[tuple[str, ...], str]] = {
    "kernel": (("propagate", "--kernel", "kernel.npy", "--output", "kernel.npy"), "kernel.npy"),
    "link": (("propagate", "--kernel", "kernel.npy", "--output", "link.nc"), "link.nc"),
    "pattern": (("propagate", *FAMILY, "--pattern", "image.npy", "-o", "i.nc"), "i.nc"),
    "weights": (("filters", "net.npz", "--output", "net.npz"), "net.npz"),
    "weights by a link": (("filters", "net.npz", "--output", "n.nc"), "n.nc"),
    "weights that run": (
        ("simulate-filters", "net.npz", "--settings", SETTINGS, "--output", "n.nc"),
        "n.nc",
    ),
    "pattern of a cell": (("simulate", "--cell", CELL, "--output", "i.nc"), "i.nc"),
    "table": (("regress", *TABLES, "--output", "m.csv"), "m.csv"),
    "table of results": (("judge", *GRID, "--results", ".", "--output", "metrics.csv"), "metrics"),
    "verdicts": (
        ("summarise", *GRID, "--results", ".", "--output", "claims.json", "--cells", "c.csv"),
        "claims.json",
    ),
    "configuration": (("judge", *GRID, "--results", ".", "--output", "grid.yaml"), "grid.yaml"),
    "trajectories": (
        ("collect", *GRID, "--trajectories", "cells", *COLLECTED, "--output", "cells/a.nc"),
        "cells/a.nc",
    ),
    "page": (
        ("pack", *GRID, "--results", ".", "--report", "page.html", "--output", "page.html"),
        "page.html",
    ),
    "receipt": (("track", *GRID, "--results", ".", "--output", "grid.yaml"), "grid.yaml"),
    "two outputs": (("regress", *TABLES, "--output", "p.csv"), "p.csv"),
}
"""Commands by what they would replace, and the file that they must name."""


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    np.save(tmp_path / "kernel.npy", np.ones((2, 2)))
    np.save(tmp_path / "image.npy", np.ones((3, 3)))
    np.savez(tmp_path / "net.npz", **{"conv.weight": np.ones((1, 1, 3, 3), np.float32)})
    for name, link in {"kernel.npy": "link.nc", "image.npy": "i.nc", "net.npz": "n.nc"}.items():
        (tmp_path / link).symlink_to(name)
    (tmp_path / "hard.nc").hardlink_to(tmp_path / "kernel.npy")
    (tmp_path / "cells").mkdir()
    for name in ("m.csv", "k.csv", "metrics.csv", "claims.json", "page.html", "cells/a.nc"):
        (tmp_path / name).write_text(name)
    (tmp_path / "grid.yaml").write_text(
        "{experiment: a, kernels: [dct], activations: [relu], sizes: [2], betas: [0, 1]}"
    )
    return tmp_path


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", OVERWRITING)
def test_no_command_replaces_what_it_reads(inputs: Path, case: str) -> None:
    before = contents(inputs)
    words, name = OVERWRITING[case]
    ended = run_limited(words, inputs)
    assert (ended.code, ended.output) == (2, "")
    (line,) = ended.errors.splitlines()
    assert name in line
    assert any(
        reason in line
        for reason in ("would overwrite an input", "names the file of", "ends in .nc")
    )
    assert contents(inputs) == before


def test_a_second_name_of_an_input_is_replaced_and_the_input_stays(inputs: Path) -> None:
    before = (inputs / "kernel.npy").read_bytes()
    words = ("propagate", "--kernel", "kernel.npy", "--steps", "4", "--output", "hard.nc")
    assert run_limited(words, inputs).code == 0
    assert (inputs / "kernel.npy").read_bytes() == before
    assert (inputs / "hard.nc").read_bytes() != before


def test_a_failed_run_keeps_the_file_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "out.nc").write_text("precious")
    words = ("propagate", *FAMILY, "--steps", "0", "--output", "out.nc")
    assert run_limited(words, tmp_path).code == 2
    assert contents(tmp_path) == {tmp_path / "out.nc": b"precious"}
