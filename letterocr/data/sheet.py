"""A sheet of paper that lies askew on a table, or is seen from the side, is set upright by its outline.

Shapes: levels [H, W] in 0..1; corners [4, 2] as (x, y), clockwise from the upper left; view [3, 3] takes homogeneous
(x, y, 1) in the upright sheet to the picture.
"""

from __future__ import annotations

import cv2
import numpy as np

SMALL = 256  # pixels of the longer side of the copy in which the outline is found
PEN = 0.08  # of that side: strokes are narrower
SMALLEST, LARGEST = 0.15, 0.97  # of the picture
FILLED = 0.93  # of four sides: the outline bulges or dents by less
UPRIGHT = 2.0  # degrees; sides that are less turned need no change
CONTRAST = 0.08  # between paper and table
INSET = 0.015  # of the sheet at each side, where the table may still be seen


def set_upright(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return a turned sheet as if seen from above, and its view; None if there is no such sheet or it is upright."""
    corners = find_corners(levels)
    if corners is None or measure_turn(corners) < UPRIGHT:
        return None
    sides = np.linalg.norm(np.roll(corners, -1, 0) - corners, axis=1)
    width, height = round((sides[0] + sides[2]) / 2), round((sides[1] + sides[3]) / 2)
    x, y = INSET * width, INSET * height
    flat = np.array([(-x, -y), (width + x, -y), (width + x, height + y), (-x, height + y)], np.float32)
    view = cv2.getPerspectiveTransform(flat, corners.astype(np.float32))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpPerspective(levels, view, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE), view


def find_corners(levels: np.ndarray) -> np.ndarray | None:
    """Find the four corners of a light sheet on a darker table: [4, 2], or None.

    Ink is closed first, so that paper and table are the only levels; Otsu's (1979) threshold parts them.
    """
    scale = max(1.0, max(levels.shape) / SMALL)
    size = tuple(max(1, round(side / scale)) for side in levels.shape[::-1])
    small = (cv2.resize(levels, size, interpolation=cv2.INTER_AREA) * 255).astype(np.uint8)
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((round(PEN * SMALL),) * 2, np.uint8))
    _, paper = cv2.threshold(closed, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    if paper.all() or closed[paper > 0].mean() - closed[paper == 0].mean() < 255 * CONTRAST:
        return None
    outlines = cv2.findContours(paper, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
    hull = cv2.convexHull(max(outlines, key=cv2.contourArea))
    area = cv2.contourArea(max(outlines, key=cv2.contourArea))
    if not SMALLEST * paper.size < area < LARGEST * paper.size:
        return None
    corners = cv2.approxPolyDP(hull, 0.03 * cv2.arcLength(hull, True), True)[:, 0].astype(np.float64)
    if len(corners) != 4 or area < FILLED * cv2.contourArea(corners.astype(np.float32)):
        return None
    border = (corners < 1).any(1) | (corners >= np.array(size) - 2).any(1)
    if border.sum() > 1:  # the picture cuts the sheet
        return None
    return _sort(corners + 0.5) * scale


def _sort(corners: np.ndarray) -> np.ndarray:
    """Return corners clockwise, the one first that is nearest to the upper left."""
    around = corners - corners.mean(0)
    corners = corners[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]
    return np.roll(corners, -int(corners.sum(1).argmin()), 0)


def measure_turn(corners: np.ndarray) -> float:
    """Return by how many degrees the side that is turned most is turned from upright or level."""
    x, y = (np.roll(corners, -1, 0) - corners).T
    return float(np.rad2deg(np.arctan2(np.minimum(np.abs(x), np.abs(y)), np.maximum(np.abs(x), np.abs(y)))).max())
