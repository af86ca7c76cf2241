"""Published numbers beside ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mechcore.claims.reproduction import COLUMNS, KINDS, published_numbers, reproduce
from mechcore.experiment.published import read_protocols
from tests.helpers.projects import PROJECT

PUBLISHED = PROJECT / "resources" / "published"
NEED_WEIGHTS = ("vgg16", "resnet", "vgg_", "motivation_diagrams")
"""Parts of the names of figures that need weights or ImageNet."""


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return reproduce(PUBLISHED)


def test_nearly_all_published_numbers_come_out_and_the_others_are_explained(
    table: pd.DataFrame,
) -> None:
    assert tuple(table.columns) == COLUMNS
    assert len(table) > 3000
    assert table.within.mean() >= 0.99
    assert table.note[~table.within].str.len().min() > 0


def test_all_that_needs_no_weights_is_there(table: pd.DataFrame) -> None:
    figures = set(published_numbers(PUBLISHED).figure)
    free = {name for name in figures if not any(part in name for part in NEED_WEIGHTS)}
    assert free <= set(table.figure)
    assert {protocol.kind for protocol in read_protocols(PUBLISHED)} == set(KINDS)


def test_one_number_alone_is_that_of_all(table: pd.DataFrame) -> None:
    figure = "propagation_experiments/figures/bipolar_circle_relu_3x3/bipolar_circle_3x3__relu_1"
    alone = reproduce(PUBLISHED, figure, "mu_x", "beta^2 = 1, t = 25")
    (row,) = alone.to_dict("records")
    same = table[
        (table.figure == row["figure"]) & (table.quantity == "mu_x") & (table["at"] == row["at"])
    ]
    assert (row["published"], row["ours"]) == (18.49, same.ours.item())
    assert row["within"]


def test_other_numbers_do_not_agree(tmp_path: Path) -> None:
    for path in PUBLISHED.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    numbers = pd.read_csv(tmp_path / "numbers.csv")
    # By one in the last digit that is printed.
    numbers.value += np.where(numbers.quantity == "mu_x", 0.01, 0.0)
    numbers.to_csv(tmp_path / "numbers.csv", index=False)
    changed = reproduce(tmp_path, "propagation_experiments/figures/unipolar_single", "mu_x")
    assert len(changed) > 50
    assert not changed.within.any()
