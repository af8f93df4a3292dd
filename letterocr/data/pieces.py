"""Pieces of ink that belong to letters, told from those that do not by their form and place.

Shapes: ink [H, W] bool; labels [H, W], 0 for paper; boxes [K, 4] left, top, right, bottom, the ends exclusive.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

SPECK = 0.02  # of the largest piece's area; smaller pieces are dirt
SMALL = 0.5  # of the largest piece's length; smaller pieces that lie apart are no part of a letter
BESIDE = 0.05  # of the main piece's length: the gap to a piece that the border cuts
BULKY = 1.5  # times as thick as the strokes of the main piece
FAINT = 0.72  # of the largest piece's contrast; smaller pieces that are fainter are shadows
APART = 0.15  # of the largest piece's length: the gap to a piece that lies apart


@dataclass(frozen=True)
class Pieces:
    """Connected pieces of ink.

    Attributes:
        labels: [H, W] number of the piece of each pixel, 0 for paper.
        boxes: [K, 4] left, top, right and bottom of each piece; piece k has the label k + 1.
        areas: [K] pixels.
    """

    labels: np.ndarray
    boxes: np.ndarray
    areas: np.ndarray

    def __len__(self) -> int:
        return len(self.areas)

    @property
    def lengths(self) -> np.ndarray:
        """The longer side of each piece's box: [K]."""
        return (self.boxes[:, 2:] - self.boxes[:, :2]).max(1, initial=0)

    def select(self, kept: np.ndarray) -> Pieces:
        """Return the pieces for which `kept` [K] is true."""
        table = np.zeros(len(self) + 1, np.int32)
        table[1:][kept] = np.arange(1, int(kept.sum()) + 1)
        return Pieces(table[self.labels], self.boxes[kept], self.areas[kept])

    def ink(self) -> np.ndarray:
        """The ink of all pieces: [H, W]."""
        return self.labels > 0


def find_pieces(ink: np.ndarray) -> Pieces:
    """Find the connected pieces of ink, without those that are much smaller than the largest one."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    left, top, width, height, areas = stats[1:].T
    pieces = Pieces(labels, np.stack([left, top, left + width, top + height], 1), areas)
    return pieces if len(pieces) < 2 else pieces.select(areas >= SPECK * areas.max())


def touch_border(pieces: Pieces, near: int = 0) -> np.ndarray:
    """Return which pieces touch the border of the picture, or come as near as a number of pixels: [K]."""
    height, width = pieces.labels.shape
    low, high = pieces.boxes[:, :2], pieces.boxes[:, 2:]
    return np.asarray((low <= near).any(1) | (high >= (width - near, height - near)).any(1))


def has_cut(pieces: Pieces) -> bool:
    """Return whether the border cuts pieces that lie apart from the letter, or a strip runs along a whole side."""
    cut = touch_border(pieces)
    lengths = np.where(cut, 0, pieces.lengths)
    main = int(lengths.argmax() if lengths.max() > 0.3 * pieces.lengths.max() else pieces.lengths.argmax())
    if (cut & lie_apart(pieces, main, cut)).any():
        return True
    return any(_is_strip(pieces, int(k)) for k in np.flatnonzero(cut)) and len(pieces) > 1


def _is_strip(pieces: Pieces, k: int) -> bool:
    """Return whether a piece runs flat along a whole side of the picture."""
    left, top, right, bottom = pieces.boxes[k]
    height, width = pieces.labels.shape
    flat = right - left >= 0.98 * width and bottom - top < 0.1 * height and (top == 0 or bottom == height)
    upright = bottom - top >= 0.98 * height and right - left < 0.1 * width and (left == 0 or right == width)
    return bool((flat or upright) and pieces.areas[k] > 0.9 * (bottom - top) * (right - left))


def is_sheet(pieces: Pieces) -> bool:
    """Return whether the largest piece is no ink but a sheet on a table: a filled rectangle with strokes cut out."""
    k = int(pieces.areas.argmax())
    left, top, right, bottom = pieces.boxes[k]
    sheet = (pieces.labels[top:bottom, left:right] == k + 1).astype(np.uint8)
    outlines = cv2.findContours(sheet, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
    outline = max(outlines, key=cv2.contourArea)
    hull = cv2.contourArea(cv2.convexHull(outline))
    (_, (width, height), _) = cv2.minAreaRect(outline)
    if sheet.sum() < 0.7 * hull or hull < 0.88 * width * height or cv2.contourArea(outline) < 0.95 * hull:
        return False
    within = cv2.drawContours(np.zeros_like(sheet), [outline], 0, 1, cv2.FILLED)
    strokes = find_pieces(within > sheet)
    return bool(len(strokes) and (strokes.lengths > 0.15 * max(sheet.shape)).any())


def drop_foreign(pieces: Pieces) -> Pieces:
    """Drop frames, what the border cuts, blobs and underlines."""
    for drop in (drop_frames, drop_cut, drop_blobs, drop_underlines):
        if len(pieces) > 1:
            pieces = drop(pieces)
    return pieces


def drop_frames(pieces: Pieces) -> Pieces:
    """Drop pieces that run along their own box and have a large piece inside: frames of forms, edges of a sheet."""
    kept = np.ones(len(pieces), bool)
    for k, (left, top, right, bottom) in enumerate(pieces.boxes):
        inside = (pieces.boxes[:, :2] > (left, top)).all(1) & (pieces.boxes[:, 2:] < (right, bottom)).all(1)
        if not (pieces.lengths[inside] > 0.2 * pieces.lengths[k]).any():
            continue
        own = pieces.labels[top:bottom, left:right] == k + 1
        y, x = (max(1, round(0.12 * side)) for side in own.shape)
        sides = own[:y].any(0), own[-y:].any(0), own[:, :x].any(1), own[:, -x:].any(1)
        hollow = own[y:-y, x:-x].sum() < 0.1 * pieces.areas[k]
        kept[k] = not hollow or min(side.mean() for side in sides) < 0.6
    return pieces.select(kept) if kept.any() else pieces


def drop_cut(pieces: Pieces) -> Pieces:
    """Drop pieces that the border cuts, if a large one lies inside: neighbours, thumbs, corners of a table."""
    side = min(pieces.labels.shape)
    cut = touch_border(pieces)
    inside = ~cut & (pieces.lengths >= 0.08 * side)
    if not inside.any():
        return pieces
    main = int(np.where(inside, pieces.lengths, 0).argmax())
    cut |= touch_border(pieces, round(0.06 * side)) & (pieces.lengths < 0.7 * pieces.lengths[main])
    return pieces.select(~(cut & lie_apart(pieces, main, cut)))


def lie_apart(pieces: Pieces, main: int, cut: np.ndarray) -> np.ndarray:
    """Return which pieces lie apart from the main one: by their boxes, or if they are cut and bulky, by their ink."""
    least = BESIDE * pieces.lengths[main]
    apart = measure_gaps(pieces, main) > least
    near = np.flatnonzero(cut & ~apart & (np.arange(len(pieces)) != main))
    if len(near):
        pen = _measure_thickness(pieces, main)
        away = cv2.distanceTransform((pieces.labels != main + 1).astype(np.uint8), cv2.DIST_L2, 3)
        for k in near:
            if _measure_thickness(pieces, int(k)) > BULKY * pen:
                apart[k] = away[pieces.labels == k + 1].min() > least
    return apart


def _measure_thickness(pieces: Pieces, k: int) -> float:
    own = np.pad(pieces.labels == k + 1, 1).astype(np.uint8)
    return 2 * float(cv2.distanceTransform(own, cv2.DIST_L2, 3).max())


def drop_blobs(pieces: Pieces) -> Pieces:
    """Drop round or square pieces without strokes, if others have strokes: punch holes, stains."""
    blobs = np.array([is_blob(pieces, k) for k in range(len(pieces))])
    if not blobs.all():
        main = int(np.where(blobs, 0, pieces.lengths).argmax())
        blobs &= measure_gaps(pieces, main) > BESIDE * pieces.lengths[main]
    return pieces if blobs.all() else pieces.select(~blobs)


def is_blob(pieces: Pieces, k: int) -> bool:
    """Return whether a piece is about as high as wide and fills its box or an ellipse in it."""
    left, top, right, bottom = pieces.boxes[k]
    height, width = bottom - top, right - left
    return bool(max(height, width) < 2.2 * min(height, width) and pieces.areas[k] > 0.68 * height * width)


def drop_underlines(pieces: Pieces) -> Pieces:
    """Drop flat strokes below or above everything else that are at least as wide as it."""
    widths, heights = (pieces.boxes[:, 2:] - pieces.boxes[:, :2]).T
    pen = float(np.median(pieces.areas / pieces.lengths))
    for k in np.argsort(-pieces.boxes[:, 3]):  # the lowest first
        if widths[k] < 4.5 * heights[k]:
            break
        beside = np.abs(pieces.boxes[:, 1] - pieces.boxes[k, 1]) < 3 * heights[k]
        rest = ~(beside & (widths >= 4.5 * heights))  # two lines that almost meet are dropped together
        if rest.sum() == 0:
            break
        left, right = pieces.boxes[rest, 0].min(), pieces.boxes[rest, 2].max()
        gap = pieces.boxes[k, 1] - pieces.boxes[rest, 3].max()
        beyond = 0.15 * (right - left)
        wide = pieces.boxes[k, 0] <= left + beyond and pieces.boxes[k, 2] >= right - beyond
        if gap > 0.3 * min(pen, heights[k]) and wide and heights[rest].max() > 2 * heights[k]:
            return drop_underlines(pieces.select(rest))
    return pieces


def drop_faint(pieces: Pieces, contrast: np.ndarray) -> Pieces:
    """Drop small pieces that are clearly lighter than the largest piece, such as the edges of a shadow."""
    if len(pieces) < 2:
        return pieces
    depth = np.bincount(pieces.labels.ravel(), contrast.ravel(), len(pieces) + 1)[1:] / pieces.areas
    main = int(pieces.lengths.argmax())
    return pieces.select((depth >= FAINT * depth[main]) | (pieces.lengths >= SMALL * pieces.lengths[main]))


def drop_apart(pieces: Pieces) -> Pieces:
    """Drop small pieces that lie apart from the largest piece, which is taken for the only letter."""
    if len(pieces) < 2:
        return pieces
    main = int(pieces.lengths.argmax())
    apart = measure_gaps(pieces, main) > APART * pieces.lengths[main]
    return pieces.select(~(apart & (pieces.lengths < SMALL * pieces.lengths[main])))


def measure_gaps(pieces: Pieces, main: int) -> np.ndarray:
    """Return the gap in pixels between the box of each piece and that of one piece, 0 if they meet: [K]."""
    low = np.maximum(pieces.boxes[:, :2], pieces.boxes[main, :2])
    high = np.minimum(pieces.boxes[:, 2:], pieces.boxes[main, 2:])
    return (low - high).max(1).clip(min=0)
