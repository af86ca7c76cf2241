"""Analysis: trajectories to tables, tables to fits and verdicts."""


# Seconds on finished tables: on a cluster each would wait longer than it runs. The others run
# simulations again or fit for minutes, which does not belong on a login node.
localrules:
    collect,
    judge,
    summarise,


# After an edit of the code that measures, it measures the trajectories itself.
rule collect:
    input:
        trajectories=TRAJECTORIES,
        measures=MEASURES,
    output:
        metrics="results/{experiment}/metrics.csv",
        mechanics="results/{experiment}/mechanics.csv",
        kernels="results/{experiment}/kernels.csv",
        record="results/{experiment}/provenance/collect.json",
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
        experiment=GRID_JSON,
        core=core_hash("collect"),
    shell:
        r"""
        python -m mechcore collect \
            --experiment {params.experiment:q} \
            --trajectories results/{wildcards.experiment:q}/trajectories \
            --measures results/{wildcards.experiment:q}/measures \
            --forget results/{wildcards.experiment:q}/finished \
            --output {output.metrics:q} \
            --mechanics {output.mechanics:q} \
            --kernels {output.kernels:q} \
            --record {output.record:q} \
            >{log:q} 2>&1
        """


rule deviations:
    input:
        trajectories=TRAJECTORIES,
    output:
        table="results/{experiment}/deviations.csv",
        record="results/{experiment}/provenance/deviations.json",
    log:
        "logs/{experiment}/deviations.log",
    benchmark:
        "logs/{experiment}/benchmarks/deviations.tsv"
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        experiment=GRID_JSON,
        core=core_hash("deviations"),
    shell:
        r"""
        python -m mechcore deviations \
            --experiment {params.experiment:q} \
            --trajectories results/{wildcards.experiment:q}/trajectories \
            --output {output.table:q} \
            --record {output.record:q} \
            >{log:q} 2>&1
        """


rule regress:
    input:
        metrics="results/{experiment}/metrics.csv",
        kernels="results/{experiment}/kernels.csv",
    output:
        regressions=report(
            "results/{experiment}/regressions.csv",
            caption="../report/regressions.rst",
            category="Tables",
            labels={"file": "regressions"},
        ),
        models=report(
            "results/{experiment}/models.csv",
            caption="../report/models.rst",
            category="Tables",
            labels={"file": "models"},
        ),
        pooled=report(
            "results/{experiment}/pooled.csv",
            caption="../report/pooled.rst",
            category="Tables",
            labels={"file": "pooled"},
        ),
        record="results/{experiment}/provenance/regress.json",
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
        core=core_hash("regress"),
    shell:
        r"""
        python -m mechcore regress \
            --metrics {input.metrics:q} \
            --kernels {input.kernels:q} \
            --output {output.regressions:q} \
            --models {output.models:q} \
            --pooled {output.pooled:q} \
            --record {output.record:q} \
            >{log:q} 2>&1
        """


rule judge:
    input:
        metrics="results/{experiment}/metrics.csv",
        mechanics="results/{experiment}/mechanics.csv",
        kernels="results/{experiment}/kernels.csv",
        regressions="results/{experiment}/regressions.csv",
        models="results/{experiment}/models.csv",
        pooled="results/{experiment}/pooled.csv",
        controls="results/{experiment}/controls.nc",
        banks=ANALYSES,
        bank_runs=BANK_RUNS,
    output:
        claims=report(
            "results/{experiment}/claims.json",
            caption="../report/claims.rst",
            category="Claims",
            labels={"file": "claims"},
        ),
        record="results/{experiment}/provenance/judge.json",
    log:
        "logs/{experiment}/judge.log",
    benchmark:
        "logs/{experiment}/benchmarks/judge.tsv"
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        experiment=EXPERIMENT_JSON,
        core=core_hash("judge"),
    shell:
        r"""
        python -m mechcore judge \
            --experiment {params.experiment:q} \
            --results results/{wildcards.experiment:q} \
            --output {output.claims:q} \
            --record {output.record:q} \
            >{log:q} 2>&1
        """


rule summarise:
    input:
        trajectories=TRAJECTORIES,
        metrics="results/{experiment}/metrics.csv",
        mechanics="results/{experiment}/mechanics.csv",
        kernels="results/{experiment}/kernels.csv",
        regressions="results/{experiment}/regressions.csv",
        models="results/{experiment}/models.csv",
        pooled="results/{experiment}/pooled.csv",
        deviations="results/{experiment}/deviations.csv",
        banks=ANALYSES,
        bank_runs=BANK_RUNS,
    output:
        sweep="results/{experiment}/sweep.json",
        cells="results/{experiment}/cells.csv",
        record="results/{experiment}/provenance/summarise.json",
    log:
        "logs/{experiment}/summarise.log",
    benchmark:
        "logs/{experiment}/benchmarks/summarise.tsv"
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        experiment=EXPERIMENT_JSON,
        core=core_hash("summarise"),
    shell:
        r"""
        python -m mechcore summarise \
            --experiment {params.experiment:q} \
            --results results/{wildcards.experiment:q} \
            --logs logs/{wildcards.experiment:q} \
            --output {output.sweep:q} \
            --cells {output.cells:q} \
            --record {output.record:q} \
            >{log:q} 2>&1
        """
