"""The results of a network on a set of images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from mechcore.experiment.networks import PlannedNetwork
from mechcore.experiment.paths import NETWORKS
from mechcore.io.hashes import file_sha256
from mechcore.simulation.checks import check_attributes

if TYPE_CHECKING:
    from mechcore.networks.measurement_file import NetworkMeasurement


def network_file(name: str, results: Path) -> Path:
    """Return the file of a network on a set of images."""
    return results / NETWORKS / f"{name}.nc"


@dataclass(frozen=True)
class NetworkResults:
    """The results of one network on one set of images."""

    plan: PlannedNetwork
    measurement: NetworkMeasurement

    @classmethod
    def load(cls, plan: PlannedNetwork, path: Path) -> NetworkResults:
        """Read the results of a network."""
        from mechcore.networks.measurement_file import read_measurement

        measurement, source = read_measurement(path), plan.network.source
        # Whoever brought the file: only the bytes that the configuration names count.
        sha256 = source.sha256 if source else file_sha256(Path(plan.network.model), "model")
        origin = {"model_sha256": sha256, "settings": plan.run.to_json()}
        check_attributes(path, measurement.trained, origin)
        return cls(plan, measurement)

    @cached_property
    def layers(self) -> pd.DataFrame:
        """A row a layer, see `mechcore.networks.summary.layer_table`."""
        from mechcore.networks.summary import layer_table

        plan = self.plan
        return layer_table(self.measurement, plan.network.label, plan.images, real=plan.real)
