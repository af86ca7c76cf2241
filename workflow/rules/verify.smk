"""Verification: a sample is computed again, and all files and tables are checked."""


# If a check fails, the certificate and the report say so. Without the trajectories: sweep.json
# holds their hashes, and listing thousands of files once more makes every plan slower.
rule verify:
    """Compute a sample again, and check all files."""
    input:
        films=FILM_FILES,
        banks=ANALYSES,
        bank_runs=BANK_RUNS,
        networks=NETWORK_FILES,
        controls="results/{experiment}/controls.nc",
        tables=TABLES,
        reproduction=REPRODUCTION,
        training=TRAINING,
        sweep="results/{experiment}/sweep.json",
        cells="results/{experiment}/cells.csv",
        claims="results/{experiment}/claims.json",
    output:
        "results/{experiment}/certificate.json",
    log:
        "logs/{experiment}/verify.log",
    benchmark:
        "logs/{experiment}/benchmarks/verify.tsv"
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        experiment=EXPERIMENT_JSON,
        results=folder_of_first,
        core=code_fingerprint("verification"),
    shell:
        r"""
        python -m mechcore verify \
            --experiment {params.experiment:q} \
            --results {params.results:q} \
            --logs "$(dirname {log:q})" \
            --exit-zero \
            --output {output:q} \
            >{log:q} 2>&1
        """
