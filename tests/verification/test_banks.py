"""Banks are analysed and run again, and whatever is wrong with their files is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mechcore.experiment.config import load_experiment
from mechcore.io.netcdf import ROOT, read_groups, write_groups
from mechcore.results.results import Results
from mechcore.verification.banks import check_banks
from mechcore.verification.certificate import Check
from mechcore.verification.sampling import Sampling
from tests.helpers.experiments import SMALL
from tests.helpers.projects import PROJECT

BANKS = {"filter_banks": [str(PROJECT / "resources/banks/digits.safetensors")]}
CONFIG = SMALL | {"activations": ["relu"], "steps": 6, "slices_per_layer": 1} | BANKS

Groups = dict[str, xr.Dataset]


def check(results: Path) -> Check:
    loaded = Results.load(load_experiment(CONFIG), results)
    return check_banks(loaded, Sampling(np.random.default_rng(0)))


def test_true_banks_hold(simulated: Path) -> None:
    result = check(simulated)
    assert result.holds
    assert result.largest is not None
    assert result.limit is not None


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
        (
            "filters/digits",
            scale(ROOT, "low_frequency_share", 1 + 1e-6),
            ".nc: low_frequency_share",
        ),
        ("filters/digits", scale("k3x3", "dct_energy", 1 + 1e-6), "k3x3/dct_energy is"),
        ("filters/digits", scale("bank", "slices", 2), "bank/slices is"),
        ("filters/digits", drop("k3x3", "energy"), "no variable energy"),
        ("filter_runs/digits-relu", scale("k3x3", "mu_x", 1.01), "shape='k3x3'"),
        ("filter_runs/digits-relu", scale("k3x3", "kernel_taps", 1.01), "kernel_taps is"),
        ("filter_runs/digits-relu", scale("k3x3", "layer", 0), "layer is"),
        ("filter_runs/digits-relu", without_runs, "other groups than k"),
        ("filter_runs/digits-relu", drop("k3x3", "mu_x"), "no variable mu_x"),
    ],
)
def test_forged_banks_are_found(
    results: Path, name: str, change: Callable[[Groups], Groups], message: str
) -> None:
    path = results / f"{name}.nc"
    write_groups(change(read_groups(path)), path)
    failure = check(results).failures[0]
    assert message in failure
    assert "\n" not in failure
