"""Quartiles of values that may be infinite, as those of runs that diverged or never got there."""

from __future__ import annotations

import math
from collections.abc import Sequence


def compute_quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower, median and upper one by linear interpolation, as NumPy's; of infinities too."""
    ordered = sorted(map(float, values))

    def at(q: float) -> float:
        place = q * (len(ordered) - 1)
        below, part = int(place), place - int(place)
        if part == 0 or math.isinf(ordered[below]):
            return ordered[below]
        return ordered[below] + part * (ordered[below + 1] - ordered[below])

    return at(0.25), at(0.5), at(0.75)
