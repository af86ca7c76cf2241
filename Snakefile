"""Table of contents of the workflow; the stages are in workflow/rules, settings in config."""

from snakemake.utils import min_version

min_version("9.19")


# A configuration on the command line replaces this one as a whole.
if not workflow.overwrite_configfiles:

    configfile: "config/paper.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/filters.smk"
include: "workflow/rules/networks.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/analyse.smk"
include: "workflow/rules/verify.smk"
include: "workflow/rules/publish.smk"


rule all:
    """Make all results, the report and the runs of MLflow."""
    default_target: True
    input:
        report=expand(
            "reports/{experiment}/index.html", experiment=EXPERIMENT.experiment
        ),
        tracking=expand(
            "results/{experiment}/tracking.json", experiment=EXPERIMENT.experiment
        ),
        # What only finished stages need would not be made again after it was deleted.
        results=[
            named(EXPERIMENT)
            for named in (
                *(TRAJECTORIES, FILM_FILES, ANALYSES, BANK_RUNS),
                *(NETWORK_FILES, TRAJECTORIES_OF_RUNS),
            )
        ],
        tables=expand(
            [
                path
                for tables in (TABLES, REPRODUCTION, CENSUS, NETWORK_LAYERS, TRAINING)
                for path in (*tables, *as_parquet(tables))
            ],
            experiment=EXPERIMENT.experiment,
        ),
        descriptions=expand(
            "results/{experiment}/{name}",
            experiment=EXPERIMENT.experiment,
            name=[
                "controls.nc",
                "claims.json",
                "sweep.json",
                "cells.csv",
                "cells.parquet",
                "certificate.json",
            ],
        ),
