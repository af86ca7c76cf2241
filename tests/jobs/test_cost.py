"""The cost model: not how many seconds, which depends on the machine, but what costs more."""

from __future__ import annotations

import pytest

from mechcore.experiment.cell import Cell
from mechcore.jobs.cost import estimated_cost


def seconds(**settings: object) -> float:
    plain: dict[str, object] = {
        "kernel": "random",
        "activation": "relu",
        "size": 5,
        "patterns": ["disc"],
        "angles": [0, 30],
        "betas": [0.2, 0.5, 0.8],
    }
    return estimated_cost(Cell(**{**plain, **settings})).seconds


@pytest.mark.parametrize(
    "more",
    [
        {"size": 7},
        {"steps": 128},
        {"betas": [0.2, 0.5, 0.8, 0.9]},
        {"angles": [0, 30, 60]},
        {"activation": "tanh"},
        {"activation": "softplus"},
        {"boundary": "wrap", "domain": 1001},
    ],
)
def test_more_work_costs_more(more: dict[str, object]) -> None:
    assert seconds(**more) > seconds()


@pytest.mark.parametrize(
    "less",
    [
        # Angles that are copies of another one, kernels of low rank, states that are lines.
        {"kernel": "dct", "angles": [0, 90]},
        {"kernel": "dct"},
        {"kernel": "dct", "patterns": ["delta"], "angles": [0]},
    ],
)
def test_what_the_engine_saves_is_not_counted(less: dict[str, object]) -> None:
    assert seconds(**{"size": 9, **less}) < seconds(size=9)


def test_copies_cost_only_where_they_run() -> None:
    cell = {"kernel": "dct", "angles": [0, 90, 180, 270]}
    assert seconds(**cell, reuse_symmetric=False) > seconds(**cell)
    assert seconds(**cell) == seconds(kernel="dct", angles=[0])
