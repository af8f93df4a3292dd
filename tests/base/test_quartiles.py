"""Quartiles against NumPy, and of values that are infinite or missing."""

from __future__ import annotations

import numpy as np
import pytest

from letterocr.base.quartiles import compute_quartiles, compute_row_quartiles

INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize("count", range(1, 12))
def test_finite_quartiles_are_numpys(count: int) -> None:
    values = np.random.default_rng(count).random(count)
    np.testing.assert_allclose(compute_quartiles(values.tolist()), np.percentile(values, [25, 50, 75]), rtol=1e-14)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 3, 4, INF], (2, 3, 4)),  # the quartiles are the 2nd, 3rd and 4th of five
        ([1, 2, 3, INF, INF], (2, 3, INF)),
        ([10, 20, INF, INF, INF], (20, INF, INF)),
        ([1, 2, INF], (1.5, 2, INF)),
        ([1, 2, INF, INF], (1.75, INF, INF)),  # the median lies between 2 and infinity
        ([INF, INF], (INF, INF, INF)),
        ([INF], (INF, INF, INF)),
        ([-INF, 1, 2], (-INF, 1, 1.5)),
    ],
)
def test_runs_that_diverged_count_as_infinite(values: list[float], expected: tuple[float, float, float]) -> None:
    assert compute_quartiles(values) == expected


@pytest.mark.parametrize("columns", [1, 2, 5, 6, 7, 128])
def test_rows_with_missing_values_are_numpys(columns: int) -> None:
    values = np.random.default_rng(1).random((20, columns))
    values[::3, : columns - 1 : 2] = np.nan
    expected = np.nanquantile(values, [0.25, 0.5, 0.75], axis=1)
    np.testing.assert_allclose(compute_row_quartiles(values), expected, rtol=1e-12)


def test_each_row_is_by_itself() -> None:
    rows = np.array([[1.0, 2, 3, 4], [4, NAN, 2, 3], [NAN] * 4, [5, INF, NAN, INF]])
    expected = [[1.75, 2.5, NAN, INF], [2.5, 3, NAN, INF], [3.25, 3.5, NAN, INF]]
    np.testing.assert_array_equal(compute_row_quartiles(rows), expected)


def test_no_rows_have_no_quartiles() -> None:
    assert compute_row_quartiles(np.empty((0, 5))).shape == (3, 0)
