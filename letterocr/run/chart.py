"""Error curve drawn with braille characters, for the terminal."""

from __future__ import annotations

import numpy as np

_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # braille, 4 high and 2 wide


def draw_chart(samples: list[int], errors: list[float], total: int, width: int, height: int) -> list[str]:
    """Draw an error curve in braille characters.

    Args:
        samples: [n] samples learned, increasing; the horizontal axis.
        errors: [n] fractions in 0..1; the vertical axis goes from 0 to 100 %.
        total: samples at the right end of the horizontal axis.
        width: width in characters; the labels take six of them.
        height: lines of the curve; the horizontal axis takes two more.

    Returns:
        height + 2 lines.
    """
    across = max(width - 6, 1)
    dots = np.zeros((4 * height, 2 * across), dtype=bool)
    if samples:
        per_column = max(total, 1) / max(2 * across - 1, 1)
        columns = np.arange(round(samples[0] / per_column), min(round(samples[-1] / per_column), 2 * across - 1) + 1)
        values = np.clip(np.interp(columns * per_column, samples, errors), 0.0, 1.0)
        rows = np.rint((1.0 - values) * (4 * height - 1)).astype(int)
        for column, row, before in zip(columns, rows, [rows[0], *rows[:-1]], strict=True):
            start, end = (before + 1, row) if before < row else (row, before - 1)
            dots[min(start, row) : max(end, row) + 1, column] = True  # joined to the dot of the column before
    cells = (dots.reshape(height, 4, across, 2) * _DOTS[:, None, :]).sum(axis=(1, 3))
    labels = {0: "100 %", height // 2: " 50 %", height - 1: "  0 %"}
    lines = [
        f"{labels.get(line, '     ')}{'┤' if line in labels else '│'}" + "".join(chr(0x2800 + int(c)) for c in row)
        for line, row in enumerate(cells)
    ]
    middle, end = f"{total // 2:,}", f"{total:,}"
    axis = "0" + middle.rjust(across // 2 + len(middle) // 2 - 1)
    if across < len(middle) + 2 * len(end) + 4:
        axis = "0"
    return [*lines, "     └" + "─" * across, " " * 6 + axis + end.rjust(across - len(axis))]
