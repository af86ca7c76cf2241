"""Configuration to grid, and what the rules need of it: the only Python of the workflow."""

import gc
import os
import re
import shlex
import sys
from functools import cache
from pathlib import Path

from snakemake.logging import logger

from mechcore.errors import MechcoreError
from mechcore.experiment.banks import filter_run, planned_banks
from mechcore.experiment.config import load_experiment
from mechcore.experiment.films import film_cells
from mechcore.experiment.grid import expand as expand_grid
from mechcore.experiment.input_files import published_files
from mechcore.experiment.naming import CELL_ID, ENTRY_ID, FILE_ID
from mechcore.experiment.networks import planned_networks
from mechcore.experiment.training import planned_runs, trained_before
from mechcore.experiment.overrides import SNAKEMAKE, Origin, typed
from mechcore.experiment.started_from import check_started_from, note_started_from
from mechcore.io.cache_folder import require_room
from mechcore.io.code_state import announce_code_state
from mechcore.io.fingerprint import code_fingerprint
from mechcore.io.portable_names import check_folder
from mechcore.io.yaml_files import read_yaml
from mechcore.jobs.ahead import LONGEST, forget_commands, list_commands, ready_file
from mechcore.jobs.clocks import touch_future
from mechcore.jobs.cost import estimated_cost
from mechcore.jobs.packing import PACK, cell_megabytes, cell_minutes
from mechcore.jobs.packing import checked_pack, cost_class
from mechcore.jobs.progress import is_trajectory, show_progress
from mechcore.jobs.signals import end_by_signals
from mechcore.report.page_files import page_files
from mechcore.tracking.uri import without_password

# The plan of ten thousand jobs is millions of objects, none of them garbage: looking through them
# again and again takes a sixth of the time of `snakemake -n`.
gc.set_threshold(1_000_000)
# `.venv/bin/snakemake` works without an activated environment: jobs find the same Python first.
BIN = Path(sys.executable).parent
os.environ.update(PATH=f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
if workflow.remote_exec:
    # A home directory is slow for a thousand nodes, and would keep machine code for each of them.
    os.environ.setdefault("MECHCORE_ON_NODE", "1")
# Git is asked once, and not by each of a thousand jobs.
announce_code_state()


def checked(parse, *values):
    """Parse a setting; a mistake ends the run before any job starts."""
    try:
        return parse(*values)
    except MechcoreError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


for folder in (Path.cwd(), BIN):
    checked(check_folder, folder)
checked(require_room)

# Of the machine, not of the science: the profile of a scheduler sets it.
PACKED = checked(checked_pack, config.pop(PACK, False))
# Several files are read one over the other. Snakemake makes their paths absolute.
CONFIG_FILES = [
    Path(os.path.relpath(path))
    for path in workflow.overwrite_configfiles or workflow.configfiles
]
# Snakemake's own reader keeps the last of two keys, and takes 010 for 8.
for file in CONFIG_FILES:
    checked(read_yaml, file)
ON_COMMAND_LINE = {
    key: checked(typed, value)
    for key, value in workflow.config_settings.config.items()
    if key != PACK
}
ORIGIN, SETTINGS = checked(
    Origin(CONFIG_FILES, dict.fromkeys(ON_COMMAND_LINE, SNAKEMAKE)).and_settings,
    {**config, **ON_COMMAND_LINE},
    [],
)
EXPERIMENT = checked(load_experiment, SETTINGS, ORIGIN)
STARTED = CONFIG_FILES[0] if CONFIG_FILES else None
RESULTS = Path("results", EXPERIMENT.experiment)
if STARTED:
    checked(check_started_from, EXPERIMENT.experiment, STARTED, RESULTS)
EXPERIMENT_JSON = EXPERIMENT.without_tracking().to_json()
GRID_JSON = EXPERIMENT.without_banks().to_json()
CELLS = checked(expand_grid, EXPERIMENT)
FILMS = film_cells(EXPERIMENT)
BANKS = planned_banks(EXPERIMENT)
NETWORKS = planned_networks(EXPERIMENT)
RUNS = planned_runs(EXPERIMENT.training)
# The packages of weights that are fetched, by the file that they become.
PUBLIC = {bank.weights: bank.source for bank in BANKS.values() if bank.source}
PUBLIC |= {one.model: one.source for one in EXPERIMENT.networks if one.source}


wildcard_constraints:
    experiment=re.escape(EXPERIMENT.experiment),
    cell=CELL_ID,
    bank=FILE_ID,
    activation=ENTRY_ID,
    network=FILE_ID,
    run=FILE_ID,
    # Without any, a pattern that matches nothing.
    weights="|".join(map(re.escape, PUBLIC)) or "(?!)",


def planned(table, name):
    """An item of the configuration by its name."""
    if name not in table:
        raise ValueError(f"{name} is not in this configuration")
    return table[name]


def of_cell(value, table=CELLS):
    """What follows from the settings of a cell, as a function of wildcards."""
    return lambda wildcards: value(planned(table, wildcards.cell))


def of_bank(value):
    """What follows from the settings of a bank, as a function of wildcards."""
    return lambda wildcards: value(planned(BANKS, wildcards.bank))


def of_network(value):
    """What follows from the settings of a network, as a function of wildcards."""
    return lambda wildcards: value(planned(NETWORKS, wildcards.network))


def of_run(value):
    """What follows from the settings of a training, as a function of wildcards."""
    return lambda wildcards: value(planned(RUNS, wildcards.run))


def folder_of_first(wildcards, output):
    """The results: where the first output lies, also with the prefix of a module."""
    return os.path.dirname(output[0])


def files(pattern, names):
    """The files of many items; only jobs that need them list them all."""
    return lambda wildcards: expand(
        pattern, experiment=wildcards.experiment, name=names
    )


def as_parquet(tables):
    """Where tables are written as Parquet, beside the CSV."""
    return [
        f"{table.removesuffix('.csv')}.parquet"
        for table in tables
        if table.endswith(".csv")
    ]


@cache
def cell_cost(name):
    """What a cell is estimated to cost: its plan and its resources ask several times."""
    return estimated_cost(CELLS[name])


def when_packed(value, otherwise):
    """A resource of a cell, more in each attempt; without packing all cells ask for the same."""
    return lambda wildcards, attempt: attempt * (
        value(cell_cost(wildcards.cell)) if PACKED else otherwise
    )


# Its weights, a dozen columns of every kernel, and copies.
BANK_MEGABYTES = lambda wildcards, input, attempt: attempt * int(
    1500 + 20 * input.size_mb
)


# Snakemake removes the files of a job that failed, also those of finished cells in it.
def kept_finished(wildcards, output):
    """How a packed cell keeps a second link to its file."""
    results = os.path.dirname(os.path.dirname(output[0]))
    return ["--keep", os.path.join(results, "finished")] if PACKED else []


LARGEST = 20
"""MB of weights: kernels of a larger file take longer than a start, and memory."""

# Begins the command of a job whose file the process of another job may have left (jobs/ahead.py).
# If its own process is killed later, while it runs what others are to do, the job is done.
UNLESS_READY = r"""
        ready="${{MECHCORE_AHEAD:-/dev/null}}"/{params.ready:q}
        trap 'test ! -e "${{ready%.nc}}.done" || exit 0' EXIT
        mv "$ready" {output:q} 2>/dev/null && mv "$ready".log {log:q} ||
        """


def ready(wildcards, output):
    """Where that file is, if there is one."""
    return str(ready_file(output[0]))


TRAJECTORIES = files("results/{experiment}/trajectories/{name}.nc", CELLS)
FILM_FILES = files("results/{experiment}/films/{name}.nc", FILMS)
ANALYSES = files("results/{experiment}/filters/{name}.nc", BANKS)
BANK_RUNS = files(
    "results/{experiment}/filter_runs/{name}.nc",
    [name for bank in BANKS.values() for name in bank.runs.values()],
)
TRAJECTORIES_OF_RUNS = files("results/{experiment}/training/{name}.nc", RUNS)

# Files of the user stay where they are if a module puts a prefix before all others.
PUBLISHED = [local(path) for path in published_files(EXPERIMENT)]
REPRODUCTION = ["results/{experiment}/reproduction.csv"] if PUBLISHED else []
CENSUS = ["results/{experiment}/census.csv"] if BANKS else []
NETWORK_FILES = files("results/{experiment}/networks/{name}.nc", NETWORKS)
NETWORK_LAYERS = ["results/{experiment}/networks.csv"] if NETWORKS else []
TRAINING = [
    f"results/{{experiment}}/{name}"
    for name in ("training.nc", "training.csv", "training_tests.csv")
    if RUNS
]


def waiting_cells():
    """The estimated seconds of each cell that the plan runs."""
    outputs = [
        path
        for job in workflow.dag.needrun_jobs(exclude_finished=False)
        for path in job.output
    ]
    names = [Path(path).stem for path in outputs if is_trajectory(path)]
    return {name: cell_cost(name).seconds for name in names}


def can_share(job, long):
    """Whether another process can do a job: it is short, and its files are there."""
    return (
        "ready" in job.params.keys()
        and job.wildcards.get("cell") not in long
        and all(map(os.path.exists, job.input))
        and job.input.size_mb < LARGEST
    )


def short_commands():
    """The commands of the jobs that other processes can do."""
    long = {name for name, seconds in waiting_cells().items() if seconds > LONGEST}
    for job in workflow.dag.needrun_jobs():
        if can_share(job, long):
            command = job.shellcmd.partition(" -m mechcore ")[2].rpartition(" >")[0]
            yield shlex.split(command.replace("\\\n", " "))


show_progress(logger, len(CELLS), waiting_cells)
end_by_signals()


onstart:
    # Once more, as Snakemake has set a handler of its own.
    end_by_signals()
    if STARTED:
        checked(note_started_from, STARTED, RESULTS)
    # What a job makes of them would be older than they are, which Snakemake takes for a failure.
    touch_future(path for job in workflow.dag.needrun_jobs() for path in job.input)
    if workflow.local_exec and workflow.is_main_process and not PACKED:
        list_commands(RESULTS, short_commands())


onsuccess:
    forget_commands(RESULTS)


onerror:
    forget_commands(RESULTS)
    shell(r"""
        python -m mechcore status \
            --experiment {EXPERIMENT_JSON:q} \
            --results results/{EXPERIMENT.experiment:q} \
            --logs logs/{EXPERIMENT.experiment:q} \
            --report reports/{EXPERIMENT.experiment:q}/index.html
        """)
