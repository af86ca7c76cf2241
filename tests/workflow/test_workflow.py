"""The workflow as a user runs it: real Snakemake on copies of the project."""

from __future__ import annotations

import ast
import os
import re
import runpy
import shutil
import subprocess
import sys
import time
from importlib.metadata import packages_distributions
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import pytest
import yaml
from playwright.sync_api import expect

from mechcore.experiment.started_from import STARTED_FROM
from mechcore.io.netcdf import content_hash, read_dataset
from mechcore.results.archive import opened
from tests.helpers.browser import CHROMIUM, chromium, visit
from tests.helpers.projects import PROJECT, copy_project, snakemake

FILTERS = ("analyse_filters", "simulate_filters")
RUNS = ("simulate", "film", "controls", *FILTERS)
CELLS = ("dct-relu-k2", "dct-relu-k3", "dct-modulus-k2", "dct-modulus-k3")
AFTER_BANKS = ("judge", "verify", "report", "track")
AFTER_CELLS = ("collect", *AFTER_BANKS)

TABLES = (
    *("metrics.csv", "mechanics.csv", "kernels.csv", "regressions.csv"),
    *("pooled.csv", "cells.csv"),
)


def planned(folder: Path) -> dict[str, int]:
    """Number of jobs of each rule that a dry run announces."""
    ended = snakemake(folder, "-n")
    assert ended.returncode == 0, ended.stderr
    rows = re.findall(r"^([a-z_]+)\s+(\d+)$", ended.stdout + ended.stderr, re.MULTILINE)
    return {name: int(count) for name, count in rows if name not in {"total", "all"}}


def edit(path: Path, old: str, new: str) -> str:
    """Replace text in a file; the text must be there. Return all that was."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return text


def planned_after(folder: Path, path: Path, old: str, new: str) -> dict[str, int]:
    """Plan with an edit and take it back: a dry run changes nothing, and needs no copy."""
    text = edit(path, old, new)
    try:
        return planned(folder)
    finally:
        path.write_text(text)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_project(tmp_path_factory.mktemp("finished"))
    ended = snakemake(folder)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stderr.splitlines()
    assert any(line.startswith("4 cells, 0 done before, 4 to run, estimated ") for line in lines)
    assert [line[:18] for line in lines if "cells done" in line][-1] == "4 of 4 cells done:"
    assert {"collect done", "film dct-relu-k3 done", "analyse_filters digits done"} <= set(lines)
    return folder


@pytest.fixture
def workspace(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "project")
    return tmp_path / "project"


def test_one_command_makes_every_promised_file(finished: Path) -> None:
    results = finished / "results" / "smoke"
    assert sorted(path.stem for path in (results / "trajectories").iterdir()) == sorted(CELLS)
    for name in (*TABLES, "controls.nc", "claims.json", "tracking.json"):
        assert (results / name).is_file()
    for name in TABLES:
        copy = pd.read_parquet((results / name).with_suffix(".parquet"))
        assert list(copy) == list(pd.read_csv(results / name, nrows=0))
        assert copy.attrs["units"]
    films = [path.name for path in (results / "films").iterdir()]
    assert sorted(films) == ["dct-modulus-k3.nc", "dct-relu-k3.nc"]
    page = (finished / "reports" / "smoke" / "index.html").read_text(encoding="utf-8")
    assert "✓ Verified." in page
    assert (finished / "mlflow.db").is_file()


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_snakemakes_own_report_explains_each_figure_and_opens_its_tables(finished: Path) -> None:
    ended = snakemake(finished, "--report", "report.html")
    assert ended.returncode == 0, ended.stderr
    with chromium() as browser, visit(browser, finished / "report.html") as seen:
        entries = seen.value("Object.values(results)")
        figures = {item["name"]: item["caption"] for item in entries if item["name"][-4:] == ".svg"}
        folder = finished / "reports" / "smoke" / "figures"
        assert sorted(figures) == sorted(path.name for path in folder.glob("*.svg"))
        # Each its own, and none with a complaint of docutils.
        assert len(set(figures.values())) == len(figures)
        assert not [text for text in figures.values() if "system-message" in text]
        assert "Is (v/c)² the odd share ρ of the energy?" in figures["headline-dct.svg"]
        seen.page.get_by_text("Tables", exact=True).click()
        row = seen.page.locator("tr").filter(has_text="regressions.html")
        row.get_by_role("link").first.click()
        table = seen.page.frame_locator("iframe").get_by_role("table")
        expect(table.get_by_role("cell", name="dct-relu-k2").first).to_be_visible()
        # What Snakemake's page says of a style sheet that it contains.
        assert [text for text in seen.complaints if "tailwindcss" not in text] == []


def test_what_the_workflow_made_can_be_packed(finished: Path, tmp_path: Path) -> None:
    words = ["--experiment", "config/smoke.yaml", "--results", "results/smoke"]
    words += ["--report", "reports/smoke/index.html", "--output", str(tmp_path / "smoke.zip")]
    command = [sys.executable, "-m", "mechcore", "pack", *words]
    ended = subprocess.run(command, cwd=finished, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    with opened(tmp_path / "smoke.zip") as contents:
        packed = {path.relative_to(contents.folder) for path in contents.folder.rglob("*")}
    made = {
        path.relative_to(finished)
        for folder in ("results/smoke", "reports/smoke")
        for path in (finished / folder).rglob("*")
        # Snakemake marks folders that are an output. Nothing verifies the copies of tables.
        if path.name not in ("tracking.json", STARTED_FROM, ".snakemake_timestamp")
        and path.suffix != ".parquet"
    }
    assert made <= packed


def test_only_what_is_new_in_a_configuration_runs(finished: Path) -> None:
    config = finished / "config" / "smoke.yaml"
    rules = planned_after(finished, config, "[relu, modulus]", "[relu, modulus, identity]")
    assert (rules["simulate"], rules["simulate_filters"]) == (2, 1)
    rules = planned_after(finished, config, "slices_per_layer: 4", "slices_per_layer: 5")
    assert set(rules) == {"simulate_filters", *AFTER_BANKS}
    published = "experiment: smoke\npublished: resources/published"
    assert set(planned_after(finished, config, "experiment: smoke", published)) == {
        *("reproduce", *AFTER_BANKS)
    }


def test_an_added_activation_ends_in_the_bytes_of_a_whole_run(
    workspace: Path, tmp_path: Path
) -> None:
    whole = copy_project(tmp_path / "whole")
    for folder in (workspace, whole):
        edit(folder / "config" / "smoke.yaml", "[relu, modulus]", "[relu, modulus, leaky_relu]")
        ended = snakemake(folder, "--until", "report")
        assert ended.returncode == 0, ended.stderr
    # How long cells took is in cells.csv, how much was verified in that time on the page.
    made = ["results/smoke/**/*.nc", "results/smoke/*.csv", "reports/smoke/figures/*.svg"]
    names = {path.relative_to(whole) for pattern in made for path in whole.glob(pattern)}
    names -= {Path("results/smoke/cells.csv")}
    assert len(names) > 30
    for name in (*names, "results/smoke/claims.json"):
        assert (workspace / name).read_bytes() == (whole / name).read_bytes(), name


COMPUTING = ("io", "model", "engines", "experiment", "simulation")
AFTER_VERDICTS = {"verify", "report", "track"}


@pytest.mark.parametrize(
    ("room", "rules"),
    [
        *((room, {*RUNS, *FILTERS, *AFTER_CELLS}) for room in COMPUTING),
        ("analysis", {*FILTERS, *AFTER_CELLS}),
        ("filters", {*FILTERS, "judge", *AFTER_VERDICTS}),
        *((room, {"judge", *AFTER_VERDICTS}) for room in ("jobs", "results", "claims")),
        ("verification", {"verify", "report", "track"}),
        ("report", {"report", "track"}),
        ("tracking", {"track"}),
        ("cli", set()),
    ],
)
def test_an_edit_reruns_its_room_and_those_above(
    finished: Path, room: str, rules: set[str]
) -> None:
    path = next((finished / "mechcore" / room).glob("[!_]*.py"))
    line = "from __future__ import annotations\n"
    assert set(planned_after(finished, path, line, f"{line}\nADDED = 1\n")) == rules


DELETED = {
    "trajectories/dct-relu-k2.nc": "simulate",
    "filters/digits.nc": "analyse_filters",
    "kernels.csv": "collect",
    "controls.nc": "controls",
    "certificate.json": "verify",
}


def test_what_was_deleted_is_made_again(finished: Path) -> None:
    paths = [finished / "results" / "smoke" / name for name in DELETED]
    aside = {path: path.rename(path.with_suffix(".aside")) for path in paths}
    try:
        # As of results that were moved to another disk, which is gone.
        paths[0].symlink_to("nowhere")
        plan = planned(finished)
    finally:
        for path, moved in aside.items():
            moved.rename(path)
    assert set(DELETED.values()) <= set(plan)
    assert plan["simulate"] == 1


def test_neither_comments_nor_times_run_anything(workspace: Path, rng: np.random.Generator) -> None:
    for path in (workspace / "mechcore").rglob("*.py"):
        path.write_text(path.read_text() + "\n\n# A comment.\n")
    month, now = 30 * 86400, time.time()
    for folder in ("results", "reports", "config"):
        for path in sorted((workspace / folder).rglob("*.*")):
            # Before the project began, of the clock of another machine, and all between.
            moment = rng.choice([now - 400 * month, rng.uniform(now - month, now + month)])
            os.utime(path, (moment, moment))
    assert planned(workspace) == {}


PACKED = ("--config", "pack=true", "--group-components", "cells-10s=1000")


def test_packed_cells_on_one_core_give_the_same_bits_and_a_finished_one_is_not_computed_again(
    finished: Path, workspace: Path
) -> None:
    results, target = Path("results") / "smoke", "results/smoke/metrics.csv"
    kept = workspace / results / "finished"
    kept.mkdir()
    # As when a packed job has failed, and Snakemake removed the files of all its cells.
    intact, damaged = (f"{name}.nc" for name in CELLS[:2])
    for name in (intact, damaged):
        (workspace / results / "trajectories" / name).rename(kept / name)
    with netCDF4.Dataset(kept / damaged, "a") as file:
        file["mu_x"][...] = file["mu_x"][...] + 1e-12
    inode = (kept / intact).stat().st_ino
    ended = snakemake(workspace, *PACKED, "--forcerun", "simulate", "--", target, cores=1)
    assert ended.returncode == 0, ended.stderr
    logs = [workspace / "logs" / "smoke" / "simulate" / f"{cell}.log" for cell in CELLS]
    assert ["finished before" in log.read_text() for log in logs] == [True, False, False, False]
    assert (workspace / results / "trajectories" / intact).stat().st_ino == inode
    for name in ("metrics.csv", "mechanics.csv", "kernels.csv"):
        assert (finished / results / name).read_bytes() == (workspace / results / name).read_bytes()
    for cell in CELLS:
        path = results / "trajectories" / f"{cell}.nc"
        first, second = read_dataset(finished / path), read_dataset(workspace / path)
        assert content_hash(first) == content_hash(second) == first.attrs["content_sha256"]
    # All are collected: nothing has two names.
    assert not kept.exists()
    # How cells are packed runs nothing again.
    again = snakemake(workspace, "-n", "--", target)
    assert "Nothing to be done" in again.stdout + again.stderr


def test_any_scheduler_runs_the_configuration_of_the_command_line(tmp_path: Path) -> None:
    folder = copy_project(tmp_path)
    (folder / "own.yaml").write_text(
        "experiment: own\nkernels: [dct]\nactivations: [relu]\nsizes: [2]\nbetas: [0, 1]\n"
    )
    words = ["--executor", "cluster-generic", "--cluster-generic-submit-cmd", "qsub", "--jobs", "9"]
    words += ["--printshellcmds", "--quiet", "host", *PACKED]
    ended = snakemake(folder, "-n", *words, config="own.yaml")
    assert ended.returncode == 0, ended.stderr
    text = ended.stdout + ended.stderr
    # In place of the default configuration.
    assert '"snapshots":{"layers":[]' in text
    assert "disc" not in text
    rules = "".join(path.read_text() for path in (PROJECT / "workflow").rglob("*.smk"))
    assert not re.findall(r"slurm|sbatch", rules, re.IGNORECASE)


def test_a_failed_cell_ends_in_a_table_and_keeps_the_others(tmp_path: Path) -> None:
    folder = copy_project(tmp_path)
    edit(
        folder / "mechcore" / "simulation" / "run.py",
        "    kernels = cell_kernels(cell)\n",
        "    kernels = cell_kernels(cell)\n"
        "    if cell.activation == 'modulus':\n"
        "        raise RuntimeError('out of luck')\n",
    )
    ended = snakemake(folder, "--", "results/smoke/metrics.csv")
    assert ended.returncode == 1
    table = ended.stdout + ended.stderr
    assert "2 of 4 cells done, 2 failed" in table
    log = "logs/smoke/simulate/dct-modulus-k2.log"
    assert re.search(rf"dct-modulus-k2\s+RuntimeError: out of luck\s+{log}", table)
    made = sorted(path.name for path in (folder / "results/smoke/trajectories").iterdir())
    assert made == ["dct-relu-k2.nc", "dct-relu-k3.nc"]
    # Snakemake would show an exception, and the command that can be read in the rule.
    assert "RuleException" not in ended.stderr


def test_arrays_are_asked_for_with_the_settings_of_the_default_profile() -> None:
    settings, arrays = (
        yaml.safe_load((PROJECT / "profiles" / name / "profile.yaml").read_text())
        for name in ("default", "slurm-arrays")
    )
    assert settings.items() <= arrays.items()


def test_a_failed_report_is_in_the_table(workspace: Path) -> None:
    edit(
        workspace / "mechcore" / "report" / "page.py",
        "    sections = draw_sections(results.reference, output.parent)\n",
        "    raise RuntimeError('out of ink')\n",
    )
    ended = snakemake(workspace, "--", "reports/smoke/index.html")
    assert ended.returncode == 1
    table = ended.stdout + ended.stderr
    assert "4 of 4 cells done, 0 failed" in table
    assert re.search(r"report\s+RuntimeError: out of ink\s+logs/smoke/report.log", table)


def test_the_conda_environment_is_generated_and_has_what_jobs_import() -> None:
    folder = PROJECT / "workflow" / "envs"
    generate = runpy.run_path(str(folder / "generate.py"))
    text = (folder / "mechcore.yaml").read_text("utf-8")
    assert text == generate["environment"]()
    dependencies = yaml.safe_load(text)["dependencies"]
    installed = {dependency.split()[0].replace("_", "-") for dependency in dependencies}
    # With these come those of numba, jinja2, MLflow and Snakemake.
    brought = {"llvmlite", "markupsafe", "requests", "sqlalchemy", "starlette", "pydantic-core"}
    # What the user chooses by GPU, and what runs on the login node or in a notebook.
    elsewhere = {"torch", "dask", "rocrate", "snakemake-interface-logger-plugins"}
    known = installed | brought | elsewhere
    assert [names for names in third_party_imports() if not names & known] == []


def third_party_imports() -> list[set[str]]:
    """The distributions that may hold each package that is imported, as lock files name them."""
    trees = [ast.parse(path.read_text("utf-8")) for path in (PROJECT / "mechcore").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {item.name for node in nodes if isinstance(node, ast.Import) for item in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    tops = {name.partition(".")[0] for name in names} - {*sys.stdlib_module_names, "mechcore"}
    found = packages_distributions()
    return [{name.lower().replace("_", "-") for name in found[top]} for top in sorted(tops)]
