"""``python -m tests.faults`` writes the figures of docs/trust.md and README.md.

Alone it counts the corpus. With names of parts it runs their tests, and writes how many cases
passed, when, and at which commit: ``python -m tests.faults input disks kills``.
"""

from __future__ import annotations

import argparse
import datetime
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.faults import test_kills
from tests.faults.test_bad_input import CORPUS, STATED
from tests.helpers.projects import PROJECT


class Passed:
    """Counts tests that pass, as a plugin of pytest."""

    def __init__(self) -> None:
        self.count = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.count += report.when == "call" and report.passed


@dataclass(frozen=True)
class Part:
    """A row of the table of docs/trust.md."""

    title: str
    tests: tuple[str, ...]
    count: Callable[[Passed], int] = lambda passed: passed.count
    """The figure, once all tests have passed."""


PARTS = {
    "input": Part(
        "bad input that ends in one line",
        ("tests/faults/test_bad_input.py::test_bad_input_ends_in_one_line",),
    ),
    "disks": Part(
        "full and read-only disks",
        ("tests/faults/test_disks_full.py",),
    ),
    "kills": Part(
        "kills at random moments",
        ("tests/faults/test_kills.py", "tests/faults/test_workflow.py"),
        lambda _: test_kills.KILLS,
    ),
}


def run(part: Part) -> int:
    """Run the tests of a part and return its figure, or end if one of them fails."""
    passed = Passed()
    # Hypothesis is imported before pytest could rewrite its asserts.
    words = ["-q", "-W", "ignore::pytest.PytestAssertRewriteWarning", *part.tests]
    if pytest.main(words, plugins=[passed]):
        sys.exit(f"{part.title}: a test failed, nothing is written")
    return part.count(passed)


def replace(name: str, pattern: str, text: str) -> None:
    """Write a text in the place of what a document has there."""
    path = PROJECT / name
    before = path.read_text("utf-8")
    assert len(re.findall(pattern, before, re.MULTILINE)) == 1, (name, pattern)
    path.write_text(re.sub(pattern, lambda _: text, before, flags=re.MULTILINE), encoding="utf-8")
    print(f"{name}: {text}")


def main() -> None:
    """Count, run and write."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []])
    words = parser.parse_args()
    for name, (before, after) in STATED.items():
        pattern = re.escape(before) + r"\d+" + re.escape(after)
        replace(name, pattern, f"{before}{len(CORPUS)}{after}")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True
    ).stdout.strip()
    for name in words.parts:
        title, count = PARTS[name].title, run(PARTS[name])
        when = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {commit}"
        replace(
            "docs/trust.md", rf"^\| {re.escape(title)} \|.*$", f"| {title} | {count} | {when} |"
        )


if __name__ == "__main__":
    main()
