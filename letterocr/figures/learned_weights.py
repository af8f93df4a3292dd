"""What a layer learned, W - W0: the units that changed most, and the leading singular vectors of the change."""

from __future__ import annotations

import numpy as np


def list_largest(change: np.ndarray, count: int) -> np.ndarray:
    """Return the indices of the rows with the largest change, the largest first.

    Args:
        change: [out, in], change of the weights of each unit.
        count: the largest number of rows.

    Example:
        >>> list_largest(np.array([[1.0, 0.0], [3.0, 4.0], [0.0, 2.0]]), 2).tolist()
        [1, 2]
    """
    return np.argsort(-np.linalg.norm(change, axis=1), kind="stable")[:count]


def compute_leading_triplets(change: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the leading singular triplets of a change of weights.

    They are left vectors [k, out], values [k] and right vectors [k, in]; k is `count`, or less if the matrix is
    smaller. The signs are chosen such that the entry of the largest size of each right vector is positive.

    Args:
        change: [out, in].
        count: the largest number of triplets.
    """
    change = np.asarray(change, dtype=np.float64)
    if min(change.shape) <= 4 * count or not change.any():
        left, values, right = np.linalg.svd(change, full_matrices=False)
        left, values, right = left[:, :count], values[:count], right[:count]
    else:
        from scipy.sparse.linalg import svds

        left, values, right = svds(change, k=count, v0=np.ones(min(change.shape)))
        left, values, right = left[:, ::-1], values[::-1], right[::-1]
    extreme = right[np.arange(len(right)), np.abs(right).argmax(axis=1)]
    sign = np.where(extreme < 0, -1.0, 1.0)[:, None]
    return sign * left.T, values, sign * right


def find_scale(weights: np.ndarray) -> float:
    """Return the size of weight that gets the full colour: a few extreme ones would make all others pale."""
    sizes = np.abs(weights)
    return float(np.quantile(sizes, 0.998)) or float(sizes.max()) or 1.0
