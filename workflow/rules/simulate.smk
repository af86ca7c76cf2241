"""Simulation: one job a cell."""


rule simulate:
    output:
        "results/{experiment}/trajectories/{cell}.nc",
    log:
        "logs/{experiment}/simulate/{cell}.log",
    benchmark:
        "logs/{experiment}/benchmarks/simulate/{cell}.tsv"
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        cell=cell_json,
        core=code_fingerprint("mechcore.simulation"),
    shell:
        r"""
        python -m mechcore simulate \
            --cell {params.cell:q} \
            --output {output:q} \
            >{log:q} 2>&1
        """
