"""Pictures without a letter: blobs, scribbles, objects and empty pages.

Each kind is a function of a random generator that returns a picture [H, W, 3] of bytes; `NO_LETTERS` has all by name.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from page_drawing import PAPER, blank, finish, line

SIDE = 300
Random = np.random.Generator


def blob(rng: Random) -> np.ndarray:
    """A filled shape with a wavy outline."""
    page = blank(SIDE, SIDE)
    y, x = np.mgrid[0:SIDE, 0:SIDE] - SIDE / 2
    angle = np.arctan2(y, x)
    waves = sum(rng.normal(0, 12) * np.cos(k * angle + rng.uniform(0, 6)) for k in range(2, 6))
    page[np.hypot(y, x) < 80 + waves] = 40
    return finish(rng, page)


def scribble(rng: Random) -> np.ndarray:
    """A pen that wanders."""
    page = blank(SIDE, SIDE)
    points = np.cumsum(rng.normal(0, 45, (int(rng.integers(12, 40)), 2)), 0)
    points = (points - points.min(0)) / np.ptp(points, 0).max() * 220 + 40
    along = np.linspace(0, len(points) - 1, 600)
    curve = np.stack([np.interp(along, range(len(points)), points[:, k]) for k in (0, 1)], 1).astype(np.float32)
    curve = cv2.GaussianBlur(curve, (1, 25), 0)
    cv2.polylines(page, [curve.round().astype(np.int32)], False, (40, 40, 40), int(rng.integers(4, 10)), cv2.LINE_AA)
    return finish(rng, page)


def things(rng: Random) -> np.ndarray:
    """Filled discs, rectangles and polygons of several greys, as a photo of objects."""
    page = blank(SIDE, SIDE)
    for _ in range(int(rng.integers(2, 6))):
        x, y = (int(v) for v in rng.integers(80, 220, 2))
        colour = (int(rng.integers(20, 170)),) * 3
        form = rng.integers(3)
        if form == 0:
            cv2.circle(page, (x, y), int(rng.integers(20, 80)), colour, -1)
        elif form == 1:
            cv2.rectangle(page, (x, y), tuple(int(v) for v in rng.integers(60, 260, 2)), colour, -1)
        else:
            cv2.fillPoly(page, [rng.integers(40, 260, (int(rng.integers(3, 7)), 2)).astype(np.int32)], colour)
    return finish(rng, cv2.GaussianBlur(page, (0, 0), 2))


def empty_page(rng: Random) -> np.ndarray:
    """A page without writing: blank, lined, squared or with a margin."""
    page = blank(400, SIDE, PAPER)
    kind, step = rng.integers(4), int(rng.integers(25, 60))
    colour = ((150, 180, 225), (90, 90, 90), (60, 60, 120))[rng.integers(3)]
    for k in range(int(rng.integers(5, step)), 400, step) if kind else ():
        line(page, (0, k), (SIDE, k), colour, rng.uniform(1, 3))
        if kind == 2:
            line(page, (k, 0), (k, 400), colour, 2)
    if rng.integers(2):
        line(page, (40, 0), (40, 400), (225, 110, 110), 2)
    return finish(rng, page)


NO_LETTERS: dict[str, Callable[[Random], np.ndarray]] = {
    "blobs": blob,
    "scribbles": scribble,
    "objects": things,
    "empty pages": empty_page,
}
