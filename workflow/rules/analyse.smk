"""Analysis: trajectories to tables, tables to fits and verdicts."""


# Seconds on finished tables: on a cluster each would wait longer than it runs. The others run
# simulations, which does not belong on a login node.
localrules:
    collect,
    judge,


# What is measured, and what is fitted to it.
TABLES = [
    f"results/{{experiment}}/{name}.csv"
    for name in ("metrics", "mechanics", "kernels", "regressions", "pooled")
]


rule collect:
    """Measure the trajectories, and fit what was measured."""
    input:
        TRAJECTORIES,
    output:
        metrics="results/{experiment}/metrics.csv",
        mechanics="results/{experiment}/mechanics.csv",
        kernels="results/{experiment}/kernels.csv",
        regressions=report(
            "results/{experiment}/regressions.csv",
            caption="../report/regressions.rst",
            category="Tables",
            labels={"file": "regressions.csv"},
        ),
        pooled=report(
            "results/{experiment}/pooled.csv",
            caption="../report/pooled.rst",
            category="Tables",
            labels={"file": "pooled.csv"},
        ),
        parquet=as_parquet(TABLES),
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
        results=folder_of_first,
        core=code_fingerprint("analysis"),
    shell:
        r"""
        python -m mechcore collect \
            --experiment {params.experiment:q} \
            --trajectories {params.results:q}/trajectories \
            --forget {params.results:q}/finished \
            --output {output.metrics:q} \
            --mechanics {output.mechanics:q} \
            --kernels {output.kernels:q} \
            --regressions {output.regressions:q} \
            --pooled {output.pooled:q} \
            >{log:q} 2>&1
        """


rule reproduce:
    """Compute the published numbers again."""
    input:
        PUBLISHED,
    output:
        table=report(
            "results/{experiment}/reproduction.csv",
            caption="../report/reproduction.rst",
            category="Tables",
            labels={"file": "reproduction.csv"},
        ),
        parquet="results/{experiment}/reproduction.parquet",
    log:
        "logs/{experiment}/reproduce.log",
    benchmark:
        "logs/{experiment}/benchmarks/reproduce.tsv"
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        published=lambda wildcards, input: os.path.dirname(input[0]),
        core=code_fingerprint("claims"),
    shell:
        r"""
        python -m mechcore reproduce \
            --published {params.published:q} \
            --output {output.table:q} \
            >{log:q} 2>&1
        """


# Then describes the run: the hashes of all results, and a row a cell.
rule judge:
    """Judge the claims, and describe the run."""
    input:
        trajectories=TRAJECTORIES,
        tables=TABLES,
        reproduction=REPRODUCTION,
        controls="results/{experiment}/controls.nc",
        banks=ANALYSES,
        bank_runs=BANK_RUNS,
        networks=NETWORK_FILES,
        training=TRAINING,
    output:
        claims=report(
            "results/{experiment}/claims.json",
            caption="../report/claims.rst",
            category="Claims",
            labels={"file": "claims.json"},
        ),
        sweep="results/{experiment}/sweep.json",
        cells="results/{experiment}/cells.csv",
        census=CENSUS,
        networks=NETWORK_LAYERS,
        parquet=as_parquet(["results/{experiment}/cells.csv", *CENSUS, *NETWORK_LAYERS]),
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
        results=folder_of_first,
        census=lambda wildcards, output: [f"--census={path}" for path in output.census],
        networks=lambda wildcards, output: [
            f"--networks={path}" for path in output.networks
        ],
        core=code_fingerprint("claims"),
    shell:
        r"""
        python -m mechcore judge \
            --experiment {params.experiment:q} \
            --results {params.results:q} \
            --logs "$(dirname {log:q})" \
            --output {output.claims:q} \
            --sweep {output.sweep:q} \
            --cells {output.cells:q} \
            {params.census:q} {params.networks:q} \
            >{log:q} 2>&1
        """
