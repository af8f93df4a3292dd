"""Normalisation of pictures of any size and polarity: find the ink of a letter, scale it, centre it.

Shapes: picture [H, W] grey, [H, W, 3] colour or [H, W, 4] with transparency; letter [900] in 0..1 with ink 1.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from letterocr.base.errors import UserError
from letterocr.data.letters import BOX, PIXELS, SIDE
from letterocr.data.paper import estimate_paper

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 50_000_000  # a larger picture is refused before it is decoded
WHITES = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)  # of 1, 8, 10, 12, 14 and 16 bits
LEAST_CONTRAST = 0.1  # of the whole range; less is a blank page
SPECK = 0.02  # of the largest stroke's pixels; smaller pieces are dirt


def read(path: Path) -> np.ndarray:
    """A picture file as grey levels [H, W], 0 black and 1 white, upright, transparent parts white.

    Raises:
        UserError: no such file, no picture, damaged, or larger than 50 megapixels.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on metadata; on the size our own, lower bound follows
            with Image.open(path) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise Image.DecompressionBombError(f"{picture.width} x {picture.height} pixels")
                return _make_grey(ImageOps.exif_transpose(picture))
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file; check the path.") from error
    except Image.DecompressionBombError as error:
        raise UserError(
            f"{path} is too large ({describe_error(error)}): make it smaller than 50 megapixels."
        ) from error
    except Exception as error:  # Pillow's decoders raise errors of every kind at a damaged file
        raise UserError(
            f"{path} can't be read as a picture ({describe_error(error)}): save it again as PNG."
        ) from error


def describe_error(error: Exception) -> str:
    """What another library says about a file, in one line."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


@dataclass(frozen=True)
class FoundLetter:
    """A letter that was found in a picture.

    Attributes:
        letter: [900] float32 in 0..1, ink is 1.
        box: left, top, right and bottom of the ink in pixels of the picture; right and bottom lie just outside it.
    """

    letter: Tensor
    box: tuple[int, int, int, int]


def normalise(picture: np.ndarray | Tensor, name: str, box: int = BOX) -> Tensor:
    """The letter in a picture: `find_letter` without the place, [900]."""
    return find_letter(picture, name, box).letter


def find_letter(picture: np.ndarray | Tensor, name: str, box: int = BOX) -> FoundLetter:
    """Find the ink in a picture, crop it, scale its longer side to `box` pixels, and centre it in 30x30.

    Args:
        picture: [H, W], [H, W, 3] or [H, W, 4]; grey levels in 0..1 or in 0..2^bits-1, dark on light or light on
            dark: the border tells which.
        name: what a message calls the picture.
        box: pixels of the longer side of the ink.

    Raises:
        UserError: there is no ink, or nothing but ink; the shape or the grey levels are not those of a picture.
    """
    from scipy import ndimage

    levels = _read_levels(picture, name)
    contrast = np.abs(levels - estimate_paper(levels))
    if contrast.max() < LEAST_CONTRAST:
        raise UserError(f"{name} is blank: no ink stands out from its border.")
    contrast = contrast / contrast.max()
    steps = (contrast * 255).astype(np.uint8)
    ink = _remove_specks(steps > _find_threshold(steps))
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    place = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    edge = ndimage.binary_dilation(ink[place], np.ones((3, 3)))  # the soft rim of the strokes; the rest is paper
    crop = contrast[place] * edge
    scale = box / max(crop.shape)
    height, width = (max(1, round(side * scale)) for side in crop.shape)
    source = torch.from_numpy(np.ascontiguousarray(crop, dtype=np.float32))[None, None]
    drawn = F.interpolate(source, (height, width), mode="bilinear", antialias=True, align_corners=False)[0, 0]
    drawn = drawn / drawn.max()  # a thin pen on a large page is no fainter than a thick one
    letter = torch.zeros(SIDE, SIDE)
    y, x = (SIDE - height) // 2, (SIDE - width) // 2
    letter[y : y + height, x : x + width] = drawn
    (top, bottom), (left, right) = ((int(part.start), int(part.stop)) for part in place)
    return FoundLetter(letter.reshape(PIXELS), (left, top, right, bottom))


def normalise_all(pictures: Iterable[tuple[str, np.ndarray | Tensor]], box: int = BOX) -> Tensor:
    """The letters [N, 900] in N pictures of any sizes, each given with its name, one in memory at a time.

    Raises:
        UserError: as in `normalise`, at the first picture that is none.
    """
    return torch.stack([normalise(picture, name, box) for name, picture in pictures])


def _read_levels(picture: np.ndarray | Tensor, name: str) -> np.ndarray:
    """Grey levels [H, W] in 0..1 of a picture of any kind."""
    from PIL import Image

    levels = np.asarray(picture, dtype=np.float32)
    if levels.ndim not in (2, 3) or (levels.ndim == 3 and levels.shape[2] not in (3, 4)) or not levels.size:
        raise UserError(f"{name} has the shape {levels.shape}; a picture is [H, W], [H, W, 3] or [H, W, 4].")
    low, high = float(levels.min()), float(levels.max())
    if not 0 <= low <= high < np.inf:
        raise UserError(f"{name} holds levels from {low:g} to {high:g}; they must be finite and not negative.")
    levels = levels / find_white(high)
    return levels if levels.ndim == 2 else _make_grey(Image.fromarray((levels * 255).round().astype(np.uint8)))


def _make_grey(picture: Image) -> np.ndarray:
    levels: np.ndarray
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        levels = np.asarray(picture, dtype=np.float32)
        if not np.isfinite(levels).all():
            raise ValueError("it holds values that are not finite")
        return (levels / find_white(float(levels.max()))).clip(min=0)
    for view in _list_views(picture):
        levels = np.asarray(view, dtype=np.float32) / 255
        if np.ptp(levels) >= LEAST_CONTRAST:
            break
    return levels


def _list_views(picture: Image) -> Iterator[Image]:
    """Ways to see a picture in grey, the usual one first: the next ones find ink as light as its paper."""
    from PIL import Image

    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        yield Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("L")
        yield Image.alpha_composite(Image.new("RGBA", picture.size, "black"), picture).convert("L")
    else:
        yield picture.convert("L")
        yield from picture.convert("RGB").split()


def find_white(largest: float) -> float:
    """The white of grey levels that are known up to their range: 1, or 2^bits - 1, whatever holds the largest."""
    return next((top for top in WHITES if largest <= 1.001 * top), largest)


def _find_threshold(levels: np.ndarray) -> int:
    """The level that best separates ink from paper: the largest variance between the two classes (Otsu 1979).

    Args:
        levels: integers 0..255, of at least two values; the ink is above the threshold.
    """
    counts = np.bincount(levels.ravel(), minlength=256)
    below = np.cumsum(counts)[:-1]
    total = np.cumsum(counts * np.arange(256))
    above = levels.size - below
    parted = (below > 0) & (above > 0)
    between = np.zeros(255)
    means = total[:-1][parted] / below[parted], (total[-1] - total[:-1][parted]) / above[parted]
    between[parted] = below[parted] * above[parted] * (means[0] - means[1]) ** 2
    best = np.flatnonzero(between == between.max())  # a flat top where the levels are few: take its middle
    return int(best[len(best) // 2])


def _remove_specks(ink: np.ndarray) -> np.ndarray:
    """The ink [H, W] without pieces much smaller than its largest."""
    from scipy import ndimage

    pieces, count = ndimage.label(ink, np.ones((3, 3)))
    if count == 1:
        return ink
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0  # the paper
    return (sizes >= SPECK * sizes.max())[pieces]
