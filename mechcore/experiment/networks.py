"""The networks of an experiment: each sees each of its sets of images, in a job of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from mechcore.experiment.config import Experiment
from mechcore.experiment.network import Network, NetworkInput, image_label
from mechcore.model.image_sets import IMAGE_SETS, image_files


class NetworkRun(NetworkInput):
    """How a network is measured on a set of images."""

    images: str = Field(description=f"{', '.join(IMAGE_SETS)}, or a folder of images")
    count: int = Field(ge=1, description="images of the set")
    flipped: int = Field(ge=0, description="copies with kernels that are mirrored at random")
    seed: int = Field(default=0, ge=0, description="of the choice of images and of all copies")


@dataclass(frozen=True)
class PlannedNetwork:
    """A network and one of its sets of images."""

    network: Network
    run: NetworkRun

    @property
    def images(self) -> str:
        """The set of images as tables and files name it."""
        return image_label(self.run.images)

    @property
    def real(self) -> bool:
        """Whether claims about real images are judged by it."""
        known = IMAGE_SETS.get(self.run.images)
        return known.real if known else True

    @property
    def files(self) -> list[str]:
        """Paths of the images of the user."""
        known = self.run.images in IMAGE_SETS
        return [] if known else [str(file) for file in image_files(Path(self.run.images))]


def planned_networks(experiment: Experiment) -> dict[str, PlannedNetwork]:
    """Return what is measured of the networks of an experiment, by name."""
    return {
        name: PlannedNetwork(network, network_run(experiment, network, images))
        for network in experiment.networks
        for name, images in zip(network.run_names, network.images, strict=True)
    }


def network_run(experiment: Experiment, network: Network, images: str) -> NetworkRun:
    """Return how a network is measured on a set of images."""
    return NetworkRun(
        **{name: getattr(network, name) for name in NetworkInput.model_fields},
        images=images,
        count=experiment.images_per_set,
        flipped=experiment.flipped_networks,
        seed=experiment.seed,
    )
