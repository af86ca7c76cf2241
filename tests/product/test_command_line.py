"""The command line as a user meets it: output, files, messages and exit codes."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mechcore.records import QUANTITIES

SUBCOMMANDS = (
    "propagate", "grid", "simulate", "controls", "collect", "regress", "judge", "track", "report",
    "filters", "simulate-filters", "deviations", "summarise", "diff", "ui", "status", "schema",
)  # fmt: skip
FAMILY = ["--family", "dct", "--size", "2", "--beta", "1"]


def mechcore(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "mechcore", *words], cwd=folder, capture_output=True, text=True
    )


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_subcommand_has_help_with_examples(tmp_path: Path, name: str) -> None:
    ended = mechcore(name, "--help", folder=tmp_path)
    assert ended.returncode == 0
    assert f"mechcore {name}" in ended.stdout.split("Examples:")[1]


def test_propagate_prints_the_speed_and_writes_the_trajectory(tmp_path: Path) -> None:
    ended = mechcore("propagate", *FAMILY, "--output", "out.nc", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "speed=0.500000 px/layer  odd_energy_ratio=1.000000\n"
    with xr.open_dataset(tmp_path / "out.nc") as run:
        assert dict(run.sizes)["t"] == 65
        assert all(run[name].dims == ("t",) for name in QUANTITIES)
    assert [path.name for path in tmp_path.iterdir()] == ["out.nc"]


@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (1, 4), (4, 3)], ids=str)
def test_propagate_takes_any_two_dimensional_kernel(tmp_path: Path, shape: tuple[int, int]) -> None:
    np.save(tmp_path / "k.npy", np.random.default_rng(1).random(shape))
    words = ["--kernel", "k.npy", "--steps", "8", "--output", "out.nc"]
    ended = mechcore("propagate", *words, folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert re.fullmatch(r"speed=-?\d+\.\d{6} px/layer  odd_energy_ratio=\d\.\d{6}\n", ended.stdout)


def _bad_files(folder: Path) -> dict[str, str]:
    """Kernel files that are not usable, and a part of the message that each must give."""
    np.save(folder / "text.npy", np.array([["a", "b"]]))
    np.save(folder / "cube.npy", np.ones((2, 2, 2)))
    np.save(folder / "empty.npy", np.ones((0, 3)))
    np.save(folder / "zero.npy", np.zeros((3, 3)))
    np.save(folder / "nan.npy", np.array([[1.0, np.nan]]))
    np.save(folder / "complex.npy", np.array([[1j]]))
    (folder / "objects.npy").write_bytes(b"")
    np.save(folder / "objects.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    (folder / "pickle.npy").write_bytes(pickle.dumps([[1.0]]))
    (folder / "garbage.npy").write_bytes(b"\x93NUMPY\x01\x00\xff\xff")
    (folder / "nothing.npy").write_bytes(b"")
    (folder / "folder.npy").mkdir()
    return {
        "missing.npy": "No such file",
        "text.npy": "real numbers",
        "cube.npy": "two-dimensional",
        "empty.npy": "at least one tap",
        "zero.npy": "not zero",
        "nan.npy": "finite",
        "complex.npy": "real numbers",
        "objects.npy": "Python objects",
        "pickle.npy": "numeric .npy",
        "garbage.npy": "numeric .npy",
        "nothing.npy": "numeric .npy",
        "folder.npy": "directory",
    }


def test_bad_kernel_files_end_in_one_line_and_leave_nothing(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for name, told in _bad_files(files).items():
        ended = mechcore(
            "propagate", "--kernel", f"files/{name}", "--output", "out.nc", folder=tmp_path
        )
        assert (ended.returncode, ended.stdout) == (2, ""), name
        assert len(ended.stderr.splitlines()) == 1, ended.stderr
        assert "--kernel" in ended.stderr
        assert told in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["files"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--activation", "rellu"], "did you mean 'relu'"),
        (["--pattern", "disk"], "did you mean 'disc'"),
        (["--normalise", "l3"], "l2, peak, mass, none"),
        (["--boundary", "free space"], "free, zero, wrap, reflect"),
        (["--engine", "fast"], "compiled, reference"),
        (["--steps", "0"], "steps: 0"),
        (["--steps", "many"], "integer"),
        (["--t-burn", "64"], "t_burn: 64"),
        (["--snapshot", "65"], "snapshots: 65"),
        (["--domain", "9"], "domain: 9"),
        (["--angle", "nan"], "angle: nan"),
        (["--kernel", "k.npy"], "not together with --family"),
        (["--seed", "-1"], "seed: -1"),
        (["--colour", "red"], "--colour"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_arguments_end_in_one_line(tmp_path: Path, words: list[str], told: str) -> None:
    ended = mechcore("propagate", *FAMILY, *words, "--output", "out.nc", folder=tmp_path)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert told in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_filters_prints_a_table_of_layers_and_writes_every_kernel(tmp_path: Path) -> None:
    weights = np.random.default_rng(0).standard_normal((4, 2, 3, 3))
    np.savez(tmp_path / "net.npz", **{"conv.weight": weights, "conv.bias": np.zeros(4)})
    ended = mechcore("filters", "net.npz", "--output", "out/net.nc", folder=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    table, skipped = ended.stdout.splitlines()[:-1], ended.stdout.splitlines()[-1]
    assert table[1].split()[:4] == ["conv.weight", "3x3", "4", "8"]
    assert table[1].split()[5] == "0.333"
    assert skipped == "skipped 1: vector"
    file = xr.open_groups(tmp_path / "out" / "net.nc", engine="netcdf4")
    assert file["/k3x3"].sizes["slice"] == 8


def test_simulate_filters_writes_how_kernels_ran(tmp_path: Path) -> None:
    np.savez(tmp_path / "net.npz", **{"conv.weight": np.ones((1, 1, 3, 3))})
    settings = '{"activations": ["relu"], "slices_per_layer": 1, "steps": 4}'
    words = ["simulate-filters", "net.npz", "--settings", settings, "--output", "runs.nc"]
    ended = mechcore(*words, folder=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    file = xr.open_groups(tmp_path / "runs.nc", engine="netcdf4")
    assert dict(file["/k3x3"].sizes)["t"] == 5


@pytest.mark.parametrize("command", ["filters", "simulate-filters"])
@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("net.npz", b"", "net.npz"),
        ("net.safetensors", b"\xff" * 64, "net.safetensors"),
        ("net.txt", b"text", ".safetensors, .npz"),
        ("net.onnx", b"\x00garbage", "net.onnx"),
        ("absent.npz", None, "absent.npz"),
    ],
)
def test_bad_weight_files_end_in_one_line_and_leave_nothing(
    tmp_path: Path, command: str, name: str, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    before = sorted(tmp_path.iterdir())
    settings = ["--settings", '{"activations": ["relu"], "slices_per_layer": 1}']
    words = settings if command == "simulate-filters" else []
    ended = mechcore(command, name, *words, "--output", "out.nc", folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert told in ended.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_a_failed_run_keeps_the_file_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "out.nc").write_text("precious")
    ended = mechcore("propagate", *FAMILY, "--steps", "0", "--output", "out.nc", folder=tmp_path)
    assert ended.returncode == 2
    assert (tmp_path / "out.nc").read_text() == "precious"


def test_an_output_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = mechcore(
        "propagate", *FAMILY, "--steps", "4", "--output", "file/out.nc", folder=tmp_path
    )
    assert ended.returncode == 2
    assert "file/out.nc: cannot be written" in ended.stderr


def test_a_folder_as_output_is_told_before_anything_runs(tmp_path: Path) -> None:
    ended = mechcore("propagate", *FAMILY, "--output", str(tmp_path), folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.endswith("cannot be written: it is a folder\n")


@pytest.mark.parametrize("scale", [1e-300, 1e200, 1e300])
def test_kernels_of_any_scale_run(tmp_path: Path, scale: float) -> None:
    np.save(tmp_path / "k.npy", scale * np.array([[1.0, 2.0], [0.0, 1.0]]))
    ended = mechcore(
        "propagate", "--kernel", "k.npy", "--steps", "8", "--output", "o.nc", folder=tmp_path
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.endswith("odd_energy_ratio=0.333333\n")


def test_grid_lists_cells_simulations_and_cost() -> None:
    ended = mechcore("grid", "config/default.yaml", folder=Path(__file__).parents[2])
    lines = ended.stdout.splitlines()
    assert [line.split()[1] for line in lines[1:13]] == ["42"] * 12
    assert lines[1].split()[0] == "dct-identity-k2"
    assert lines[13] == "not counted: banks of trained kernels (digits, denoiser)"
    assert lines[14].startswith("12 cells, 504 simulations; estimated ")
    # Where the experiment ran before, as after `make`.
    assert all(line.startswith("the last time, ") for line in lines[15:])


def test_a_simulation_imports_neither_mlflow_nor_plotting() -> None:
    script = (
        "import sys; from mechcore.cells import Cell; from mechcore.simulation import simulate; "
        "simulate(Cell(kernel='dct', activation='relu', size=2, betas=[0.5], steps=4)); "
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    for heavy in ("mlflow", "matplotlib", "seaborn", "statsmodels", "snakemake"):
        assert f"'{heavy}'" not in ended.stdout


def test_help_and_grid_need_no_arrays_of_results() -> None:
    script = (
        "import sys, mechcore; from mechcore.cli import app; from mechcore.config import *; "
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    for heavy in ("xarray", "pandas", "numba", "scipy"):
        assert f"'{heavy}'" not in ended.stdout
