"""All figures, and the only modules that plot: a table of what to draw, one module a subject."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from mechcore.report.figures import (
    collapse,
    contraction,
    controls,
    diffusion,
    energy,
    filter_velocities,
    gallery,
    isotropy,
    kernel_maps,
    linearity,
    models,
    momentum_space,
    parity_shares,
    rectifiers,
    residuals,
    roses,
    sizes,
    spectra,
    speed,
    strips,
    trajectories,
)
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.preview import cell_preview
from mechcore.report.figures.style import paper_style, save
from mechcore.results.results import Results

__all__ = ["DRAWINGS", "Drawing", "cell_preview", "paper_style", "save"]


@dataclass(frozen=True)
class Drawing:
    """How one kind of figure is drawn; `mechcore.report.sections` says what there is one for."""

    table: Callable[[Results, str], pd.DataFrame]
    """``(results, topic)`` to the data that are drawn."""
    draw: Callable[[FigureData], Figure]
    alt: Callable[[FigureData], str]
    caption: Callable[[FigureData], str]
    """`FigureData` to the figure, to what it shows in words and numbers for who does not see it,
    and to what a reader must know."""
    raster: bool = False
    """Whether the figure is made of images, so that its PNG is the better copy."""


DRAWINGS: dict[str, Drawing] = {
    "speed": Drawing(
        speed.speed_table,
        speed.draw_speed,
        speed.describe_speed,
        speed.caption_speed,
    ),
    "linearity": Drawing(
        linearity.linearity_table,
        linearity.draw_linearity,
        linearity.describe_linearity,
        linearity.caption_linearity,
    ),
    "residuals": Drawing(
        residuals.residual_table,
        residuals.draw_residuals,
        residuals.describe_residuals,
        residuals.caption_residuals,
    ),
    "models": Drawing(
        models.model_table,
        models.draw_models,
        models.describe_models,
        models.caption_models,
    ),
    "collapse": Drawing(
        collapse.collapse_table,
        collapse.draw_collapse,
        collapse.describe_collapse,
        collapse.caption_collapse,
    ),
    "rectifiers": Drawing(
        rectifiers.rectifier_table,
        rectifiers.draw_rectifiers,
        rectifiers.describe_rectifiers,
        rectifiers.caption_rectifiers,
    ),
    "contraction": Drawing(
        contraction.contraction_table,
        contraction.draw_contraction,
        contraction.describe_contraction,
        contraction.caption_contraction,
    ),
    "diffusion": Drawing(
        diffusion.diffusion_table,
        diffusion.draw_diffusion,
        diffusion.describe_diffusion,
        diffusion.caption_diffusion,
    ),
    "sizes": Drawing(
        sizes.size_table,
        sizes.draw_sizes,
        sizes.describe_sizes,
        sizes.caption_sizes,
    ),
    "isotropy": Drawing(
        isotropy.isotropy_table,
        isotropy.draw_isotropy,
        isotropy.describe_isotropy,
        isotropy.caption_isotropy,
    ),
    "energy": Drawing(
        energy.energy_table,
        energy.draw_energy,
        energy.describe_energy,
        energy.caption_energy,
    ),
    "trajectories": Drawing(
        trajectories.trajectory_table,
        trajectories.draw_trajectories,
        trajectories.describe_trajectories,
        trajectories.caption_trajectories,
    ),
    "strip": Drawing(
        strips.strip_table,
        strips.draw_strip,
        strips.describe_strip,
        strips.caption_strip,
        raster=True,
    ),
    "controls": Drawing(
        controls.control_table,
        controls.draw_controls,
        controls.describe_controls,
        controls.caption_controls,
    ),
    "spectra": Drawing(
        spectra.spectra_table,
        spectra.draw_spectra,
        spectra.describe_spectra,
        spectra.caption_spectra,
    ),
    "parity": Drawing(
        parity_shares.parity_table,
        parity_shares.draw_parity,
        parity_shares.describe_parity,
        parity_shares.caption_parity,
    ),
    "space": Drawing(
        momentum_space.space_table,
        momentum_space.draw_space,
        momentum_space.describe_space,
        momentum_space.caption_space,
    ),
    "roses": Drawing(
        roses.rose_table,
        roses.draw_roses,
        roses.describe_roses,
        roses.caption_roses,
    ),
    "gallery": Drawing(
        gallery.gallery_table,
        gallery.draw_gallery,
        gallery.describe_gallery,
        gallery.caption_gallery,
    ),
    "drift": Drawing(
        filter_velocities.drift_table,
        filter_velocities.draw_drift,
        filter_velocities.describe_drift,
        filter_velocities.caption_drift,
    ),
    "kernels": Drawing(
        kernel_maps.kernel_table,
        kernel_maps.draw_kernels,
        kernel_maps.describe_kernels,
        kernel_maps.caption_kernels,
    ),
}
"""The figures by the names of their sections. A new one is an entry here and one there."""
