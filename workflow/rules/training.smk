"""Training: one job a network, and the tables of the study."""


localrules:
    collect_training,


# A killed job goes on from the state after its last epoch, which Snakemake does not know of.
rule train:
    """Train one network, and measure its kernels at every epoch."""
    input:
        start=of_run(
            lambda run: (
                f"results/{EXPERIMENT.experiment}/training/{trained_before(run)}.safetensors"
                if run.cut
                else []
            )
        ),
        data=of_run(lambda run: [local(path) for path in run.named_files]),
    output:
        trajectory="results/{experiment}/training/{run}.nc",
        weights="results/{experiment}/training/{run}.safetensors",
        card="results/{experiment}/training/{run}.md",
    log:
        "logs/{experiment}/training/{run}.log",
    benchmark:
        "logs/{experiment}/benchmarks/training/{run}.tsv"
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        run=of_run(lambda run: run.to_json()),
        start=lambda wildcards, input: (
            ["--start", input.start] if input.get("start") else []
        ),
        state=lambda wildcards, output: os.path.join(
            os.path.dirname(os.path.dirname(output[0])),
            "training_states",
            f"{wildcards.run}.safetensors",
        ),
        core=code_fingerprint("training"),
    shell:
        r"""
        python -m mechcore train {params.run:q} \
            --output {output.trajectory:q} \
            --state {params.state:q} \
            {params.start:q} \
            >{log:q} 2>&1
        """


rule collect_training:
    """Collect the trainings of the study, and test what sets them apart."""
    input:
        TRAJECTORIES_OF_RUNS,
    output:
        dataset="results/{experiment}/training.nc",
        table="results/{experiment}/training.csv",
        tests="results/{experiment}/training_tests.csv",
        parquet=as_parquet(TRAINING),
    log:
        "logs/{experiment}/collect_training.log",
    benchmark:
        "logs/{experiment}/benchmarks/collect_training.tsv"
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        experiment=EXPERIMENT_JSON,
        results=folder_of_first,
        core=code_fingerprint("results"),
    shell:
        r"""
        python -m mechcore collect-training \
            --experiment {params.experiment:q} \
            --trajectories {params.results:q}/training \
            --forget {params.results:q}/training_states \
            --output {output.dataset:q} \
            --table {output.table:q} \
            --tests {output.tests:q} \
            >{log:q} 2>&1
        """
