"""The commands behind the tiles of the grid."""

from __future__ import annotations

from itertools import pairwise

from mechcore.experiment.config import load_experiment
from mechcore.report.grid_map import commands, template_cell
from tests.helpers.reports import SMALL


def test_commands_name_every_setting_that_is_not_the_default() -> None:
    changed = {"boundary": "wrap", "domain": 33, "seed": 7, "normalise": "peak", "t_burn": 4}
    patterns = ["disc", {"name": "gaussian", "sigma": 2.0}]
    plan = load_experiment(SMALL | changed | {"patterns": patterns})
    shown = commands(plan)
    pairs = dict(pairwise(shown.alone.replace("\\\n", " ").split()))
    for name, value in (changed | {"engine": "reference"}).items():
        assert pairs[f"--{name.replace('_', '-')}"] == str(value)
    assert "--density" not in pairs
    assert shown.patterns == {"disc": "disc", "gaussian-sigma2": ""}
    assert template_cell(plan) == "{family}-{activation}-k{size}-wrap"
