"""Run kernels through layers: `propagate` for any kernel, `simulate` for a cell of a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mechcore import engines
from mechcore.engines.rule import LARGEST_WINDOW, LayerRule, window_offset
from mechcore.engines.trajectories import (
    DENSITIES,
    QUANTITIES,
    REGIONS,
    Trajectories,
    centroid_distance,
    concatenate,
    neighbouring_kernels,
    record_distance,
)
from mechcore.errors import InvalidValue, checked_integer, choose
from mechcore.experiment.cell import Cell, first_fitted_layer
from mechcore.io.arrays import Array, real_array
from mechcore.io.netcdf import Contents
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.boundaries import BOUNDARIES, domain_side
from mechcore.model.decomposition import measured_betas, parities
from mechcore.model.geometry import PLACEMENTS
from mechcore.model.kernels import FAMILIES, as_kernel, even_part, kernel, odd_part
from mechcore.model.normalisations import NEEDS_DOMAIN, NORMALISATIONS, rescaled
from mechcore.model.patterns import Image, as_pattern, pattern_image
from mechcore.model.theory import beta_star
from mechcore.simulation.dataset import (
    cell_attributes,
    cell_labels,
    identity,
    trajectories_contents,
)
from mechcore.simulation.symmetry import (
    THROUGH_ORIGIN,
    completed,
    copies_among,
    has_mirror_image,
)

if TYPE_CHECKING:
    import xarray as xr


def propagate(
    kernel: object,
    activation: str = "relu",
    pattern: str | object = "delta",
    steps: int = 64,
    *,
    normalise: str = "l2",
    boundary: str = "free",
    domain: int | None = None,
    density: str = "absolute",
    region: str = "image",
    placement: str = "centred",
    in_turns: bool = False,
    snapshots: Sequence[int] = (),
    window: int = 129,
    t_burn: int | None = None,
    engine: str = "compiled",
) -> xr.Dataset:
    """Send a pattern through layers of one kernel and record how it moves.

    Parameters
    ----------
    kernel : (kh, kw) or (n, kh, kw) array_like
        A kernel, or a stack of kernels of one shape, in the convolution convention.
    activation : str, optional
        Key of `mechcore.model.activations.ACTIVATIONS`.
    pattern : str, mapping or (h, w) array_like, optional
        Key of `mechcore.model.patterns.PATTERNS`, path of a ``.npy`` or ``.png`` file, name and
        arguments as ``{"name": "disc", "radius": 19}``, or an image.
    steps : int, optional
        Number of layers T.
    normalise : {"l2", "peak", "mass", "std", "none"}, optional
        What the state is divided by in every layer; the standard deviation needs a finite domain.
    boundary : {"free", "zero", "wrap", "reflect"}, optional
        Free space, or what lies beyond the edge of a finite domain.
    domain : int, optional
        Side of a finite domain in px, 129 by default; not for free space.
    density : {"absolute", "square", "signed"}, optional
        Mass density: abs(x), x^2 or x.
    region : {"image", "row"}, optional
        What is measured: the whole state, or its central row.
    placement : {"centred", "corners"}, optional
        Where an even kernel sits, see `mechcore.model.geometry.PLACEMENTS`.
    in_turns : bool, optional
        Whether a stack is one simulation, whose kernels act in turn, layer by layer.
    snapshots : sequence of int, optional
        Layers whose state is kept.
    window : int, optional
        Side of the square window of a snapshot in px.
    t_burn : int, optional
        First layer of the fits, a quarter of the steps by default.
    engine : {"compiled", "reference"}, optional
        Engine.

    Returns
    -------
    xarray.Dataset
        The quantities of `mechcore.engines.trajectories.QUANTITIES` along ``t`` = 0..T, with a
        leading dimension ``kernel`` for a stack; when the state died or diverged; how sensitive the
        record is to rounding; the kernel.

    Raises
    ------
    InvalidValue
        If an argument is not usable.

    References
    ----------
    L. Frija-Altarac and M. Toews, The Mechanics of CNN Filtering with Rectification,
    arXiv:2512.24338.

    Examples
    --------
    >>> import mechcore
    >>> run = mechcore.propagate(mechcore.kernel("dct", 2, beta=1.0), steps=4, engine="reference")
    >>> run.mu_x.values
    array([0. , 0.5, 1. , 1.5, 2. ])
    """
    stack, stacked = _as_stack(kernel)
    choose(PLACEMENTS, "placement", placement)
    rule = _checked_rule(
        activation, normalise, boundary, density, region, steps, tuple(snapshots), window
    )
    if t_burn is not None:
        checked_integer("t_burn", t_burn, 0, steps - 1)
    if domain is not None:
        checked_integer("domain", domain, 1, 10**5)
    image = _image(pattern)
    image = _on_domain(image, domain_side(boundary, domain, max(image.shape)))
    batch = stack[np.newaxis] if in_turns else stack
    outcome, sensitivity = _run_in_range(engine, batch, image, rule)
    if in_turns:
        stack, stacked = stack[:1], False
    _place(outcome, placement, stack.shape[1:])
    settings = _settings(rule, t_burn, engine, placement, repeats=not in_turns)
    parameters = settings | {
        "pattern": pattern if isinstance(pattern, str | Mapping) else "array",
        "domain": image.shape[0] if BOUNDARIES[boundary].finite else None,
        "steps": steps,
    }
    dataset = trajectories_contents(
        outcome,
        sensitivity=sensitivity,
        kernels=stack,
        beta_stars=beta_star(*parities(rescaled(stack)[0])),
        rule=rule,
        coordinates={"kernel": np.arange(len(stack))},
        window_starts=snapshot_offsets(image, stack, rule),
        edge_at=np.array(edge_layer(image, stack.shape[1:], rule)),
        regions=np.array(region, dtype=object),
        attributes=settings | identity("propagate", parameters),
    ).dataset()
    return dataset if stacked else dataset.isel(kernel=0, drop=True)


def simulate(cell: Cell, *, neighbours: bool = True) -> xr.Dataset:
    """Run all simulations of a cell: trajectories along ``pattern, angle, beta, t``."""
    return simulated(cell, neighbours=neighbours).dataset()


def simulated(cell: Cell, *, neighbours: bool = True) -> Contents:
    """Run all simulations of a cell; return what its file holds.

    Without ``neighbours`` it takes half of the time, and the sensitivities to rounding are NaN.
    """
    rule = LayerRule(
        cell.activation,
        cell.normalise,
        cell.boundary,
        cell.density,
        cell.steps,
        tuple(sorted(cell.snapshots.layers)),
        cell.snapshots.window,
    )
    kernels = cell_kernels(cell)
    flat = kernels.reshape(-1, *kernels.shape[2:])
    side = domain_side(cell.boundary, cell.domain)
    images = [_on_domain(pattern.image(), side) for pattern in cell.patterns]
    run = _run_without_copies if cell.reuse_symmetric else _run
    runs = [
        run(cell.engine, flat, image, replace(rule, region=region), neighbours=neighbours)
        for image, region in zip(images, cell.regions, strict=True)
    ]
    grid = (len(cell.patterns), len(cell.angles), len(cell.betas))
    outcome = _stacked([outcome for outcome, _ in runs], grid)
    _place(outcome, cell.placement, flat.shape[-2:])
    repeats = len(cell.schedule) == 1
    settings = _settings(rule, cell.t_burn, cell.engine, cell.placement, repeats=repeats)
    return trajectories_contents(
        outcome,
        sensitivity=np.reshape([sensitivity for _, sensitivity in runs], (*grid, 2)),
        kernels=kernels[:, :, 0],
        beta_stars=_beta_stars(cell),
        rule=rule,
        coordinates=_cell_coordinates(cell),
        window_starts=np.array([snapshot_offsets(image, flat, rule) for image in images]),
        edge_at=np.array([edge_layer(image, flat.shape[-2:], rule) for image in images]),
        regions=np.array(cell.regions, dtype=object),
        attributes=settings | cell_attributes(cell),
        labels=cell_labels(cell),
        # At the first angle; at others they are the same but for rounding.
        betas=measured_betas(kernels[0, :, 0]),
    )


def cell_kernels(cell: Cell) -> Array:
    """Return the kernels of a cell, (angles, betas, p, k, k); p of them act in turn."""

    def turned(beta: float, angle: float) -> Array:
        return kernel(cell.kernel, cell.size, beta, angle, cell.mixing, seed=cell.seed)

    return np.array(
        [
            [[turned(beta, turn.of(angle)) for turn in cell.schedule] for beta in cell.betas]
            for angle in cell.angles
        ]
    )


def snapshot_offsets(image: Image, kernels: Array, rule: LayerRule) -> Array:
    """Return where the window of each snapshot starts, (m, 2): (x, y) of its first pixel, px."""
    finite = BOUNDARIES[rule.boundary].finite
    starts = []
    for layer in rule.snapshot_layers:
        for axis in (1, 0):
            reach = kernels.shape[axis - 2] - 1
            size = image.shape[axis] + (0 if finite else layer * reach)
            # An even kernel leaves a finite domain half a pixel to the left after odd layers.
            shift = -0.5 if finite and reach % 2 and layer % 2 else 0.0
            start = window_offset(size, rule.snapshot_window)
            starts.append(start - (size - 1) / 2 + shift)
    return np.reshape(starts, (-1, 2))


def edge_layer(image: Image, kernel_shape: tuple[int, ...], rule: LayerRule) -> float:
    """Return the first layer at which something may have crossed the edge of the domain.

    It is NaN on free space or if the kernel is a single tap. The pattern fills a finite domain.

    Examples
    --------
    >>> edge_layer(np.eye(1, 5, 2), (1, 3), LayerRule(boundary="wrap"))
    3.0
    """
    if not BOUNDARIES[rule.boundary].finite or max(kernel_shape) == 1:
        return np.nan
    layers = []
    for axis, size in enumerate(kernel_shape):
        occupied = np.flatnonzero(image.any(axis=1 - axis))
        margin = min(occupied[0], image.shape[axis] - 1 - occupied[-1])
        if size > 1:
            layers.append(2 * margin // (size - 1) + 1)
    return float(min(layers))


def _run_in_range(
    engine: str, kernels: Array, image: Image, rule: LayerRule
) -> tuple[Trajectories, Array]:
    """Run kernels of any norm, of which only gain and peak depend if the state is divided by it."""
    scale_free = NORMALISATIONS[rule.normalise].divides and ACTIVATIONS[rule.activation].homogeneous
    if not scale_free:
        return _run(engine, kernels, image, rule)
    scaled, exponents = rescaled(kernels)
    outcome, sensitivity = _run(engine, scaled, image, rule)
    turns = exponents.reshape(len(kernels), -1)
    exponent = turns[:, np.arange(rule.steps) % turns.shape[1], np.newaxis]
    sizes = [QUANTITIES.index(name) for name in ("gain", "peak")]
    with np.errstate(over="ignore"):
        outcome.record[:, 1:, sizes] = np.ldexp(outcome.record[:, 1:, sizes], exponent)
    return outcome, sensitivity


def _run(
    engine: str, kernels: Array, image: Image, rule: LayerRule, *, neighbours: bool = True
) -> tuple[Trajectories, Array]:
    """Run kernels, and neighbours in the last place, which show how much rounding matters.

    The neighbours run mirrored through the origin, so that the sums are also rounded in another
    order. An even kernel on a finite domain has no mirror image, as its grid moves by half a pixel,
    nor has the central row of a state of even height.
    """
    outcome = engines.run(engine, kernels, image, rule)
    if not neighbours:
        return outcome, np.full((len(kernels), 2), np.nan)
    blind = replace(rule, snapshot_layers=())
    nearby = neighbouring_kernels(kernels)
    if not has_mirror_image(image, kernels.shape[-2:], rule):
        record = engines.run(engine, nearby, image, blind).record
    else:
        flipped = THROUGH_ORIGIN.of(nearby)
        record = engines.run(engine, flipped, THROUGH_ORIGIN.of(image), blind).record
        record = THROUGH_ORIGIN.undone_in_record(record)
    pair = outcome.record, record
    return outcome, np.stack([record_distance(*pair), centroid_distance(*pair)], axis=-1)


def _run_without_copies(
    engine: str, kernels: Array, image: Image, rule: LayerRule, *, neighbours: bool = True
) -> tuple[Trajectories, Array]:
    """Run kernels; those that are turned or mirrored copies of others run only once."""
    copies = copies_among(kernels, image, rule)
    outcome, sensitivity = _run(engine, kernels[copies.run], image, rule, neighbours=neighbours)
    return completed(outcome, copies), sensitivity[copies.origins]


def _image(pattern: object) -> Image:
    if isinstance(pattern, str):
        return pattern_image(pattern)
    return pattern_image(**pattern) if isinstance(pattern, Mapping) else as_pattern(pattern)


def _as_stack(kernel: object) -> tuple[Array, bool]:
    stack = real_array(kernel, "kernel")
    if stack.ndim != 3:
        return as_kernel(stack)[np.newaxis], False
    if len(stack) == 0:
        raise InvalidValue("kernel", "an empty stack", "at least one kernel")
    return np.array([as_kernel(taps, f"kernel[{i}]") for i, taps in enumerate(stack)]), True


def _checked_rule(
    activation: str,
    normalise: str,
    boundary: str,
    density: str,
    region: str,
    steps: int,
    layers: tuple[int, ...],
    window: int,
) -> LayerRule:
    choose(ACTIVATIONS, "activation", activation)
    choose(NORMALISATIONS, "normalise", normalise)
    choose(BOUNDARIES, "boundary", boundary)
    choose(DENSITIES, "density", density)
    choose(REGIONS, "region", region)
    if NORMALISATIONS[normalise].needs_domain and not BOUNDARIES[boundary].finite:
        raise InvalidValue("normalise", normalise, NEEDS_DOMAIN)
    checked_integer("steps", steps, 1, 10**6)
    checked_integer("window", window, 1, LARGEST_WINDOW)
    for layer in layers:
        checked_integer("snapshots", layer, 0, steps)
    if len(set(layers)) < len(layers):
        raise InvalidValue("snapshots", list(layers), "each layer once")
    kept = tuple(sorted(layers))
    return LayerRule(activation, normalise, boundary, density, steps, kept, window, region)


def _on_domain(image: Image, side: int | None) -> Image:
    """The pattern itself on free space, amid zeros on a finite domain."""
    if side is None:
        return image
    before = [(side - size) // 2 for size in image.shape]
    margins = [
        (first, side - size - first) for first, size in zip(before, image.shape, strict=True)
    ]
    return np.pad(image, margins)


def _stacked(outcomes: list[Trajectories], grid: tuple[int, ...]) -> Trajectories:
    batch = concatenate(outcomes)
    values = (getattr(batch, field.name) for field in fields(batch))
    return Trajectories(*(array.reshape(*grid, *array.shape[1:]) for array in values))


def _beta_stars(cell: Cell) -> Array:
    even = even_part(cell.kernel, cell.size, cell.seed)
    odd = np.array([odd_part(cell.kernel, cell.size, a, cell.seed) for a in cell.angles])
    stars = beta_star(even, odd)
    if not FAMILIES[cell.kernel].by_parity:
        stars = np.array([_measured(cell, *pair) for pair in zip(stars, cell.angles, strict=True)])
    return np.repeat(stars[:, np.newaxis], len(cell.betas), axis=1)


def _measured(cell: Cell, mixing_ratio: float, angle: float) -> float:
    """The beta of the kernel at a mixing ratio, for families that are not split by parity."""
    if np.isnan(mixing_ratio):
        return np.nan
    mixed = kernel(cell.kernel, cell.size, mixing_ratio, angle, seed=cell.seed)
    return float(measured_betas([mixed])[0])


def _cell_coordinates(cell: Cell) -> dict[str, NDArray[np.generic]]:
    return {
        "pattern": np.array([pattern.label for pattern in cell.patterns], dtype=object),
        "angle": np.array(cell.angles, dtype=np.float64),
        "beta": np.array(cell.betas, dtype=np.float64),
    }


def _place(outcome: Trajectories, placement: str, kernel_shape: tuple[int, ...]) -> None:
    """Move centroids to where the grid of an even kernel is after odd layers, in place."""
    for name, shift, size in zip(
        ("mu_x", "mu_y"), PLACEMENTS[placement], kernel_shape[::-1], strict=True
    ):
        if size % 2 == 0:
            outcome.record[..., 1::2, QUANTITIES.index(name)] += shift


def _settings(
    rule: LayerRule, t_burn: int | None, engine: str, placement: str, *, repeats: bool
) -> dict[str, object]:
    names = ("activation", "normalise", "boundary", "density")
    settings: dict[str, object] = {name: getattr(rule, name) for name in names}
    return settings | {
        "placement": placement,
        "schedule": "constant" if repeats else "in turns",
        "engine": engine,
        "t_burn": first_fitted_layer(rule.steps, t_burn),
    }
