"""The netCDF files of a finished experiment, and what each of them must say of its making."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mechcore.errors import MechcoreError
from mechcore.experiment.banks import PlannedBank, filter_run, planned_banks
from mechcore.experiment.cell import Cell
from mechcore.experiment.config import Experiment
from mechcore.experiment.controls import controls_settings
from mechcore.experiment.films import film_cells
from mechcore.experiment.grid import expand
from mechcore.experiment.paths import BANK_RUNS, BANKS, CONTROLS_FILE, FILMS, TRAJECTORIES
from mechcore.io.hashes import file_sha256, settings_sha256
from mechcore.io.netcdf import read_dataset
from mechcore.simulation.checks import differing_attributes
from mechcore.simulation.reading import read_trajectories


@dataclass(frozen=True)
class ExpectedFile:
    """What a result file should be."""

    path: str
    """In the folder of the results of the experiment."""
    cell: Cell | None = None
    """The cell whose trajectories it holds."""
    title: str | None = None
    """Its title, if it belongs to no cell."""
    made_of: Mapping[str, str] = field(default_factory=dict)
    """Attributes that state what it was made of, if it belongs to no cell."""


def expected_files(experiment: Experiment) -> list[ExpectedFile]:
    """Return all netCDF files of an experiment."""
    controls = {"config_sha256": settings_sha256(controls_settings(experiment))}
    kinds = {TRAJECTORIES: expand(experiment), FILMS: film_cells(experiment)}
    return [
        *(
            ExpectedFile(f"{folder}/{name}.nc", cell)
            for folder, cells in kinds.items()
            for name, cell in cells.items()
        ),
        ExpectedFile(CONTROLS_FILE, made_of=controls),
        *(
            file
            for bank in planned_banks(experiment).values()
            for file in _bank_files(experiment, bank)
        ),
    ]


def _bank_files(experiment: Experiment, bank: PlannedBank) -> list[ExpectedFile]:
    path = Path(bank.weights)
    # An archive may come without the weights.
    weights = {"weights_sha256": file_sha256(path)} if path.is_file() else {}

    def expected(folder: str, title: str, settings: Mapping[str, object]) -> ExpectedFile:
        made_of = weights | {"config_sha256": settings_sha256(settings)}
        return ExpectedFile(
            f"{folder}/{bank.name}.nc", title=f"{title} of {path.name}", made_of=made_of
        )

    analysis = expected(BANKS, "Kernels", {"layout": bank.layout})
    if not bank.trained:
        return [analysis]
    settings = filter_run(experiment, bank).to_mapping()
    return [analysis, expected(BANK_RUNS, "Trajectories of kernels", settings)]


def problem(results: Path, expected: ExpectedFile) -> str:
    """Read a file and return what is wrong with it in one line, which is empty for a sound file."""
    path = results / expected.path
    if path.exists() and not path.is_file():
        return f"{path}: not a file"
    try:
        if expected.cell:
            read_trajectories(path, expected.cell)
        else:
            _check_making(path, expected)
    except MechcoreError as error:
        return " ".join(str(error).splitlines())
    return ""


def _check_making(path: Path, expected: ExpectedFile) -> None:
    attributes = read_dataset(path).attrs
    if attributes.get("title") != expected.title:
        raise MechcoreError(f"{path}: holds something else ({attributes.get('title')})")
    other = differing_attributes(attributes, expected.made_of)
    if other:
        told = ", ".join(other)
        raise MechcoreError(f"{path}: made of something else ({told}), expected this configuration")
