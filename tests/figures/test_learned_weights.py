"""Leading singular vectors of a change of weights, against NumPy's whole decomposition."""

from __future__ import annotations

import numpy as np
import pytest

from letterocr.figures.learned_weights import compute_leading_vectors, find_scale


@pytest.mark.parametrize("shape", [(26, 900), (300, 200), (5, 900)])
def test_the_leading_vectors_are_those_of_the_whole_decomposition(shape):
    change = np.random.default_rng(0).normal(size=shape) @ np.diag(0.99 ** np.arange(shape[1]))
    vectors, values = compute_leading_vectors(change, 5)
    _, expected, rows = np.linalg.svd(change, full_matrices=False)
    np.testing.assert_allclose(values, expected[:5], rtol=1e-9)
    np.testing.assert_allclose(np.abs(np.sum(vectors * rows[:5], axis=1)), 1, rtol=1e-6)
    assert (vectors[np.arange(5), np.abs(vectors).argmax(1)] > 0).all()


def test_no_change_has_no_direction():
    vectors, values = compute_leading_vectors(np.zeros((1800, 900)), 5)
    assert vectors.shape == (5, 900)
    assert not values.any()
    assert find_scale(np.zeros(3)) == 1.0
