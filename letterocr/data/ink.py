"""The ink of a picture, and the letter in it: scaled and centred as a network takes it.

A picture with even paper, such as a scan, is parted into ink and paper by one level. In any other picture the ink is
what is darker than the paper beside it (`lighting`), without printed lines (`rulings`); a sheet that lies askew is set
upright first (`sheet`). In both, pieces that belong to
no letter are dropped (`pieces`).

Shapes: picture [H, W] grey, [H, W, 3] colour or [H, W, 4] with transparency; letter [900] in 0..1 with ink 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from letterocr.base.errors import UserError
from letterocr.data import lighting
from letterocr.data.grey import LEAST_CONTRAST, read_levels
from letterocr.data.letters import BOX, PIXELS, SIDE
from letterocr.data.paper import estimate_paper
from letterocr.data.pieces import (
    Pieces,
    drop_apart,
    drop_faint,
    drop_foreign,
    find_pieces,
    has_cut,
    is_sheet,
    touch_border,
)
from letterocr.data.rulings import put_back_darker, remove_hairs, remove_rulings
from letterocr.data.sheet import set_upright

LARGEST = 1000  # pixels of the longer side on which ink is looked for under uneven light
UNEVEN = 0.15  # of the ink's contrast: paper that differs by more, in more than 1 % of the picture, is uneven
UNEVEN_INK = 0.08  # standard deviation of the contrast within strokes; a pen's is smaller, so light lies on the ink
THICKEST = 0.45  # thickness of a stroke, as a share of the letter's longer side
PHOTO = 100  # pixels of the shorter side of a picture in which shadows or printed lines may be all there is
SHADE = 0.2  # of a photo; broad ink that takes more and meets the border is a shadow
TINY = 8  # pixels of the shorter side; in smaller pictures there is nothing to tell from a letter
SQUARE = np.ones((3, 3), np.uint8)


class BlankError(UserError):
    """A picture has no ink."""


@dataclass(frozen=True)
class FoundLetter:
    """Letter that was found in a picture.

    Attributes:
        letter: [900] float32 in 0..1 with ink 1.
        box: left, top, right and bottom of the ink in pixels of the picture; right and bottom lie just outside it.
    """

    letter: Tensor
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class Ink:
    """Ink of a picture.

    Attributes:
        contrast: [h, w] difference between the picture and its paper, 0..1, at most `LARGEST` pixels high or wide
            unless the paper is even.
        pieces: the connected pieces of the ink.
        view: [3, 3] takes homogeneous (x, y, 1) in the contrast to the picture.
    """

    contrast: np.ndarray
    pieces: Pieces
    view: np.ndarray = field(default_factory=lambda: np.eye(3))

    def place(self, left: int, top: int, right: int, bottom: int) -> tuple[int, int, int, int]:
        """Return the box of the picture that holds a box of the contrast."""
        placed = self.view @ np.array([(left, right, right, left), (top, top, bottom, bottom), (1, 1, 1, 1)])
        x, y = (placed[:2] / placed[2]).round().astype(int).tolist()
        return max(0, min(x)), max(0, min(y)), max(x), max(y)

    def draw_in_picture(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return where the ink is in the picture of a shape [H, W]: [H, W] bool."""
        ink = self.pieces.ink().astype(np.uint8)
        return cv2.warpPerspective(ink, self.view, shape[1::-1], flags=cv2.INTER_NEAREST) > 0


def normalise(picture: np.ndarray | Tensor, name: str, box: int = BOX) -> Tensor:
    """Return the letter [900] in a picture, as `find_letter` does, without its place."""
    return find_letter(picture, name, box).letter


def find_letter(picture: np.ndarray | Tensor, name: str, box: int = BOX) -> FoundLetter:
    """Find the ink in a picture, crop it, scale its longer side to `box` pixels, and centre it in 30x30.

    Args:
        picture: [H, W], [H, W, 3] or [H, W, 4] with levels in 0..1 or in 0..2^bits-1, dark ink on light paper or light
            ink on dark paper.
        name: name of the picture in messages.
        box: longer side of the scaled ink in pixels.

    Raises:
        UserError: the picture has no ink, or its shape or levels are not valid.
    """
    ink = find_ink(picture, name)
    return cut_letter(replace(ink, pieces=drop_apart(ink.pieces)), box)


def normalise_all(pictures: Iterable[tuple[str, np.ndarray | Tensor]], box: int = BOX) -> Tensor:
    """Return the letters [N, 900] in N pictures of any sizes.

    Args:
        pictures: name and picture of each letter; only one picture is in memory at a time if this is a generator.
        box: longer side of the scaled ink in pixels.

    Raises:
        UserError: as in `find_letter`, for the first picture with a mistake.
    """
    return torch.stack([normalise(picture, name, box) for name, picture in pictures])


def find_ink(picture: np.ndarray | Tensor, name: str) -> Ink:
    """Find the ink in a picture; it may be of several letters.

    Args:
        picture: as in `find_letter`.
        name: name of the picture in messages.

    Raises:
        UserError: the picture has no ink, or its shape or levels are not valid.
    """
    levels = read_levels(picture, name)
    blank = BlankError(f"{name} is blank: no ink stands out from its border.")
    difference = levels - estimate_paper(levels)
    contrast = np.abs(difference)
    largest = float(contrast.max())
    if largest < LEAST_CONTRAST:
        raise blank
    contrast = contrast / largest
    steps = (contrast * 255).astype(np.uint8)
    ink = steps > _find_threshold(steps)
    pieces = find_pieces(ink)
    lighter = np.count_nonzero(ink & (difference > 0))
    mixed = min(lighter, np.count_nonzero(ink) - lighter) > 0.001 * ink.size  # darker and lighter than the paper
    if min(ink.shape) < TINY or (not mixed and _is_plain(contrast, ink, pieces)):
        return Ink(contrast, drop_foreign(pieces))
    found = _find_ink_in_photo(levels, is_sheet(pieces))
    if found is None and min(ink.shape) >= PHOTO:
        raise blank
    return found or Ink(contrast, drop_foreign(pieces))  # what a small picture shows is not told from lines


def _is_plain(contrast: np.ndarray, ink: np.ndarray, pieces: Pieces) -> bool:
    """Return whether the paper is even and nothing but letters seems to be on it."""
    filled = ink.view(np.uint8)
    around = cv2.dilate(filled, SQUARE)
    if np.count_nonzero((contrast > UNEVEN) > around) > 0.01 * ink.size:
        return False
    core = cv2.erode(filled, SQUARE, iterations=2)
    if cv2.countNonZero(core) and cv2.meanStdDev(contrast, mask=core)[1][0, 0] > UNEVEN_INK:
        return False
    longest = pieces.lengths.max()
    thickness = 2 * cv2.distanceTransform(_surround(filled), cv2.DIST_L2, 3).max()
    cut = touch_border(pieces).any()
    if cut and thickness > 0.3 * longest and min(ink.shape) >= PHOTO and np.count_nonzero(ink) > SHADE * ink.size:
        return False
    if thickness > 0.2 * longest and ((cut and thickness > THICKEST * longest) or is_sheet(pieces)):
        return False
    return not cut or not (has_cut(pieces) or (remove_rulings(ink) != ink).any())


def _surround(filled: np.ndarray) -> np.ndarray:
    """Return the ink with one pixel of paper around it."""
    return cv2.copyMakeBorder(filled, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)


def _find_ink_in_photo(levels: np.ndarray, on_table: bool) -> Ink | None:
    """Find the ink under uneven light, among printed lines, and beside what is not paper; None if there is none."""
    scale = max(1.0, max(levels.shape) / LARGEST)
    if scale > 1:
        size = tuple(max(1, round(side / scale)) for side in levels.shape[::-1])
        levels = cv2.resize(levels, size, interpolation=cv2.INTER_AREA)
    view = np.diag([scale, scale, 1.0])
    if sheet := set_upright(levels):
        levels, on_table, view = sheet[0], False, view @ sheet[1]
    if lighting.is_light_on_dark(levels, on_table):
        levels = 1 - levels
    contrast, paper = lighting.flatten(levels, lighting.estimate_pen(levels))
    if contrast.max() < LEAST_CONTRAST:
        return None
    lined = lighting.part_ink(contrast, paper)
    ink = put_back_darker(lined, remove_rulings(lined), contrast)
    pen = lighting.measure_pen(ink)
    ink = remove_hairs(ink, pen)
    if not ink.any():
        return None
    # The levels within strokes are those of the light, not of the pen; only the edges keep theirs.
    evened = np.where(cv2.erode(ink.astype(np.uint8), SQUARE) > 0, np.float32(1), lighting.even_out(contrast, pen))
    return Ink(evened, drop_foreign(drop_faint(find_pieces(ink), contrast)), view)


def cut_letter(ink: Ink, box: int) -> FoundLetter:
    """Crop the ink of a letter, scale its longer side to `box` pixels, and centre it in 30x30."""
    left, top = (int(v) for v in ink.pieces.boxes[:, :2].min(0))
    right, bottom = (int(v) for v in ink.pieces.boxes[:, 2:].max(0))
    place = slice(top, bottom), slice(left, right)
    # One pixel more than the ink keeps the soft edge of the strokes; the rest is paper.
    edge = cv2.dilate(ink.pieces.ink()[place].astype(np.uint8), SQUARE, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    crop = ink.contrast[place] * edge
    scale = box / max(crop.shape)
    height, width = (max(1, round(side * scale)) for side in crop.shape)
    source = torch.from_numpy(np.ascontiguousarray(crop, dtype=np.float32))[None, None]
    drawn = F.interpolate(source, (height, width), mode="bilinear", antialias=True, align_corners=False)[0, 0]
    drawn = drawn / drawn.max()  # a thin pen on a large page is no fainter than a thick one
    letter = torch.zeros(SIDE, SIDE)
    y, x = (SIDE - height) // 2, (SIDE - width) // 2
    letter[y : y + height, x : x + width] = drawn
    return FoundLetter(letter.reshape(PIXELS), ink.place(left, top, right, bottom))


def _find_threshold(levels: np.ndarray) -> int:
    """Return the level that best separates ink from paper: the largest variance between the two (Otsu 1979).

    Args:
        levels: integers 0..255 with at least two different values; the ink is above the threshold.
    """
    counts = np.bincount(levels.ravel(), minlength=256)
    below = np.cumsum(counts)[:-1]
    total = np.cumsum(counts * np.arange(256))
    above = levels.size - below
    parted = (below > 0) & (above > 0)
    between = np.zeros(255)
    means = total[:-1][parted] / below[parted], (total[-1] - total[:-1][parted]) / above[parted]
    between[parted] = below[parted] * above[parted] * (means[0] - means[1]) ** 2
    best = np.flatnonzero(between == between.max())  # several levels may be equally good: take the middle one
    return int(best[len(best) // 2])
