"""Whole networks as runs, with curves over depth for each set of images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from mechcore.analysis.tables import table_text
from mechcore.experiment.naming import metric_name
from mechcore.experiment.network import Network
from mechcore.results.networks import NetworkResults, network_file
from mechcore.results.results import Results
from mechcore.results.sweep import Sweep
from mechcore.tracking.runs import MetricValue, TrackedRun, content_sha256


def network_runs(results: Results, sweep: Sweep) -> list[TrackedRun]:
    """Return a run for every network of a sweep that is measured on all of its sets of images."""
    return [
        _run(network, results, sweep)
        for network in results.experiment.networks
        if set(network.run_names) <= set(results.networks)
    ]


def _run(network: Network, results: Results, sweep: Sweep) -> TrackedRun:
    measured = {name: results.networks[name] for name in network.run_names}
    files = [network_file(name, results.folder) for name in measured]
    names = sorted(path.relative_to(results.folder).as_posix() for path in files)
    written_at = max(int(path.stat().st_mtime * 1000) for path in files)
    layers = pd.concat([one.layers for one in measured.values()], ignore_index=True)
    sha256 = str(next(iter(measured.values())).measurement.attributes["model_sha256"])
    first = layers[layers.images == layers.images.iloc[0]]
    return TrackedRun(
        name=f"networks/{network.label}",
        kind="network",
        key=network.label,
        content_sha256=content_sha256({name: sweep.banks[name] for name in names}),
        started_at=written_at,
        finished_at=written_at,
        source="mechcore measure-network",
        note=f"Displacements in {network.model}. The step of a curve is the layer: "
        + ", ".join(map(str, first.layer)),
        tags={"mechcore.model_sha256": sha256},
        params={
            "model": network.model,
            "images": " ".join(dict.fromkeys(layers.images)),
            "layers": len(first),
            "until": network.until or "the end",
            **(network.source.to_mapping() if network.source else {}),
        },
        metrics=[metric for one in measured.values() for metric in _curves(one)],
        inputs={Path(network.model): sha256},
        texts={"layers.csv": table_text(layers)},
    )


def _curves(network: NetworkResults) -> Iterator[MetricValue]:
    """All numbers of the layers; a layer without a value leaves a gap."""
    numbers = network.layers.drop(columns=["real", "number"]).select_dtypes("number")
    for step, row in enumerate(numbers.to_dict("records")):
        for name, value in row.items():
            if np.isfinite(value):
                yield metric_name(network.plan.images, str(name)), float(value), step
