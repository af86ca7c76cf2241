"""Commands of short jobs, which the process of another one runs."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

import pytest

from mechcore.jobs.ahead import FOLDER, forget_commands, list_commands, ready_file, run_ahead
from tests.helpers import disks


class Commands:
    """Commands that write their own name; some of them fail."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.begun: list[str] = []

    def words(self, name: str) -> list[str]:
        return ["write", "--output", str(self.results / "cells" / name), "--name", name]

    def run(self, words: list[str]) -> None:
        name = words[-1]
        self.begun.append(name)
        print(f"wrote {name}")
        if name.startswith("wrong"):
            raise ValueError(name)
        if name.startswith("failed"):
            raise SystemExit(2)
        if name.startswith("slow"):
            time.sleep(0.2)
        path = Path(words[2])
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
        raise SystemExit(0)

    def ready(self, name: str) -> Path:
        return self.folder / ready_file(self.words(name)[2])

    def listed(self, *names: str) -> None:
        list_commands(self.results, map(self.words, names))
        self.folder = Path(os.environ[FOLDER])


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    # Taken back after the test.
    monkeypatch.setenv(FOLDER, "")
    return Commands(tmp_path)


def run_again(commands: Commands, name: str) -> None:
    """As the job of a command does, in a process of its own."""
    os.environ[FOLDER] = str(commands.folder)
    run_ahead(commands.words(name), commands.run)


def test_a_job_does_what_others_would_do_and_leaves_files_and_logs(commands: Commands) -> None:
    commands.listed("one", "two", "three")
    run_again(commands, "two")
    assert commands.begun == ["two", "one", "three"]
    assert Path(commands.words("two")[2]).read_text() == "two"
    for name in ("one", "three"):
        assert commands.ready(name).read_text() == name
        assert commands.ready(name).with_name(f"{name}.log").read_text() == f"wrote {name}\n"
        assert not Path(commands.words(name)[2]).exists()
    # Each is begun once.
    run_again(commands, "one")
    assert Path(commands.words("one")[2]).read_text() == "one"
    assert commands.begun == ["two", "one", "three"]
    forget_commands(commands.results)
    assert not commands.folder.exists()


def test_a_job_waits_for_the_process_that_runs_its_command(
    commands: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.listed("one", "slow")
    other = multiprocessing.get_context("fork").Process(target=run_again, args=(commands, "one"))
    other.start()
    while not (commands.folder / "1.begun").exists():
        time.sleep(0.01)
    run_again(commands, "slow")
    other.join()
    assert Path(commands.words("slow")[2]).read_text() == "slow"
    assert capsys.readouterr().out == "wrote slow\n"
    assert commands.begun == []


@pytest.mark.parametrize("bad", ["failed", "wrong"])
def test_what_fails_is_left_to_its_own_job(commands: Commands, bad: str) -> None:
    commands.listed("one", bad, "three")
    run_again(commands, "one")
    assert commands.begun == ["one", bad]
    with pytest.raises((SystemExit, ValueError)):
        run_again(commands, bad)
    assert commands.begun == ["one", bad, bad]


def test_a_command_that_is_not_listed_does_nothing_more(commands: Commands) -> None:
    commands.listed("one")
    with pytest.raises(SystemExit) as end:
        run_again(commands, "other")
    assert not end.value.code
    assert commands.begun == ["other"]


def test_after_a_while_a_process_begins_nothing_more(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mechcore.jobs.ahead.SECONDS", -1.0)
    commands.listed("one", "two")
    run_again(commands, "one")
    assert commands.begun == ["one"]


@pytest.mark.parametrize("end", [KeyboardInterrupt, OSError, SystemExit(1)])
def test_a_job_is_done_whatever_becomes_of_the_others(
    commands: Commands, end: type[BaseException] | BaseException
) -> None:
    def run(words: list[str]) -> None:
        if words[-1] == "two":
            raise end
        commands.run(words)

    commands.listed("one", "two")
    os.environ[FOLDER] = str(commands.folder)
    # Killed, there is no end of the process to look at, but this file.
    with suppress(KeyboardInterrupt):
        run_ahead(commands.words("one"), run)
    assert commands.ready("one").with_suffix(".done").exists()
    assert not commands.ready("two").exists()


def test_a_disk_that_fills_up_fails_no_job_that_is_done(commands: Commands) -> None:
    commands.listed("one", "two")
    # Its log cannot be opened.
    shutil.rmtree(commands.ready("two").parent)
    run_again(commands, "one")
    assert commands.begun == ["one"]


def test_a_list_is_made_beside_one_that_cannot_be_removed(commands: Commands) -> None:
    # As while a job that outlived its workflow writes there. No link is removed with its files.
    (commands.results / "old").mkdir()
    (commands.results / "ahead").symlink_to("old")
    commands.listed("one", "two")
    run_again(commands, "one")
    assert commands.begun == ["one", "two"]


def test_without_space_for_a_list_each_process_does_its_own(tmp_path: Path) -> None:
    results = tmp_path / "results"
    with disks.small_disk(results, "64k") as disk:
        disk.leave(8)
        list_commands(results, [["write", "--output", "x" * 99, "--name", "y" * 9999]])
        assert FOLDER not in os.environ
        assert not (results / "ahead").exists()
