"""A small experiment with its report, drawn once for all tests that only look at it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mechcore.experiment.config import Experiment
from mechcore.experiment.paths import APPENDIX_FILE
from mechcore.report.page import write_report
from mechcore.results.results import Results
from tests.helpers.experiments import run

SMALL: dict[str, object] = {
    "experiment": "small",
    "kernels": ["dct"],
    "activations": ["relu", "modulus"],
    "sizes": [2, 3],
    "patterns": ["delta", "disc", {"name": "gaussian", "sigma": 2.0}],
    "betas": {"start": 0, "stop": 1, "count": 11},
    "steps": 12,
    "snapshots": {"layers": [0, 12], "window": 33},
    "engine": "reference",
    "filter_banks": [
        {
            "weights": "resources/banks/digits.safetensors",
            "untrained": "resources/banks/digits-untrained.safetensors",
        }
    ],
    "slices_per_layer": 2,
}


@dataclass(frozen=True)
class Report:
    experiment: Experiment
    folder: Path
    page: Path

    @cached_property
    def results(self) -> Results:
        return Results.load(self.experiment, self.folder)

    @property
    def appendix(self) -> Path:
        return self.page.with_name(APPENDIX_FILE)

    @cached_property
    def text(self) -> str:
        return self.page.read_text(encoding="utf-8")


def report_in(folder: Path, experiment: Experiment) -> Report:
    return Report(experiment, folder / "results", folder / "report" / "index.html")


def make_report(folder: Path, config: dict[str, object]) -> Report:
    report = report_in(folder, run(folder / "results", config))
    write_report(report.experiment, report.folder, report.page)
    return report
