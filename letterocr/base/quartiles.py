"""Lower quartile, median and upper quartile by linear interpolation, for the whole package.

NaN and infinity have a meaning here that NumPy does not give them. NaN stands for a missing value and is left out.
Infinity stands for a run that diverged or never reached its target: it is larger than every number, and interpolation
between a number and infinity gives infinity. (NumPy gives NaN, and np.nanquantile takes 20 times as long.)

Shapes: m rows of n values.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_SHARES = np.array([0.25, 0.5, 0.75])


def compute_row_quartiles(rows: np.ndarray) -> np.ndarray:
    """Compute the quartiles of each row.

    Args:
        rows: [m, n].

    Returns:
        [3, m], lower quartile, median and upper quartile; NaN for a row without any value.
    """
    ordered = np.sort(rows, axis=1)  # NaN values come last
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
    """Compute the lower quartile, the median and the upper quartile of a list of values.

    Example:
        >>> compute_quartiles([4, 1, 3, 2, 5])
        (2.0, 3.0, 4.0)
        >>> compute_quartiles([1, 2, np.nan, np.inf])  # NaN is left out
        (1.5, 2.0, inf)
    """
    low, middle, high = compute_row_quartiles(np.asarray(values, float)[None])[:, 0].tolist()
    return low, middle, high
