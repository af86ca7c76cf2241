"""Whole networks: where each moves what it sees, on each of its sets of images."""


rule measure_network:
    """Measure a network on a set of images, beside copies with other weights."""
    input:
        model=of_network(lambda plan: local(plan.network.model)),
        images=of_network(lambda plan: [local(path) for path in plan.files]),
    output:
        "results/{experiment}/networks/{network}.nc",
    log:
        "logs/{experiment}/networks/{network}.log",
    benchmark:
        "logs/{experiment}/benchmarks/networks/{network}.tsv"
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 3000,
        runtime=120,
    params:
        settings=of_network(lambda plan: plan.run.to_json()),
        core=code_fingerprint("networks"),
    shell:
        r"""
        python -m mechcore measure-network \
            --settings {params.settings:q} \
            --output {output:q} \
            {input.model:q} \
            >{log:q} 2>&1
        """
