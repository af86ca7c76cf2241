"""Configuration to grid, and what the rules need of it: the only Python of the workflow."""

import logging
import os
import re
import shlex
import shutil
import sys
from functools import cache
from pathlib import Path

from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent

from mechcore.experiment.films import film_cells
from mechcore.experiment.config import load_experiment
from mechcore.report.figures.registry import figure_stems
from mechcore.errors import MechcoreError
from mechcore.experiment.banks import BANK_ID, filter_run, planned_banks
from mechcore.io.fingerprint import code_fingerprint
from mechcore.experiment.grid import expand as expand_grid
from mechcore.jobs.damage import damaged_files, planned_files
from mechcore.experiment.naming import CELL_ID
from mechcore.jobs.status import was_interrupted
from mechcore.jobs.packing import MINUTES_KEY, megabytes, pack, parsed_minutes
from mechcore.jobs.stages import core_hash
from mechcore.tracking.uri import without_password

# `.venv/bin/snakemake` works without an activated environment: jobs find the same Python first.
os.environ.update(
    PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
)
if workflow.remote_exec:
    # A home directory is slow for a thousand nodes, and would keep machine code for each of them.
    os.environ.setdefault("MECHCORE_ON_NODE", "1")


def checked(parse, given):
    """What a setting means; a mistake ends the run before any job starts."""
    try:
        return parse(given)
    except MechcoreError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


# Of the machine, not of the science: a profile sets it.
MINUTES_PER_JOB = checked(parsed_minutes, config.pop(MINUTES_KEY, 0))
# On the command line, a file replaces that of the Snakefile.
CONFIG_NAME = [Path("config"), *workflow.configfiles, *workflow.overwrite_configfiles][
    -1
]
# As people write it: Snakemake makes it absolute.
CONFIG_NAME = str(CONFIG_NAME).removeprefix(f"{Path.cwd()}{os.sep}")
EXPERIMENT = checked(lambda given: load_experiment(given, CONFIG_NAME), config)
EXPERIMENT_JSON = EXPERIMENT.without_tracking().to_json()
GRID_JSON = EXPERIMENT.without_banks().to_json()
CELLS = expand_grid(EXPERIMENT)
FILMS = film_cells(EXPERIMENT)
BANKS = planned_banks(EXPERIMENT)
PLACES = {}
if MINUTES_PER_JOB:
    from mechcore.jobs.cost import estimated_cost

    COSTS = {name: estimated_cost(cell) for name, cell in CELLS.items()}
    PLACES = pack(
        {name: cost.seconds for name, cost in COSTS.items()}, 60 * MINUTES_PER_JOB
    )
    # The profile asks for `cells=...` components: as many as there are, of each batch.
    workflow.parent_groupids.update({place.batch: "cells" for place in PLACES.values()})


wildcard_constraints:
    experiment=re.escape(EXPERIMENT.experiment),
    cell=CELL_ID,
    bank=BANK_ID,


def cell_json(wildcards):
    """The values of one cell: what its job gets, and the only thing whose change runs it again."""
    if wildcards.cell not in CELLS:
        raise ValueError(f"{wildcards.cell} is not a cell of this configuration")
    return CELLS[wildcards.cell].to_json()


def cell_batch(wildcards):
    """The job that a cell shares with others; a cell that takes long is a job of its own."""
    place = PLACES.get(wildcards.cell)
    return place.batch if place and place.cells > 1 else None


def cell_minutes(wildcards, attempt):
    """Minutes of a cell: those of the cells of a job add up to a generous limit."""
    return attempt * PLACES[wildcards.cell].minutes if PLACES else 60 * attempt


def cell_megabytes(wildcards, attempt):
    """Memory of a cell, with all that it holds at once; more if it was not enough."""
    return attempt * (megabytes(COSTS[wildcards.cell]) if PLACES else 1000)


def film_json(wildcards):
    """The values of a film: a cell with snapshots, which is not on the grid."""
    if wildcards.cell not in FILMS:
        raise ValueError(f"{wildcards.cell} is not a film of this configuration")
    return FILMS[wildcards.cell].to_json()


def planned_bank(wildcards):
    """A bank of the configuration."""
    if wildcards.bank not in BANKS:
        raise ValueError(f"{wildcards.bank} is not a bank of this configuration")
    return BANKS[wildcards.bank]


def bank_weights(wildcards):
    """The weight file of a bank."""
    return planned_bank(wildcards).weights


def bank_megabytes(wildcards, attempt):
    """Memory for a bank: its weights, a dozen columns of every kernel, and copies."""
    weights = os.path.getsize(planned_bank(wildcards).weights) // 10**6
    return attempt * (1500 + 20 * weights)


def bank_layout(wildcards):
    """The order of the axes in the weight file of a bank."""
    return planned_bank(wildcards).layout


def bank_run_json(wildcards):
    """How the kernels of a bank run: what its job gets, and whose change runs it again."""
    return filter_run(EXPERIMENT, planned_bank(wildcards)).to_json()


def bank_files(wildcards):
    """What is known of all banks: of untrained ones, which do not run, the analysis alone."""
    trained = [name for name, bank in BANKS.items() if bank.trained]
    analysed, run = (
        f"results/{wildcards.experiment}/{folder}/{{bank}}.nc"
        for folder in ("filters", "filter_runs")
    )
    return expand(analysed, bank=BANKS) + expand(run, bank=trained)


def film_files(wildcards):
    """The films that the report shows."""
    return expand(
        "results/{experiment}/films/{cell}.nc",
        experiment=wildcards.experiment,
        cell=FILMS,
    )


def figure_file(stem, title):
    """A figure of the report, with what `snakemake --report` says of it."""
    return report(
        f"reports/{{experiment}}/{stem}.svg",
        caption="../report/figure.rst",
        category="Figures",
        subcategory=title,
        labels={"figure": title, "file": stem},
    )


def trajectory_files(wildcards):
    """The trajectories of all cells."""
    return expand(
        "results/{experiment}/trajectories/{cell}.nc",
        experiment=wildcards.experiment,
        cell=CELLS,
    )


@cache
def force_damaged():
    """Tell of results that are not whole, which Snakemake would take as done, and run them again."""
    found = checked(
        lambda planned: damaged_files(
            planned,
            Path("results", EXPERIMENT.experiment),
            remember=not workflow.dryrun,
        ),
        planned_files(EXPERIMENT, CELLS, FILMS, BANKS),
    )
    for path, reason in found.items():
        print(f"{path}: {reason}; it is computed again", file=sys.stderr)
    workflow.dag.forcefiles.update(found)


def no_damage(wildcards):
    """No file. Snakemake asks for inputs before it looks which results are there."""
    # Jobs ask as well, on their own; so does what runs nothing, as `--report`.
    if workflow.is_main_process and workflow.execution_settings:
        force_damaged()
    return []


ON_INTERRUPT = "Terminating processes on user request"
NOT_ALL = "At least one job did not complete successfully"
"""What Snakemake says after Ctrl-C, and as its last word on any failure."""

# Bytes: what did not fit is removed before anybody looks, so that some are free.
LITTLE_SPACE = 2**20


class CellProgress(logging.Handler):
    """Tells how many cells are done of how many, and shows the log of a job that failed."""

    def __init__(self):
        super().__init__()
        self.jobs = {}
        self.done = len(CELLS)
        self.interrupted = False
        self.events = {
            LogEvent.RUN_INFO: self.on_plan,
            LogEvent.JOB_INFO: self.on_job,
            LogEvent.JOB_FINISHED: self.on_finished,
            LogEvent.JOB_ERROR: self.on_error,
            LogEvent.GROUP_ERROR: self.on_group_error,
        }

    def emit(self, record):
        if "Directory cannot be locked" in record.getMessage():
            self.tell(
                "If no other one runs here, this clears the lock: "
                + shlex.join(["snakemake", "--unlock", *sys.argv[1:]])
            )
        if record.getMessage().startswith(ON_INTERRUPT):
            self.interrupted = True
        elif self.interrupted and NOT_ALL in record.getMessage():
            self.tell("interrupted: the same command goes on")
        react = self.events.get(getattr(record, "event", None))
        if react:
            react(record)

    def on_plan(self, record):
        waiting = int(record.stats.get("simulate", 0))
        self.done = len(CELLS) - waiting
        self.tell(f"{len(CELLS)} cells, {self.done} done before, {waiting} to run")

    def on_job(self, record):
        self.jobs[record.jobid] = (record.rule_name, dict(record.wildcards or {}))

    def on_finished(self, record):
        name, wildcards = self.jobs.get(record.job_id, ("all", {}))
        if name == "simulate":
            self.done += 1
            self.tell(f"{self.done} of {len(CELLS)} cells done: {wildcards['cell']}")
        elif name != "all":
            # Films, banks: several jobs of one rule.
            which = "".join(
                f" {wildcards[key]}" for key in ("cell", "bank") if key in wildcards
            )
            self.tell(f"{name}{which} done")

    def on_group_error(self, record):
        # Snakemake drops what a cluster says of the end of such a job; its output tells.
        count = len(record.job_error_info)
        self.tell(
            f"a job of {count} cells failed: {' '.join(map(str, record.aux_logs))}"
        )
        for path in map(Path, record.aux_logs):
            for line in (
                path.read_text(errors="replace").splitlines() if path.is_file() else ()
            ):
                if re.match(r"\w+: error: ", line):
                    self.tell(line)

    def on_error(self, record):
        if record.indent:
            # One of many cells of a job: it may be finished, or not have begun.
            return
        logs = {
            path: path.read_text(errors="replace")
            for path in map(Path, record.log)
            if path.is_file()
        }
        ends = [
            was_interrupted(log) or self.interrupted and not log
            for log in logs.values()
        ]
        if any(ends) or self.interrupted and not logs:
            return
        self.tell(f"{record.rule_name} failed: {' '.join(record.log)}")
        # What a cluster knows of a job that it ended, of which the log says nothing: TIMEOUT, ...
        if getattr(record, "rule_msg", None):
            self.tell(record.rule_msg)
        for path in map(Path, record.log):
            if path in logs:
                print(logs[path], file=sys.stderr)
            self.tell_of_full_disk(path.parent)

    def tell_of_full_disk(self, folder):
        # There the log lies as well, which then says nothing.
        if folder.is_dir() and shutil.disk_usage(folder).free < LITTLE_SPACE:
            self.tell(f"{folder}: no space left on this disk, or next to none")

    def tell(self, text):
        print(text, file=sys.stderr, flush=True)


def worth_showing(record):
    """Whether a person wants this line of Snakemake's; its log file keeps all of them."""
    told_better = getattr(record, "event", None) in (
        LogEvent.JOB_FINISHED,
        LogEvent.PROGRESS,
    )
    ended = NOT_ALL in record.getMessage() and any(
        getattr(handler, "interrupted", False) for handler in logger.handlers
    )
    return not (told_better or ended) and not record.getMessage().startswith(
        ("Select jobs", "Execute ", "RuleException")
    )


# The Snakefile is read more than once in some modes, the logger is one.
if not any(type(handler).__name__ == "CellProgress" for handler in logger.handlers):
    for handler in logger.handlers:
        if handler.name == "DefaultStreamHandler":
            handler.addFilter(worth_showing)
    logger.addHandler(CellProgress())


onerror:
    shell(r"""
        python -m mechcore status \
            --experiment {EXPERIMENT_JSON:q} \
            --results results/{EXPERIMENT.experiment:q} \
            --logs logs/{EXPERIMENT.experiment:q} \
            --report reports/{EXPERIMENT.experiment:q}/index.html
        """)
