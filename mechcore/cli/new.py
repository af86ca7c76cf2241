"""``mechcore new``: a folder for a study, with the workflow, a configuration and profiles."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer
import yaml

from mechcore.errors import MechcoreError
from mechcore.experiment.config import load_experiment

EXAMPLES = """Examples:

  mechcore new my-study
"""

PACKAGE = Path(__file__).parents[1]

CONFIG = "config/config.yaml"


def command(
    folder: Annotated[Path, typer.Argument(help="The folder to make; its name is the study's.")],
) -> None:
    """Make a folder with the workflow, a small grid and profiles, ready to run."""
    new_study(folder)
    typer.echo(f"{folder}: edit {CONFIG}; then: cd {folder} && snakemake --cores 2")


def new_study(folder: Path) -> None:
    """Make a study, whole or not at all."""
    if folder.exists() or not folder.parent.is_dir():
        raise MechcoreError(f"{folder}: expected a new folder in one that exists")
    # A wheel carries the workflow; in a checkout it is beside the package.
    source = PACKAGE / "study" if (PACKAGE / "study").is_dir() else PACKAGE.parent
    grid = (source / CONFIG).read_text(encoding="utf-8")
    grid = grid.replace("experiment: study", f"experiment: {folder.name}")
    # The name may be none that an experiment can have.
    load_experiment(yaml.safe_load(grid))
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as name:
        draft = Path(name, "study")
        for part in ("workflow", "profiles"):
            shutil.copytree(source / part, draft / part)
        (draft / CONFIG).parent.mkdir()
        (draft / CONFIG).write_text(grid, encoding="utf-8")
        draft.rename(folder)
