"""Samples at which TensorBoard shows the curves of a run: at most 1000, however long the run is."""

from __future__ import annotations

import functools

import numpy as np

# TensorBoard keeps 1000 points of a tag and drops others at random, so a run must not write more.
MOST_POINTS = 1000
DENSE = 100  # the first samples, which are all shown


@functools.lru_cache(maxsize=8)
def _spread_samples(total: int) -> np.ndarray:
    if total < MOST_POINTS:
        return np.arange(total + 1)
    # Half of the rest evenly in the logarithm, half evenly: the fall and the long tail are both drawn well.
    half = (MOST_POINTS - DENSE - 1) // 2
    logarithmic, linear = np.geomspace(DENSE, total, half), np.linspace(DENSE, total, half)
    return np.unique(np.rint(np.concatenate([np.arange(DENSE), logarithmic, linear])).astype(np.int64))


def select_samples(first: int, last: int, total: int) -> np.ndarray:
    """Return the numbers of samples learned, above `first` and up to `last`, at which the curves are shown.

    They depend only on the length of the run, so that a resumed run shows the same points. A whole run has at most 1000
    of them: all from 0 to 100, then numbers at growing distances, and the last one.

    Args:
        first: samples learned at the last call; -1 before sample 0.
        last: samples learned now.
        total: samples of the whole run.

    Returns:
        [n] int64, increasing.

    Example:
        >>> select_samples(-1, 3, total=500).tolist()
        [0, 1, 2, 3]
    """
    samples = _spread_samples(total)
    return samples[np.searchsorted(samples, first, "right") : np.searchsorted(samples, last, "right")]
