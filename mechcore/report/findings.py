"""What was measured, in sentences: every number is read from the results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mechcore.figures import Evidence
from mechcore.figures.contraction import contraction_table, has_rest
from mechcore.figures.evidence import preferred
from mechcore.fits import first_fitted_layer
from mechcore.geometry import light_speed
from mechcore.regressions import PREDICTORS, cell_names
from mechcore.report.fit_table import SYMBOLS

ODD = 1e-9
"""A kernel whose beta is this near to 1 is odd."""

EVEN = 1e-9
"""Speeds (px/layer) that differ by less are equal but for rounding."""


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
    rows = _chosen(evidence, "relu", evidence.point)
    rows = rows[rows.beta > 1 - ODD]
    if rows.empty:
        return ""
    speeds = "; ".join(
        f"k = {row['size']}: {row.speed:.4f} of {light_speed(int(row['size']), evidence.angle):.4g}"
        for _, row in rows.iterrows()
    )
    plan = evidence.experiment
    burn = first_fitted_layer(plan.steps, plan.t_burn)
    return (
        f"Odd kernel with ReLU (β = 1, {evidence.family}, {evidence.point}), speed in px/layer "
        f"over layers {burn} to {plan.steps}, and light cone: {speeds}."
    )


def _diffusion(evidence: Evidence) -> str:
    activation = preferred(evidence.experiment.activations, "relu")
    rows = _chosen(evidence, activation, evidence.point)
    rows = rows[(rows.beta == 0) & np.isfinite(rows.diffusion_coefficient)]
    if rows.empty:
        return ""
    texts = "; ".join(
        f"k = {row['size']}: c = {row.diffusion_coefficient:.4f}, "
        f"a = {row.diffusion_exponent:.4f}, {_expected(evidence, row)}"
        for _, row in rows.iterrows()
    )
    rule = ", theory c = √((k² − 1)/12)" if evidence.family == "dct" else ""
    return f"At β = 0 ({activation}, {evidence.point}) the width grows as c tᵃ (px){rule}. {texts}."


def _exactness(evidence: Evidence) -> str:
    metrics = evidence.metrics
    known = metrics[np.isfinite(metrics.speed_theory) & np.isfinite(metrics.speed)]
    if known.empty:
        return ""
    gap = float((known.speed - known.speed_theory).abs().max())
    kernels = len(known.drop_duplicates(["kernel", "size", "angle", "beta", "pattern"]))
    return (
        f"In {len(known)} of {len(metrics)} simulations no tap is negative and theory is exact: "
        "speed is linear in the celerity γβ, not in β or ρ. Largest deviation: "
        f"{gap:.1e} px/layer. Rectification does nothing there: under all activations they are the "
        f"same {kernels}."
    )


def _lines(evidence: Evidence) -> str:
    """How good straight lines are over the whole range, for each activation by itself."""
    fits = evidence.regressions[np.isfinite(evidence.regressions.r2)]
    texts = []
    for activation in evidence.experiment.activations:
        rows = fits[fits.cell.str.contains(f"-{activation}-k", regex=False)]
        ranges = ", ".join(
            f"{SYMBOLS[name]} {part.r2.min():.2f}–{part.r2.max():.2f}"
            for name in PREDICTORS
            if len(part := rows[rows.predictor == name])
        )
        texts += [f"{activation} {ranges}"] if ranges else []
    if not texts:
        return ""
    return (
        "Over the whole range of β a straight line is only approximate. R² over cells and "
        f"patterns: {'; '.join(texts)}. The celerity has no value at β = 1, which its fits lack."
    )


def _modulus(evidence: Evidence) -> str:
    texts = [text for name in evidence.patterns if (text := _modulus_of(evidence, name))]
    if not texts:
        return ""
    return f"Speed of the modulus minus that of ReLU, β* < β < 1. {' '.join(texts)}"


def _modulus_of(evidence: Evidence, pattern: str) -> str:
    """Who is faster beyond beta*, where the two differ; rounding and beta = 1 left out."""
    relu, modulus = (_chosen(evidence, name, pattern) for name in ("relu", "modulus"))
    both = relu.merge(modulus, on=["beta", "size"], suffixes=("", "_modulus"))
    sound = ~(both.ill_conditioned | both.ill_conditioned_modulus)
    both = both[sound & (both.beta > both.beta_star) & (both.beta < 1 - ODD)]
    lead = (both.speed_modulus - both.speed).dropna()
    if lead.empty:
        return ""
    both = both.loc[lead.index]
    best, worst = both.iloc[int(lead.argmax())], both.iloc[int(lead.argmin())]
    faster, slower = int((lead > EVEN).sum()), int((lead < -EVEN).sum())
    return (
        f"{pattern}: faster in {faster}, slower in {slower} of {len(lead)} pairs, from "
        f"{_lead(worst, lead.min())} to {_lead(best, lead.max())}."
    )


def _contraction(evidence: Evidence) -> str:
    if not has_rest(evidence):
        return ""
    table = contraction_table(evidence, evidence.family)
    factor = np.sqrt((1 - table.relative_speed**2).clip(lower=0))
    table = table.assign(gap=(table.contraction - factor).abs())
    exact = table[(table.beta <= table.beta_star) & evidence.free].gap.dropna()
    beyond = table[(table.beta > table.beta_star) & table.gap.notna()]
    if exact.empty:
        return ""
    misses = ", ".join(
        f"{name} {rows.gap.max():.2f}" for name, rows in beyond.groupby("activation", sort=False)
    )
    fastest = beyond.relative_speed.max()
    after = (
        f" Beyond β* it misses by up to: {misses}; speeds reach {fastest:.2f} s, which no Lorentz "
        "factor allows (it is taken as 0 there)."
        if len(beyond)
        else ""
    )
    return (
        f"Up to β* the width contracts by √(1 − v²/s²) to within {exact.max():.1e} in {len(exact)} "
        f"simulations, the diffusion speed s in the place of light.{after}"
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


def _chosen(evidence: Evidence, activation: str, pattern: str) -> pd.DataFrame:
    metrics = evidence.metrics
    chosen = (metrics.kernel == evidence.family) & (metrics.activation == activation)
    chosen &= (metrics.pattern == pattern) & (metrics.angle == evidence.angle)
    return metrics[chosen]


def _expected(evidence: Evidence, row: pd.Series) -> str:
    width = evidence.theories(evidence.family, int(row["size"]))[0].diffusion_speed
    return f"kernel alone {width:.4f} and ½" if np.isfinite(width) else "no prediction"


def _lead(pair: pd.Series, lead: float) -> str:
    return f"{lead:+.3f} px/layer at β = {pair.beta:g}, k = {pair['size']:g}".replace("-", "−")
