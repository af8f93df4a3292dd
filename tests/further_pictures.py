"""Further papers and pens than those of `composed_pictures`, and the kinds of `camera_pictures`.

Shapes: glyph [S, S] the ink of a scanned letter, 0..255; alpha [H, W] ink in 0..1; page [H, W, 3] colours 0..255.
Each kind is a function of a random generator, a glyph and a strength; `FURTHER` has all of them by name.
"""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
from camera_pictures import CAMERAS, Colour, warp, write_with
from page_drawing import PAPER, SIDE, Kind, Random, blank, cut_out, finish, grid_of, line, write, written


def coloured(rng: Random, glyph: np.ndarray, strength: float, paper: Colour, pen: Colour) -> np.ndarray:
    page = blank(colour=paper)
    write_with(page, glyph, pen)
    return finish(rng, page, 1 + 3 * strength)


def negative(rng: Random, glyph: np.ndarray, strength: float, lit: bool = False) -> np.ndarray:
    """White on black, perhaps with light that falls off."""
    page = blank(colour=(12, 12, 14))
    write_with(page, glyph, (240, 240, 240))
    y, x = grid_of(page)
    page = page * (1 - 0.6 * strength * x)[..., None] + (25 * strength * y)[..., None] if lit else page
    return finish(rng, page, 1 + 4 * strength)


def board(rng: Random, glyph: np.ndarray, strength: float, chalk: Colour = (230, 230, 225)) -> np.ndarray:
    """Chalk with gaps on a board with smears, the lamp in one place, a wooden frame at one side."""
    page = blank(colour=(38, 66, 52))
    smears = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), 25, sigmaY=8)
    page += (smears / smears.std() * 8 * strength)[..., None]
    grains = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), 1.2)
    alpha = cut_out(glyph, SIDE // 2)
    gaps = np.clip(1.1 - 0.35 * strength * np.abs(grains / grains.std()), 0.2, 1)
    height, width = alpha.shape
    write(page, alpha * gaps[:height, :width], (SIDE / 2, SIDE / 2), chalk)
    if rng.integers(2):
        page[: round(20 + 20 * strength)] = (150, 110, 70)
    y, x = grid_of(page)
    return finish(rng, page * (1.1 - 0.4 * strength * np.hypot(x - 0.3, y - 0.3))[..., None], 4)


def faint(rng: Random, glyph: np.ndarray, strength: float, contrast: float = 0.15) -> np.ndarray:
    """A grey pencil with little contrast."""
    page = blank()
    pen = tuple(round((1 - contrast) * v) for v in PAPER)
    write_with(page, glyph, pen)
    return finish(rng, page, 1 + 2 * strength)


def school(rng: Random, glyph: np.ndarray, strength: float, turn: float = 0) -> np.ndarray:
    """A school book: blue lines, the letter on one of them, a red margin."""
    page = blank(colour=(240, 240, 235))
    for k in range(24, SIDE, 48):
        line(page, (0, k), (SIDE, k), (140, 170, 220), 1 + 2 * strength)
    line(page, (90, 0), (90, SIDE), (220, 90, 90), 1 + 3 * strength)
    write_with(page, glyph, (30, 40, 120), 0.45, (0.5, 0.58))
    seen = warp(rng, page, 0, turn * strength * rng.choice((-1, 1)), (240, 240, 235))
    return finish(rng, seen[40:-40, 40:-40] if turn else seen, 2)


def graph(rng: Random, glyph: np.ndarray, strength: float, step: int = 16, pale: bool = True) -> np.ndarray:
    """Graph paper with squares of 2 mm, every fifth line heavier."""
    page = blank(colour=(245, 245, 240))
    for n, k in enumerate(range(int(rng.integers(step)), SIDE, step)):
        strong = n % 5 == 0
        colour = ((215, 150, 120) if strong else (232, 195, 175)) if pale else ((70, 90, 80) if strong else (120,) * 3)
        for ends in (((0, k), (SIDE, k)), ((k, 0), (k, SIDE))):
            line(page, *ends, colour, 2 if strong else 1)
    write_with(page, glyph, (25, 25, 40), 0.5)
    return finish(rng, page, 1 + 2 * strength)


def torn(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """A leaf torn out of a spiral block: holes that are open to the edge, the table behind it."""
    page = blank()
    for x in range(15, SIDE, 45):
        cv2.circle(page, (x, 28), round(8 + 6 * strength), (70, 50, 40), -1)
        if rng.random() < strength:
            cv2.rectangle(page, (x - 4, 0), (x + 4, 28), (70, 50, 40), -1)
    page[:8] = (70, 50, 40)
    page = np.rot90(page, rng.integers(4)).copy()
    written(rng, glyph, page, off=0.03)
    return finish(rng, page)


def at_border(rng: Random, glyph: np.ndarray, strength: float, sides: int = 1, size: float = 0.5) -> np.ndarray:
    """The letter touches the border of the picture at one side, or fills the picture."""
    alpha = cut_out(glyph, round(size * SIDE))
    room = [0 if k < sides else round(0.3 * SIDE) for k in rng.permutation(4)]
    page = blank(alpha.shape[0] + room[0] + room[1], alpha.shape[1] + room[2] + room[3])
    write(page, alpha, (room[0] + alpha.shape[0] / 2, room[2] + alpha.shape[1] / 2), (30, 40, 120))
    return finish(rng, page, 1 + 2 * strength)


def marker(rng: Random, glyph: np.ndarray, strength: float, wider: float = 0.06) -> np.ndarray:
    """A thick marker."""
    page = blank()
    alpha = cut_out(glyph, SIDE // 2)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (1 + 2 * round(SIDE * wider * strength / 3),) * 2)
    write(page, cv2.dilate(np.pad(alpha, 30), disc), (SIDE / 2, SIDE / 2), (20, 20, 20))
    return finish(rng, page)


def ballpoint(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """A thin pen on a large sheet: the letter takes a fifth of the picture."""
    page = blank(1200, 1200)
    write_with(page, glyph, (40, 60, 150), 0.2, tuple(rng.uniform(0.3, 0.7, 2)))
    return finish(rng, page, 1 + 3 * strength)


def note(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """A yellow sticky note on a wall, a little turned, with its shadow."""
    wall, sheet = blank(colour=(200, 195, 190)), blank(360, 360, (250, 225, 90))
    written(rng, glyph, sheet, off=0.03)
    low, high = 120, 480
    shade = np.zeros((SIDE, SIDE), np.float32)
    shade[low + 8 : high + 14, low + 8 : high + 10] = 0.4 * strength
    wall *= 1 - cv2.GaussianBlur(shade, (0, 0), 6)[..., None]
    wall[low:high, low:high] = sheet
    return finish(rng, warp(rng, wall, 0, 5 * strength * rng.choice((-1, 1)), (200, 195, 190)), 3)


def kraft(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """Brown cardboard with its fibres."""
    page = blank(colour=(180, 140, 100))
    fibres = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), 6, sigmaY=1)
    page += (fibres / fibres.std() * 10 * strength)[..., None]
    written(rng, glyph, page)
    return finish(rng, page, 3)


def highlighted(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """A highlighter over the letter."""
    page = blank()
    low, high = 0.5 - 0.3 * strength, 0.5 + 0.3 * strength
    page[round(low * SIDE) : round(high * SIDE), 60:-60] = (250, 250, 90)
    written(rng, glyph, page)
    return finish(rng, page)


FURTHER: dict[str, Kind] = CAMERAS | {
    "yellow paper": partial(coloured, paper=(245, 225, 110), pen=(30, 40, 120)),
    "pink paper, red pen": partial(coloured, paper=(245, 190, 200), pen=(200, 30, 40)),
    "blue paper, blue pen": partial(coloured, paper=(150, 185, 225), pen=(30, 50, 140)),
    "green pen as light as its paper": partial(coloured, paper=(240, 150, 160), pen=(60, 215, 60)),
    "black paper, gel pen": partial(coloured, paper=(35, 30, 35), pen=(225, 190, 120)),
    "white on black": negative,
    "white on black, uneven light": partial(negative, lit=True),
    "chalk with gaps, framed board": board,
    "yellow chalk": partial(board, chalk=(235, 215, 90)),
    "pencil, 15 % contrast": faint,
    "school book": school,
    "school book, turned": partial(school, turn=5),
    "graph paper, 2 mm": graph,
    "graph paper, 2 mm, dark": partial(graph, pale=False),
    "torn out of a spiral block": torn,
    "letter at the border": at_border,
    "letter at two borders": partial(at_border, sides=2),
    "letter fills the picture": partial(at_border, sides=4),
    "thick marker": marker,
    "very thick marker": partial(marker, wider=0.1),
    "thin pen, small letter": ballpoint,
    "sticky note on a wall": note,
    "cardboard": kraft,
    "highlighter": highlighted,
}
