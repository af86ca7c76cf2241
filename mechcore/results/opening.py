"""Opens the results of an experiment by their folder, for a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mechcore.analysis.units import units_of
from mechcore.errors import MechcoreError
from mechcore.experiment.config import Experiment, load_experiment
from mechcore.experiment.paths import SWEEP_FILE
from mechcore.results.results import TABLES, Results
from mechcore.results.sweep import read_sweep


def open_results(
    folder: str | Path, config: str | Path | Mapping[str, object] | None = None
) -> Results:
    """Open the results of an experiment.

    Parameters
    ----------
    folder : path
        Folder of the results, as ``results/paper``.
    config : path or mapping, optional
        The configuration; that of ``sweep.json`` by default, outside of the project's folder
        without banks and published numbers, whose files are not found there. With it, results that
        are not finished are measured and fitted now.

    Returns
    -------
    Results
        Tables ``metrics, mechanics, kernels, regressions, pooled`` as DataFrames, whose units are
        in ``attrs["units"]``; ``trajectories`` as one `xarray.Dataset` with the dimensions kernel,
        activation, size, pattern, angle, beta, t; ``plot()`` draws the headline figure. All but the
        tables is read when it is used. Settings that the configuration lists, as the boundary, are
        columns of the tables and dimensions of the dataset; ``combinations`` has the results of
        each combination of them.

    Raises
    ------
    MechcoreError
        If there are no results, or if they were made with other settings.
    """
    path = Path(folder)
    if not path.is_dir():
        raise MechcoreError(f"{folder}: no such folder, expected the results of an experiment")
    whole = all((path / f"{name}.csv").is_file() for name in TABLES)
    if config is None:
        if not (path / SWEEP_FILE).is_file():
            raise MechcoreError(
                f"{path / SWEEP_FILE}: missing: the experiment is not finished; "
                "open it with config='config/NAME.yaml'"
            )
        results = Results.load(_planned(path), path)
    else:
        results = (Results.load if whole else Results.measured)(load_experiment(config), path)
    for name in TABLES:
        table = getattr(results, name)
        table.attrs["units"] = units_of(table)
    return results


def _planned(folder: Path) -> Experiment:
    """The configuration of finished results; elsewhere without what needs its files of weights."""
    config = read_sweep(folder).config
    beside: dict[str, object] = {"filter_banks": [], "published": None}
    try:
        return load_experiment(config)
    except MechcoreError:
        return load_experiment(config | beside)
