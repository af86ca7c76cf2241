"""Banks are analysed and run again, and whatever is wrong with their files is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mechcore.errors import MechcoreError
from mechcore.experiment.banks import filter_run, planned_banks
from mechcore.experiment.config import load_experiment
from mechcore.filters.bank import load_bank
from mechcore.filters.bank_file import analyse_bank, write_analysis
from mechcore.filters.runs import simulate_bank
from mechcore.io.netcdf import ROOT, read_groups, write_groups
from mechcore.results.results import Results
from mechcore.verification.banks import check_banks
from mechcore.verification.certificate import Check
from mechcore.verification.sampling import Sampling
from tests.helpers.projects import PROJECT

EXPERIMENT = load_experiment(
    {
        "experiment": "small",
        "kernels": ["dct"],
        "activations": ["relu"],
        "sizes": [2],
        "betas": [0.0, 1.0],
        "steps": 6,
        "slices_per_layer": 1,
        "filter_banks": [str(PROJECT / "resources/banks/digits.safetensors")],
    }
)

Groups = dict[str, xr.Dataset]
Files = dict[str, Groups]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Give the groups of the files of a bank."""
    folder = tmp_path_factory.mktemp("bank")
    (plan,) = planned_banks(EXPERIMENT).values()
    bank = load_bank(plan.weights, plan.layout)
    write_analysis(analyse_bank(bank), folder / "filters.nc")
    write_groups(simulate_bank(bank, filter_run(EXPERIMENT, plan)), folder / "filter_runs.nc")
    return {name: read_groups(folder / f"{name}.nc") for name in ("filters", "filter_runs")}


def check(files: Files, folder: Path) -> Check:
    for name, groups in files.items():
        write_groups(groups, folder / name / "digits.nc")
    results = Results(EXPERIMENT, folder, *[None] * 6)  # type: ignore[arg-type]
    return check_banks(results, Sampling(None, np.random.default_rng(0)))


def test_true_banks_hold(files: Files, tmp_path: Path) -> None:
    found = check(files, tmp_path)
    assert found.holds
    assert found.largest is not None
    assert found.limit is not None


def scale(group: str, name: str, factor: float) -> Callable[[Groups], Groups]:
    def change(groups: Groups) -> Groups:
        return groups | {group: groups[group].assign({name: groups[group][name] * factor})}

    return change


def drop(group: str, name: str) -> Callable[[Groups], Groups]:
    return lambda groups: groups | {group: groups[group].drop_vars(name)}


def without_runs(groups: Groups) -> Groups:
    return {name: group for name, group in groups.items() if name != "k3x3"}


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("filters", scale("layers", "low_frequency_share", 1 + 1e-6), "layers/low_frequency_share"),
        ("filters", scale("k3x3", "dct_energy", 1 + 1e-6), "k3x3/dct_energy is"),
        ("filters", scale("bank", "slices", 2), "bank/slices is"),
        ("filters", drop("k3x3", "energy"), "no variable energy"),
        ("filter_runs", scale("k3x3", "mu_x", 1.01), "shape='k3x3'"),
        ("filter_runs", scale("k3x3", "kernel_taps", 1.01), "kernel_taps is"),
        ("filter_runs", scale("k3x3", "layer", 0), "layer is"),
        ("filter_runs", without_runs, "other groups than k"),
        ("filter_runs", drop("k3x3", "mu_x"), "no variable mu_x"),
    ],
)
def test_forged_banks_are_found(
    files: Files, tmp_path: Path, name: str, change: Callable[[Groups], Groups], message: str
) -> None:
    found = check(files | {name: change(files[name])}, tmp_path)
    assert message in found.failures[0]
    assert "\n" not in found.failures[0]


@pytest.mark.parametrize("name", ["filters", "filter_runs"])
def test_banks_of_other_weights_are_refused(files: Files, tmp_path: Path, name: str) -> None:
    root = files[name][ROOT].assign_attrs(weights_sha256="0" * 64)
    with pytest.raises(MechcoreError, match=r"made with other settings \(weights_sha256\)"):
        check(files | {name: files[name] | {ROOT: root}}, tmp_path)
