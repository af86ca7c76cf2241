"""Table of contents of the workflow; the stages are in workflow/rules, settings in config."""

from snakemake.utils import min_version

min_version("9.19")


# A configuration on the command line replaces this one as a whole.
if not workflow.overwrite_configfiles:

    configfile: "config/default.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/filters.smk"
include: "workflow/rules/analyse.smk"
include: "workflow/rules/verify.smk"
include: "workflow/rules/publish.smk"


rule all:
    default_target: True
    input:
        report=expand(
            "reports/{experiment}/index.html", experiment=EXPERIMENT.experiment
        ),
        tracking=expand(
            "results/{experiment}/tracking.json", experiment=EXPERIMENT.experiment
        ),
