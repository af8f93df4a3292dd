"""Leading singular triplets of a change of weights, against NumPy's whole decomposition."""

from __future__ import annotations

import numpy as np
import pytest

from letterocr.figures.learned_weights import compute_leading_triplets, find_scale


@pytest.mark.parametrize("shape", [(26, 900), (300, 200), (5, 900)])
def test_the_leading_triplets_are_those_of_the_whole_decomposition(shape):
    change = np.random.default_rng(0).normal(size=shape) @ np.diag(0.99 ** np.arange(shape[1]))
    left, values, vectors = compute_leading_triplets(change, 5)
    columns, expected, rows = np.linalg.svd(change, full_matrices=False)
    np.testing.assert_allclose(values, expected[:5], rtol=1e-9)
    np.testing.assert_allclose(np.abs(np.sum(vectors * rows[:5], axis=1)), 1, rtol=1e-6)
    np.testing.assert_allclose(np.abs(np.sum(left * columns.T[:5], axis=1)), 1, rtol=1e-6)
    np.testing.assert_allclose(left @ change, values[:, None] * vectors, atol=1e-9 * values[0])
    assert (vectors[np.arange(5), np.abs(vectors).argmax(1)] > 0).all()


def test_no_change_has_no_direction():
    _, values, vectors = compute_leading_triplets(np.zeros((1800, 900)), 5)
    assert vectors.shape == (5, 900)
    assert not values.any()
    assert find_scale(np.zeros(3)) == 1.0
