"""The data beside the page: the tables of fits, and of what is no table among the results."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from mechcore.analysis.tables import DIGITS, write_table
from mechcore.claims.verdict import Claim, write_claims
from mechcore.experiment import paths
from mechcore.io.atomic import replace_file
from mechcore.report.page_files import CONTROLS_TABLE, FITS, TABLES_FOLDER, page_files
from mechcore.results.results import TABLES, Results

ALIASES = {paths.CONTROLS_FILE: CONTROLS_TABLE}
"""Files of results, and the tables beside the page that hold their numbers."""

OTHERS = {
    CONTROLS_TABLE: "controls",
    paths.CENSUS_FILE: "census",
    paths.NETWORKS_FILE: "network_layers",
    paths.TRAINING_FILE: "training",
    paths.TRAINING_TESTS_FILE: "training_tests",
}
"""Tables beside the page that are no fits, by the attributes of `Results`."""

HEAD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Table</title>
<style>
table { border-collapse: collapse; font: .8rem sans-serif; }
th { position: sticky; top: 0; background: #fff; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid #ddd; }
th, td { text-align: right; white-space: nowrap; }
</style>
"""


def write_data(
    results: Results, claims: list[Claim], folder: Path, *, partial: bool = False
) -> dict[str, str]:
    """Write the tables beside the page, and return where the page links to each.

    Tables with a row a simulation or a kernel may be large: they stay among the results. Those of
    an unfinished experiment are not there, or are of an earlier grid: then they are written, too.
    """
    beside = TABLES if partial else FITS
    planned = page_files(results.experiment)
    tables = {f"{name}.csv": getattr(results, name) for name in beside}
    tables |= {name: getattr(results, table) for name, table in OTHERS.items() if name in planned}
    for name, table in tables.items():
        write_table(table, folder / name, DIGITS)
        if not partial:
            _write_for_browsers(table, folder / TABLES_FOLDER / f"{Path(name).stem}.html")
    write_claims(claims, folder / paths.CLAIMS_FILE)
    large = [f"{name}.csv" for name in TABLES if name not in beside]
    large += [paths.REPRODUCTION_FILE] if results.experiment.published else []
    links = {name: _link(results.folder / name, folder) for name in large}
    links |= {name: name for name in (*tables, paths.CLAIMS_FILE)}
    return links | {name: links.get(table, "") for name, table in ALIASES.items()}


def _write_for_browsers(table: pd.DataFrame, file: Path) -> None:
    """They would download CSV; Snakemake's own report shows this."""
    form = f"{{:.{DIGITS}g}}".format
    text = HEAD + str(table.to_html(index=False, border=0, na_rep="", float_format=form))
    replace_file(file, lambda draft: draft.write_text(text, encoding="utf-8"))


def _link(file: Path, folder: Path) -> str:
    return Path(os.path.relpath(file, folder)).as_posix() if file.is_file() else ""
