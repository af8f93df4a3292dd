"""Other pictures without a letter than those of `no_letters`, drawn in other ways.

Each kind is a function of a random generator that returns a picture [H, W, 3] of bytes; `OTHER_SHAPES` has all by name.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from page_drawing import blank, finish, line

SIDE = 320
Random = np.random.Generator


def _colour(rng: Random, darkest: int = 20, lightest: int = 140) -> tuple[int, ...]:
    return tuple(int(v) for v in rng.integers(darkest, lightest, 3))


def _stroke(page: np.ndarray, points: np.ndarray, colour: tuple[int, ...], width: float) -> None:
    """Draw a curve through points [n, 2] in shares of the page."""
    whole = (points * (SIDE - 80) + 40) * 16
    mask = np.zeros(page.shape[:2], np.uint8)
    cv2.polylines(mask, [whole.round().astype(np.int32)], False, 255, max(1, round(width)), cv2.LINE_AA, 4)
    page += mask[..., None].astype(np.float32) / 255 * (np.array(colour, np.float32) - page)


def doodle(rng: Random) -> np.ndarray:
    """Loops, spirals, zigzags, hatching, stars and crossed-out places, by hand."""
    page = blank(SIDE, SIDE)
    t = np.linspace(0, 1, 500)
    form = rng.integers(6)
    if form == 0:  # loops in a row, as a signature
        turns, lean = rng.uniform(3, 8), rng.uniform(-0.2, 0.2)
        x, y = t + 0.12 * np.cos(2 * np.pi * turns * t), 0.5 + rng.uniform(0.1, 0.3) * np.sin(2 * np.pi * turns * t)
        points = np.stack([x + lean * y, y + 0.06 * np.sin(9 * t)], 1)
    elif form == 1:
        turns = rng.uniform(2.5, 6)
        points = 0.5 + (0.05 + 0.45 * t)[:, None] * np.stack(
            [np.cos(2 * np.pi * turns * t), rng.uniform(0.6, 1) * np.sin(2 * np.pi * turns * t)], 1
        )
    elif form == 2:  # zigzag with 6 to 14 strokes
        knots = np.stack([np.linspace(0, 1, k := int(rng.integers(7, 15))), np.arange(k) % 2], 1)
        knots = knots + rng.normal(0, 0.06, knots.shape)
        points = np.stack([np.interp(t, np.linspace(0, 1, k), knots[:, i]) for i in (0, 1)], 1)
    elif form == 3:  # a star in one stroke
        corners = int(rng.choice((5, 7, 9)))
        angles = 2 * np.pi * np.arange(corners + 1) * (corners // 2) / corners + rng.uniform(0, 6)
        knots = 0.5 + 0.48 * np.stack([np.cos(angles), np.sin(angles)], 1) + rng.normal(0, 0.02, (corners + 1, 2))
        points = np.stack([np.interp(t, np.linspace(0, 1, corners + 1), knots[:, i]) for i in (0, 1)], 1)
    elif form == 4:  # a tangle: waves of several frequencies
        waves = [sum(rng.normal() / k * np.sin(2 * np.pi * (k * t + rng.random())) for k in range(1, 8)) for _ in "xy"]
        points = np.stack(waves, 1)
    else:  # many short strokes over each other
        for _ in range(int(rng.integers(9, 22))):
            ends = rng.random((2, 2))
            _stroke(page, ends, (40, 40, 60), rng.uniform(3, 9))
        return finish(rng, page)
    points = (points - points.min(0)) / np.ptp(points, 0).max()
    _stroke(page, points, _colour(rng, 20, 80), rng.uniform(3, 13))
    return finish(rng, page)


def blot(rng: Random) -> np.ndarray:
    """Spilt ink: where smooth noise is high, or drops that run into each other."""
    page = blank(SIDE, SIDE)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE - 0.5
    if rng.integers(2):
        noise = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), rng.uniform(18, 40))
        noise = noise / noise.std() - 8 * np.hypot(x, y) ** 2 + 1
        spot = noise > np.quantile(noise, rng.uniform(0.6, 0.85))
    else:
        spot = np.zeros((SIDE, SIDE), bool)
        for _ in range(int(rng.integers(2, 9))):
            u, v, r = rng.normal(0, 0.12), rng.normal(0, 0.12), rng.uniform(0.06, 0.2)
            spot |= ((x - u) / rng.uniform(0.6, 1.4)) ** 2 + (y - v) ** 2 < r**2
    page[spot] = _colour(rng, 20, 110)
    return finish(rng, page)


def thing(rng: Random) -> np.ndarray:
    """Shaded things on a surface with a grain: balls, mugs, leaves, boxes, gears, or a heap of pebbles."""
    grain = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), rng.uniform(0.8, 5))
    page = blank(SIDE, SIDE, _colour(rng, 130, 245)) + (grain / grain.std() * rng.uniform(1, 9))[..., None]
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    form = rng.integers(6)
    centre, r = rng.uniform(0.4, 0.6, 2) * SIDE, rng.uniform(50, 110)
    colour = np.array(_colour(rng, 20, 200), np.float32)
    away = np.hypot(x - centre[0], y - centre[1]) / r
    shade = (1.1 - 0.7 * np.hypot(x - centre[0] + r / 3, y - centre[1] + r / 3) / r).clip(0.1, 1.2)
    if form == 0:
        mask = away < 1
    elif form == 1:  # a mug with its handle
        mask = (np.abs(x - centre[0]) < 0.7 * r) & (np.abs(y - centre[1]) < r)
        mask |= np.abs(np.hypot(x - centre[0] - 0.8 * r, y - centre[1]) - 0.45 * r) < 0.12 * r
    elif form == 2:  # a leaf with a stem and veins
        mask = (((x - centre[0]) / (0.45 * r)) ** 2 + ((y - centre[1]) / (1.1 * r)) ** 2) < 1
        shade = shade * (1 - 0.4 * ((np.abs(y - centre[1] + np.abs(x - centre[0])) % 24) < 3))
        mask |= (np.abs(x - centre[0]) < 4) & (np.abs(y - centre[1]) < 1.6 * r)
    elif form == 3:  # a box in perspective
        front = np.array([(-0.8, -0.5), (0.4, -0.3), (0.4, 0.8), (-0.8, 0.5)]) * r + centre
        side = np.array([(0.4, -0.3), (0.9, -0.6), (0.9, 0.4), (0.4, 0.8)]) * r + centre
        cv2.fillPoly(page, [front.astype(np.int32)], tuple(map(float, colour)))
        cv2.fillPoly(page, [side.astype(np.int32)], tuple(map(float, 0.6 * colour)))
        return finish(rng, page)
    elif form == 4:
        teeth = int(rng.integers(6, 14))
        mask = away < 0.8 + 0.15 * np.sign(np.sin(teeth * np.arctan2(y - centre[1], x - centre[0])))
        mask &= away > 0.3
    else:
        mask = np.zeros((SIDE, SIDE), bool)
        for u, v in rng.uniform(50, SIDE - 50, (int(rng.integers(5, 14)), 2)):
            pebble = np.hypot((x - u) / rng.uniform(0.7, 1.3), y - v) < rng.uniform(18, 45)
            page[pebble] = np.array(_colour(rng, 40, 190), np.float32)
        return finish(rng, cv2.GaussianBlur(page, (0, 0), 1.5))
    page[mask] = (colour * shade[..., None])[mask]
    return finish(rng, cv2.GaussianBlur(page, (0, 0), 1))


def bare_page(rng: Random) -> np.ndarray:
    """A page without writing: squares, dots, a frame, staves, in shadow, creased, on a table."""
    height, width = 360, 480
    page = blank(height, width, _colour(rng, 205, 250))
    form, step, colour = rng.integers(6), rng.uniform(16, 50), _colour(rng, 60, 190)
    for k in np.arange(step, height, step) if form in (0, 1) else ():
        line(page, (0, k), (width, k + rng.uniform(-2, 2)), colour, rng.uniform(1, 2.5))
    for k in np.arange(step, width, step) if form == 1 else ():
        line(page, (k, 0), (k, height), colour, 1)
    if form == 2:
        for u in np.arange(step, width, step):
            for v in np.arange(step, height, step):
                cv2.circle(page, (round(u), round(v)), 2, colour, -1, cv2.LINE_AA)
    if form == 3:
        for top in (40, 140, 240):
            for k in range(5):
                line(page, (0, top + 12 * k), (width, top + 12 * k), (50, 50, 50), 1.5)
    if form == 4:
        cv2.rectangle(page, (30, 30), (width - 30, height - 30), colour, 2)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 6)
    along = (x - width / 2) * np.cos(angle) + (y - height / 2) * np.sin(angle)
    page *= (1 - rng.uniform(0, 0.4) / (1 + np.exp(-along / rng.uniform(5, 120))))[..., None]
    if rng.integers(2):
        page *= (1 - 0.06 * np.exp(-((along - rng.uniform(-50, 50)) ** 2) / 30))[..., None]
    return finish(rng, page, 3)


OTHER_SHAPES: dict[str, Callable[[Random], np.ndarray]] = {
    "doodles": doodle,
    "blots": blot,
    "things": thing,
    "bare pages": bare_page,
}
