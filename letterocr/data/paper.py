"""The paper under the ink: one grey level, or a smooth surface where the light falls unevenly on it.

Shapes: levels [H, W] in 0..1, border [B] the B pixels at the edge of a picture, terms [B, 6].
"""

from __future__ import annotations

import numpy as np

EVEN = 0.03  # grey levels this near to each other are one level
SHADED = 0.5  # light falls off by less than this within a picture; levels further apart are ink and paper


def estimate_paper(levels: np.ndarray) -> np.ndarray | float:
    """The level of the paper: what most of the border is, or [H, W] where the light on it is uneven.

    Uneven paper is the quadratic surface with the least sum of absolute distances to the border, which ink that
    touches the border does not bend; found by iteratively reweighted least squares (Schlossmacher 1973).

    Args:
        levels: [H, W] in 0..1.
    """
    height, width = levels.shape
    rim = np.zeros((height, width), dtype=bool)
    rim[[0, -1]] = rim[:, [0, -1]] = True
    border = levels[rim]
    middle = np.partition(border, len(border) // 2)[len(border) // 2]  # a level that is there
    distance = np.abs(border - middle)
    if np.mean(distance < EVEN) > 0.5 or np.mean(distance < SHADED) < 0.8:
        return float(middle)
    y, x = np.linspace(-1, 1, height, dtype=np.float32)[:, None], np.linspace(-1, 1, width, dtype=np.float32)[None]
    rows, columns = np.nonzero(rim)
    v, u = y[rows, 0], x[0, columns]
    terms = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], 1)
    weights = np.ones_like(border)
    for _ in range(20):
        root = np.sqrt(weights)
        c = np.linalg.lstsq(terms * root[:, None], border * root, rcond=None)[0]
        weights = 1 / np.maximum(np.abs(border - terms @ c), 0.01)
    return (c[0] + c[1] * x + c[2] * y + c[3] * x * x + c[4] * x * y + c[5] * y * y).clip(0, 1)
