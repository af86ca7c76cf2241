"""What the report shows, told by the configuration alone: the workflow asks without plotting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mechcore.experiment.banks import planned_banks
from mechcore.experiment.config import Experiment
from mechcore.experiment.representative import (
    PAPER_ACTIVATIONS,
    filmed_activations,
    representative_family,
)


@dataclass(frozen=True)
class Section:
    """One kind of figure."""

    title: str
    """Heading in the report."""
    topics: Callable[[Experiment], list[str]]
    """What there is a figure for, as kernel families; an empty list leaves the figure out."""
    absent: str = ""
    """Said in place of the figure where there is no topic; without it the section is left out."""


def _family(experiment: Experiment) -> list[str]:
    return [representative_family(experiment)]


def _families(experiment: Experiment) -> list[str]:
    return experiment.kernels


def _trained_banks(experiment: Experiment) -> list[str]:
    return [bank.name for bank in planned_banks(experiment).values() if bank.trained]


NO_BANK = "The configuration names no weight file (filter_banks)."

SECTIONS: dict[str, Section] = {
    "speed": Section("Speed against the odd share", _families),
    "linearity": Section("Which measure of the odd share is linear?", _family),
    "residuals": Section("Where straight lines miss", _family),
    "models": Section("Which curve describes the speed?", _family),
    "collapse": Section("All kernels in units of their diffusion speed", _family),
    "rectifiers": Section(
        "Modulus against ReLU",
        lambda experiment: (
            _family(experiment) if {*PAPER_ACTIVATIONS} <= {*experiment.activations} else []
        ),
        "The grid does not hold both ReLU and the modulus.",
    ),
    "contraction": Section(
        "Contraction in motion",
        lambda experiment: _family(experiment) if 0.0 in experiment.betas else [],
        "β = 0 is not on the grid, so there is no width at rest to compare with.",
    ),
    "diffusion": Section("Diffusion", _family),
    "sizes": Section("Diffusion and speed by kernel size", _family),
    "isotropy": Section(
        "Direction and speed by angle",
        lambda experiment: experiment.kernels if len(experiment.angles) > 1 else [],
        "The grid has one angle only, so directions cannot be compared.",
    ),
    "energy": Section("Energy, rest mass and momentum of the kernels", _family),
    "trajectories": Section("Trajectories", _family),
    "strip": Section("A pattern diffuses, drifts, sheds its core", filmed_activations),
    "controls": Section("Controls: pure parities on a pattern without symmetry", _family),
    "spectra": Section(
        "Trained kernels: which frequencies hold the energy", _trained_banks, NO_BANK
    ),
    "parity": Section("Trained kernels: how odd they are", _trained_banks),
    "space": Section("Trained kernels in momentum space", _trained_banks),
    "roses": Section("Trained kernels: which way they point", _trained_banks),
    "gallery": Section("Trained kernels: the most even and the most odd", _trained_banks),
    "drift": Section("Trained kernels: measured and predicted velocity", _trained_banks),
    "kernels": Section("The kernels", _families),
}
"""The figures by name, in the order of the report."""


def figure_stems(experiment: Experiment) -> dict[str, str]:
    """Return the figures of a report: names of files without suffix, to titles.

    Examples
    --------
    >>> from mechcore.experiment.config import load_experiment
    >>> list(figure_stems(load_experiment({"experiment": "a", "kernels": ["dct"], "sizes": [2],
    ...     "activations": ["relu"], "betas": [0.5]})))[:2]
    ['speed-dct', 'linearity-dct']
    """
    return {
        f"{name}-{topic}": section.title
        for name, section in SECTIONS.items()
        for topic in section.topics(experiment)
    }
