"""Pictures as people take them: a real letter on a page, and what disturbs it, drawn at a strength between 0 and 1.

Shapes: glyph [S, S] the ink of a scanned letter, 0..255; alpha [H, W] ink in 0..1; page [H, W, 3] colours 0..255.
Each kind is a function of a random generator, a glyph and a strength; `KINDS` has all of them by name.
"""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
from page_drawing import PENS, SIDE, Kind, Random, blank, cut_out, finish, grid_of, line, write, written
from printed_pages import chalk, dotted, frame, margin, pencil, ruled, specks, stain, through, underline

# Paper and table


def plain(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    page = blank()
    written(rng, glyph, page)
    return finish(rng, page, 1 + 3 * strength)


def on_table(
    rng: Random, glyph: np.ndarray, strength: float, colour: tuple = (90, 65, 45), sides: str = "all", turn: float = 0
) -> np.ndarray:
    """A sheet on a table, upright or turned and seen from the side."""
    sheet = blank()
    written(rng, glyph, sheet)
    margin = round(30 + 130 * strength)
    table = blank(SIDE + 2 * margin, SIDE + 2 * margin, colour)
    y, _ = grid_of(table)
    table += (np.sin(y * 60 + rng.uniform(0, 6)) * 6 * strength)[..., None]
    low, high = margin, margin + SIDE
    if sides == "one":
        y0, x0 = ((0, margin), (margin, 0), (2 * margin, margin), (margin, 2 * margin))[rng.integers(4)]
        table[y0 : y0 + SIDE, x0 : x0 + SIDE] = sheet
        window = (slice(y0, y0 + SIDE), slice(None)) if x0 != margin else (slice(None), slice(x0, x0 + SIDE))
        cut = table[window]
        return (
            finish(rng, cut[: SIDE + margin] if y0 == 0 else cut[-SIDE - margin :])
            if x0 == margin
            else finish(rng, cut[:, : SIDE + margin] if x0 == 0 else cut[:, -SIDE - margin :])
        )
    corners = np.array([(low, low), (high, low), (high, high), (low, high)], np.float32)
    angle, centre = np.deg2rad(turn * strength * rng.choice((-1, 1))), np.full(2, (low + high) / 2, np.float32)
    spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
    bent = (corners - centre) @ spin.T + centre
    if turn:
        bent += rng.uniform(-25, 25, (4, 2)).astype(np.float32) * strength
    source = np.array([(0, 0), (SIDE, 0), (SIDE, SIDE), (0, SIDE)], np.float32)
    view = cv2.getPerspectiveTransform(source, bent.astype(np.float32))
    cover = cv2.warpPerspective(np.ones((SIDE, SIDE), np.float32), view, table.shape[1::-1], flags=cv2.INTER_LINEAR)
    seen = cv2.warpPerspective(sheet, view, table.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return finish(rng, table + cover[..., None] * (seen - table))


def edge(
    rng: Random, glyph: np.ndarray, strength: float, width: float = 12, colour: int = 0, sides: int = 1
) -> np.ndarray:
    """The dark strip that a scanner leaves at one or more edges."""
    page = blank()
    written(rng, glyph, page)
    for side in rng.permutation(4)[:sides]:
        strip = np.moveaxis(page, 1, 0) if side % 2 else page
        strip[slice(0, round(width)) if side < 2 else slice(-round(width), None)] = colour
    return finish(rng, page)


def corner(rng: Random, glyph: np.ndarray, strength: float, shape: str = "square") -> np.ndarray:
    """A corner of the desk."""
    page = blank()
    written(rng, glyph, page)
    reach = round(30 + 60 * strength)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    y, x = (SIDE - 1 - y if rng.integers(2) else y), (SIDE - 1 - x if rng.integers(2) else x)
    page[(y + x * rng.uniform(0.5, 1) < 1.5 * reach) if shape == "triangle" else ((y < reach) & (x < reach))] = (
        40,
        35,
        30,
    )
    return finish(rng, page)


def holes(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    page = blank()
    written(rng, glyph, page)
    for y in (0.27, 0.73):
        cv2.circle(
            page, (round(45 + 10 * rng.uniform(-1, 1)), round(y * SIDE)), round(10 + 14 * strength), (30, 28, 25), -1
        )
    return finish(rng, page)


def thumb(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """The thumb that holds the sheet."""
    page = blank()
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    reach, place = 40 + 50 * strength, SIDE * rng.uniform(0.3, 0.7)
    finger = ((x - (SIDE + 5)) / reach) ** 2 + ((y - place) / 45) ** 2 < 1
    page[finger] = (190, 130, 105)
    page = np.rot90(page, rng.integers(4)).copy()
    written(rng, glyph, page, off=0.03)
    return finish(rng, page)


def spiral(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """The holes and wire of a spiral block along one edge."""
    page = blank()
    for x in range(20, SIDE, 40):
        cv2.rectangle(page, (x, 8), (x + 16, 8 + round(10 + 14 * strength)), (50, 45, 45), -1)
        line(page, (x + 8, 0), (x + 8, 20), (120, 120, 125), 4)
    page = np.rot90(page, rng.integers(4)).copy()
    written(rng, glyph, page, off=0.03)
    return finish(rng, page)


def staple(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    page = blank()
    written(rng, glyph, page, off=0.03)
    y, x = rng.uniform(30, 60, 2)
    line(page, (x, y), (x + 50, y + rng.uniform(-15, 15)), (95, 95, 100), 3 + 3 * strength)
    return finish(rng, page)


def neighbour(rng: Random, glyph: np.ndarray, strength: float, count: int = 1) -> np.ndarray:
    """Pieces of other letters that the border cuts."""
    page = blank()
    written(rng, glyph, page, off=0.03)
    for k in rng.permutation(4)[:count]:
        other = cut_out(np.rot90(glyph), round(0.5 * SIDE))
        half = other.shape[1] / 2 if k % 2 else other.shape[0] / 2
        reach = half - SIDE * (0.04 + 0.07 * strength)
        place = (-reach if k < 2 else SIDE + reach), SIDE * rng.uniform(0.4, 0.6)
        write(page, other, (place[1], place[0]) if k % 2 else place, PENS[0])
    return finish(rng, page)


# Light


def lit(rng: Random, glyph: np.ndarray, strength: float, light: str = "step") -> np.ndarray:
    """Light that changes inside the picture."""
    page = blank()
    written(rng, glyph, page)
    y, x = grid_of(page)
    angle = rng.uniform(0, 2 * np.pi)
    along = (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle)
    where = rng.uniform(-0.2, 0.2)
    depth = 0.2 + 0.45 * strength
    away = np.hypot(x - rng.uniform(0.2, 0.8), y - rng.uniform(0.2, 0.8))
    if light == "step":
        gain = 1 - depth * (along > where)
    elif light == "soft":
        gain = 1 - depth / (1 + np.exp(-(along - where) / 0.03))
    elif light == "gradient":
        gain = 1 - depth * (along + 0.6)
    elif light == "vignette":
        gain = 1 - depth * 1.6 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    elif light == "lamp":
        gain = 1 - depth + depth * np.exp(-((away / 0.3) ** 2))
    elif light == "glare":
        spot = np.exp(-((away / 0.18) ** 2))[..., None] * (0.3 + 0.4 * strength)
        return finish(rng, page * 0.75 + (255 - page * 0.75) * spot)
    elif light == "hand":
        blob = ((x - rng.uniform(0.2, 0.8)) / 0.25) ** 2 + ((y - rng.uniform(0.2, 0.8)) / 0.35) ** 2
        gain = 1 - depth * cv2.GaussianBlur((blob < 1).astype(np.float32), (0, 0), 6)
    elif light == "blinds":
        gain = 1 - 0.6 * depth * cv2.GaussianBlur((np.sin(along * 25) > 0).astype(np.float32), (0, 0), 4)
    elif light == "fold":
        gain = (
            1
            - depth * 0.5 * (along > where) * np.exp(-(along - where) / 0.2)
            - 0.3 * depth * np.exp(-((along - where) ** 2) / 0.0001)
        )
    else:  # the gutter of a book
        gain = 1 - (0.5 + 0.4 * strength) * np.exp(-x / (0.04 + 0.06 * strength))
    return finish(rng, page * gain[..., None])


def photo(rng: Random, glyph: np.ndarray, strength: float) -> np.ndarray:
    """A large photo of a turned sheet on a table under uneven light."""
    small = on_table(rng, glyph, strength, turn=8).astype(np.float32)
    large = cv2.resize(small, (2400, 2400), interpolation=cv2.INTER_CUBIC)
    y, x = grid_of(large)
    gain = 1 - (0.2 + 0.2 * strength) * (x * rng.uniform(0.3, 1) + y * rng.uniform(0.3, 1))
    return finish(rng, large * gain[..., None], 5)


WOOD = (200, 165, 120)
KINDS: dict[str, Kind] = {
    "plain paper": plain,
    "dark table": on_table,
    "light wooden table": partial(on_table, colour=WOOD),
    "white table": partial(on_table, colour=(250, 250, 250)),
    "table at one side": partial(on_table, sides="one"),
    "light table at one side": partial(on_table, sides="one", colour=WOOD),
    "turned sheet on a table": partial(on_table, turn=10),
    "turned sheet on light wood": partial(on_table, turn=10, colour=WOOD),
    "large photo, turned, uneven light": photo,
    "dark edge, 2 pixels": partial(edge, width=2),
    "dark edge, 6 pixels": partial(edge, width=6),
    "dark edge, 12 pixels": partial(edge, width=12),
    "grey edge, 30 pixels": partial(edge, width=30, colour=120),
    "dark edges at three sides": partial(edge, width=8, sides=3),
    "dark edges at all sides": partial(edge, width=5, sides=4),
    "dark corner": corner,
    "dark triangle in a corner": partial(corner, shape="triangle"),
    "punch holes": holes,
    "thumb": thumb,
    "spiral block": spiral,
    "staple": staple,
    "piece of a neighbour": neighbour,
    "pieces of two neighbours": partial(neighbour, count=2),
    "hard shadow": partial(lit, light="step"),
    "soft shadow": partial(lit, light="soft"),
    "gradient": partial(lit, light="gradient"),
    "vignette": partial(lit, light="vignette"),
    "lamp": partial(lit, light="lamp"),
    "glare": partial(lit, light="glare"),
    "shadow of a hand": partial(lit, light="hand"),
    "shadow of blinds": partial(lit, light="blinds"),
    "fold": partial(lit, light="fold"),
    "gutter of a book": partial(lit, light="gutter"),
    "dark squares": ruled,
    "dark small squares": partial(ruled, step=30, width=2),
    "light squares": partial(ruled, colour=(170, 190, 220), width=2, step=30),
    "turned squares": partial(ruled, turn=6),
    "dark lines": partial(ruled, squares=False),
    "blue lines": partial(ruled, squares=False, colour=(120, 150, 210), width=2),
    "turned lines": partial(ruled, squares=False, turn=8),
    "lines as dark as the pen": partial(ruled, squares=False, colour=(30, 40, 120), width=4, step=90),
    "dot grid": dotted,
    "red margin": margin,
    "red margin and blue lines": partial(margin, lines=True),
    "form cell": frame,
    "form cell inside the picture": partial(frame, inset=50),
    "form cell of a table": partial(frame, inset=45, cells=True),
    "underline": underline,
    "underline by hand": partial(underline, hand=True),
    "two underlines": partial(underline, twice=True),
    "chalk on a board": chalk,
    "writing shines through": through,
    "pencil": pencil,
    "specks": specks,
    "stain": stain,
}
