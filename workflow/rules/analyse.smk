"""Analysis: trajectories to tables."""


rule collect:
    input:
        trajectories=trajectory_files,
    output:
        "results/{experiment}/metrics.csv",
    log:
        "logs/{experiment}/collect.log",
    benchmark:
        "logs/{experiment}/benchmarks/collect.tsv"
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        experiment=EXPERIMENT_JSON,
        core=code_fingerprint("mechcore.tables"),
    shell:
        r"""
        python -m mechcore collect \
            --experiment {params.experiment:q} \
            --trajectories results/{wildcards.experiment:q}/trajectories \
            --output {output:q} \
            >{log:q} 2>&1
        """


rule regress:
    input:
        metrics="results/{experiment}/metrics.csv",
    output:
        "results/{experiment}/regressions.csv",
    log:
        "logs/{experiment}/regress.log",
    benchmark:
        "logs/{experiment}/benchmarks/regress.tsv"
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        boundary=EXPERIMENT.boundary,
        core=code_fingerprint("mechcore.regressions"),
    shell:
        r"""
        python -m mechcore regress \
            --metrics {input.metrics:q} \
            --boundary {params.boundary:q} \
            --output {output:q} \
            >{log:q} 2>&1
        """
