"""The products in pieces, against NumPy, and with threads against without."""

from __future__ import annotations

from collections.abc import Iterator

import numba
import numpy as np
import pytest

from letterocr.engine import kernels, threaded

SIZES = [(1, 5), (26, 30), (37, 41), (300, 257)]


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """As many threads as there are cores for these tests only."""
    threaded.use_threads(64)
    yield
    threaded.use_threads(1)


@pytest.mark.parametrize(("out", "width"), SIZES)
def test_products_are_numpys_and_threads_change_no_bit(out: int, width: int) -> None:
    random = np.random.default_rng(out)
    w, x, v = random.normal(size=(out, width)), random.normal(size=width), random.normal(size=out)
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-4)):  # float32: 300 terms of 6e-8 each
        W, parts = w.astype(dtype), np.empty((threaded.PIECES, width), dtype)
        forward, back = np.empty((2, out), dtype), np.empty((2, width), dtype)
        for k, shared in enumerate((False, True)):
            threaded.matvec(W, x.astype(dtype), forward[k], shared)
            threaded.vecmat(v.astype(dtype), W, parts, back[k], shared)
        np.testing.assert_allclose(forward[0], w @ x, atol=tolerance)
        np.testing.assert_allclose(back[0], v @ w, atol=tolerance)
        np.testing.assert_array_equal(*forward)
        np.testing.assert_array_equal(*back)


@pytest.mark.parametrize(("momentum", "decay"), [(0.0, 0.0), (0.0, 0.1), (0.9, 0.1)])
def test_test_letters_follow(momentum: float, decay: float) -> None:
    random = np.random.default_rng(0)
    z, y, g, step = (random.normal(size=s) for s in ((53, 18), (53, 18), 53, 18))
    numbers = np.array([0.5, 1.0, momentum, decay])
    late = momentum * y + decay * z + np.outer(g, step)
    expected = z - 0.01 * late
    found = []
    for shared in (False, True):
        s = kernels.Settings(numbers, output_slope=True, hidden_slope=True, sigmoid=True, bias=True, threads=shared)
        now, before, h = z.copy(), y.copy() if momentum else np.zeros((1, 18)), np.empty_like(z)
        threaded.follow(threaded.Followed(now, before, h, g, step, 0.01), s)
        np.testing.assert_allclose(now, expected, atol=1e-14)
        np.testing.assert_allclose(h, 1 / (1 + np.exp(-expected)), atol=1e-14)
        if momentum:
            np.testing.assert_allclose(before, late, atol=1e-14)
        found.append(now)
    np.testing.assert_array_equal(*found)


def test_threads_are_no_more_than_numba_has() -> None:
    assert numba.get_num_threads() == numba.config.NUMBA_NUM_THREADS
