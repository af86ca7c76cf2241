"""Publication: results to MLflow and to the report."""


# Serial, and on the machine that started the workflow: jobs never write to the store in parallel.
localrules:
    track,
    report,


# Without the trajectories, as the certificate.
rule track:
    """Log what is new to MLflow."""
    input:
        sweep="results/{experiment}/sweep.json",
        cells="results/{experiment}/cells.csv",
        claims="results/{experiment}/claims.json",
        report="reports/{experiment}/index.html",
        banks=ANALYSES,
        bank_runs=BANK_RUNS,
        networks=NETWORK_FILES,
        training=TRAINING,
    output:
        "results/{experiment}/tracking.json",
    log:
        "logs/{experiment}/track.log",
    benchmark:
        "logs/{experiment}/benchmarks/track.tsv"
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        experiment=EXPERIMENT.to_json(),
        results=folder_of_first,
        store=without_password(os.environ.get("MLFLOW_TRACKING_URI", "")),
        core=code_fingerprint("tracking"),
    shell:
        r"""
        python -m mechcore track \
            --experiment {params.experiment:q} \
            --results {params.results:q} \
            --report {input.report:q} \
            --output {output:q} \
            >{log:q} 2>&1
        """


# Without the trajectories, which Snakemake would hash once for each figure: what changes in them
# changes the metrics.
rule report:
    """Write the page and its figures."""
    input:
        metrics="results/{experiment}/metrics.csv",
        films=FILM_FILES,
        banks=ANALYSES,
        bank_runs=BANK_RUNS,
        networks=NETWORK_FILES,
        claims="results/{experiment}/claims.json",
        certificate="results/{experiment}/certificate.json",
        reproduction=REPRODUCTION,
        training=TRAINING,
    output:
        page=report(
            "reports/{experiment}/index.html",
            caption="../report/page.rst",
            category="Report",
            labels={"file": "page"},
        ),
        appendix=report(
            "reports/{experiment}/appendix.html",
            caption="../report/appendix.rst",
            category="Report",
            labels={"file": "appendix"},
        ),
        beside=[f"reports/{{experiment}}/{name}" for name in page_files(EXPERIMENT)],
        figures=report(
            directory("reports/{experiment}/figures"),
            patterns=["{figure}.svg"],
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        tables=report(
            directory("reports/{experiment}/tables"),
            patterns=["{table}.html"],
            caption="../report/table.rst",
            category="Tables",
            labels={"file": "{table}.html"},
        ),
    log:
        "logs/{experiment}/report.log",
    benchmark:
        "logs/{experiment}/benchmarks/report.tsv"
    conda:
        "../envs/mechcore.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        experiment=EXPERIMENT_JSON,
        results=lambda wildcards, input: os.path.dirname(input.metrics),
        core=code_fingerprint("report"),
    shell:
        r"""
        python -m mechcore report \
            --experiment {params.experiment:q} \
            --results {params.results:q} \
            --logs "$(dirname {log:q})" \
            --output {output.page:q} \
            >{log:q} 2>&1
        """
