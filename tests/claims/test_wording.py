"""Where a claim holds, in words."""

from __future__ import annotations

import pandas as pd

from mechcore.claims.wording import extent, listed_names


def test_extent_states_both_sides() -> None:
    index = pd.MultiIndex.from_tuples([("a", "x"), ("b", "x")], names=["kernel", "activation"])
    assert extent(pd.Series([True, True], index)) == "everywhere it was tested: a, b (x)"
    assert extent(pd.Series([False, True], index)) == "for b (x); not for a (x)"
    assert extent(pd.Series([False, False], index)) == "nowhere: a, b (x)"
    sizes = pd.MultiIndex.from_tuples([("a", 2), ("a", 3)], names=["activation", "size"])
    assert extent(pd.Series([True, False], sizes)) == "for k = 2; not for k = 3"


def test_runs_of_sizes_are_stated_by_their_ends() -> None:
    index = pd.MultiIndex.from_product([["a", "b"], [2, 3, 4, 5]], names=["activation", "size"])
    holds = pd.Series([True] * 4 + [True] * 3 + [False], index)
    assert extent(holds) == "for a (all), b (k = 2 to 4); not for b (k = 5)"


def test_of_many_names_the_first_are_listed() -> None:
    assert listed_names(list("abcdef")) == "a, b, c, d, e, f"
    assert listed_names(list("abcdefgh")) == "a, b, c, d, e, f and 2 more"
