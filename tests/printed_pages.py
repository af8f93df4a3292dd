"""Pages with printed lines, and other paper and pens; see `composed_pictures`."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from page_drawing import PENS, SIDE, Random, blank, cut_out, finish, line, write, written

# Printed lines


def ruled(
    rng: Random,
    glyph: np.ndarray,
    strength: float,
    colour: tuple = (90, 90, 90),
    width: float = 3,
    step: int = 60,
    squares: bool = True,
    turn: float = 0,
    size: float = 0.5,
) -> np.ndarray:
    """Squared or lined paper."""
    page = blank()
    slope = np.tan(np.deg2rad(turn * strength * rng.choice((-1, 1)))) if turn else 0.0
    for k in range(int(rng.integers(0, step)) - 2 * step, SIDE + 2 * step, step):
        line(page, (0, k), (SIDE, k + slope * SIDE), colour, width)
        if squares:
            line(page, (k, 0), (k - slope * SIDE, SIDE), colour, width)
    written(rng, glyph, page, size)
    return finish(rng, page)


def dotted(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    page = blank()
    for y in range(20, SIDE, 50):
        for x in range(20, SIDE, 50):
            cv2.circle(page, (x, y), 2 + round(strength), (140, 140, 140), -1, cv2.LINE_AA)
    written(rng, glyph, page)
    return finish(rng, page)


def margin(rng: Random, glyph: np.ndarray, strength: float, lines: bool = False) -> np.ndarray:
    """The red margin line of a school book."""
    page = blank()
    if lines:
        for k in range(30, SIDE, 60):
            line(page, (0, k), (SIDE, k), (150, 180, 225), 2)
    x = rng.uniform(30, 70)
    x = SIDE - x if rng.integers(2) else x
    line(page, (x, 0), (x + rng.uniform(-6, 6), SIDE), (225, 110, 110), 2 + 3 * strength)
    written(rng, glyph, page, off=0.03)
    return finish(rng, page)


def frame(rng: Random, glyph: np.ndarray, strength: float, inset: float = 2, cells: bool = False) -> np.ndarray:
    """The cell of a form, cut on its lines or outside them."""
    page = blank()
    colour, width = (60, 60, 60), 2 + 4 * strength
    low, high = inset + rng.uniform(0, 4), SIDE - inset - rng.uniform(0, 4)
    reach = (0, SIDE) if cells else (low, high)
    for v in (low, high):
        line(page, (reach[0], v), (reach[1], v), colour, width)
        line(page, (v, reach[0]), (v, reach[1]), colour, width)
    written(rng, glyph, page, 0.45, off=0.03)
    return finish(rng, page)


def underline(rng: Random, glyph: np.ndarray, strength: float, hand: bool = False, twice: bool = False) -> np.ndarray:
    page = blank()
    alpha = written(rng, glyph, page, off=0.02)
    low = SIDE / 2 + alpha.shape[0] / 2 + 0.02 * SIDE
    half = SIDE * (0.2 + 0.2 * strength)
    pen = PENS[0] if hand or strength > 0.5 else (60, 60, 60)
    for k in range(1 + twice):
        y = low + 25 + 28 * k + rng.uniform(0, 15)
        if hand:
            xs = np.linspace(SIDE / 2 - half, SIDE / 2 + half, 30)
            ys = y + 5 * np.sin(xs / 60 + rng.uniform(0, 6)) + rng.uniform(-0.03, 0.03) * (xs - SIDE / 2)
            points = np.stack([xs, ys], 1)
            for a, b in pairwise(points):
                line(page, tuple(a), tuple(b), pen, 12)
        else:
            line(page, (SIDE / 2 - half, y), (SIDE / 2 + half, y + rng.uniform(-10, 10)), pen, 4 + 8 * strength)
    return finish(rng, page)


# Other paper


def chalk(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """Light chalk on a dark board with wiped traces."""
    board = blank(colour=(40, 70, 55))
    traces = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), 20)
    board += (traces / np.abs(traces).max() * 20 * strength)[..., None]
    alpha = cut_out(glyph, SIDE // 2) * np.clip(rng.normal(0.9, 0.15, (1, 1)), 0.7, 1)
    write(board, alpha, (SIDE / 2, SIDE / 2), (225, 225, 220))
    return finish(rng, board, 4)


def through(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """Writing on the back of the sheet shines through."""
    page = blank()
    back = cv2.GaussianBlur(cut_out(glyph[:, ::-1], round(0.6 * SIDE)), (0, 0), 4)
    write(page, back * (0.1 + 0.15 * strength), (SIDE * 0.55, SIDE * 0.4), PENS[0])
    written(rng, glyph, page)
    return finish(rng, page)


def pencil(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """A faint pencil on paper with a grain."""
    page = blank()
    grain = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), 2)
    page += (grain / grain.std() * 3)[..., None]
    alpha = cut_out(glyph, SIDE // 2)
    write(page, alpha * (0.6 - 0.25 * strength), (SIDE / 2, SIDE / 2), (70, 70, 75))
    return finish(rng, page)


def specks(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """Dust and crumbs."""
    page = blank()
    written(rng, glyph, page)
    for x, y in rng.integers(10, SIDE - 10, (8 + round(25 * strength), 2)):
        cv2.circle(page, (int(x), int(y)), int(rng.integers(1, 5)), (80, 70, 60), -1)
    return finish(rng, page)


def stain(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """The ring of a coffee cup."""
    page = blank()
    ring = np.zeros((SIDE, SIDE), np.float32)
    centre = int(SIDE * rng.uniform(0.1, 0.9)), int(SIDE * rng.uniform(0.1, 0.9))
    cv2.circle(ring, centre, 170, 1.0, 14)
    ring = cv2.GaussianBlur(ring, (0, 0), 3)
    page -= ring[..., None] * np.array((25, 45, 65), np.float32) * (0.5 + strength)
    written(rng, glyph, page)
    return finish(rng, page)
