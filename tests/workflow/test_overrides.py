"""Settings in place of those of the file: their types, and where a mistake was made."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.helpers.projects import PROJECT, copy_project

CONFIG = """\
experiment: own
kernels: [dct]
activations: [relu, modulus]
sizes:
  - 2
  - 1
betas: [0.0, 1.0]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_project(tmp_path_factory.mktemp("own"))
    (folder / "own.yaml").write_text(CONFIG)
    (folder / "more.yaml").write_text("sizes: [2, 3]\nsteps: 1\n")
    return folder


def run(
    folder: Path, module: str, *words: str, variables: Mapping[str, str] | None = None
) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | (variables or {}),
    )
    return ended.returncode, ended.stdout + ended.stderr


def grid(folder: Path, *words: str, variables: Mapping[str, str] | None = None) -> tuple[int, str]:
    return run(folder, "mechcore", "grid", "own.yaml", *words, variables=variables)


def snakemake(folder: Path, *words: str) -> tuple[int, str]:
    return run(folder, "snakemake", "-n", "-c1", "--configfile", "own.yaml", *words)


GIVEN = (
    "sizes=[3, 2]",
    "betas={start: 0, stop: 0.5, count: 3}",
    "patterns=[{name: disc, radius: 4}]",
)


def test_settings_replace_those_of_the_file_with_their_types(project: Path) -> None:
    words = [word for setting in GIVEN for word in ("--set", setting)]
    code, told = grid(project, *words)
    assert (code, re.findall(r"^dct-\S+ +(\d+)", told, re.M)) == (0, ["3"] * 4)
    assert grid(project, variables={"MECHCORE_SET": " ".join(GIVEN)}) == (code, told)
    code, plan = snakemake(project, "--quiet", "host", "-p", "--config", *GIVEN)
    assert code == 0
    assert '"betas":[0.0,0.25,0.5]' in plan
    assert '"patterns":[{"name":"disc","arguments":{"radius":4}}]' in plan


def test_make_passes_settings_on_without_a_shell(project: Path) -> None:
    text = "print-set:\n\t@printenv MECHCORE_SET\n"
    (project / "own.mk").write_text(f"include {PROJECT / 'Makefile'}\n{text}")
    words = ["make", "-s", "-f", "own.mk", "print-set", "SET=sizes=[2] $(touch seen)`touch seen`"]
    ended = subprocess.run(words, cwd=project, capture_output=True, text=True, check=True)
    assert ended.stdout == "sizes=[2] $(touch seen)`touch seen`\n"
    assert not (project / "seen").exists()


MISTAKES = {
    "a line of the file": (
        grid,
        (),
        "own.yaml: sizes[1]: 1 is not allowed, expected at least 2 (line 6)",
    ),
    "an option": (
        grid,
        ("--set", "sizes=[2,0]"),
        "--set: sizes[1]: 0 is not allowed, expected at ",
    ),
    "an unknown option": (
        grid,
        ("--set", "sizes=[2]", "--set", "kernel=dct"),
        "--set: 'kernel' is not a known key (did you mean 'kernels'?)",
    ),
    "no option": (
        grid,
        ("--set", "sizes"),
        "--set: 'sizes' is not allowed, expected KEY=VALUE, as",
    ),
    "Snakemake's option": (
        snakemake,
        ("--config", "sizes=[2,0]"),
        "--config: sizes[1]: 0 is not allowed, expected at least 2",
    ),
    "the second of two files": (
        snakemake,
        ("more.yaml",),
        "more.yaml: steps: 1 is not allowed, expected at least 2 (line 2)",
    ),
}


@pytest.mark.parametrize(("command", "words", "line"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_says_where_it_was_made(
    project: Path, command: object, words: tuple[str, ...], line: str
) -> None:
    assert callable(command)
    code, told = command(project, *words)
    assert code == 2
    assert [text for text in told.splitlines() if text.removeprefix("mechcore: ").startswith(line)]
