"""Published numbers beside ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mechcore.claims.published_kinds import KINDS
from mechcore.claims.reproduction import published_numbers, reproduce, summary
from mechcore.errors import MechcoreError
from mechcore.experiment.published import REPRODUCTION_COLUMNS, Protocol, read_protocols
from tests.helpers.projects import PROJECT
from tests.helpers.published import copy_published

PUBLISHED = PROJECT / "resources" / "published"
NEED_WEIGHTS = ("vgg16", "resnet", "vgg_", "motivation_diagrams")
"""Parts of the names of figures that need weights or ImageNet."""

PAGE = (PROJECT / "docs" / "paper.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return reproduce(PUBLISHED)


def test_nearly_all_published_numbers_come_out_and_the_others_are_explained(
    table: pd.DataFrame,
) -> None:
    assert tuple(table.columns) == REPRODUCTION_COLUMNS
    assert len(table) > 3000
    assert table.within.mean() >= 0.99
    assert table.note[~table.within].str.len().min() > 0


def test_all_that_needs_no_weights_is_there(table: pd.DataFrame) -> None:
    figures = set(published_numbers(PUBLISHED).figure)
    free = {name for name in figures if not any(part in name for part in NEED_WEIGHTS)}
    assert free <= set(table.figure)
    assert {protocol.kind for protocol in read_protocols(PUBLISHED)} == set(KINDS)


def test_the_command_of_a_number_computes_that_number_alone(table: pd.DataFrame) -> None:
    # Two of the figures of noise would take most of the time.
    cheap = table[~table.title.str.startswith("Noise")]
    for row in cheap.groupby("title").sample(1, random_state=1).itertuples():
        alone = reproduce(PUBLISHED, row.figure, row.quantity, row.at)
        assert len(alone) == 1
        assert alone.ours.item() == pytest.approx(row.ours, rel=1e-12, abs=1e-12)  # other batches
        assert f"--quantity {row.quantity}" in row.command.replace("'", "")


def test_other_numbers_do_not_agree(tmp_path: Path) -> None:
    folder = copy_published(tmp_path)
    numbers = pd.read_csv(folder / "numbers.csv")
    # By one in the last digit that is printed.
    numbers.value += np.where(numbers.quantity == "mu_x", 0.01, 0.0)
    numbers.to_csv(folder / "numbers.csv", index=False)
    changed = reproduce(folder, "propagation_experiments/figures/unipolar_single", "mu_x")
    assert len(changed) > 50
    assert not changed.within.any()
    assert summary(changed).agree.sum() == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: snapshots", "kind: snapshot", "kind: 'snapshot' .*did you mean 'snapshots'"),
        ("kernel: laplace", "kernel: laplce", "kernel: 'laplce' .*did you mean 'laplace'"),
    ],
)
def test_a_mistake_in_a_protocol_is_one_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    protocols = copy_published(tmp_path) / "protocols.yaml"
    protocols.write_text(protocols.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(MechcoreError, match=f"^[^\n]*{message}[^\n]*$"):
        reproduce(protocols.parent, "propagation_experiments/Laplace")


def page_rows(table: pd.DataFrame, protocols: list[Protocol]) -> Iterator[str]:
    """The rows of docs/paper.md: what is computed again, and how much of it agrees."""
    for protocol in protocols:
        for name in protocol.figures:
            rows = table[table.figure.str.startswith(name) & (table.title == protocol.title)]
            command = f"`mechcore reproduce --figure {name}`"
            yield f"| {protocol.title} | {command} | {rows.within.sum()} of {len(rows)} |"


def test_the_page_of_the_paper_says_how_many_numbers_agree(table: pd.DataFrame) -> None:
    for row in page_rows(table, read_protocols(PUBLISHED)):
        assert row in PAGE
    assert f"**{table.within.sum():,} of {len(table):,}**" in PAGE
    widened = int(summary(table).beyond.sum())
    assert f"{table.within.sum() - widened:,} to the precision of print, {widened:,} within" in PAGE
    published = published_numbers(PUBLISHED)
    assert f"{len(published) - len(table):,} published numbers need" in PAGE
    left = re.findall(r"^\| `([a-z0-9_]+)/` \|.*\| ([\d,]+) \|$", PAGE, re.MULTILINE)
    folders = published.figure.str.split("/").str[0].value_counts()
    done = table.figure.str.split("/").str[0].value_counts()
    rest = folders.sub(done, fill_value=0).astype(int)
    assert {name: int(count.replace(",", "")) for name, count in left} == rest[rest > 0].to_dict()
