# The workflow, from the folder of the project.
include: "workflow/Snakefile"


# Snakemake takes the default target of no file that is included.
workflow.default_target = rules.all.rule.name
