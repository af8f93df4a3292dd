"""The performance profile against an example worked by hand."""

from __future__ import annotations

import numpy as np

from letterocr.base.performance_profile import performance_profile, performance_ratios

INF = float("inf")


def test_profile_of_an_example_worked_by_hand() -> None:
    # three contenders on four pairs; nobody solves the last
    costs = np.array([[10, 20, INF], [8, 4, 40], [INF, 6, 9], [INF, INF, INF]])
    ratios = performance_ratios(costs)
    np.testing.assert_allclose(ratios, [[1, 2, INF], [2, 1, 10], [INF, 1, 1.5], [INF, INF, INF]])
    shares = performance_profile(ratios, np.array([1.0, 1.5, 2.0, 10.0, 1e6]))
    np.testing.assert_allclose(
        shares, [[0.25, 0.25, 0.5, 0.5, 0.5], [0.5, 0.5, 0.75, 0.75, 0.75], [0, 0.25, 0.25, 0.5, 0.5]]
    )


def test_a_cost_of_nothing_is_the_best() -> None:
    np.testing.assert_array_equal(performance_ratios(np.array([[0.0, 3.0, INF]])), [[1, INF, INF]])
