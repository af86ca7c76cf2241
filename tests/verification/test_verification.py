"""What is computed again finds every lie: in a file, in a simulation, in a table, in a verdict."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pandas as pd
import pytest

from mechcore.analysis.collect import FINGERPRINT, MEASURES, write_measures
from mechcore.analysis.tables import write_table
from mechcore.claims.criteria import judge
from mechcore.claims.verdict import read_claims, write_claims
from mechcore.cli import main
from mechcore.errors import MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.experiment.config import Experiment, load_experiment
from mechcore.experiment.grid import expand
from mechcore.experiment.paths import CERTIFICATE_FILE, CLAIMS_FILE
from mechcore.io import environment as provenance
from mechcore.io.environment import current_code, current_environment
from mechcore.io.hashes import file_sha256
from mechcore.io.json_models import write_settings
from mechcore.io.netcdf import read_dataset, write_dataset
from mechcore.jobs.stages import record_file
from mechcore.report.page import Content, render, summary
from mechcore.report.verification import verification_of
from mechcore.results.results import TABLES, Results
from mechcore.verification.certificate import Certificate, Check, read_certificate
from mechcore.verification.deviations import OVERHEAD, affordable_layers, reference_cost
from mechcore.verification.experiment import Extent, verify
from mechcore.verification.sampling import Sampling, drawn
from mechcore.verification.simulations import MOST_MULTIPLY_ADDS, check_simulations
from mechcore.verification.table_comparison import compared_table
from mechcore.verification.verdicts import check_verdicts
from mechcore.version import __version__
from tests.faults.finished import RESULTS, make
from tests.helpers.projects import PROJECT

CONFIG: dict[str, object] = {
    "experiment": "small",
    "kernels": ["dct"],
    "activations": ["modulus"],
    "sizes": [2, 3],
    "patterns": ["delta"],
    "betas": [0.0, 0.25, 0.5, 0.75, 1.0],
    "steps": 12,
}
CELL = "dct-modulus-k3"
CHECKS = ("files", "simulations", "controls", "films", "tables", "verdicts")
EVERYTHING = Extent(None, None)


def experiment() -> Experiment:
    return load_experiment(CONFIG)


def failing(certificate: Certificate) -> dict[str, list[str]]:
    """Return the failures of the checks that do not hold."""
    return {check.name: check.failures for check in certificate.checks if not check.holds}


def test_true_results_hold_to_the_last_simulation(simulated: Path) -> None:
    certificate = verify(experiment(), simulated, EVERYTHING)
    assert certificate.holds
    counts = {check.name: (check.compared, check.excused) for check in certificate.checks}
    assert list(counts) == list(CHECKS)
    # At beta = 1 the modulus splits a point evenly, and rounding decides where it goes.
    assert counts["simulations"] == (9, 1)


def test_the_sample_follows_from_the_results_or_from_a_seed(simulated: Path) -> None:
    def sample(seed: int | None) -> list[str]:
        return verify(experiment(), simulated, Extent(1, 1, seed)).cells

    assert sample(None) == sample(None)
    assert sample(0) != sample(1)


def test_a_file_with_another_content_than_its_hash_is_named(results: Path) -> None:
    path = results / "trajectories" / f"{CELL}.nc"
    with netCDF4.Dataset(path, "a") as file:
        file["mu_x"][...] = file["mu_x"][...] + 1e-12
    failures = failing(verify(experiment(), results))
    assert list(failures) == ["files"]
    assert len(failures["files"]) == 1
    assert str(path) in failures["files"][0]


@pytest.mark.parametrize("name", ["controls.nc", f"trajectories/{CELL}.nc"])
def test_a_missing_file_is_named(results: Path, name: str) -> None:
    (results / name).unlink()
    assert name in failing(verify(experiment(), results))["files"][0]


def change_simulation(results: Path) -> None:
    # A file that is whole, by its hash, and wrong.
    path = results / "trajectories" / f"{CELL}.nc"
    dataset = read_dataset(path)
    dataset["mu_x"][0, 0, 1, -1] += 1e-8
    write_dataset(dataset, path)


def change_end(results: Path) -> None:
    path = results / "trajectories" / f"{CELL}.nc"
    dataset = read_dataset(path)
    dataset["extinct_at"][0, 0, 1] = 12
    write_dataset(dataset, path)


def change_table(results: Path) -> None:
    table = pd.read_csv(results / "regressions.csv")
    table.loc[3, "slope"] += 1e-5
    write_table(table, results / "regressions.csv")


def drop_row(results: Path) -> None:
    write_table(pd.read_csv(results / "models.csv")[1:], results / "models.csv")


def change_verdict(results: Path) -> None:
    claims = json.loads((results / "claims.json").read_text())
    claims[0]["verdict"] = (
        "not reproduced" if claims[0]["verdict"] == "reproduced" else "reproduced"
    )
    (results / "claims.json").write_text(json.dumps(claims))


def change_figure(results: Path) -> None:
    claims = json.loads((results / "claims.json").read_text())
    figures = [figure for claim in claims for figure in claim["figures"] if figure["value"]]
    figures[0]["value"] += 1e-5 * max(1.0, abs(figures[0]["value"]))
    (results / "claims.json").write_text(json.dumps(claims))


def change_measurements(results: Path) -> None:
    """Forge the measures of a cell, and let all that follows from them follow."""
    path = results / MEASURES / f"{CELL}.csv"
    trajectories = results / "trajectories" / f"{CELL}.nc"
    write_measures(trajectories, expand(experiment())[CELL], path)
    table = pd.read_csv(path, dtype={FINGERPRINT: str})
    write_table(table.assign(speed=table.speed * 1.5), path)
    forged = Results.measured(experiment(), results)
    for name in TABLES:
        write_table(getattr(forged, name), results / f"{name}.csv")
    write_claims(judge(forged), results / "claims.json")


def claims_changed(change: Callable[[list[dict[str, Any]]], object]) -> Callable[[Path], None]:
    """Return what changes the content of ``claims.json``."""

    def rewrite(results: Path) -> None:
        claims = json.loads((results / "claims.json").read_text(encoding="utf-8"))
        change(claims)
        (results / "claims.json").write_text(json.dumps(claims), encoding="utf-8")

    return rewrite


def first_figures(claims: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the figures of the first claim that has several."""
    found: list[dict[str, Any]] = next(c["figures"] for c in claims if len(c["figures"]) > 2)
    return found


def count_more(claims: list[dict[str, Any]]) -> None:
    """Change the first number in the range of a claim."""
    claim = next(one for one in claims if re.search(r"\d", one["range"]))
    before, number, after = re.split(r"(\d+)", claim["range"], maxsplit=1)
    claim["range"] = f"{before}{int(number) + 1}{after}"


OF_CLAIMS: dict[str, tuple[Callable[[list[dict[str, Any]]], object], str]] = {
    "no figure": (lambda claims: first_figures(claims).pop(), "figures is "),
    # One number compares with any number of others.
    "one figure": (lambda claims: first_figures(claims).__delitem__(slice(1, None)), "figures is "),
    "name": (lambda claims: first_figures(claims)[0].update(name="speed"), "figures is "),
    "unit": (lambda claims: first_figures(claims)[0].update(unit="km"), "figures is "),
    "source": (lambda claims: first_figures(claims)[0].update(source="a/b.nc"), "figures is "),
    "statement": (lambda claims: claims[0].update(statement="x"), "C1: statement is 'x', expected"),
    "test": (lambda claims: claims[1].update(test="x"), "C2: test is 'x', expected"),
    "range": (lambda claims: claims[2].update(range="x"), "C3: range is 'x', expected"),
    "count": (count_more, ": range is "),
    "meaning": (lambda claims: claims[-1].update(meaning="x"), "meaning is 'x', expected"),
    "twice": (lambda claims: claims.append(claims[0]), "C1: there twice"),
}


@pytest.mark.parametrize("kind", OF_CLAIMS)
def test_all_that_is_told_of_a_claim_is_compared(results: Path, kind: str) -> None:
    change, told = OF_CLAIMS[kind]
    claims_changed(change)(results)
    check = check_verdicts(Results.measured(experiment(), results))
    assert len(check.failures) == 1
    assert told in check.failures[0]


def test_of_simulations_that_cost_too_much_the_first_layers_are_compared(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mechcore.verification.simulations.MOST_MULTIPLY_ADDS", 5 * OVERHEAD)

    def simulations() -> Check:
        cells, chance = expand(experiment()), np.random.default_rng(0)
        return check_simulations(cells, results, Sampling(None, chance))

    check = simulations()
    assert check.holds
    # The one that rounding decides is not yet decided there.
    assert (check.compared, check.in_part, check.excused) == (10, 10, 0)
    # Of layer 12 nothing is known.
    change_simulation(results)
    change_end(results)
    assert simulations().holds
    path = results / "trajectories" / f"{CELL}.nc"
    dataset = read_dataset(path)
    dataset["mu_x"][0, 0, 1, 2] += 1e-8
    write_dataset(dataset, path)
    assert not simulations().holds


def test_no_simulation_runs_for_hours() -> None:
    full = expand(load_experiment(PROJECT / "config/full.yaml")).values()
    huge = Cell(kernel="dct", activation="relu", size=11, betas=[0.5], steps=2000)
    for cell in (*full, huge):
        for pattern in cell.patterns:
            layers = affordable_layers(cell, pattern, MOST_MULTIPLY_ADDS)
            assert reference_cost(cell, pattern)[:layers].sum() <= MOST_MULTIPLY_ADDS
            assert (layers == cell.steps) is (cell is not huge)


def test_rounding_may_decide_a_whole_sample() -> None:
    check = Check(name="simulations", statement="", compared=0, excused=4)
    assert check.holds
    assert not check.model_copy(update={"excused": 0}).holds
    certificate = verify_nothing()
    assert not certificate.holds
    assert certificate.model_copy(update={"checks": [check]}).holds


def verify_nothing() -> Certificate:
    """Return a certificate without checks."""
    return Certificate(
        experiment="small",
        cells=[],
        checks=[],
        code=current_code([]),
        environment=current_environment(),
    )


@pytest.mark.parametrize(
    ("change", "check", "told"),
    [
        (change_measurements, "tables", "metrics.csv: "),
        (change_simulation, "simulations", f"{CELL}, "),
        (change_end, "simulations", "extinct_at is 12, expected never"),
        (change_table, "tables", "regressions.csv: 1 of"),
        (drop_row, "tables", "models.csv: "),
        (change_verdict, "verdicts", "C1: "),
        (change_figure, "verdicts", ", expected "),
    ],
)
def test_what_is_wrong_is_found_and_named(
    results: Path, change: Callable[[Path], None], check: str, told: str
) -> None:
    change(results)
    certificate = verify(experiment(), results, EVERYTHING)
    assert told in failing(certificate)[check][0]
    assert all(one.limit is not None for one in certificate.checks[1:])


def test_verifying_writes_nothing_into_the_results(results: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in results.rglob("*")}
    assert verify(experiment(), results).holds
    assert {path: path.stat().st_mtime_ns for path in results.rglob("*")} == before


@pytest.fixture
def tables(simulated: Path, tmp_path: Path) -> Path:
    """Give the tables of finished results, as they lie beside a report."""
    (tmp_path / "tables").mkdir()
    for path in simulated.glob("*.csv"):
        shutil.copy(path, tmp_path / "tables")
    return tmp_path / "tables"


def test_results_without_trajectories_are_no_tables_alone(results: Path) -> None:
    shutil.rmtree(results / "trajectories")
    (check,) = verify(experiment(), results).checks
    assert check.name == "files"
    assert any(f"{CELL}.nc: missing" in line for line in check.failures)


def test_the_sample_of_tables_alone_follows_from_them(tables: Path) -> None:
    seeds = {verify(experiment(), tables, Extent(1)).seed for _ in range(2)}
    assert seeds == {int(file_sha256(tables / "regressions.csv")[:12], 16)}
    change_table(tables)
    assert verify(experiment(), tables, Extent(1)).seed not in seeds


def test_fits_that_were_taken_away_are_told(tables: Path) -> None:
    table = pd.read_csv(tables / "regressions.csv")
    write_table(table[table.cell != CELL], tables / "regressions.csv")
    certificate = verify(experiment(), tables)
    (check,) = certificate.checks
    assert check.failures == [f"{CELL}: 0 rows, expected {(table.cell == CELL).sum()}"]
    assert check.limit is not None


def test_the_command_tells_what_fails_and_ends_with_1(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change_table(results)
    output = results / CERTIFICATE_FILE
    words = ["verify", "--experiment", json.dumps(CONFIG), "--results", str(results)]
    words += ["--cells", "1", "--simulations", "1", "-o", str(output)]
    codes = []
    for more in ([], ["--exit-zero"]):
        with pytest.raises(SystemExit) as ended:
            main([*words, *more])
        codes.append(ended.value.code)
    assert codes == [1, 0]
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "NOT verified"
    assert "tables: FAILS" in "".join(said)
    found = read_certificate(output)
    assert found is not None
    assert not found.holds


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--cells", "0"], "cells: 0 is not allowed"),
        (["--simulations", "-1"], "simulations: -1 is not allowed"),
        (["--seed", "-1"], "seed: -1 is not allowed"),
        (["--results", "absent"], "absent: no such folder"),
    ],
)
def test_bad_input_is_one_line(
    simulated: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["verify", "--experiment", json.dumps(CONFIG), "--results", str(simulated), *words])
    assert ended.value.code == 2
    assert told in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "expected an archive alone, or --experiment with --results"),
        (["a.zip", "--results", "a"], "expected an archive alone, or --experiment with"),
        (["--experiment", "a.yaml"], "expected an archive alone, or --experiment with"),
        (["a.zip", "--record", "b", "-o", "c"], "record: 'b' is not allowed, expected one of"),
        (["--experiment", "a", "--results", "b", "--record", "c"], "record: 'c' is not allowed"),
    ],
)
def test_words_that_do_not_go_together_are_refused(
    capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["verify", *words])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def page_of(planned: Experiment, results: Path) -> tuple[str, str]:
    """Return the page and the summary of results, without figures: they take seconds to draw."""
    evidence = Results.load(planned, results)
    claims = read_claims(results / CLAIMS_FILE)
    content = Content(claims, [], {}, verification_of(evidence))
    return render(evidence, content), summary(evidence, content)


def test_the_report_shows_the_certificate_of_its_results_and_no_other(results: Path) -> None:
    certificate = verify(experiment(), results, Extent(2, 1))
    write_settings(certificate, results / CERTIFICATE_FILE)
    page, _ = page_of(experiment(), results)
    assert "✓ Verified." in page
    assert "NOT VERIFIED" not in page
    assert certificate.cells[0] in page.split('id="verification"')[1].split("</section>")[0]
    write_settings(certificate.model_copy(update={"sweep": "0" * 12}), results / CERTIFICATE_FILE)
    assert verification_of(Results.load(experiment(), results)) is None


@pytest.mark.parametrize("name", ["models.csv", "claims.json", "controls.nc"])
def test_a_certificate_is_none_of_files_that_changed_since(results: Path, name: str) -> None:
    found = Results.load(experiment(), results)
    certificate = verify(experiment(), results, Extent(1, 1))
    assert name in certificate.files
    write_settings(certificate, results / CERTIFICATE_FILE)
    assert verification_of(found) is not None
    with (results / name).open("ab") as file:
        file.write(b"\n")
    assert verification_of(found) is None


def test_the_report_cries_out_if_a_check_fails(results: Path) -> None:
    change_verdict(results)
    write_settings(verify(experiment(), results, Extent(1, 1)), results / CERTIFICATE_FILE)
    page, told = page_of(experiment(), results)
    assert "NOT VERIFIED" in page
    assert "✓ Verified." not in page
    assert "**NOT VERIFIED.**" in told


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the project of an experiment whose commands left records."""
    folder = tmp_path_factory.mktemp("recorded")
    make(folder)
    return folder


@pytest.fixture
def project(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a copy of it that a test may spoil, and work there."""
    copy = shutil.copytree(recorded, tmp_path / "project")
    monkeypatch.chdir(copy)
    return copy


def certified_page() -> tuple[str, str]:
    """Return the page and the summary of that experiment with its certificate."""
    planned = load_experiment("config/tiny.yaml")
    write_settings(verify(planned, RESULTS, Extent(1, 1)), RESULTS / CERTIFICATE_FILE)
    return page_of(planned, RESULTS)


@pytest.mark.usefixtures("project")
def test_a_file_that_is_not_as_it_was_written_is_told_by_the_report() -> None:
    change_verdict(RESULTS)
    page, told = certified_page()
    assert "NOT VERIFIED" in page
    assert "results/tiny/claims.json: not as mechcore judge wrote it" in page
    assert "nothing was computed again" in page
    assert "Simulations of 0" not in page
    assert "  - results/tiny/claims.json: not as mechcore judge wrote it" in told


@pytest.mark.usefixtures("project")
def test_a_record_that_was_taken_away_is_told() -> None:
    planned = load_experiment("config/tiny.yaml")
    assert verify(planned, RESULTS, Extent(1, 1)).holds
    record_file(RESULTS, "judge").unlink()
    (failure,) = failing(verify(planned, RESULTS))["files"]
    assert failure.startswith("results/tiny/provenance/judge.json: missing")


@pytest.mark.usefixtures("project")
def test_outside_of_a_checkout_the_report_tells_the_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(provenance, "git_commit", lambda: None)
    section = certified_page()[0].split('id="verification"')[1].split("</section>")[0]
    assert f"By mechcore {__version__} on" in section


def test_a_certificate_of_results_that_cannot_be_read_is_none_of_these(results: Path) -> None:
    write_settings(verify(experiment(), results, Extent(1, 1)), results / CERTIFICATE_FILE)
    evidence = Results.load(experiment(), results)
    assert verification_of(evidence) is not None
    for path in (results / "trajectories").iterdir():
        path.write_bytes(b"")
    assert verification_of(evidence) is None


def test_a_certificate_is_read_as_it_was_written(simulated: Path, tmp_path: Path) -> None:
    certificate = verify(experiment(), simulated, Extent(1, 1))
    write_settings(certificate, tmp_path / "certificate.json")
    assert read_certificate(tmp_path / "certificate.json") == certificate
    assert read_certificate(tmp_path / "absent.json") is None
    (tmp_path / "certificate.json").write_text('{"experiment": "small"}')
    with pytest.raises(MechcoreError, match="cells: missing"):
        read_certificate(tmp_path / "certificate.json")


NAN = float("nan")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ([1.0, NAN], [1.0, NAN], True),
        ([1.0, NAN], [1.0, 2.0], False),
        ([1.0, np.inf], [1.0, np.inf], True),
        ([1.0, np.inf], [1.0, -np.inf], False),
        ([1e-20, 1.0], [3e-20, 1.0], True),
        ([1e9, 1.0], [1e9 + 1, 1.0], True),
        ([0.0, 1.0], [1e-5, 1.0], False),
        (["a", "b"], ["a", "b"], True),
        (["a", "b"], ["a", "c"], False),
        ([True, False], [True, True], False),
    ],
)
def test_columns_are_compared_by_the_size_of_their_numbers(
    first: list[object], second: list[object], same: bool
) -> None:
    tables = (pd.DataFrame({"column": values}) for values in (first, second))
    assert compared_table(*tables, "table").holds is same


def test_the_criterion_of_a_perfect_line_is_rounding() -> None:
    def table(criterion: float, residual: float) -> pd.DataFrame:
        return pd.DataFrame({"aic": [criterion], "worst_residual": [residual]})

    perfect = compared_table(table(-800.0, 1e-16), table(-790.0, 2e-16), "fits")
    assert (perfect.failures, perfect.compared, perfect.excused) == ([], 1, 1)
    assert not compared_table(table(-80.0, 0.1), table(-79.0, 0.1), "fits").holds


def test_a_sample_has_no_repeats_and_keeps_the_order() -> None:
    for seed in range(20):
        found = drawn(range(50), 10, np.random.default_rng(seed))
        assert found == sorted(set(found))
        assert len(found) == 10


def test_claims_that_nobody_judged_are_no_claims(results: Path) -> None:
    claims = json.loads((results / "claims.json").read_text())
    (results / "claims.json").write_text(json.dumps(claims[1:]))
    assert len(read_claims(results / "claims.json")) == len(claims) - 1
    assert failing(verify(experiment(), results, Extent(1, 1)))["verdicts"] == ["C1: no such claim"]
