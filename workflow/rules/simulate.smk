"""Simulation: one job a cell, and what runs beside the grid."""


# Cells that are packed into a job share its fate, but not their work: mechcore/jobs/resume.py.
rule simulate:
    input:
        no_damage,
    output:
        "results/{experiment}/trajectories/{cell}.nc",
    log:
        "logs/{experiment}/simulate/{cell}.log",
    benchmark:
        "logs/{experiment}/benchmarks/simulate/{cell}.tsv"
    group:
        cell_batch
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=cell_megabytes,
        runtime=cell_minutes,
    params:
        cell=cell_json,
        core=code_fingerprint("simulation"),
    shell:
        r"""
        python -m mechcore simulate \
            --cell {params.cell:q} \
            --output {output:q} \
            >{log:q} 2>&1
        """


# The same command as for a cell of the grid: one angle, few betas, many snapshots.
rule film:
    input:
        no_damage,
    output:
        "results/{experiment}/films/{cell}.nc",
    log:
        "logs/{experiment}/films/{cell}.log",
    benchmark:
        "logs/{experiment}/benchmarks/films/{cell}.tsv"
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        cell=film_json,
        core=code_fingerprint("simulation"),
    shell:
        r"""
        python -m mechcore simulate \
            --cell {params.cell:q} \
            --output {output:q} \
            >{log:q} 2>&1
        """


rule controls:
    input:
        no_damage,
    output:
        "results/{experiment}/controls.nc",
    log:
        "logs/{experiment}/controls.log",
    benchmark:
        "logs/{experiment}/benchmarks/controls.tsv"
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        experiment=GRID_JSON,
        core=code_fingerprint("simulation"),
    shell:
        r"""
        python -m mechcore controls \
            --experiment {params.experiment:q} \
            --output {output:q} \
            >{log:q} 2>&1
        """
