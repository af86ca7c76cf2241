"""The command line as a user meets it; what it refuses is in tests/faults."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mechcore.cli import app, main
from mechcore.engines.trajectories import QUANTITIES
from tests.helpers.isolation import run_limited
from tests.helpers.projects import PROJECT

TINY = {"experiment": "a", "kernels": ["dct"], "activations": ["relu"], "sizes": [2], "betas": [0]}
FAMILY = ("--family", "dct", "--size", "2", "--beta", "1")


def succeed(words: tuple[str, ...], folder: Path) -> str:
    ended = run_limited(words, folder)
    assert (ended.code, ended.errors) == (0, "")
    return ended.output


@pytest.mark.parametrize("name", [str(command.name) for command in app.registered_commands])
def test_every_subcommand_has_help_with_examples(tmp_path: Path, name: str) -> None:
    assert f"mechcore {name}" in succeed((name, "--help"), tmp_path).split("Examples:")[1]


def test_a_misspelt_key_is_reported_once_and_first(tmp_path: Path) -> None:
    config = '{"experiment": "a", "kernels": ["dct"], "activation": ["relu"], "betas": [0]}'
    assert run_limited(("grid", config), tmp_path).errors.splitlines() == [
        "mechcore: experiment: 'activation' is not a known key (did you mean 'activations'?)",
        "mechcore: experiment: activations: missing, expected a value",
        "mechcore: experiment: sizes: missing, expected a value",
    ]


def test_propagate_prints_the_speed_and_writes_the_trajectory(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mechcore", "propagate", *FAMILY, "--output", "out.nc"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "speed=0.500000 px/layer  odd_energy_ratio=1.000000\nout.nc\n"
    with xr.open_dataset(tmp_path / "out.nc") as run:
        assert dict(run.sizes)["t"] == 65
        assert all(run[name].dims == ("t",) for name in QUANTITIES)
    assert [path.name for path in tmp_path.iterdir()] == ["out.nc"]


@pytest.mark.parametrize(("size", "shape"), [("1x5", (1, 5)), ("5x1", (5, 1))])
def test_propagate_takes_lines(tmp_path: Path, size: str, shape: tuple[int, int]) -> None:
    family = ("--family", "dct", "--size", size, "--beta", "0.5", "--output", "out.nc")
    output = succeed(("propagate", *family), tmp_path)
    with xr.open_dataset(tmp_path / "out.nc") as run:
        assert run.kernel_taps.shape == shape
        moved, still = ("mu_x", "mu_y") if shape[0] == 1 else ("mu_y", "mu_x")
        assert (run[still] == 0).all()
        # Below beta* the speed is exact: M1/M0.
        taps = run.kernel_taps.values.ravel()
        exact = (np.arange(-2, 3) * taps).sum() / taps.sum()
        assert float(run[moved][-1]) == pytest.approx(64 * exact, rel=1e-12)
    assert output.startswith(f"speed={exact:.6f} px/layer")


def test_filters_prints_a_table_of_layers_and_writes_every_kernel(tmp_path: Path) -> None:
    weights = np.random.default_rng(0).standard_normal((4, 2, 3, 3))
    np.savez(tmp_path / "net.npz", **{"conv.weight": weights, "conv.bias": np.zeros(4)})
    *table, skipped = succeed(
        ("filters", "net.npz", "--output", "out/net.nc"), tmp_path
    ).splitlines()
    assert table[1].split()[:4] == ["conv.weight", "3x3", "4", "8"]
    assert table[1].split()[6] == "0.333"
    assert skipped == "skipped 1: vector"
    file = xr.open_groups(tmp_path / "out" / "net.nc", engine="netcdf4")
    assert file["/k3x3"].sizes["slice"] == 8


def test_simulate_filters_writes_how_kernels_ran(tmp_path: Path) -> None:
    np.savez(tmp_path / "net.npz", **{"conv.weight": np.ones((1, 1, 3, 3))})
    settings = '{"activations": ["relu"], "slices_per_layer": 1, "steps": 4}'
    words = ("simulate-filters", "net.npz", "--settings", settings, "--output", "runs.nc")
    assert succeed(words, tmp_path) == "net.npz: 1 kernels under relu\n"
    file = xr.open_groups(tmp_path / "runs.nc", engine="netcdf4")
    assert dict(file["/k3x3"].sizes)["t"] == 5


def test_grid_lists_cells_simulations_and_cost() -> None:
    lines = succeed(("grid", "config/paper.yaml"), PROJECT).splitlines()
    assert [line.split()[1] for line in lines[1:22]] == ["404"] * 21
    assert lines[1].split()[0] == "dct-relu-k2"
    assert lines[22] == "not counted: banks of trained kernels (digits, denoiser)"
    assert lines[23].startswith("21 cells, 8484 simulations; estimated ")
    assert re.search(r"estimated \d+ CPU-seconds, .*, cells only$", lines[23])
    # Where the experiment ran before, as after `make`.
    assert all(line.startswith("last run: ") for line in lines[24:])


def test_status_finds_the_logs_of_an_experiment(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "a" / "simulate" / "dct-relu-k2.log"
    log.parent.mkdir(parents=True)
    log.write_text("mechcore: no space\n")
    output = succeed(("status", "--experiment", json.dumps(TINY), "--results", "r"), tmp_path)
    assert "0 of 1 cells done, 1 failed" in output
    assert "mechcore: no space" in output


LONG = json.dumps(TINY | {"betas": [number / 1000 for number in range(1001)]}, indent=1)


@pytest.mark.parametrize("words", [("--experiment", LONG), (f"--experiment={LONG}",)])
def test_a_configuration_may_be_part_of_its_option(tmp_path: Path, words: tuple[str, ...]) -> None:
    succeed(("status", *words, "--results", ".", "--logs", "."), tmp_path)


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
def test_a_message_repeats_no_lines_and_no_long_word(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["status", "--results", ".", word])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("mechcore: ")
    assert line.isprintable()
    assert len(line) < 500


SETTINGS = "kernel='dct', activation='relu', size=2, betas=[0.5], steps=4"
CELL = f"Cell({SETTINGS})"
WEIGHTS = "'net.npz', a=numpy.ones((2, 2, 3, 3))"


@pytest.mark.parametrize(
    ("names", "then", "heavy"),
    [
        (
            "io.provenance",
            "mechcore.io.provenance.versions(mechcore.io.provenance.COMPUTING)",
            "netCDF4 numba xarray scipy",
        ),
        # Help and the grid need no arrays of results, and formats only their own packages.
        ("cli experiment.config", "", "xarray pandas numba scipy"),
        (
            "experiment.cell simulation.run",
            f"from mechcore.experiment.cell import Cell; mechcore.simulation.run.simulate({CELL})",
            "mlflow matplotlib seaborn scipy.stats snakemake",
        ),
        # The job of a cell, whether it is packed with others or not.
        *(
            (
                "cli.simulate",
                "import json, pathlib; mechcore.cli.simulate.command("
                f"json.dumps(dict({SETTINGS})), pathlib.Path('cell.nc'), {keep})",
                "xarray pandas pyarrow scipy.stats mlflow matplotlib snakemake",
            )
            for keep in ("None", "pathlib.Path('finished')")
        ),
        (
            "filters.bank",
            f"import numpy; numpy.savez({WEIGHTS}); mechcore.filters.bank.load_bank('net.npz')",
            "torch onnx h5py safetensors",
        ),
        # The workflow learns the names of the page's files without plotting.
        ("report.page_files", "", "matplotlib pandas xarray"),
        ("claims.criteria report.statistics", "", "scipy.stats scipy.optimize"),
        ("results.sweep results.diff", "", "matplotlib mlflow scipy.special"),
    ],
)
def test_nothing_needless_is_imported(tmp_path: Path, names: str, then: str, heavy: str) -> None:
    imports = "; ".join(f"import mechcore.{name}" for name in names.split())
    code = f"{imports}; {then or 'pass'}; import sys; print(*sys.modules)"
    modules = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=tmp_path)
    assert set(heavy.split()).isdisjoint(modules.split())


def test_make_hands_on_its_configuration_as_one_word() -> None:
    targets = ("run", "cluster", "report", "verify", "pack", "partial")
    words = ["make", "--dry-run", "CONFIG=config/my study.yaml", *targets]
    ended = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert "my study" not in ended.stdout
    for line in ended.stdout.splitlines():
        assert line.count("$CONFIG") == line.count('"$CONFIG"') or line.startswith("echo ")
    assert ended.stdout.count('"$CONFIG"') > len(targets)
