"""Networks that were trained: what few DCT components keep, and how kernels change meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mechcore.claims.thresholds import ENOUGH
from mechcore.claims.training import THREE
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import Panels, draw_panels, line, mark
from mechcore.report.figures.style import CONE, THEORY, colours, shades
from mechcore.results.results import Results
from mechcore.results.training_tests import mean_interval, relative_scores
from mechcore.results.trainings import PLACE

PUBLISHED = {"vgg16": ("VGG16", "--"), "resnet50": ("ResNet50", ":")}
"""The authors' networks: their names in figures, and their lines."""

CHANCE = 1e-3
"""Accuracy by chance of the authors' networks, which tell 1000 classes apart."""

WHEN = {"before": "right after the cut", "after": "after fine-tuning"}

SIGNIFICANT = 0.05

KEPT = -0.1, 1.2
"""What is drawn of an accuracy relative to that of the whole network."""

QUANTITIES = {
    "score": "accuracy",
    "odd_energy_ratio": "odd share of the energy",
    "low_frequency_share": "share of DC and gradients",
    "asymmetric_share": "the authors' β²",
    "displacement": "displacement (px)",
    "coherence": "coherence of momenta",
}
"""What is drawn over the epochs; of layers, the mean."""


def _named(place: Any) -> str:
    architecture, size, activation = place
    return f"{architecture}, {size}×{size}, {activation}"


def _topic(place: Any) -> str:
    architecture, size, activation = place
    return f"{architecture}-k{size}-{activation}"


def published_curves(results: Results) -> pd.DataFrame:
    """Return accuracies of the authors' networks, relative to that with all components."""
    study = results.experiment.training
    if study is None or study.published is None:
        return pd.DataFrame(columns=["network", "components", "epoch", "accuracy", "relative"])
    table = pd.read_csv(Path(study.published))
    whole = table[table.components == table.components.max()].groupby("network")
    last = table.network.map(whole.accuracy.last())
    return table.assign(relative=(table.accuracy - CHANCE) / (last - CHANCE))


def _cut_table(results: Results, _: str) -> pd.DataFrame:
    rows = [*_our_cuts(results)]
    # The authors' numbers alone are no result.
    rows += _published_cuts(results) if rows else []
    columns = ["network", "source", "when", "components", "kept", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _our_cuts(results: Results) -> Iterator[tuple[object, ...]]:
    groups = relative_scores(results.training).groupby(list(PLACE), sort=False)
    for (place, group), when in product(groups, WHEN):
        for number, values in group.groupby("components")[when]:
            yield _named(place), "ours", when, number, *mean_interval(values.to_numpy())


def _published_cuts(results: Results) -> Iterator[tuple[object, ...]]:
    curves = published_curves(results).groupby(["network", "components"], sort=False)
    for (network, number), curve in curves.relative:
        for when, end in zip(WHEN, (curve.iloc[0], curve.iloc[-1]), strict=True):
            yield network, "published", when, number, end, np.nan, np.nan


def _draw_cut(data: FigureData) -> Panels:
    table = data.table
    names = list(table.network[table.source == "ours"].unique())
    colour = dict(zip(names, colours(len(names)), strict=True))
    known = [name for name in PUBLISHED if name in set(table.network)]
    legend = [mark(name, colour=colour[name]) for name in names]
    legend += [
        line(f"{PUBLISHED[name][0]}, published", CONE, ls=PUBLISHED[name][1]) for name in known
    ]
    legend += [line(f"{ENOUGH:.0%}, the threshold of C12", THEORY, 0.8)]
    labels = "DCT components that are left of each kernel", "accuracy kept, above chance"
    panels = draw_panels(
        list(WHEN.values()), labels, legend, panel=(3.2, 2.6), legend_columns=3, sharey=True
    )
    for axes, rows in panels.facets(table.sort_values("when", ascending=False), "when"):
        axes.axhline(ENOUGH, color=THEORY, lw=0.8)
        axes.set_ylim(*KEPT)
        for name in known:
            curve = rows[rows.network == name]
            axes.plot(curve.components, curve.kept, color=CONE, ls=PUBLISHED[name][1])
        for name in names:
            curve = rows[rows.network == name]
            axes.plot(
                curve.components, curve.kept, color=colour[name], marker="o", ms=4, gid="kept"
            )
            axes.vlines(curve.components, curve.low, curve.high, color=colour[name], lw=1.2)
        axes.set_xticks(sorted(rows.components.unique()))
        panels.say(axes, rows, ("components", "kept"), _says_cut)
    return panels


def _says_cut(row: dict[str, Any]) -> str:
    ends = f" ({row['low']:.1%} to {row['high']:.1%})" if np.isfinite(row["low"]) else ""
    name = PUBLISHED.get(row["network"], (row["network"],))[0]
    return f"{name}, {row['components']} components {WHEN[row['when']]}: {row['kept']:.1%}{ends}"


def _cut_caption(data: FigureData) -> str:
    ours = data.table[(data.table.source == "ours") & (data.table.components == THREE)]
    parts = [
        f"{rows.kept.iloc[-1]:.0%} after fine-tuning ({rows.kept.iloc[0]:.0%} before) in {name}"
        for name, rows in ours.groupby("network", sort=False)
    ]
    answer = f"With DC and the two gradients networks keep {' and '.join(parts)}. " if parts else ""
    return (
        f"{answer}Bars: 95% interval over seeds; all relative to the network with all components."
    )


CUTS = ReportFigure(
    "cuts",
    "How many DCT components does a trained network need?",
    _cut_table,
    _draw_cut,
    _cut_caption,
    value="kept",
    groups=("network", "when"),
    shows="Accuracy that is kept against the number of components",
    main=True,
)


def _curves(rows: pd.DataFrame, keys: list[str], quantity: str) -> pd.DataFrame:
    """The mean over seeds of a quantity at each epoch, with its interval."""
    groups = rows.groupby([*keys, "epoch"], sort=False)[quantity]
    table = [(*key, quantity, *mean_interval(values.to_numpy())) for key, values in groups]
    return pd.DataFrame(table, columns=[*keys, "epoch", "quantity", "mean", "low", "high"])


def _learning_topics(results: Results) -> list[str]:
    table = results.training
    places = table.loc[~table.fine_tuned, list(PLACE)].drop_duplicates()
    return [_topic(place) for place in places.itertuples(index=False)]


def _of_topic(rows: pd.DataFrame, topic: str) -> pd.DataFrame:
    """Rows of a place, by the name of its topic."""
    # Without `loc` an empty list would select no columns.
    places = rows[list(PLACE)].itertuples(index=False)
    return rows.loc[[_topic(place) == topic for place in places]]


def _learning_table(results: Results, topic: str) -> pd.DataFrame:
    rows = results.training_epochs[~results.training_epochs.fine_tuned]
    rows = _of_topic(rows, topic)
    several = rows.restriction.nunique() > 1
    start = rows.restriction + " " + rows.initialisation if several else rows.initialisation
    rows = rows.assign(start=start)
    return pd.concat([_curves(rows, ["start"], quantity) for quantity in QUANTITIES])


def _draw_learning(data: FigureData) -> Panels:
    table = data.table
    starts = list(table.start.unique())
    colour = dict(zip(starts, colours(len(starts)), strict=True))
    panels = draw_panels(
        [_quantity(data.results, name) for name in table.quantity.unique()],
        ("epoch", "mean over seeds"),
        [line(name, colour[name]) for name in starts],
        panel=(2.15, 1.7),
        gap=(0.45, 0.5),
    )
    for axes, rows in panels.facets(table, "quantity"):
        axes.locator_params(axis="x", integer=True)
        for name, curve in rows.groupby("start", sort=False):
            _band(axes, curve, colour[str(name)])
        panels.say(axes, rows[rows.epoch == rows.epoch.max()], ("epoch", "mean"), _says_learning)
    return panels


def _quantity(results: Results, name: str) -> str:
    denoises = name == "score" and results.training.measure.iloc[0] == "psnr"
    return "peak to noise (dB)" if denoises else QUANTITIES[name]


def _band(axes: Axes, curve: pd.DataFrame, colour: Any) -> None:
    axes.plot(curve.epoch, curve["mean"], color=colour, gid="mean")
    if curve.low.notna().any():
        axes.fill_between(curve.epoch, curve.low, curve.high, color=colour, alpha=0.2, lw=0)


def _says_learning(row: dict[str, Any]) -> str:
    ends = f" ({row['low']:.3g} to {row['high']:.3g})" if np.isfinite(row["low"]) else ""
    quantity = QUANTITIES.get(row["quantity"], "accuracy")
    return f"{row['start']}, epoch {row['epoch']}, {quantity}: {row['mean']:.3g}{ends}"


def _learning_caption(data: FigureData) -> str:
    table, results = data.table, data.results
    scores = table[(table.quantity == "score") & (table.epoch == table.epoch.max())]
    best, worst = (scores.loc[scores["mean"].agg(choose)] for choose in ("idxmax", "idxmin"))
    tests = _of_topic(results.training_tests, data.topic)
    tests = tests[~tests.fine_tuned]
    pairs = tests[(tests.kind == "pair") & (tests.response == "score")]
    apart = (pairs.p_adjusted < SIGNIFICANT).sum()
    return (
        f"After {int(best.epoch)} epochs scores lie between {worst['mean']:.3f} "
        f"({worst.start}) and {best['mean']:.3f} ({best.start}); {apart} of {len(pairs)} "
        "differences from the first are significant (paired by seed, adjusted p < "
        f"{SIGNIFICANT}). {_speed(tests)}Bands: 95% interval over seeds."
    )


def _speed(tests: pd.DataFrame) -> str:
    """How fast networks learn by the odd share of their kernels at the start."""
    of_odd = (tests.response == "score_mean") & (tests.compared == "odd_energy_ratio_start")
    known = tests[of_odd & tests.low.notna()]
    if known.empty:
        return ""
    slope = known.iloc[0]
    return (
        f"The mean score over the epochs changes by {slope.estimate:+.3f} per unit of odd share at "
        f"the start (95% interval {slope.low:+.3f} to {slope.high:+.3f}). "
    )


LEARNING = ReportFigure(
    "learning",
    "Does it matter how kernels start?",
    _learning_table,
    _draw_learning,
    _learning_caption,
    value="mean",
    groups=("quantity", "start"),
    topics=_learning_topics,
    main=True,
)


def _recovery_table(results: Results, _: str) -> pd.DataFrame:
    """Accuracies after a cut, relative to the network with all components after the last epoch."""
    columns = ["network", "components", "epoch", "quantity", "mean", "low", "high"]
    table, keys = results.training_epochs, [*PLACE, "seed"]
    classifiers = results.training[results.training.measure == "accuracy"].set_index("run")
    cut = table[table.fine_tuned.astype(bool) & table.run.isin(classifiers.index)]
    if cut.empty:
        return pd.DataFrame(columns=columns)
    whole = cut[cut.components == cut["size"] ** 2].groupby(keys).score.last()
    full = whole.reindex(pd.MultiIndex.from_frame(cut[keys])).to_numpy()
    chance = cut.run.map(classifiers.chance)
    names = [_named(place) for place in cut[list(PLACE)].itertuples(index=False)]
    cut = cut.assign(network=names, relative=(cut.score - chance) / (full - chance))
    ours = _curves(cut.dropna(subset="relative"), ["network", "components"], "relative")
    theirs = published_curves(results).rename(columns={"relative": "mean"})
    return pd.concat([ours, theirs.assign(quantity="relative")])[columns]


def _draw_recovery(data: FigureData) -> Panels:
    table = data.table
    numbers = sorted({*map(int, table.components)})
    colour = dict(zip(numbers, shades(len(numbers)), strict=True))
    names = table.network.unique()
    panels = draw_panels(
        [f"{PUBLISHED[name][0]}, published" if name in PUBLISHED else name for name in names],
        ("epochs after the cut", "accuracy kept, above chance"),
        [line(f"{number} component{'s' * (number > 1)}", colour[number]) for number in numbers],
        panel=(3.2, 2.0),
        columns=2,
        gap=(0.3, 0.5),
        sharey=True,
    )
    for axes, rows in panels.facets(table, "network"):
        axes.set_ylim(*KEPT)
        axes.locator_params(axis="x", integer=True)
        for number, curve in rows.groupby("components"):
            _band(axes, curve, colour[int(str(number))])
        ends = rows[rows.epoch == rows.epoch.max()].assign(start=rows.components)
        panels.say(axes, ends, ("epoch", "mean"), _says_learning)
    return panels


def _recovery_caption(_: FigureData) -> str:
    return (
        "Networks are cut to their first DCT components and fine-tuned; all relative to the "
        "network with all components after its last epoch. Bands: 95% interval over seeds; "
        "published: one run."
    )


RECOVERY = ReportFigure(
    "recovery",
    "How fast do networks recover from a cut?",
    _recovery_table,
    _draw_recovery,
    _recovery_caption,
    value="mean",
    groups=("network", "components"),
)
