"""All figures, and the only modules that plot: a table of what to draw, one module a subject."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from mechcore.figures import (
    contraction,
    diffusion,
    kernel_maps,
    linearity,
    speed,
    strips,
    trajectories,
)
from mechcore.figures.evidence import Evidence, FigureData
from mechcore.figures.preview import cell_preview
from mechcore.figures.style import paper_style, save

__all__ = ["ENTRIES", "Entry", "Evidence", "FigureData", "cell_preview", "paper_style", "save"]


@dataclass(frozen=True)
class Entry:
    """One kind of figure.

    Parameters
    ----------
    name : str
        Start of the names of its files.
    title : str
        Heading in the report.
    topics : callable
        What there is a figure for, as kernel families; an empty list leaves the figure out.
    table : callable
        ``(evidence, topic)`` to the data that are drawn.
    draw, alt, caption : callable
        `FigureData` to the figure, to what it shows in words and numbers for who does not see it,
        and to what a reader must know.
    absent : str
        Said in place of the figure where there is no topic.
    raster : bool
        Whether the figure is made of images, so that its PNG is the better copy.
    """

    name: str
    title: str
    topics: Callable[[Evidence], list[str]]
    table: Callable[[Evidence, str], pd.DataFrame]
    draw: Callable[[FigureData], Figure]
    alt: Callable[[FigureData], str]
    caption: Callable[[FigureData], str]
    absent: str = ""
    raster: bool = False


def _families(evidence: Evidence) -> list[str]:
    return evidence.experiment.kernels


def _family(evidence: Evidence) -> list[str]:
    return [evidence.family]


ENTRIES = (
    Entry(
        "speed",
        "Speed against the odd share",
        _families,
        speed.speed_table,
        speed.draw_speed,
        speed.describe_speed,
        speed.caption_speed,
    ),
    Entry(
        "linearity",
        "Which measure of the odd share is linear?",
        _family,
        linearity.linearity_table,
        linearity.draw_linearity,
        linearity.describe_linearity,
        linearity.caption_linearity,
    ),
    Entry(
        "trajectories",
        "Trajectories",
        _family,
        trajectories.trajectory_table,
        trajectories.draw_trajectories,
        trajectories.describe_trajectories,
        trajectories.caption_trajectories,
    ),
    Entry(
        "diffusion",
        "Diffusion",
        _family,
        diffusion.diffusion_table,
        diffusion.draw_diffusion,
        diffusion.describe_diffusion,
        diffusion.caption_diffusion,
    ),
    Entry(
        "contraction",
        "Contraction in motion",
        lambda evidence: _family(evidence) if contraction.has_rest(evidence) else [],
        contraction.contraction_table,
        contraction.draw_contraction,
        contraction.describe_contraction,
        contraction.caption_contraction,
        "β = 0 is not on the grid, so there is no width at rest to compare with.",
    ),
    Entry(
        "strip",
        "Film strips of the state",
        strips.strip_topics,
        strips.strip_table,
        strips.draw_strip,
        strips.describe_strip,
        strips.caption_strip,
        "This experiment keeps no snapshots; set snapshots.layers in its configuration.",
        raster=True,
    ),
    Entry(
        "kernels",
        "The kernels",
        _families,
        kernel_maps.kernel_table,
        kernel_maps.draw_kernels,
        kernel_maps.describe_kernels,
        kernel_maps.caption_kernels,
    ),
)
"""The figures in the order of the report. A new one is one entry and one module."""
