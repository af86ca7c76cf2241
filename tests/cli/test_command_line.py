"""The command line as a user meets it: output, files, messages and exit codes."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mechcore.analysis.measures import measure
from mechcore.cli import main, propagate
from mechcore.engines.trajectories import QUANTITIES
from mechcore.errors import MechcoreError
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.kernels import FAMILIES
from mechcore.model.patterns import PATTERNS
from tests.helpers.projects import PROJECT

SUBCOMMANDS = (
    "propagate", "grid", "simulate", "controls", "collect", "regress", "judge", "track", "report",
    "filters", "simulate-filters", "deviations", "summarise", "diff", "pack", "ui", "status",
    "schema",
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


def test_the_help_of_propagate_lists_what_the_tables_hold() -> None:
    for table, told in {
        tuple(ACTIVATIONS): propagate.ACTIVATIONS_HELP,
        tuple(PATTERNS): propagate.PATTERNS_HELP,
        tuple(FAMILIES): propagate.FAMILIES_HELP,
    }.items():
        assert set(table) <= set(re.findall(r"\w+", told))


def test_a_misspelt_key_comes_first() -> None:
    words = '{"experiment": "a", "kernels": ["dct"], "activation": ["relu"], "betas": [0]}'
    ended = mechcore("grid", words, folder=PROJECT)
    assert ended.stderr.splitlines() == [
        "mechcore: experiment: 'activation' is not a known key (did you mean 'activations'?)",
        "mechcore: experiment: activations: missing, expected a value",
        "mechcore: experiment: sizes: missing, expected a value",
    ]


def test_a_time_below_a_tenth_of_an_hour_is_told_in_seconds() -> None:
    ended = mechcore("grid", "config/smoke.yaml", folder=PROJECT)
    assert re.search(r"estimated \d+ CPU-seconds, .*, cells only$", ended.stdout, re.MULTILINE)


def test_propagate_prints_the_speed_and_writes_the_trajectory(tmp_path: Path) -> None:
    ended = mechcore("propagate", *FAMILY, "--output", "out.nc", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "speed=0.500000 px/layer  odd_energy_ratio=1.000000\nout.nc\n"
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
    assert re.fullmatch(
        r"speed=-?\d+\.\d{6} px/layer  odd_energy_ratio=\d\.\d{6}\nout\.nc\n", ended.stdout
    )


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
        "folder.npy": "it is a folder",
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
    assert ended.stdout.endswith("odd_energy_ratio=0.333333\no.nc\n")


LONG = json.dumps(
    {
        "experiment": "long",
        "kernels": ["dct"],
        "activations": ["relu"],
        "sizes": [2],
        "betas": [number / 1000 for number in range(1001)],
    },
    indent=1,
)


@pytest.mark.parametrize("words", [("--experiment", LONG), (f"--experiment={LONG}",)])
def test_a_configuration_may_stand_in_the_word_of_its_option(
    tmp_path: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["status", *words, "--results", str(tmp_path), "--logs", str(tmp_path)])
    assert (caught.value.code, capsys.readouterr().err) == (0, "")


@pytest.mark.parametrize(
    "word",
    [
        "--experiment=" + "a" * 5000,
        "--experiment=a\nb",
        "--experiment={\n",
        "--a\nb={}",
        f"--{'a' * 5000}={{}}",
    ],
)
def test_a_word_that_is_none_is_refused_before_a_message_repeats_it(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["status", word])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("mechcore: argument: ")
    assert line.isprintable()
    assert len(line) < 500


def test_grid_lists_cells_simulations_and_cost() -> None:
    ended = mechcore("grid", "config/default.yaml", folder=PROJECT)
    lines = ended.stdout.splitlines()
    assert [line.split()[1] for line in lines[1:13]] == ["42"] * 12
    assert lines[1].split()[0] == "dct-identity-k2"
    assert lines[13] == "not counted: banks of trained kernels (digits, denoiser)"
    assert lines[14].startswith("12 cells, 504 simulations; estimated ")
    # Where the experiment ran before, as after `make`.
    assert all(line.startswith("the last time, ") for line in lines[15:])


def test_a_simulation_imports_neither_mlflow_nor_plotting() -> None:
    script = (
        "import sys; from mechcore.experiment.cell import Cell; "
        "from mechcore.simulation.run import simulate; "
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
        "import sys, mechcore; from mechcore.cli import app; "
        "from mechcore.experiment.config import *; "
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    for heavy in ("xarray", "pandas", "numba", "scipy"):
        assert f"'{heavy}'" not in ended.stdout


SETTINGS = '{"activations": ["relu"], "slices_per_layer": 1, "steps": 4}'
CELL = '{"kernel": "dct", "activation": "relu", "size": 2, "betas": [0, 1], "steps": 4, '
CELL += '"patterns": [{"name": "image.npy"}]}'
TABLES = ("--metrics", "m.csv", "--kernels", "k.csv", "--models", "n.csv", "--pooled", "p.csv")
GRID = ("--experiment", "grid.yaml")
OVERWRITING: dict[str, tuple[tuple[str, ...], str]] = {
    "kernel": (("propagate", "--kernel", "kernel.npy", "--output", "kernel.npy"), "kernel.npy"),
    "link": (("propagate", "--kernel", "kernel.npy", "--output", "link.nc"), "link.nc"),
    "hard link": (("propagate", "--kernel", "kernel.npy", "--output", "hard.nc"), "hard.nc"),
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
        ("deviations", *GRID, "--trajectories", "cells", "--output", "cells/a.nc"),
        "cells/a.nc",
    ),
    "record": (("regress", *TABLES, "--output", "r.csv", "--record", "k.csv"), "k.csv"),
    "page": (
        ("pack", *GRID, "--results", ".", "--report", "page.html", "--output", "page.html"),
        "page.html",
    ),
    "receipt": (("track", *GRID, "--results", ".", "--output", "grid.yaml"), "grid.yaml"),
    "two outputs": (("regress", *TABLES, "--output", "n.csv"), "n.csv"),
}
"""Commands by what they would replace, and the file that they must name."""


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A folder of files that commands read, and of other names of them."""
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


@pytest.mark.parametrize("case", OVERWRITING)
def test_no_command_replaces_what_it_reads(inputs: Path, case: str) -> None:
    before = {path: path.read_bytes() for path in inputs.rglob("*") if path.is_file()}
    words, name = OVERWRITING[case]
    ended = mechcore(*words, folder=inputs)
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert name in line
    assert any(told in line for told in ("is the input", "is the file of", "ends in .nc"))
    assert {path: path.read_bytes() for path in inputs.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["out.npz", "out", "out.csv"])
def test_trajectories_have_the_suffix_of_netcdf(tmp_path: Path, name: str) -> None:
    ended = mechcore("propagate", *FAMILY, "--output", name, folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.endswith(
        f"--output: {name!r} is not allowed, expected a file that ends in .nc\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_kernel_is_no_trajectory() -> None:
    with pytest.raises(MechcoreError, match=r"dataset: an object of type ndarray is not allowed"):
        measure(np.ones((3, 3)))  # type: ignore[arg-type]


def test_a_row_of_taps_is_told_what_shape_it_needs(tmp_path: Path) -> None:
    np.save(tmp_path / "row.npy", np.ones(3))
    words = ["propagate", "--kernel", "row.npy", "--output", "out.nc"]
    ended = mechcore(*words, folder=tmp_path)
    assert ended.stderr == (
        "mechcore: --kernel: an array of shape (3,) is not allowed, expected a two-dimensional "
        "array; for a row use shape (1, 3)\n"
    )


def test_make_takes_a_configuration_with_a_space_in_its_name() -> None:
    path = "config/my study.yaml"
    targets = ("run", "cluster", "report", "verify", "pack", "partial")
    words = ["make", "--dry-run", f"CONFIG={path}", *targets]
    ended = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=True)
    for line in ended.stdout.splitlines():
        assert line.count(path) == line.count(f'"{path}"') or line.startswith("echo ")
    assert ended.stdout.count(f'"{path}"') > len(targets)


def test_status_finds_the_logs_of_an_experiment(tmp_path: Path) -> None:
    config = '{"experiment": "a", "kernels": ["dct"], "activations": ["relu"], "sizes": [2], '
    config += '"betas": [0]}'
    log = tmp_path / "logs" / "a" / "simulate" / "dct-relu-k2.log"
    log.parent.mkdir(parents=True)
    log.write_text("mechcore: no space\n")
    ended = mechcore("status", "--experiment", config, "--results", "r", folder=tmp_path)
    assert "0 of 1 cells done, 1 failed" in ended.stdout
    assert "mechcore: no space" in ended.stdout
