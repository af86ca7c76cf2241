"""The list of figures. It needs the configuration alone, so that the workflow imports no plots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mechcore.experiment.banks import planned_banks
from mechcore.experiment.config import Experiment
from mechcore.experiment.paths import APPENDIX_FILE, CLAIMS_FILE
from mechcore.experiment.published import read_protocols
from mechcore.experiment.representative import (
    PAPER_ACTIVATIONS,
    filmed_activations,
    representative_family,
)

if TYPE_CHECKING:
    from mechcore.report.figures.figure import ReportFigure


PUBLISHED = "published"
"""The figures of the part of the page that is about the published numbers."""


@dataclass(frozen=True)
class FigureEntry:
    """A kind of figure, drawn once for each of its topics; without topics it is left out."""

    title: str
    place: str
    """The module of this package that draws it; with a dot, also the name in it."""
    topics: Callable[[Experiment], list[str]]
    """Names of kernel families, activations or banks."""
    main: bool = False
    """Whether it stands on the page; the others are in the appendix."""

    def figure(self) -> ReportFigure:
        """Import the module, and with it matplotlib."""
        module, _, name = self.place.partition(".")
        figure: ReportFigure = getattr(import_module(f"{__package__}.{module}"), name or "FIGURE")
        return figure


def _family(experiment: Experiment) -> list[str]:
    return [representative_family(experiment)]


def _families(experiment: Experiment) -> list[str]:
    return experiment.kernels


def _family_under_both_rectifiers(experiment: Experiment) -> list[str]:
    return _family(experiment) if {*PAPER_ACTIVATIONS} <= {*experiment.activations} else []


def _family_with_kernel_at_rest(experiment: Experiment) -> list[str]:
    return _family(experiment) if 0.0 in experiment.betas else []


def _families_at_several_angles(experiment: Experiment) -> list[str]:
    return experiment.kernels if len(experiment.angles) > 1 else []


def _trained_banks(experiment: Experiment) -> list[str]:
    return [bank.name for bank in planned_banks(experiment).values() if bank.trained]


PUBLISHED_KINDS = {
    "speeds": ("squared_speeds",),
    "centroids": ("snapshots",),
    "widths": ("snapshots",),
    "orientations": ("orientations",),
    "asymmetry": ("asymmetry_density",),
    "energies": ("random_energies", "random_split_energies"),
    "types": ("printed_kernel_types", "random_kernel_types", "strongest_kernel_types"),
}
"""Figures of published numbers, and the kinds of protocols that each is of."""


def _published(experiment: Experiment) -> list[str]:
    if experiment.published is None:
        return []
    kinds = {protocol.kind for protocol in read_protocols(Path(experiment.published))}
    return [topic for topic, of_topic in PUBLISHED_KINDS.items() if kinds & {*of_topic}]


FIGURES: dict[str, FigureEntry] = {
    PUBLISHED: FigureEntry("Figures of the paper, and ours", "published", _published, main=True),
    "headline": FigureEntry(
        "Is (v/c)² the odd share of the energy?", "headline", _families, main=True
    ),
    "speed": FigureEntry("Speed against the mixing ratio", "speed", _families),
    "rectifiers": FigureEntry(
        "Modulus against ReLU", "modulus_and_relu", _family_under_both_rectifiers, main=True
    ),
    "contraction": FigureEntry(
        "Contraction in motion", "lorentz_contraction", _family_with_kernel_at_rest, main=True
    ),
    "diffusion": FigureEntry("Diffusion", "trajectories.WIDTHS", _family, main=True),
    "isotropy": FigureEntry(
        "Direction and speed by angle", "isotropy", _families_at_several_angles
    ),
    "trajectories": FigureEntry("Trajectories", "trajectories.DISPLACEMENTS", _family),
    "strip": FigureEntry(
        "A pattern diffuses, drifts, sheds its core", "film_strips", filmed_activations, main=True
    ),
    "controls": FigureEntry(
        "Even kernels on noise: what stays, and what does not", "controls", _family
    ),
    "spectra": FigureEntry(
        "Trained kernels: which frequencies hold the energy",
        "filter_spectra",
        _trained_banks,
        main=True,
    ),
    "symmetry": FigureEntry(
        "Trained kernels: symmetric, antisymmetric, odd",
        "filter_symmetry",
        _trained_banks,
        main=True,
    ),
    "space": FigureEntry("Trained kernels in momentum space", "filter_momentum", _trained_banks),
    "drift": FigureEntry(
        "Trained kernels: measured and predicted velocity",
        "filter_velocities",
        _trained_banks,
        main=True,
    ),
    "kernels": FigureEntry("The kernels", "kernel_maps", _families),
}
"""The figures in the order of the report, by the names that their files begin with."""


FITS = ("regressions", "pooled")
"""Tables of results that are also beside the page."""

CONTROLS_TABLE = "controls.csv"
LAYERS_TABLE = "filter-layers.csv"


def page_files(experiment: Experiment) -> list[str]:
    """Return the names of all files beside the page but for its figures as SVG."""
    tables = [f"{name}.csv" for name in FITS] + [CONTROLS_TABLE, CLAIMS_FILE]
    tables += [LAYERS_TABLE] if planned_banks(experiment) else []
    figures = [f"{stem}.csv" for stem in figure_stems(experiment)]
    return ["README.md", APPENDIX_FILE, *tables, *figures]


def figure_stems(experiment: Experiment) -> dict[str, str]:
    """Return the names of the files of all figures, without suffix, and the figures' titles.

    >>> from mechcore.experiment.config import load_experiment
    >>> list(figure_stems(load_experiment({"experiment": "a", "kernels": ["dct"], "sizes": [2],
    ...     "activations": ["relu"], "betas": [0.5]})))[:2]
    ['headline-dct', 'speed-dct']
    """
    return {
        f"{name}-{topic}": entry.title
        for name, entry in FIGURES.items()
        for topic in entry.topics(experiment)
    }
