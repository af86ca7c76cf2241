"""The report shows the certificate of its results and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from mechcore.claims.verdict import read_claims
from mechcore.experiment.config import load_experiment
from mechcore.io.json_models import write_settings
from mechcore.report.page import Content, render
from mechcore.report.verification import certificate_of
from mechcore.results.results import Results
from mechcore.verification.certificate import Certificate
from mechcore.verification.experiment import Extent, verify
from tests.helpers.experiments import SMALL

CONFIG = SMALL | {"activations": ["modulus"], "sizes": [2, 3], "steps": 12}


@pytest.fixture(scope="module")
def true(simulated: Path) -> Certificate:
    return verify(load_experiment(CONFIG), simulated, Extent(2, 1))


def page_of(folder: Path, certificate: Certificate) -> tuple[str, str]:
    """Return the page and the summary of results, without figures: they take seconds to draw."""
    write_settings(certificate, folder / "certificate.json")
    results = Results.load(load_experiment(CONFIG), folder)
    content = Content(read_claims(folder / "claims.json"), [], {}, certificate_of(results))
    page, _, summary = render(results, content)
    return page, summary


def section_of(page: str) -> str:
    return page.split('id="verification"')[1].split("</section>")[0]


def test_the_report_shows_its_certificate(results: Path, true: Certificate) -> None:
    page, text = page_of(results, true)
    assert "✓ Verified." in page
    assert "✓ Verified." in text
    assert "NOT VERIFIED" not in page
    assert true.cells[0] in section_of(page)


@pytest.mark.parametrize("name", ["pooled.csv", "claims.json", "controls.nc"])
def test_a_certificate_is_not_shown_if_files_changed_since(
    results: Path, true: Certificate, name: str
) -> None:
    loaded = Results.load(load_experiment(CONFIG), results)
    write_settings(true, results / "certificate.json")
    assert certificate_of(loaded) is not None
    with (results / name).open("ab") as file:
        file.write(b"\n")
    assert certificate_of(loaded) is None


def test_a_certificate_of_other_results_is_not_shown(results: Path, true: Certificate) -> None:
    loaded = Results.load(load_experiment(CONFIG), results)
    assert certificate_of(loaded) is None
    other = true.model_copy(update={"sweep": "0" * 12})
    write_settings(other, results / "certificate.json")
    assert certificate_of(loaded) is None
    write_settings(true, results / "certificate.json")
    for path in (results / "trajectories").iterdir():
        path.write_bytes(b"")
    assert certificate_of(loaded) is None


def test_the_report_opens_with_an_alarm_if_a_check_fails(results: Path, true: Certificate) -> None:
    line = "claims.json: not as mechcore judge wrote it"
    failed = true.checks[0].model_copy(update={"failures": [line]})
    update = {"sweep": None, "seed": None, "cells": [], "checks": [failed]}
    page, text = page_of(results, true.model_copy(update=update))
    assert "NOT VERIFIED" in page
    assert "✓ Verified." not in page
    assert line in section_of(page)
    assert "nothing was recomputed" in page
    assert "Simulations of 0" not in page
    assert "**NOT VERIFIED.**" in text
    assert f"  - {line}" in text.replace("files: ", "")
