"""Error curves in one picture."""

from __future__ import annotations

from typing import Any

import numpy as np


def draw_curve(axis: Any, samples: np.ndarray, errors: np.ndarray, label: str) -> None:
    """Draw test errors [m, R] at samples [m]: the median over replicas, and their quartiles as a band."""
    low, middle, high = np.percentile(100 * errors, [25, 50, 75], axis=1)
    (line,) = axis.plot(samples, middle, linewidth=1, label=label)
    if errors.shape[1] > 1:
        axis.fill_between(samples, low, high, color=line.get_color(), alpha=0.25, linewidth=0)
