"""Whole networks: measured again on some of their images."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from mechcore.experiment.paths import NETWORKS
from mechcore.networks.measurement import network_images
from mechcore.networks.network import load_model
from mechcore.networks.network import network as measure
from mechcore.networks.prediction import predict
from mechcore.results.networks import NetworkResults
from mechcore.results.results import Results
from mechcore.verification.certificate import Check, merged
from mechcore.verification.comparison import differences
from mechcore.verification.sampling import Sampling

SAME_MOMENTS = 1e-6
"""How far numbers may be apart, relative to their size: sums over some thousand weights are good to
1e-12, and the evidence of a unit may cancel to a millionth of its parts."""


def check_networks(results: Results, sampling: Sampling) -> Check:
    """Measure each trained network again on one image of some of its sets."""
    parts = []
    for name in sampling.draw(list(results.networks)):
        parts.append(_check_network(name, results.networks[name], sampling))
        sampling.report(f"network {name}: {'as before' if parts[-1].holds else 'differs'}")
    statement = "Networks give the same displacements on an image"
    return merged("networks", statement, parts, len(results.networks))


def _check_network(name: str, network: NetworkResults, sampling: Sampling) -> Check:
    run, known = network.plan.run, network.measurement
    model = load_model(Path(network.plan.network.model))
    number = int(sampling.generator.integers(known.trained.sizes["image"]))
    images = network_images(model, run)[[number]]
    expected = measure(model, images, until=run.until)
    per_image = [key for key, value in expected.variables.items() if "image" in value.dims]
    lines = xr.merge([expected[per_image], predict(expected, expected)])
    actual = xr.merge([known.trained, known.prediction.sel(weights="trained")], compat="override")
    wrong = differences(actual[[*lines.data_vars]].isel(image=[number]), lines, SAME_MOMENTS)
    return Check(
        name="network",
        statement=name,
        compared=1,
        failures=[f"{NETWORKS}/{name}.nc: {line}" for line in wrong],
    )
