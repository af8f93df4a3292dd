"""The samples at which TensorBoard shows a run's curves: few, whatever the length of the run."""

from __future__ import annotations

import functools

import numpy as np

# TensorBoard keeps 1000 points of a tag and drops others at random: a run must not have more.
MOST_POINTS = 1000
DENSE = 100  # every one of the first samples is shown


@functools.lru_cache(maxsize=8)
def _spread_samples(total: int) -> np.ndarray:
    if total < MOST_POINTS:
        return np.arange(total + 1)
    # Half of the rest evenly in the logarithm, half evenly: the fall and the long tail are both drawn well.
    half = (MOST_POINTS - DENSE - 1) // 2
    logarithmic, linear = np.geomspace(DENSE, total, half), np.linspace(DENSE, total, half)
    return np.unique(np.rint(np.concatenate([np.arange(DENSE), logarithmic, linear])).astype(np.int64))


def select_samples(first: int, last: int, total: int) -> np.ndarray:
    """The numbers of samples learned, above `first` and up to `last`, at which a run's curves are to be shown.

    They depend on nothing but the length of the run, so blocks and resumed runs show the same points. There are at most
    1000 in a whole run: 0 to 100 all of them, and always the last one. `first = -1` includes sample 0.

    Returns:
        [n] int64, increasing.
    """
    samples = _spread_samples(total)
    return samples[np.searchsorted(samples, first, "right") : np.searchsorted(samples, last, "right")]
