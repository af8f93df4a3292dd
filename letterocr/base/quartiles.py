"""Lower quartile, median and upper quartile, by linear interpolation; the one place where they are computed.

Two things that NumPy leaves out are needed here. NaN stands for a value that is missing: it is left out of its row.
Infinity stands for a run that diverged or never got to its target: it counts as a value larger than all others, and
what lies between a number and infinity is infinite. (NumPy's would be NaN, and np.nanquantile takes 20 times as long.)

Shapes: m rows of n values.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_SHARES = np.array([0.25, 0.5, 0.75])


def compute_row_quartiles(rows: np.ndarray) -> np.ndarray:
    """Lower quartile, median and upper quartile of each row [m, n]: [3, m]; NaN for a row without any value."""
    ordered = np.sort(rows, axis=1)  # NaN come last
    last = np.maximum((~np.isnan(ordered)).sum(axis=1) - 1, 0)
    place = np.multiply.outer(_SHARES, last)
    below = place.astype(np.int64)
    part, row = place - below, np.arange(len(ordered))
    left, right = ordered[row, below], ordered[row, np.minimum(below + 1, last)]
    step = np.zeros_like(left)
    np.subtract(right, left, out=step, where=(part > 0) & (right > left) & np.isfinite(left))
    np.multiply(part, step, out=step, where=step > 0)
    return left + step


def compute_quartiles(values: Sequence[float] | np.ndarray) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile of one list of values."""
    low, middle, high = compute_row_quartiles(np.asarray(values, float)[None])[:, 0].tolist()
    return low, middle, high
