"""Removal of printed lines: rulings, squares, margins, the cells of a form, upright or turned by up to 12 degrees.

A line is a straight, thin run of ink from border to border. As with the staves of sheet music (Dalitz et al. 2008),
only those pixels are removed where the ink across the line is no thicker than the line: strokes that cross it stay.

Shapes: ink [H, W] bool; a line has the slope s and the offset o, the row y = o + s x in column x.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from letterocr.data.lighting import measure_pen

STEEPEST = 0.22  # slope
THICKEST = 0.05  # thickness of a line, as a share of the shorter side
COVERED = 0.85  # share of the way from border to border that is inked
ALONE = 0.35  # share of that way where nothing but the line is inked
SHORTEST = 0.3  # way from border to border, as a share of the side
HAIR = 0.25  # length of a thin line that is no stroke, as a share of the shorter side
BEYOND = 0.25  # how far a ruling reaches beyond a letter of its thickness, at each end, as a share of the side
LIGHTER = 0.7  # of the pen's contrast: rulings with less are told from strokes that lie on them
MOST_POINTS = 5_000  # of those from which the slope is found


def remove_rulings(ink: np.ndarray) -> np.ndarray:
    """Return the ink [H, W] without the printed lines; without any ink if it had nothing but several thin lines."""
    rest = _erase_lines(ink)
    rest = _erase_lines(rest.T).T
    if rest is ink or (rest == ink).all():
        return ink
    return _put_back_strokes(ink, np.ascontiguousarray(rest))


def put_back_darker(ink: np.ndarray, rest: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    """Put back what is clearly darker than the lines and joins the rest: strokes that lie on a ruling.

    Args:
        ink: [H, W] before the lines were removed.
        rest: [H, W] after that.
        contrast: [H, W] with the paper, in 0..1.
    """
    gone = ink & ~rest
    if not gone.any() or not rest.any():
        return rest
    line, pen = float(np.median(contrast[gone])), float(np.median(contrast[rest]))
    if line > LIGHTER * pen:
        return rest
    _, pieces = cv2.connectedComponents((rest | (gone & (contrast > (line + pen) / 2))).astype(np.uint8))
    joined = np.zeros(pieces.max() + 1, bool)
    joined[pieces[rest]] = True
    joined[0] = False
    return joined[pieces]


def _erase_lines(ink: np.ndarray, rounds: int = 8) -> np.ndarray:
    """Erase lines that run from left to right; those of one slope in each round."""
    thickest = max(2, round(THICKEST * min(ink.shape)))
    for _ in range(rounds):
        runs = measure_runs(ink)
        rows, columns = np.nonzero(ink)
        thin = runs[rows, columns] <= thickest
        if thin.sum() < SHORTEST * ink.shape[1]:
            break
        lines = _Lines(find_slope(rows[thin], columns[thin], ink.shape), ink.shape)
        erased = lines.select(rows, columns, runs[rows, columns], thickest)
        if not erased.any():
            break
        ink = ink.copy()
        ink[rows[erased], columns[erased]] = False
    return ink


def remove_hairs(ink: np.ndarray, pen: float) -> np.ndarray:
    """Return the ink without long lines of any direction that are much thinner than the pen, such as a fold."""
    width = round(0.5 * pen) | 1
    if width < 3:
        return ink
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    thick = cv2.dilate(cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_OPEN, disc), np.ones((3, 3), np.uint8))
    return ink & ~_drop_short(ink > thick, HAIR * min(ink.shape))


@dataclass(frozen=True)
class _Lines:
    """All lines of one slope across a picture of a shape."""

    slope: float
    shape: tuple[int, ...]

    def select(self, rows: np.ndarray, columns: np.ndarray, runs: np.ndarray, thickest: int) -> np.ndarray:
        """Return which pixels of the ink [P] belong to lines, and to nothing else."""
        height, width = self.shape
        shift = int(np.ceil(abs(self.slope) * width)) + 2
        count = height + 2 * shift
        # Columns are counted one offset further at both sides: lines are not quite straight, nor is the slope exact.
        offsets = np.rint(rows - self.slope * columns).astype(np.int64) + shift
        ways = _count_ways(self.slope, self.shape, shift, count)
        covered = _count_columns(offsets, columns, count, width)
        thin = runs <= thickest
        alone = _count_columns(offsets[thin], columns[thin], count, width)
        found = (ways >= SHORTEST * width) & (covered >= COVERED * ways) & (alone >= ALONE * ways)
        if not found.any():
            return np.zeros(len(rows), bool)
        on_line = np.convolve(found, np.ones(3), "same")[offsets] > 0
        limit = 1.6 * np.median(runs[on_line & thin]) + 1 if (on_line & thin).any() else 0
        # All of a run goes that touches the line.
        reach = int(limit) // 2 + 1
        return (np.convolve(found, np.ones(2 * reach + 1), "same")[offsets] > 0) & (runs <= limit)


def find_slope(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, ...]) -> float:
    """Return the slope along which points [P] gather on the fewest lines."""
    step = -(-len(rows) // MOST_POINTS)
    y, x = rows[::step].astype(np.float32), columns[::step].astype(np.float32)

    def gather(slope: float) -> float:
        counts = np.bincount((y - slope * x + STEEPEST * shape[1] + 2).astype(np.int64))
        return float((counts.astype(np.float64) ** 2).sum())

    coarse = max(np.linspace(-STEEPEST, STEEPEST, 89), key=gather)
    return float(max(coarse + np.linspace(-0.005, 0.005, 21), key=gather))


def _count_columns(offsets: np.ndarray, columns: np.ndarray, count: int, width: int) -> np.ndarray:
    """Count the columns in which an offset or one beside it has ink: [count]."""
    inked = np.zeros((count, width), np.uint8)
    inked[offsets, columns] = 1
    return cv2.dilate(inked, np.ones((3, 1), np.uint8)).sum(1, dtype=np.int64)


def _count_ways(slope: float, shape: tuple[int, ...], shift: int, count: int) -> np.ndarray:
    """Count the columns in which the line of each offset is inside the picture: [count]."""
    places = (np.arange(count) - shift)[:, None] + slope * np.arange(shape[1])[None, ::8]
    return ((places > -0.5) & (places < shape[0] - 0.5)).mean(1) * shape[1]


def measure_runs(ink: np.ndarray) -> np.ndarray:
    """Return for each inked pixel how many pixels the ink is high there, without a gap: [H, W]."""
    flat = np.pad(ink.T, ((0, 0), (1, 1))).ravel()
    starts, ends = np.flatnonzero(~flat[:-1] & flat[1:]), np.flatnonzero(flat[:-1] & ~flat[1:])
    runs = np.zeros(flat.shape, np.int32)
    runs[flat] = np.repeat(ends - starts, ends - starts)
    return runs.reshape(ink.shape[1], ink.shape[0] + 2)[:, 1:-1].T


def _put_back_strokes(ink: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Put back what was taken for lines, but is part of a letter that fills its picture, such as an E, a T or an L."""
    gone = ink & ~rest
    thickness = 2 * cv2.distanceTransform(gone.astype(np.uint8), cv2.DIST_L2, 3).max()
    largest = _find_largest(rest)
    if largest is None:
        return ink if thickness > 0.035 * min(ink.shape) else _drop_short(rest, 2 * thickness)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(gone.astype(np.uint8), connectivity=8)
    near = cv2.dilate(largest.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    touching = np.bincount(pieces[near], minlength=count) > 0
    rows, columns = np.flatnonzero(largest.any(1)), np.flatnonzero(largest.any(0))
    box = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    like_strokes = measure_pen(gone) > 0.6 * measure_pen(largest)
    flat = stats[:, cv2.CC_STAT_WIDTH] > stats[:, cv2.CC_STAT_HEIGHT]
    for axis, way in ((1, flat), (0, ~flat)):
        own = np.flatnonzero(way & (np.arange(count) > 0))
        if like_strokes and touching[own].any() and _is_one_line(stats[own], axis, ink.shape):
            rest = rest | np.isin(pieces, own)
            continue
        for k in own[touching[own]]:
            stroke = like_strokes and not _reaches_beyond(stats[k], box, ink.shape)
            if stroke or _lies_along_border(stats[k], ink.shape):
                rest = rest | (pieces == k)
    return rest


def _drop_short(rest: np.ndarray, length: float) -> np.ndarray:
    """Drop pieces up to a length: the places where lines cross are thicker than the lines, and some of them stay."""
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(rest.astype(np.uint8), connectivity=8)
    long = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1) > length
    long[0] = False
    return long[pieces]


def _is_one_line(stats: np.ndarray, axis: int, shape: tuple[int, ...]) -> bool:
    """Return whether pieces may be of one line, perhaps a slanted one: they lie in a band of the picture."""
    middles = stats[:, axis] + stats[:, axis + 2] / 2
    return len(middles) == 0 or bool(np.ptp(middles) < STEEPEST * min(shape))


def _reaches_beyond(stat: np.ndarray, box: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Return whether a line is far longer than the letter, at both ends of it."""
    x, y, width, height, _ = (int(v) for v in stat)
    if width > height:
        return box[0] - x > BEYOND * shape[1] and x + width - box[2] > BEYOND * shape[1]
    return box[1] - y > BEYOND * shape[0] and y + height - box[3] > BEYOND * shape[0]


def _lies_along_border(stat: np.ndarray, shape: tuple[int, ...]) -> bool:
    x, y, width, height, _ = (int(v) for v in stat)
    near = 2
    flat = width > 4 * height and (y <= near or y + height >= shape[0] - near)
    upright = height > 4 * width and (x <= near or x + width >= shape[1] - near)
    return flat or upright


def _find_largest(ink: np.ndarray) -> np.ndarray | None:
    """Return the largest piece of ink, unless it is no more than a rest of a line."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    if count == 1:
        return None
    k = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    longer = max(stats[k, cv2.CC_STAT_WIDTH], stats[k, cv2.CC_STAT_HEIGHT])
    return pieces == k if longer > 0.1 * min(ink.shape) else None
