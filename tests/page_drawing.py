"""Drawing of letters and lines on a page, and what a camera makes of it.

Shapes: glyph [S, S] the ink of a scanned letter, 0..255; alpha [H, W] ink in 0..1; page [H, W, 3] colours 0..255.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

SIDE = 600  # pixels of a page
PAPER = (225, 222, 210)
PENS = ((30, 40, 120), (25, 25, 30), (60, 60, 65), (20, 30, 90))
Random = np.random.Generator
Kind = Callable[[Random, np.ndarray, float], np.ndarray]


def cut_out(glyph: np.ndarray, longer: int) -> np.ndarray:
    """Return the ink of a scan, cropped and enlarged to a longer side, with smooth edges."""
    rows, columns = np.flatnonzero(glyph.max(1) > 127), np.flatnonzero(glyph.max(0) > 127)
    crop = np.pad(glyph[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32) / 255, 1)
    scale = longer / max(crop.shape)
    size = max(2, round(crop.shape[1] * scale)), max(2, round(crop.shape[0] * scale))
    large = cv2.GaussianBlur(cv2.resize(crop, size, interpolation=cv2.INTER_CUBIC), (0, 0), scale / 3)
    return np.clip((large - 0.5) * 4 + 0.5, 0, 1)


def blank(height: int = SIDE, width: int = SIDE, colour: tuple[int, ...] = PAPER) -> np.ndarray:
    return np.full((height, width, 3), colour, np.float32)


def write(page: np.ndarray, alpha: np.ndarray, centre: tuple[float, float], colour: tuple[int, ...]) -> None:
    """Draw ink on a page, cut at its border."""
    height, width = alpha.shape
    top, left = round(centre[0] - height / 2), round(centre[1] - width / 2)
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + height, page.shape[0]), min(left + width, page.shape[1])
    if y1 > y0 and x1 > x0:
        part = page[y0:y1, x0:x1]
        part += alpha[y0 - top : y1 - top, x0 - left : x1 - left, None] * (np.array(colour, np.float32) - part)


def line(page: np.ndarray, start: tuple, end: tuple, colour: tuple[int, ...], width: float) -> None:
    """Draw a straight line from (x, y) to (x, y) with smooth edges."""
    mask = np.zeros(page.shape[:2], np.uint8)
    ends = [tuple(round(16 * v) for v in point) for point in (start, end)]
    cv2.line(mask, ends[0], ends[1], 255, max(1, round(width)), cv2.LINE_AA, 4)
    x, y, across, down = cv2.boundingRect(mask)
    part = page[y : y + down, x : x + across]
    part += mask[y : y + down, x : x + across, None].astype(np.float32) / 255 * (np.array(colour, np.float32) - part)


def finish(rng: Random, page: np.ndarray, noise: float = 2.0) -> np.ndarray:
    """Return what a camera makes of a page: a soft lens, noise, JPEG."""
    soft = cv2.GaussianBlur(page, (0, 0), 0.7)
    levels = np.clip(soft + rng.normal(0, noise, page.shape), 0, 255).astype(np.uint8)
    data = cv2.imencode(".jpg", levels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].copy()


def written(rng: Random, glyph: np.ndarray, page: np.ndarray, size: float = 0.5, off: float = 0.06) -> np.ndarray:
    """Write the letter near the middle of a page, `size` of its side high; return its ink."""
    side = min(page.shape[:2])
    alpha = cut_out(glyph, round(size * side * rng.uniform(0.9, 1.1)))
    centre = [length / 2 + side * rng.uniform(-off, off) for length in page.shape[:2]]
    write(page, alpha, (centre[0], centre[1]), PENS[rng.integers(len(PENS))])
    return alpha


def grid_of(page: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0 : page.shape[0], 0 : page.shape[1]].astype(np.float32)
    return y / page.shape[0], x / page.shape[1]
