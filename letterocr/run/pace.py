"""Speed of a run, in samples per second over the last seconds of learning, and the time left if it is steady."""

from __future__ import annotations

import math
from collections import deque

WINDOW_SECONDS = 10.0  # the speed is the mean over these last seconds of learning
STEP_SECONDS = 0.25  # seconds between two points that are kept
STEADY_SECONDS = 3.0  # seconds of learning before the time left is estimated
STEADY_RATIO = 1.5  # largest ratio between the speeds of the two halves of the window


class Pace:
    """Speed of a run, from the samples learned and the training time.

    Example:
        >>> pace = Pace()
        >>> for seconds in range(5):
        ...     pace.add(seconds, 100 * seconds)
        >>> pace.compute_speed(), pace.estimate_left(1000)
        (100.0, 6.0)
    """

    def __init__(self) -> None:
        self._points: deque[tuple[float, int]] = deque()

    def add(self, seconds: float, sample: int) -> None:
        """Add a measurement.

        Args:
            seconds: training time so far, in all sessions.
            sample: samples learned so far.
        """
        points = self._points
        if len(points) > 1 and seconds - points[-2][0] < STEP_SECONDS:
            points.pop()
        points.append((seconds, sample))
        while len(points) > 2 and points[1][0] <= seconds - WINDOW_SECONDS:
            points.popleft()

    def compute_speed(self) -> float:
        """Return the samples per second; NaN if they are not known yet."""
        return _compute_slope(self._points[0], self._points[-1]) if self._points else math.nan

    def estimate_left(self, total: int) -> float | None:
        """Return the seconds until the run is over; None if the speed is not steady yet.

        Args:
            total: samples of the whole run.
        """
        points = self._points
        if not points or points[-1][0] - points[0][0] < STEADY_SECONDS:
            return None
        middle_time = (points[0][0] + points[-1][0]) / 2
        middle = min(points, key=lambda point: abs(point[0] - middle_time))
        halves = _compute_slope(points[0], middle), _compute_slope(middle, points[-1])
        if not min(halves) > 0 or max(halves) > STEADY_RATIO * min(halves):
            return None
        return (total - points[-1][1]) / self.compute_speed()


def _compute_slope(first: tuple[float, int], last: tuple[float, int]) -> float:
    seconds, samples = last[0] - first[0], last[1] - first[1]
    return samples / seconds if seconds > 0 and samples > 0 else math.nan
