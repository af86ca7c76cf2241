"""What was measured, in sentences: every number is read from the results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mechcore.figures import Evidence
from mechcore.figures.contraction import contraction_table, has_rest
from mechcore.regressions import PREDICTORS, cell_names
from mechcore.report.fit_table import SYMBOLS


@dataclass(frozen=True)
class Finding:
    """A sentence or two under a catchword."""

    name: str
    text: str


def counts(evidence: Evidence) -> dict[str, int]:
    """Return the size of an experiment.

    Parameters
    ----------
    evidence : Evidence
        The results.

    Returns
    -------
    dict of str to int
        Cells, simulations, extinct and ill-conditioned ones.
    """
    metrics = evidence.metrics
    return {
        "cells": int(cell_names(metrics).nunique()),
        "simulations": len(metrics),
        "extinct": int(metrics.extinct_at.notna().sum()),
        "ill-conditioned": int(metrics.ill_conditioned.sum()),
    }


def findings(evidence: Evidence) -> list[Finding]:
    """Return the key figures of an experiment.

    Parameters
    ----------
    evidence : Evidence
        The results.

    Returns
    -------
    list of Finding
        Those for which the grid holds the data.
    """
    texts = {name: sentence(evidence) for name, sentence in SENTENCES.items()}
    return [Finding(name, text) for name, text in texts.items() if text]


def _gradient(evidence: Evidence) -> str:
    """The speed of the purest odd kernels, one number for each size."""
    rows = _chosen(evidence, "relu")
    rows = rows[rows.beta > 1 - 1e-9]
    if rows.empty:
        return ""
    speeds = "; ".join(
        f"k = {size}: {_with_se(row)}" for size, row in rows.set_index("size").iterrows()
    )
    return (
        f"Odd kernel with ReLU (β = 1, {evidence.family}, {evidence.point}), speed in px/layer: "
        f"{speeds}. Light cone: (k − 1)/2."
    )


def _diffusion(evidence: Evidence) -> str:
    rows = _chosen(evidence, evidence.experiment.activations[0])
    rows = rows[(rows.beta == 0) & np.isfinite(rows.diffusion_coefficient)]
    if rows.empty:
        return ""
    texts = "; ".join(
        f"k = {row['size']}: c = {row.diffusion_coefficient:.4f}, "
        f"a = {row.diffusion_exponent:.4f}, {_expected(evidence, row)}"
        for _, row in rows.iterrows()
    )
    rule = ", c = √((k² − 1)/12)" if evidence.family == "dct" else ""
    return f"At β = 0 the width grows as c tᵃ (px){rule}. {texts}."


def _exactness(evidence: Evidence) -> str:
    metrics = evidence.metrics
    known = metrics[np.isfinite(metrics.speed_theory) & np.isfinite(metrics.speed)]
    if known.empty:
        return ""
    gap = float((known.speed - known.speed_theory).abs().max())
    return (
        f"In {len(known)} of {len(metrics)} simulations theory is exact (no negative tap): speed "
        f"is linear in the celerity γβ, not in β or ρ. Largest deviation: {gap:.1e} px/layer."
    )


def _lines(evidence: Evidence) -> str:
    """How good straight lines are over the whole range, said without flattery."""
    fits = evidence.regressions
    texts = [
        f"{SYMBOLS[name]} {part.r2.min():.2f} to {part.r2.max():.2f}, median {part.r2.median():.2f}"
        for name in PREDICTORS
        if (part := fits[(fits.predictor == name) & np.isfinite(fits.r2)]).size
    ]
    if not texts:
        return ""
    return (
        f"Over the whole range of β a straight line is only approximate, against each measure of "
        f"the odd share. R² over cells and patterns: {'; '.join(texts)}."
    )


def _modulus(evidence: Evidence) -> str:
    names = ["beta", "size", "speed"]
    relu, modulus = (_chosen(evidence, name)[names] for name in ("relu", "modulus"))
    both = relu.merge(modulus, on=["beta", "size"], suffixes=("_relu", "_modulus")).dropna()
    if both.empty:
        return ""
    lead = both.speed_modulus - both.speed_relu
    best, worst = both.iloc[int(lead.argmax())], both.iloc[int(lead.argmin())]
    even = int((lead.abs() < 1e-9).sum())
    return (
        f"Speed of the modulus minus that of ReLU ({evidence.point}): {_lead(best, lead.max())}, "
        f"{_lead(worst, lead.min())}; equal to rounding in {even} of {len(both)} pairs."
    )


def _contraction(evidence: Evidence) -> str:
    if not has_rest(evidence):
        return ""
    table = contraction_table(evidence, evidence.family)
    factor = np.sqrt((1 - table.relative_speed**2).clip(lower=0))
    gap = (table.contraction - factor).abs()
    exact = gap[(table.beta <= table.beta_star) & evidence.free].dropna()
    beyond = gap[table.beta > table.beta_star].dropna()
    if exact.empty:
        return ""
    after = f"; beyond β* it misses by up to {beyond.max():.2f}" if len(beyond) else ""
    return (
        f"Up to β* the width contracts by √(1 − v²/s²) to within {exact.max():.1e} in {len(exact)} "
        f"simulations, with the diffusion speed s in the place of light{after}."
    )


SENTENCES: dict[str, Callable[[Evidence], str]] = {
    "Odd kernels move": _gradient,
    "Even kernels diffuse": _diffusion,
    "Where theory is exact": _exactness,
    "Fitted lines": _lines,
    "Modulus and ReLU": _modulus,
    "Contraction": _contraction,
}
"""Findings by catchword, in the order of the page. A new one is one entry and one function."""


def _chosen(evidence: Evidence, activation: str) -> pd.DataFrame:
    metrics = evidence.metrics
    chosen = (metrics.kernel == evidence.family) & (metrics.activation == activation)
    chosen &= (metrics.pattern == evidence.point) & (metrics.angle == evidence.angle)
    return metrics[chosen]


def _with_se(row: pd.Series) -> str:
    if not np.isfinite(row.speed):
        return "no speed"
    # Below the last digit shown, a standard error is rounding.
    error = f" ± {row.speed_se:.4f}" if row.speed_se >= 5e-5 else ""
    return f"{row.speed:.4f}{error}"


def _expected(evidence: Evidence, row: pd.Series) -> str:
    width = evidence.theories(evidence.family, int(row["size"]))[0].diffusion_speed
    return f"kernel alone {width:.4f} and ½" if np.isfinite(width) else "no prediction"


def _lead(pair: pd.Series, lead: float) -> str:
    return f"{lead:+.3f} px/layer at β = {pair.beta:g}, k = {pair['size']:g}".replace("-", "−")
