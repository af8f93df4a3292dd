"""Quartiles against NumPy, and of values that are infinite."""

from __future__ import annotations

import numpy as np
import pytest

from letterocr.base.quartiles import compute_quartiles

INF = float("inf")


@pytest.mark.parametrize("count", range(1, 12))
def test_finite_quartiles_are_numpys(count: int) -> None:
    values = np.random.default_rng(count).random(count)
    np.testing.assert_allclose(compute_quartiles(values.tolist()), np.percentile(values, [25, 50, 75]), rtol=1e-14)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 3, 4, INF], (2, 3, 4)),  # the quartiles are the 2nd, 3rd and 4th of five
        ([1, 2, 3, INF, INF], (2, 3, INF)),
        ([1, 2, INF], (1.5, 2, INF)),
        ([1, 2, INF, INF], (1.75, INF, INF)),  # the median lies between 2 and infinity
        ([INF, INF], (INF, INF, INF)),
        ([INF], (INF, INF, INF)),
    ],
)
def test_runs_that_diverged_count_as_infinite(values: list[float], expected: tuple[float, float, float]) -> None:
    assert compute_quartiles(values) == expected
