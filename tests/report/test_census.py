"""The page of a census: its answer is that of the claim, and its tables count all layers once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from mechcore.claims.criteria import judge
from mechcore.claims.verdict import Claim
from mechcore.report.census import census_part
from mechcore.report.page import Content, render
from mechcore.report.pictures import draw_sections
from mechcore.results.results import Results
from tests.helpers.reports import Report

NETWORKS = 10


@pytest.fixture(scope="module")
def census(small: Report) -> tuple[Results, list[Claim]]:
    """Ten networks, each of the three layers of the small one, and in half of them one is fixed."""
    known = small.results.census
    trained = known[known.trained.astype(bool)]
    networks = [
        trained.assign(network=f"net{place}", fixed=(trained.number == 2) & (place % 2 == 0))
        for place in range(NETWORKS)
    ]
    results = dataclasses.replace(small.results)
    results.__dict__["census"] = pd.concat(networks, ignore_index=True)
    return results, judge(results)


def test_tables_count_every_layer_that_can_decide_once(
    census: tuple[Results, list[Claim]],
) -> None:
    results, claims = census
    part = census_part(results, claims)
    assert part is not None
    # Layers of 2x2 decide nothing, as do those that are fixed.
    layers = NETWORKS + NETWORKS // 2
    *networks, whole = (row[:2] for row in part.networks.rows)
    assert networks == [(f"net{place}", "2" if place % 2 else "1") for place in range(NETWORKS)]
    assert whole == ("all", str(layers))
    kinds = {row[0]: row[1] for row in part.layers.rows}
    assert kinds == {
        "first": str(NETWORKS),
        "full": str(layers - NETWORKS),
        "5×5": str(NETWORKS),
        "other sizes": str(layers - NETWORKS),
        "first third": str(NETWORKS),
        "middle": str(layers - NETWORKS),
        "all": str(layers),
    }
    assert f"In the mean over {NETWORKS} networks" in part.answer


def test_the_page_opens_with_the_census(
    tmp_path: Path, census: tuple[Results, list[Claim]]
) -> None:
    results, claims = census
    sections = draw_sections(results, tmp_path)
    page, _, summary = render(results, Content(claims, sections, {}))
    part = census_part(results, claims)
    assert part is not None
    for text in (page, summary):
        assert "Do DC and gradients dominate the kernels of trained networks?" in text
        assert "How fast does" not in text
    first, _, rest = page.partition("</header>")
    assert part.answer in first
    assert 'id="census"' in first
    assert 'id="headline"' in rest
    assert all(f"net{place}</th>" in first for place in range(NETWORKS))


def test_two_networks_are_no_census(small: Report) -> None:
    assert census_part(small.results, judge(small.results)) is None
