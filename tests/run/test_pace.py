"""How fast a run learns, and when something is said of the time left."""

from __future__ import annotations

import math

import pytest

from letterocr.run.pace import Pace


def told(points: list[tuple[float, int]]) -> Pace:
    pace = Pace()
    for seconds, sample in points:
        pace.add(seconds, sample)
    return pace


def test_nothing_is_known_at_the_start() -> None:
    for pace in (told([]), told([(0.1, 1)])):
        assert math.isnan(pace.compute_speed())
        assert pace.estimate_left(100) is None


def test_a_steady_speed_gives_the_time_left_after_three_seconds() -> None:
    points = [(0.5 * i, 50 * i) for i in range(1, 20)]
    assert told(points[:6]).estimate_left(10_000) is None
    pace = told(points)
    assert pace.compute_speed() == pytest.approx(100)
    assert pace.estimate_left(10_000) == pytest.approx((10_000 - 950) / 100)


def test_only_the_last_ten_seconds_count() -> None:
    slow = [(1.0 * i, i) for i in range(30)]
    fast = [(30 + 0.5 * i, 30 + 500 * i) for i in range(1, 31)]
    assert told(slow + fast).compute_speed() == pytest.approx(1000, rel=0.01)


def test_a_speed_that_changes_says_nothing_of_the_time_left() -> None:
    growing = [(0.5 * i, i**3) for i in range(1, 12)]
    pace = told(growing)
    assert pace.compute_speed() > 0
    assert pace.estimate_left(10**6) is None


def test_standing_still_says_nothing() -> None:
    pace = told([(1.0 * i, 7) for i in range(9)])
    assert math.isnan(pace.compute_speed())
    assert pace.estimate_left(100) is None


def test_few_points_are_kept() -> None:
    pace = told([(0.001 * i, i) for i in range(50_000)])
    assert len(pace._points) <= 45
    assert pace.compute_speed() == pytest.approx(1000, rel=0.01)
