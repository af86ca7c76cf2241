"""Machine code on disk: jobs that start at once, folders that cannot be written or are not ours."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import mechcore
from mechcore.engines.compiled import machine_code
from mechcore.io import cache_folder
from tests.helpers.projects import PROJECT

JOB = """
import mechcore
from mechcore.engines.compiled import lines

run = mechcore.propagate(mechcore.kernel("dct", 2, beta=0.5), steps=8)
print(repr(run.mu_x.values[-1].item()), sum(lines._propagate_all.stats.cache_hits.values()))
"""

SMALL_JOB = """
from mechcore.engines.compiled.machine_code import compiled

@compiled
def doubled(number):
    return 2 * number

print(doubled(21), sum(doubled.stats.cache_hits.values()))
"""
"""Compiled in a second, as the engine is not."""


def start(job: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, job],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(job: subprocess.Popen[str]) -> list[str]:
    out, errors = job.communicate()
    assert job.returncode == 0, errors
    return out.split()


def test_jobs_that_start_at_once_share_a_cache(tmp_path: Path) -> None:
    job, folder = tmp_path / "job.py", {"NUMBA_CACHE_DIR": str(tmp_path)}
    job.write_text(SMALL_JOB)
    cold = [start(job, **folder) for _ in range(2)]
    # Whoever came later compiled it, too, or found it whole: never a part of it.
    assert {finished(process)[0] for process in cold} == {"42"}
    assert finished(start(job, **folder)) == ["42", "1"]


def test_the_engine_is_compiled_once(tmp_path: Path) -> None:
    here = mechcore.propagate(mechcore.kernel("dct", 2, beta=0.5), steps=8)
    (tmp_path / "job.py").write_text(JOB)
    assert finished(start(tmp_path / "job.py")) == [repr(here.mu_x.values[-1].item()), "1"]


def test_nothing_is_written_into_the_package() -> None:
    folder = Path(mechcore.__file__).parent
    assert not [*folder.rglob("*.nbi"), *folder.rglob("*.nbc")]


@pytest.fixture
def unwritable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # A file where a folder should be: permissions do not stop the superuser of a container.
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_jobs_without_a_cache_share_a_private_temporary_folder(unwritable: Path) -> None:
    first, second = machine_code._cache_folder(), machine_code._cache_folder()
    assert first == second
    shared = Path(first).parent
    assert shared.parent == unwritable
    assert stat.S_IMODE(shared.stat().st_mode) == 0o700


def test_a_node_of_a_cluster_keeps_machine_code_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    assert not Path(machine_code._cache_folder()).is_relative_to(tmp_path)
    monkeypatch.setenv(cache_folder.ON_NODE, "1")
    assert Path(machine_code._cache_folder()).is_relative_to(tmp_path)
    # The workflow sets it; who names a folder gets that one.
    assert cache_folder.ON_NODE in (PROJECT / "workflow" / "rules" / "common.smk").read_text()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "named"))
    assert Path(machine_code._cache_folder()).is_relative_to(tmp_path / "named")


def test_machine_code_is_not_taken_from_a_folder_that_others_can_write(unwritable: Path) -> None:
    trap = unwritable / f"mechcore-{os.getuid()}"
    trap.mkdir()
    trap.chmod(0o777)
    first, second = machine_code._cache_folder(), machine_code._cache_folder()
    assert first != second
    assert trap not in (Path(first).parent, Path(second).parent)
    assert list(trap.iterdir()) == []
