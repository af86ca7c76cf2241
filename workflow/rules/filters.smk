"""Trained kernels: what the banks of the configuration hold, and how their kernels run."""


rule analyse_filters:
    input:
        bank_weights,
        no_damage,
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
        mem_mb=bank_megabytes,
        runtime=30,
    params:
        layout=bank_layout,
        core=code_fingerprint("filters"),
    shell:
        r"""
        python -m mechcore filters \
            {input:q} \
            --layout {params.layout:q} \
            --output {output:q} \
            >{log:q} 2>&1
        """


rule simulate_filters:
    input:
        bank_weights,
        no_damage,
    output:
        "results/{experiment}/filter_runs/{bank}.nc",
    log:
        "logs/{experiment}/filter_runs/{bank}.log",
    benchmark:
        "logs/{experiment}/benchmarks/filter_runs/{bank}.tsv"
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=bank_megabytes,
        runtime=60,
    params:
        settings=bank_run_json,
        core=code_fingerprint("filters"),
    shell:
        r"""
        python -m mechcore simulate-filters \
            {input:q} \
            --settings {params.settings:q} \
            --output {output:q} \
            >{log:q} 2>&1
        """
