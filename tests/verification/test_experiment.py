"""`mechcore verify` on whole experiments: true results hold, and whatever is forged is reported."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import netCDF4
import pytest

from mechcore.analysis.collect import Measurements
from mechcore.analysis.tables import write_table
from mechcore.claims.criteria import judge
from mechcore.claims.verdict import write_claims
from mechcore.cli import main
from mechcore.errors import MechcoreError
from mechcore.experiment.config import Experiment, load_experiment
from mechcore.io.environment import current_code, current_environment
from mechcore.io.netcdf import CONTENT_HASH, read_dataset, write_dataset
from mechcore.results.results import TABLES, Results
from mechcore.results.sweep import describe_sweep, read_sweep, write_sweep
from mechcore.verification.certificate import Certificate, Check, merged, read_certificate
from mechcore.verification.experiment import Extent, verify
from tests.helpers.experiments import SMALL
from tests.helpers.projects import PROJECT

BANKS = {"filter_banks": [str(PROJECT / "resources/banks/digits.safetensors")]}
GRID = {"activations": ["modulus"], "sizes": [2, 3], "steps": 12, "slices_per_layer": 1}
CONFIG = SMALL | GRID | BANKS
CELL = "dct-modulus-k3"
CHECKS = ["files", "simulations", "controls", "films", "banks", "tables", "verdicts"]


def experiment() -> Experiment:
    return load_experiment(CONFIG)


def failing(certificate: Certificate) -> dict[str, list[str]]:
    return {check.name: check.failures for check in certificate.checks if not check.holds}


def test_true_results_hold_to_the_last_simulation(simulated: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in simulated.rglob("*")}
    lines: list[str] = []
    certificate = verify(experiment(), simulated, Extent(None, None), lines.append)
    assert failing(certificate) == {}
    assert certificate.holds
    assert {path: path.stat().st_mtime_ns for path in simulated.rglob("*")} == before
    assert [check.name for check in certificate.checks] == CHECKS
    grid = certificate.checks[1]
    # At beta = 1 the modulus splits a point evenly, and rounding decides where it goes.
    assert (grid.compared, grid.excused) == (9, 1)
    assert any(line.startswith(f"{CELL}: 5 simulations, at most") for line in lines)
    # Nobody chooses the sample.
    assert certificate.seed == int(read_sweep(simulated).identifier, 16)
    assert certificate.sweep == read_sweep(simulated).identifier
    assert certificate.files == Results.load(experiment(), simulated).file_hashes()


def test_each_check_finds_what_is_forged(results: Path) -> None:
    (film,) = (results / "films").iterdir()
    for path in (results / "trajectories" / f"{CELL}.nc", film, results / "controls.nc"):
        dataset = read_dataset(path)
        dataset["mu_x"][..., -1] += 1e-8
        # The hash of its content follows.
        write_dataset(dataset, path)
    failures = failing(verify(experiment(), results, Extent(None, None)))
    # Nothing is judged from controls and films of something else.
    assert list(failures) == ["simulations", "controls", "films"]
    assert all("apart, at most 1e-10 is allowed" in lines[0] for lines in failures.values())
    assert failures["simulations"][0].startswith(f"{CELL}, delta, angle 0, beta ")
    assert failures["controls"][0].startswith("control ")


def test_tables_that_agree_must_also_follow_from_the_trajectories(results: Path) -> None:
    true = Results.load(experiment(), results)
    metrics = true.metrics.assign(asymptotic_speed=true.metrics.asymptotic_speed / 2)
    measured = Measurements(metrics, true.mechanics, true.kernels)
    forged = Results.fitted(experiment(), results, measured)
    for name in TABLES:
        write_table(getattr(forged, name), results / f"{name}.csv")
    write_claims(judge(forged), results / "claims.json")
    write_sweep(describe_sweep(forged, None), results)
    failures = failing(verify(experiment(), results, Extent(1, 1, 0)))
    assert list(failures) == ["tables", "verdicts"]
    assert "metrics.csv: " in failures["tables"][0]


def edit(path: Path) -> None:
    with netCDF4.Dataset(path, "a") as file:
        group = file.groups.get("k3x3", file)
        name = "energy" if "energy" in group.variables else "mu_x"
        group[name][...] = group[name][...] + 1e-12


def forge(path: Path) -> None:
    with netCDF4.Dataset(path, "a") as file:
        file.setncattr(CONTENT_HASH, "0" * 64)


def exchange(path: Path) -> None:
    shutil.copy(path.with_name("dct-modulus-k2.nc"), path)


def replaced(make: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda path: (path.unlink(), make(path))


def make_foreign(path: Path) -> None:
    with netCDF4.Dataset(path, "w") as file:
        file.title = "not of this project"


DAMAGED, MISSING = "damaged: its content", "missing, expected a netCDF file"
TRAJECTORIES = f"trajectories/{CELL}.nc"
FILES = [
    *(TRAJECTORIES, f"films/{CELL}.nc", "controls.nc"),
    *("filters/digits.nc", "filter_runs/digits-modulus.nc"),
]


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        *((name, edit, DAMAGED) for name in FILES),
        *((name, Path.unlink, MISSING) for name in FILES),
        *((name, lambda path: os.truncate(path, path.stat().st_size - 40), "") for name in FILES),
        (TRAJECTORIES, forge, DAMAGED),
        (TRAJECTORIES, exchange, "made with other settings (size)"),
        (TRAJECTORIES, replaced(make_foreign), "format version None"),
        (TRAJECTORIES, lambda path: path.write_bytes(b""), "not a readable netCDF file"),
        (TRAJECTORIES, lambda path: path.write_text("text"), "not a readable netCDF file"),
        (TRAJECTORIES, replaced(Path.mkdir), MISSING),
        (TRAJECTORIES, replaced(os.mkfifo), MISSING),
    ],
)
def test_a_damaged_file_is_named_and_nothing_computed_from_it(
    results: Path, name: str, damage: Callable[[Path], object], message: str
) -> None:
    damage(results / name)
    certificate = verify(experiment(), results)
    (check,) = certificate.checks
    (failure,) = check.failures
    assert failure.startswith(f"{results / name}: {message}")
    assert (certificate.seed, certificate.sweep, certificate.cells) == (None, None, [])


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("claims.json", lambda path: path.write_text("[]"), "changed after `mechcore summarise`"),
        ("pooled.csv", lambda path: path.write_text("x"), "changed after `mechcore summarise`"),
        ("metrics.csv", Path.unlink, "missing; run the workflow to regenerate it"),
        ("sweep.json", Path.unlink, "missing, expected what mechcore summarise writes"),
    ],
)
def test_tables_and_claims_are_those_that_the_sweep_describes(
    results: Path, name: str, damage: Callable[[Path], object], message: str
) -> None:
    damage(results / name)
    (failure,) = failing(verify(experiment(), results))["files"]
    assert failure.startswith(f"{results / name}: {message}")


def test_results_of_other_settings_are_not_computed_again(results: Path) -> None:
    other = load_experiment(CONFIG | {"slices_per_layer": 2})
    (failure,) = failing(verify(other, results))["files"]
    assert failure.startswith(f"{results}/sweep.json: made with other settings than small has")


def test_the_command_names_what_fails_and_ends_with_1(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    true = Results.load(experiment(), results)
    true.regressions.loc[3, "slope"] += 1e-5
    write_table(true.regressions, results / "regressions.csv")
    write_sweep(describe_sweep(true, None), results)
    output = results / "certificate.json"
    words = ["verify", "--experiment", json.dumps(CONFIG), "--results", str(results)]
    words += ["--cells", "1", "--simulations", "1", "-o", str(output)]
    codes = []
    for more in ([], ["--exit-zero"]):
        with pytest.raises(SystemExit) as ended:
            main([*words, *more])
        codes.append(ended.value.code)
    assert codes == [1, 0]
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == "NOT verified"
    assert "tables: FAILS" in printed
    assert "  regressions.csv: 1 of" in printed
    certificate = read_certificate(output)
    assert certificate is not None
    assert list(failing(certificate)) == ["tables"]
    assert len(certificate.cells) == 1
    output.write_text('{"experiment": "small"}')
    with pytest.raises(MechcoreError, match="cells: missing"):
        read_certificate(output)
    assert read_certificate(results / "absent.json") is None


def test_a_sample_needs_time() -> None:
    for seconds in (0.0, -1.0, math.nan):
        with pytest.raises(MechcoreError, match=r"seconds: .* is not allowed, expected .* above 0"):
            Extent(seconds=seconds)


def test_rounding_may_decide_a_whole_sample_but_nothing_is_no_check() -> None:
    check = Check(name="simulations", statement="", compared=0, excused=4)
    assert check.holds
    assert not check.model_copy(update={"excused": 0}).holds
    made = {"code": current_code([]), "environment": current_environment()}
    nothing = Certificate(experiment="small", cells=[], checks=[], **made)  # type: ignore[arg-type]
    assert not nothing.holds
    assert nothing.model_copy(update={"checks": [check]}).holds


def test_of_very_many_failures_the_first_are_listed() -> None:
    part = Check(name="table", statement="", compared=30, largest=0.5, failures=["wrong"] * 15)
    check = merged("tables", "", [part, part])
    assert (check.compared, check.largest) == (60, 0.5)
    assert check.failures[-2:] == ["wrong", "and 10 more"]
