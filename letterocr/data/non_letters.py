"""Drawn things that are no letters: wandering pens, filled shapes, stains, and letters that are cut up or overwritten.

What tells letters from other things learns from them what other things are like (`matrix.familiarity`).

Shapes: images [N, 900] in 0..1 with ink 1.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch
from torch import Tensor

from letterocr.data.ink import Ink, cut_letter
from letterocr.data.letters import SIDE, Letters
from letterocr.data.pen import draw
from letterocr.data.pieces import find_pieces

POINTS = 120  # along a wandering pen
LARGE = 3 * SIDE  # pixels of the canvas of the other things
Random = np.random.Generator


def draw_non_letters(letters: Letters, count: int, seed: int = 0) -> Tensor:
    """Draw things that are no letters, half of them with a wandering pen; the ink is as large as that of the letters.

    Args:
        letters: letters that are cut up and overwritten.
        count: number of things.
        seed: of their forms.

    Returns:
        [count, 900].
    """
    rng, box = np.random.default_rng(seed), letters.box()
    images = letters.images.view(-1, SIDE, SIDE).numpy()
    images = images[images.max((1, 2)) > 0]
    forms: list[Callable[[Random, np.ndarray], np.ndarray]] = [_draw_shapes, _draw_stain]
    if len(images):
        forms += [_shuffle, _overwrite]
    pens = _draw_pens(rng, count // 2, box)
    canvases = [forms[k % len(forms)](rng, images) for k in range(count - len(pens))]
    return torch.cat([pens, torch.stack([_cut(canvas, box) for canvas in canvases])])


def _cut(canvas: np.ndarray, box: int) -> Tensor:
    """Return what is on a canvas as an image [900]."""
    ink = canvas > min(0.35, canvas.max() / 2)  # letters of a pale pen are over each other too
    return cut_letter(Ink(canvas, find_pieces(ink)), box).letter


def _draw_pens(rng: Random, count: int, box: int) -> Tensor:
    """Draw lines through 3 to 13 random points, straight or curved, whole or lifted once or twice."""
    from scipy.interpolate import CubicSpline

    points, radii, down = np.zeros((count, POINTS, 2)), np.zeros((count, POINTS)), np.ones((count, POINTS - 1), bool)
    for i in range(count):
        knots = rng.normal(0, 1, (int(rng.integers(3, 14)), 2))
        knots = np.cumsum(knots, 0) if rng.integers(2) else rng.random(knots.shape)
        at = np.arange(len(knots))
        if rng.integers(3) == 0:
            knots = 0.5 * knots + rng.uniform(0.3, 1) * np.stack([np.cos(1.3 * at), np.sin(1.3 * at)], 1)
        along = np.linspace(0, len(knots) - 1, POINTS)
        straight = np.stack([np.interp(along, at, knots[:, k]) for k in (0, 1)], 1)
        path = CubicSpline(at, knots)(along) if rng.integers(2) else straight
        radii[i] = radius = rng.uniform(0.5, 2.2)
        path *= (box - 2 * radius) / np.ptp(path, 0).max()
        points[i] = path + SIDE / 2 - (path.max(0) + path.min(0)) / 2
        for start in rng.integers(0, POINTS - 10, rng.integers(3)):
            down[i, start : start + 10] = False
    return draw(torch.from_numpy(points), torch.from_numpy(radii), torch.from_numpy(down))


def _draw_shapes(rng: Random, images: np.ndarray) -> np.ndarray:
    """One to three ellipses and polygons."""
    canvas = np.zeros((LARGE, LARGE), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        level = float(rng.uniform(0.6, 1))
        if rng.integers(2):
            centre, axes = rng.integers(20, 70, 2).tolist(), rng.integers(8, 40, 2).tolist()
            cv2.ellipse(canvas, centre, axes, int(rng.integers(180)), 0, 360, level, -1)
        else:
            cv2.fillPoly(canvas, [rng.integers(5, 85, (int(rng.integers(3, 7)), 2)).astype(np.int32)], level)
    return canvas


def _draw_stain(rng: Random, images: np.ndarray) -> np.ndarray:
    """Where smooth noise is high."""
    noise = cv2.GaussianBlur(rng.normal(0, 1, (LARGE, LARGE)), (0, 0), float(rng.uniform(4, 14)))
    return (noise > np.quantile(noise, rng.uniform(0.5, 0.85))).astype(np.float32)


def _shuffle(rng: Random, images: np.ndarray) -> np.ndarray:
    """Quarters of four letters, each rolled by any number of pixels."""
    canvas, half = np.zeros((LARGE, LARGE), np.float32), LARGE // 2
    for y, x in ((0, 0), (0, half), (half, 0), (half, half)):
        rolled = np.roll(_enlarge(rng, images), tuple(rng.integers(LARGE, size=2)), (0, 1))
        canvas[y : y + half, x : x + half] = rolled[:half, :half]
    canvas[half, half] = 1  # never blank
    return canvas


def _overwrite(rng: Random, images: np.ndarray) -> np.ndarray:
    """Two letters over each other."""
    return np.maximum(*(np.roll(_enlarge(rng, images), tuple(rng.integers(-18, 18, 2)), (0, 1)) for _ in range(2)))


def _enlarge(rng: Random, images: np.ndarray) -> np.ndarray:
    return cv2.resize(images[rng.integers(len(images))], (LARGE, LARGE))
