"""Samples at which a run is shown: at most 1000 for TensorBoard's curves and 10 for its pictures, however long it is.

Diagnoses and snapshots are made at log-spaced samples.
"""

from __future__ import annotations

import functools

import numpy as np

# TensorBoard keeps 1000 points of a tag and drops others at random, so a run must not write more.
MOST_POINTS = 1000
DENSE = 100  # the first samples, which are all shown
MOST_PICTURES = 10  # TensorBoard keeps 10 pictures of a tag; its slider steps through them


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


@functools.lru_cache(maxsize=8)
def list_picture_samples(total: int, block: int) -> tuple[int, ...]:
    """Return the samples learned at each set of pictures: log-spaced, rounded up to whole blocks, the end included.

    Args:
        total: samples of the whole run.
        block: samples in one block of the engine.

    Example:
        >>> list_picture_samples(20_000, block=32)
        (32, 96, 160, 288, 576, 1152, 2368, 4800, 9792, 20000)
    """
    spaced = np.geomspace(min(block, max(total, 1)), max(total, 1), MOST_PICTURES).round().astype(np.int64)
    whole = np.minimum(-(-spaced // block) * block, total)
    return tuple(int(sample) for sample in np.unique(whole))


def find_next(due: np.ndarray, sample: int) -> int:
    """Return the first number of samples above `sample` among increasing numbers [n], the last of which is above it."""
    return int(due[np.searchsorted(due, sample, "right")])


def list_due_samples(total: int, block: int, per_decade: int) -> np.ndarray:
    """Return log-spaced numbers of samples learned: 0, numbers rounded up to whole blocks, and `total`.

    Args:
        total: samples of the whole run.
        block: samples in one block of the engine.
        per_decade: how many there are for each factor of ten, before they are rounded.

    Returns:
        [n] int64, increasing.

    Example:
        >>> list_due_samples(10, block=5, per_decade=4).tolist()
        [0, 5, 10]
    """
    steps = int(np.ceil(per_decade * np.log10(max(total, 1))))
    spaced = np.ceil(10 ** (np.arange(steps + 1) / per_decade) - 1e-9).astype(np.int64)
    whole = -(-spaced // block) * block
    return np.unique(np.minimum(np.concatenate([[0], whole, [total]]), total))
