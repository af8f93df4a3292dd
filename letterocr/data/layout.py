"""Words and pages: the pieces of ink as lines of letters, in the order of reading.

Shapes: boxes [K, 4] left, top, right, bottom of the pieces.
"""

from __future__ import annotations

import numpy as np

from letterocr.data.pieces import Pieces

SMALL = 0.45  # of the height of a typical letter; smaller pieces belong to a letter beside them
TOGETHER = 0.25  # of the smaller width: pieces above each other by more are one letter
WIDEST = 1.5  # width of one letter, as a share of the height of its line
MOST_PARTS = 3  # of one letter
NEAR = 0.35  # of the height of the line: the gap within a letter


def find_lines(pieces: Pieces) -> list[list[np.ndarray]]:
    """Return the lines of a page from the top; each is a list of parts from the left, places of pieces [n]."""
    if not len(pieces):
        return []
    heights = pieces.boxes[:, 3] - pieces.boxes[:, 1]
    typical = float(np.median(pieces.lengths[pieces.lengths >= 0.5 * pieces.lengths.max()]))
    large = heights >= SMALL * typical
    if not large.any():
        large = heights >= heights.max()
    lines: list[list[int]] = []
    for k in sorted(np.flatnonzero(large), key=lambda k: pieces.boxes[k, [1, 3]].sum()):
        home = next((line for line in lines if _overlaps(pieces, int(k), line)), None)
        if home is None:
            lines.append(home := [])
        home.append(int(k))
    for k in np.flatnonzero(~large):
        middle = pieces.boxes[k, [1, 3]].mean()
        min(lines, key=lambda line: _distance(pieces, line, middle)).append(int(k))
    lines.sort(key=lambda line: pieces.boxes[line, 1].min())
    return [_join_parts(pieces, line) for line in lines]


def list_letters(pieces: Pieces, parts: list[np.ndarray]) -> list[tuple[int, int, np.ndarray]]:
    """Return what may be one letter in a line: each part alone, and two or three neighbours.

    Neighbours are joined only where the gap is small and the whole is no wider than a letter may be.

    Returns:
        First part, the part after the last one, and the places of the pieces.
    """
    height = max(_box(pieces, part)[3] - _box(pieces, part)[1] for part in parts)
    letters = []
    for first in range(len(parts)):
        for end in range(first + 1, min(first + MOST_PARTS, len(parts)) + 1):
            joined = np.concatenate(parts[first:end])
            left, _, right, _ = _box(pieces, joined)
            if end > first + 1:
                gap = _box(pieces, parts[end - 1])[0] - _box(pieces, np.concatenate(parts[first : end - 1]))[2]
                if right - left > WIDEST * height or gap > NEAR * height:
                    break
            letters.append((first, end, joined))
    return letters


def _join_parts(pieces: Pieces, line: list[int]) -> list[np.ndarray]:
    """Join pieces of a line that stand above each other, and small pieces with what is beside them."""
    parts = [np.array([k]) for k in sorted(line, key=lambda k: pieces.boxes[k, 0])]
    height = max(pieces.boxes[line, 3]) - min(pieces.boxes[line, 1])
    joined: list[np.ndarray] = []
    for part in parts:
        if joined and _belong(pieces, joined[-1], part, height):
            joined[-1] = np.concatenate([joined[-1], part])
        else:
            joined.append(part)
    return joined


def _belong(pieces: Pieces, one: np.ndarray, other: np.ndarray, height: float) -> bool:
    a, b = _box(pieces, one), _box(pieces, other)
    overlap = min(a[2], b[2]) - max(a[0], b[0])
    if overlap > TOGETHER * min(a[2] - a[0], b[2] - b[0]):
        return True
    small = min(max(box[2] - box[0], box[3] - box[1]) for box in (a, b)) < SMALL * height
    return bool(small and -overlap < 0.5 * NEAR * height)


def _box(pieces: Pieces, part: np.ndarray) -> tuple[int, int, int, int]:
    boxes = pieces.boxes[part]
    return boxes[:, 0].min(), boxes[:, 1].min(), boxes[:, 2].max(), boxes[:, 3].max()


def _overlaps(pieces: Pieces, k: int, line: list[int]) -> bool:
    """Return whether a piece and a line share more than half of the smaller height."""
    top, bottom = np.median(pieces.boxes[line, 1]), np.median(pieces.boxes[line, 3])
    shared = min(bottom, pieces.boxes[k, 3]) - max(top, pieces.boxes[k, 1])
    return bool(shared > 0.5 * min(bottom - top, pieces.boxes[k, 3] - pieces.boxes[k, 1]))


def _distance(pieces: Pieces, line: list[int], middle: float) -> float:
    return float(max(pieces.boxes[line, 1].min() - middle, middle - pieces.boxes[line, 3].max(), 0))
