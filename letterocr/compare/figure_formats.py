"""How figures of a comparison are written: quartiles in one cell, and hyperparameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


def format_triple(values: Sequence[float], form: str, factor: float = 1.0, infinite: str = "not reached") -> str:
    """Format quartiles as: median (lower to upper); `infinite` stands for what has no number.

    Example:
        >>> format_triple([0.1, 0.2, math.inf], ".0f", 100), format_triple([math.inf] * 3, ".0f")
        ('20 (10 to not reached)', 'not reached')
    """
    low, middle, high = (format(v * factor, form) if math.isfinite(v) else infinite for v in values)
    return infinite if low == infinite else f"{middle} ({low} to {high})"


def describe_crowd(workers: int) -> str:
    """Return how many runs trained at once, in words.

    Example:
        >>> describe_crowd(1), describe_crowd(4)
        ('while no other run trains', 'while 4 runs train at once')
    """
    return "while no other run trains" if workers == 1 else f"while {workers} runs train at once"


def format_values(values: dict[str, Any]) -> str:
    """Format hyperparameters by their names; a dash if there are none."""
    return ", ".join(f"{path.removeprefix('optimizer.')} {value:.4g}" for path, value in values.items()) or "-"
