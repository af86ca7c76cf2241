"""Folders with published numbers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd

from tests.helpers.projects import PROJECT

FEW = (
    "distance_propagation_for_paper|Laplace|NoAct|circle_malus_grad.ipynb|rand_beta|beta_pdf|"
    "random.ipynb|random_dct_full|resnet_[a-z]*_vals"
)


def copy_published(folder: Path) -> Path:
    return Path(shutil.copytree(PROJECT / "resources" / "published", folder / "published"))


def few_published(folder: Path) -> Path:
    """A figure or two of each kind."""
    copy = copy_published(folder)
    for name in ("numbers.csv", "curves.csv"):
        table = pd.read_csv(copy / name)
        table[table.figure_file.str.contains(FEW)].to_csv(copy / name, index=False)
    return copy
