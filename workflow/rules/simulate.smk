"""Simulation: one job a cell, and what runs beside the grid."""


rule simulate:
    """Run all simulations of one cell of the grid."""
    output:
        "results/{experiment}/trajectories/{cell}.nc",
    log:
        "logs/{experiment}/simulate/{cell}.log",
    benchmark:
        "logs/{experiment}/benchmarks/simulate/{cell}.tsv"
    group:
        of_cell(lambda cell: cost_class(cell_cost(cell.id))) if PACKED else None
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=when_packed(cell_megabytes, otherwise=1000),
        runtime=when_packed(cell_minutes, otherwise=60),
    params:
        cell=of_cell(lambda cell: cell.to_json()),
        core=code_fingerprint("simulation"),
        ready=ready,
        # Derived from the output, so that how cells are packed runs nothing again.
        options=kept_finished,
    shell:
        UNLESS_READY + r"""
        python -m mechcore simulate \
            --cell {params.cell:q} \
            --output {output:q} \
            {params.options:q} \
            >{log:q} 2>&1
        """


# One angle, few betas, many snapshots.
use rule simulate as film with:
    output:
        "results/{experiment}/films/{cell}.nc",
    log:
        "logs/{experiment}/films/{cell}.log",
    benchmark:
        "logs/{experiment}/benchmarks/films/{cell}.tsv"
    group:
        lambda wildcards: None
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        cell=of_cell(lambda cell: cell.to_json(), FILMS),
        core=code_fingerprint("simulation"),
        ready=ready,
        options=[],


rule controls:
    """Run simulations whose outcome is known."""
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
        ready=ready,
    shell:
        UNLESS_READY + r"""
        python -m mechcore controls \
            --experiment {params.experiment:q} \
            --output {output:q} \
            >{log:q} 2>&1
        """
