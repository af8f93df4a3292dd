"""The grey level of the paper under the ink: one level, or a smooth surface if the light on the paper is uneven.

Shapes: levels [H, W] in 0..1, border [B] the B pixels at the edge of a picture, terms [B, 6].
"""

from __future__ import annotations

import numpy as np

EVEN = 0.03  # grey levels that differ by less count as one level
SHADED = 0.5  # uneven light changes the level by less than this; levels further apart are ink and paper


def estimate_paper(levels: np.ndarray) -> np.ndarray | float:
    """Estimate the grey level of the paper from the border of a picture.

    Uneven paper is the quadratic surface with the least sum of absolute distances to the border; ink that touches the
    border does not bend it. It is found by iteratively reweighted least squares (Schlossmacher 1973).

    Args:
        levels: [H, W] in 0..1.

    Returns:
        The level that most of the border has; [H, W] if the light is uneven.
    """
    height, width = levels.shape
    rim = np.zeros((height, width), dtype=bool)
    rim[[0, -1]] = rim[:, [0, -1]] = True
    border = levels[rim]
    middle = np.partition(border, len(border) // 2)[len(border) // 2]  # a level of one of the pixels
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
