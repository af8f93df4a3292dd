"""Ink under any light: what is darker than the paper beside it, wherever the paper itself is light or dark.

The paper is found by a morphological closing (Serra 1982): the lightest level that a square wider than the pen can take
everywhere. It follows shadows, spots and gradients, and what is wider than the pen, such as a table, is no ink.

Shapes: levels [H, W] in 0..1, contrast [H, W] in 0..1 with ink high, ink [H, W] bool.
"""

from __future__ import annotations

import cv2
import numpy as np

SMALL = 256  # pixels of the longer side of the copy on which polarity and pen are estimated
WIDEST_PEN = 0.25  # of the shorter side of the picture
LEAST = 0.05  # contrast of ink
MOST_INK = 0.3  # of a picture; what takes more is shadow rather than ink
DARKEST_PAPER = 0.12  # paper that is darker has contrast relative to this level


def is_light_on_dark(levels: np.ndarray, on_table: bool = False) -> bool:
    """Return whether the ink is lighter than its paper: whether the thinnest structures are light ones.

    With a heavy pen the thinnest structures may be the paper between strokes; they have the level of the border.

    Args:
        levels: [H, W] in 0..1.
        on_table: whether the border is not paper.
    """
    small = _shrink(levels)
    scale = float(np.quantile(small, 0.999) - np.quantile(small, 0.001))
    dark = light = np.zeros(small.shape, bool)
    for width in (3, 5, 9, 13, 19, 27, 39, 55):
        dark = _filter(small, width, cv2.MORPH_CLOSE) - small > 0.3 * scale
        light = small - _filter(small, width, cv2.MORPH_OPEN) > 0.3 * scale
        more, fewer = sorted((int(dark.sum()), int(light.sum())), reverse=True)
        if more > 0.004 * small.size and more > 1.5 * fewer:
            break
    is_light = bool(light.sum() > dark.sum())
    if on_table or not (light if is_light else dark).any():
        return is_light
    ink = float(np.median(small[light if is_light else dark]))
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    if is_light:
        return bool(np.quantile(border, 0.7) < ink - 0.3 * scale)
    return bool(np.quantile(border, 0.7) < ink + 0.15 * scale)


def flatten(levels: np.ndarray, pen: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the contrast of dark ink with its paper, and the level of the paper under it.

    Args:
        levels: [H, W] with dark ink.
        pen: pixels; what is wider than three times this is paper or table, not ink.

    Returns:
        Contrast [H, W], a share of the paper's level, and the paper's level [H, W].
    """
    paper = _filter(levels, 3 * pen + 3, cv2.MORPH_CLOSE)
    return (paper - levels) / np.maximum(paper, DARKEST_PAPER), paper


def part_ink(contrast: np.ndarray, paper: np.ndarray) -> np.ndarray:
    """Return the ink [H, W]: what has much contrast, and where glare lies on the paper, what has less and joins it."""
    threshold = find_ink_threshold(contrast)
    ink = contrast > threshold
    bright = paper > 1.08 * np.median(paper)
    if not bright.any():
        return ink
    _, pieces = cv2.connectedComponents((ink | (bright & (contrast > max(LEAST, 0.4 * threshold)))).astype(np.uint8))
    joined = np.zeros(pieces.max() + 1, bool)
    joined[pieces[ink]] = True
    joined[0] = False
    return joined[pieces]


def even_out(contrast: np.ndarray, pen: float) -> np.ndarray:
    """Return the contrast [H, W] as a share of the largest one nearby: strokes are as dark under glare as beside it."""
    width = round(1.2 * pen) | 1
    nearby = cv2.dilate(contrast, cv2.getStructuringElement(cv2.MORPH_RECT, (width, width)))
    return (contrast / np.maximum(nearby, LEAST)).clip(0, 1)


def estimate_pen(levels: np.ndarray) -> int:
    """Estimate the width of the pen in pixels: twice the largest distance from the paper along typical strokes."""
    small = _shrink(levels)
    widest = max(1, round(WIDEST_PEN * min(small.shape) / 3))
    contrast, _ = flatten(small, widest)
    threshold = find_ink_threshold(contrast)
    ink = contrast > threshold
    return max(1, round(measure_pen(ink) * levels.shape[1] / small.shape[1]))


def measure_pen(ink: np.ndarray) -> float:
    """Return the width of typical strokes in pixels: four times the mean distance of the ink from the paper."""
    if not ink.any():
        return 1.0
    distance = cv2.distanceTransform(np.pad(ink, 1).astype(np.uint8), cv2.DIST_L2, 3)
    return max(1.0, 4 * float(distance[distance > 0].mean()) - 1)


def find_ink_threshold(contrast: np.ndarray) -> float:
    """Return the contrast that parts ink from paper, and from shadows if those take much of the picture."""
    threshold = max(LEAST, find_threshold(contrast))
    while (contrast > threshold).mean() > MOST_INK:
        within = find_threshold(contrast[contrast > threshold][None] - threshold)
        threshold += max(within, 0.02)
    return threshold


def find_threshold(contrast: np.ndarray) -> float:
    """Return the contrast that best separates ink from paper: the largest variance between the two (Otsu 1979)."""
    steps = (contrast.clip(0, 1) * 255).astype(np.uint8)
    return float(cv2.threshold(steps, 0, 255, cv2.THRESH_OTSU)[0]) / 255


def _shrink(levels: np.ndarray) -> np.ndarray:
    scale = SMALL / max(levels.shape)
    if scale >= 1:
        return levels
    size = max(1, round(levels.shape[1] * scale)), max(1, round(levels.shape[0] * scale))
    return cv2.resize(levels, size, interpolation=cv2.INTER_AREA)


def _filter(levels: np.ndarray, width: int, kind: int) -> np.ndarray:
    """Open or close with a square; the border is repeated outside, so that a dark edge is as wide as a table."""
    steps = np.pad((levels * 255).astype(np.uint8), width, mode="edge")
    square = cv2.getStructuringElement(cv2.MORPH_RECT, (width, width))
    return cv2.morphologyEx(steps, kind, square)[width:-width, width:-width].astype(np.float32) / 255
