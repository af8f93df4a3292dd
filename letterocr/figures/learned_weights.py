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


def compute_leading_vectors(change: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the leading right singular vectors [k, in] of a change of weights, and their singular values [k].

    The sign of each vector is chosen such that its entry of the largest size is positive.

    Args:
        change: [out, in].
        count: the largest number of vectors.
    """
    change = np.asarray(change, dtype=np.float64)
    if min(change.shape) <= 4 * count or not change.any():
        _, values, vectors = np.linalg.svd(change, full_matrices=False)
        values, vectors = values[:count], vectors[:count]
    else:
        from scipy.sparse.linalg import svds

        _, values, vectors = svds(change, k=count, v0=np.ones(min(change.shape)))
        values, vectors = values[::-1], vectors[::-1]
    extreme = vectors[np.arange(len(vectors)), np.abs(vectors).argmax(axis=1)]
    return vectors * np.where(extreme < 0, -1.0, 1.0)[:, None], values


def find_scale(weights: np.ndarray) -> float:
    """Return the size of weight that gets the full colour: a few extreme ones would make all others pale."""
    sizes = np.abs(weights)
    return float(np.quantile(sizes, 0.998)) or float(sizes.max()) or 1.0
