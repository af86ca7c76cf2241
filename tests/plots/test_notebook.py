"""Plots for a notebook: what is drawn is what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest

import mechcore
from tests.helpers.refusals import refused

KERNEL = mechcore.kernel("dct", 3, beta=0.5)


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


def test_the_panels_of_a_kernel_add_up_to_it() -> None:
    taps = mechcore.kernel("random", 5, beta=0.5)
    *panels, _ = mechcore.plot_kernel(taps).axes
    kernel, *parts = (panel.images[0].get_array() for panel in panels)
    np.testing.assert_allclose(sum(parts), kernel, atol=1e-15)  # rounding of a sum of three
    shares = [panel.get_title() for panel in panels]
    assert shares[0] == "kernel, 100% of the energy"
    assert shares[3] == "odd, 25% of the energy"


def test_a_run_is_drawn_layer_by_layer() -> None:
    run = mechcore.propagate(KERNEL, steps=8)
    first = mechcore.plot_run(run).axes[0].lines[0]
    np.testing.assert_array_equal(first.get_xydata(), np.stack([run.t, run.mu_x], axis=-1))


def test_a_run_without_negative_taps_lies_on_the_line_of_theory() -> None:
    centroid, theory = mechcore.plot_light_cone(mechcore.propagate(KERNEL, steps=8)).lines
    # Centroids of 8 layers, good to a few roundings of some px.
    np.testing.assert_allclose(centroid.get_xdata(), theory.get_xdata(), atol=1e-13)
    beyond = mechcore.propagate(mechcore.kernel("dct", 3, beta=0.9), steps=8)
    assert len(mechcore.plot_light_cone(beyond).lines) == 1


@pytest.mark.parametrize("plot", [mechcore.plot_run, mechcore.plot_light_cone])
def test_what_is_no_single_run_is_refused(plot: Callable[[object], object]) -> None:
    with refused("run: a stack of 2 simulations is not allowed, expected one: run.isel(kernel=0)"):
        plot(mechcore.propagate([KERNEL, KERNEL], steps=4))
    with refused("run: an object of type int"):
        plot(1)
