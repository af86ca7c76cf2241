"""Files that settings name: images of patterns, and weights."""

from __future__ import annotations

from mechcore.cells import Propagation
from mechcore.config import Experiment
from mechcore.patterns import is_file_name


def named_files(planned: Propagation) -> list[str]:
    """Return the files that settings name.

    Parameters
    ----------
    planned : Propagation
        An experiment, a cell, or how kernels of a bank run.

    Returns
    -------
    list of str
        Paths as they were given: patterns, then the weights of banks, trained or not.

    Examples
    --------
    >>> named_files(Propagation())
    []
    """
    patterns = [one.name for one in planned.patterns if is_file_name(one.name)]
    banks = planned.filter_banks if isinstance(planned, Experiment) else []
    weights = [path for bank in banks for path in (bank.weights, bank.untrained) if path]
    return [*patterns, *weights]
