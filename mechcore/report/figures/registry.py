"""The figures in the order of the report."""

from __future__ import annotations

from mechcore.report.figures.census import CENSUS
from mechcore.report.figures.controls import CONTROLS
from mechcore.report.figures.film_strips import STRIP
from mechcore.report.figures.kernel_maps import KERNELS
from mechcore.report.figures.law import FAMILIES, HEADLINE
from mechcore.report.figures.network_fields import DISPLACEMENT, FIELDS
from mechcore.report.figures.network_layers import DEPTH, PREDICTION
from mechcore.report.figures.published import PUBLISHED
from mechcore.report.figures.roses import ROSES
from mechcore.report.figures.speed import SPEED
from mechcore.report.figures.trained_layers import COMPONENTS, SPECTRA, SYMMETRY
from mechcore.report.figures.trained_motion import DRIFT, SPACE
from mechcore.report.figures.training import CUTS, LEARNING, RECOVERY
from mechcore.report.figures.trajectories import ANGLES, DISPLACEMENTS
from mechcore.report.figures.widths import CONTRACTION, DIFFUSION

FIGURES = (
    HEADLINE,
    PUBLISHED,
    FAMILIES,
    SPEED,
    CONTRACTION,
    DIFFUSION,
    STRIP,
    CENSUS,
    CUTS,
    LEARNING,
    SPECTRA,
    SYMMETRY,
    ROSES,
    DRIFT,
    PREDICTION,
    DISPLACEMENT,
    FIELDS,
    DEPTH,
    DISPLACEMENTS,
    ANGLES,
    RECOVERY,
    CONTROLS,
    COMPONENTS,
    SPACE,
    KERNELS,
)
