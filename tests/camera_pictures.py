"""Pictures as cameras and light make them, beside those of `composed_pictures`: blur, noise, creases, reflections.

Shapes: glyph [S, S] the ink of a scanned letter, 0..255; alpha [H, W] ink in 0..1; page [H, W, 3] colours 0..255.
Each kind is a function of a random generator, a glyph and a strength; `CAMERAS` has all of them by name.
"""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
from page_drawing import PAPER, SIDE, Kind, Random, blank, cut_out, finish, grid_of, line, write, written

Colour = tuple[int, ...]


def write_with(
    page: np.ndarray, glyph: np.ndarray, pen: Colour, size: float = 0.5, place: tuple[float, float] = (0.5, 0.5)
) -> np.ndarray:
    """Write a letter with a pen at a place in shares of the page, y first; return its ink."""
    alpha = cut_out(glyph, round(size * min(page.shape[:2])))
    write(page, alpha, (place[0] * page.shape[0], place[1] * page.shape[1]), pen)
    return alpha


def compress(page: np.ndarray, quality: int) -> np.ndarray:
    """Return the page as a JPEG file of a quality shows it."""
    data = cv2.imencode(".jpg", page[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].copy()


def warp(rng: Random, page: np.ndarray, reach: float, turn: float, border: Colour) -> np.ndarray:
    """Return the page as seen from the side: corners move by up to a share of the side, all turned by degrees."""
    height, width = page.shape[:2]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    angle = np.deg2rad(turn)
    spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([width, height]) / 2
    bent = (corners - middle) @ spin.T + middle + rng.uniform(-reach, reach, (4, 2)) * width
    view = cv2.getPerspectiveTransform(corners, bent.astype(np.float32))
    return cv2.warpPerspective(page, view, (width, height), borderMode=cv2.BORDER_CONSTANT, borderValue=border)


def sized(rng: Random, glyph: np.ndarray, strength: float, side: int) -> np.ndarray:
    """Plain paper, `side` pixels wide."""
    page = blank(min(side, 1000), min(side, 1000))
    written(rng, glyph, page)
    return cv2.resize(finish(rng, page, 3 * strength), (side, side), interpolation=cv2.INTER_CUBIC)


def blocky(rng: Random, glyph: np.ndarray, strength: float, side: int = 300) -> np.ndarray:
    """A small JPEG file of low quality, as messengers send it."""
    page = blank(side, side)
    written(rng, glyph, page)
    return compress(finish(rng, page, 3), round(30 - 22 * strength))


def from_the_side(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """A telephone's photo of a sheet that fills it, seen from the side, darker in the corners."""
    page = blank(1000, 750)
    written(rng, glyph, page, 0.4)
    seen = warp(rng, np.pad(page, ((200, 200), (150, 150), (0, 0)), "edge"), 0.06 * strength, 4 * strength, PAPER)
    seen = seen[200:-200, 150:-150]
    y, x = grid_of(seen)
    return finish(rng, seen * (1.05 - 0.9 * strength * ((x - 0.5) ** 2 + (y - 0.5) ** 2))[..., None], 4)


def folded(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """A letter's sheet that was folded twice: a crease across and one down, each side of another brightness."""
    page = blank()
    written(rng, glyph, page)
    y, x = grid_of(page)
    u, v = x - rng.uniform(0.3, 0.7), y - rng.uniform(0.3, 0.7)
    gain = 1 - 0.25 * strength * (u > 0) - 0.15 * strength * (v > 0)
    gain -= 0.25 * strength * (np.exp(-((u / 0.005) ** 2)) + np.exp(-((v / 0.005) ** 2)))
    return finish(rng, page * gain[..., None])


def crumpled(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """Paper that was crumpled: facets of other brightness with creases between them."""
    page = blank()
    written(rng, glyph, page)
    seeds = rng.uniform(0, SIDE, (14, 2)).astype(np.float32)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    away = np.stack([np.hypot(x - u, y - v) for u, v in seeds])
    two = np.partition(away, 1, 0)[:2]
    gain = 1 - 0.3 * strength * rng.random(len(seeds))[away.argmin(0)] - 0.15 * strength * (two[1] - two[0] < 3)
    return finish(rng, page * cv2.GaussianBlur(gain.astype(np.float32), (0, 0), 2)[..., None])


def moire(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """A photo of a screen: waves of brightness and colour."""
    page = blank(colour=(235, 238, 240))
    write_with(page, glyph, (20, 20, 20))
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    for channel in range(3):
        k, angle = rng.uniform(0.15, 0.6), rng.uniform(0, np.pi)
        wave = np.sin(k * (x * np.cos(angle) + y * np.sin(angle)) + 3 * np.sin(x / 90))
        page[..., channel] += 18 * strength * wave
    return finish(rng, page, 3)


def blurred(rng: Random, glyph: np.ndarray, strength: float, moved: bool = False) -> np.ndarray:
    """Out of focus, or moved while the picture was taken."""
    page = blank()
    written(rng, glyph, page)
    length = 1 + round(24 * strength)
    page = cv2.blur(page, (length, 1)) if moved else cv2.GaussianBlur(page, (0, 0), 1 + 7 * strength)
    return finish(rng, page, 2)


def noisy(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """A picture taken in the dark: dim, with much noise."""
    page = blank() * 0.4
    written(rng, glyph, page)
    return finish(rng, page, 4 + 14 * strength)


def speckled(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """A fax: black and white, with single pixels that are wrong."""
    page = blank(colour=(255, 255, 255))
    written(rng, glyph, page)
    black = page.mean(2) < 140
    return (
        np.where(black ^ (rng.random(black.shape) < 0.02 * strength), 0, 255).astype(np.uint8)[..., None].repeat(3, 2)
    )


def whiteboard(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """A red marker on a whiteboard with the reflection of a window."""
    page = blank(colour=(190, 195, 200))
    write_with(page, glyph, (190, 40, 45))
    y, x = grid_of(page)
    u, v = rng.uniform(0.25, 0.75, 2)
    window = cv2.GaussianBlur(((np.abs(x - u) < 0.15) & (np.abs(y - v) < 0.2)).astype(np.float32), (0, 0), 8)
    return finish(rng, page + (255 - page) * (0.55 * strength * window)[..., None], 3)


def telephone(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """The shadow of the telephone and of the hand that holds it, over squared paper on a table."""
    page = blank(900, 700)
    for k in range(20, 900, 40):
        line(page, (0, k), (700, k), (170, 190, 215), 2)
        line(page, (k, 0), (k, 900), (170, 190, 215), 2)
    written(rng, glyph, page, 0.45)
    page[-round(60 * strength) - 1 :] = (95, 70, 50)
    y, x = grid_of(page)
    shade = ((x > 0.35) & (y > 0.45)).astype(np.float32)
    return finish(rng, page * (1 - 0.4 * strength * cv2.GaussianBlur(shade, (0, 0), 12))[..., None], 4)


CAMERAS: dict[str, Kind] = {
    "40 pixels": partial(sized, side=40),
    "80 pixels": partial(sized, side=80),
    "4,000 pixels": partial(sized, side=4000),
    "JPEG of quality 8": blocky,
    "JPEG of quality 8, 120 pixels": partial(blocky, side=120),
    "photo from the side, dark corners": from_the_side,
    "folded twice": folded,
    "crumpled": crumpled,
    "photo of a screen": moire,
    "out of focus": blurred,
    "moved": partial(blurred, moved=True),
    "noise of a dark room": noisy,
    "fax with specks": speckled,
    "whiteboard with a window": whiteboard,
    "shadow of a telephone, squares": telephone,
}
