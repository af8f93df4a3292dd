"""The strokes of a letter: what they measure, and how they run, whatever the width of the pen.

Shapes: image [900] in 0..1 with ink 1; images [N, 900].
"""

from __future__ import annotations

import functools

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from letterocr.data.letters import PIXELS, SIDE

FINER = 3  # strokes are measured on an image that is enlarged by this factor
INK = 0.35  # level of ink
PEN = 3.0  # pixels: the width that every pen is given
MOST_WIDER, MOST_THINNER = 4, 5  # pixels of the enlarged image by which each side of a stroke moves
DIRECTIONS, GRID = 8, 8  # of the edges of strokes; places in a row and in a column where they are counted
REACH = 4  # pixels around each place
DISCS = [cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1)) for r in range(MOST_THINNER + 1)]


def measure_strokes(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Measure the strokes of a letter, and draw it with a pen of the width `PEN`.

    Returns:
        The letter [900]; and [5]: the largest thickness in pixels of the letter; the length in pixels, with the new
        pen; the standard deviation of the level within thick strokes; strokes that a row and a column cross on
        average, and corners of the outline, both with the new pen.
    """
    fine = cv2.resize(image.reshape(SIDE, SIDE), None, fx=FINER, fy=FINER, interpolation=cv2.INTER_LINEAR)
    fine = np.pad(fine, FINER)
    if not (fine > INK).any():
        return np.zeros(PIXELS, np.float32), np.zeros(5, np.float32)
    distance = _measure_distance(fine)
    core = fine[distance > 1.5 * FINER]
    uneven = float(core.std()) if core.size > 9 * FINER else 0.0
    even = _change_pen(fine, _estimate_thickness(distance))
    ink = even > INK
    length = ink.sum() / FINER / _estimate_thickness(_measure_distance(even))
    crossed = sum(_count_strokes(view) for view in (ink, ink.T))
    outlines = cv2.findContours(ink.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)[0]
    corners = sum(len(cv2.approxPolyDP(outline, 1.6 * FINER, True)) for outline in outlines)
    measures = 2 * distance.max() / FINER, length, uneven, crossed, corners
    inner = even[FINER:-FINER, FINER:-FINER]
    drawn = cv2.resize(inner, (SIDE, SIDE), interpolation=cv2.INTER_AREA).reshape(PIXELS)
    return drawn, np.array(measures, np.float32)


def _measure_distance(fine: np.ndarray) -> np.ndarray:
    """Return the distance of each inked pixel from the paper."""
    return np.asarray(cv2.distanceTransform((fine > INK).astype(np.uint8), cv2.DIST_L2, 3))


def _estimate_thickness(distance: np.ndarray) -> float:
    """Return the thickness of typical strokes: four times the mean distance of the ink from the paper."""
    return max(1.0, 4 * float(distance[distance > 0].mean()) - 1)


def _change_pen(fine: np.ndarray, thickness: float) -> np.ndarray:
    """Make strokes as wide as those of the common pen; heavy ones a little wider, so that no part of them is lost."""
    change = round((PEN * FINER - thickness) / 2)
    if change > 0:
        return np.asarray(cv2.dilate(fine, DISCS[min(change, MOST_WIDER)]))
    if change < 0:
        thinner = np.asarray(cv2.erode(fine, DISCS[min(max(1, round(-0.7 * change)), MOST_THINNER)]))
        return thinner if (thinner > INK).any() else fine
    return fine


def _count_strokes(ink: np.ndarray) -> float:
    """Count the strokes that a row crosses, on average over the rows with ink; the first column has no ink."""
    return float((ink[:, 1:] & ~ink[:, :-1]).sum() / max(1, ink.any(1).sum()))


def count_directions(images: Tensor) -> Tensor:
    """Return how much of the edges of the strokes runs in each direction at each place of a grid.

    As gradient features of handwriting (Liu et al. 2003): the gradient is shared by the nearest two of 8 directions,
    smoothed, and sampled; roots make weak edges count.

    Returns:
        [N, 512], each of length 1.
    """
    x = F.pad(images.view(-1, 1, SIDE, SIDE), (1, 1, 1, 1))
    across, down = x[..., 1:-1, 2:] - x[..., 1:-1, :-2], x[..., 2:, 1:-1] - x[..., :-2, 1:-1]
    strength = (across.square() + down.square()).sqrt()
    angle = torch.atan2(down, across) * (DIRECTIONS / (2 * np.pi))
    way = torch.arange(DIRECTIONS).view(1, -1, 1, 1)
    apart = ((angle - way + DIRECTIONS / 2) % DIRECTIONS - DIRECTIONS / 2).abs()
    maps = (1 - apart).clamp(min=0) * strength
    smooth = _make_sampling()
    counts = (smooth @ maps @ smooth.T).flatten(1).clamp(min=0).sqrt()
    return counts / counts.norm(dim=1, keepdim=True).clamp(min=1e-6)


@functools.cache
def _make_sampling() -> Tensor:
    """Return the matrix [8, 30] that takes a smooth mean of a row of pixels around each place of the grid."""
    pixels = torch.arange(SIDE) + 0.5
    places = (torch.arange(GRID) + 0.5) * (SIDE / GRID)
    near = (1 - (pixels[None] - places[:, None]).abs() / (REACH + 1)).clamp(min=0)
    return near / near.sum(1, keepdim=True)
