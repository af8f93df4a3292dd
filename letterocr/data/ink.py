"""Normalisation of pictures of any size and polarity: find the ink of a letter, scale it, and centre it.

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
from letterocr.base.home import show_whole
from letterocr.data.letters import BOX, PIXELS, SIDE
from letterocr.data.paper import estimate_paper

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 50_000_000  # a larger picture is refused before it is decoded
WHITES = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)  # white of pictures with 1, 8, 10, 12, 14 and 16 bits
LEAST_CONTRAST = 0.1  # fraction of the whole range; a picture with less contrast is blank
SPECK = 0.02  # fraction of the largest piece of ink; smaller pieces are dirt


def read(path: Path) -> np.ndarray:
    """Read a picture file as grey levels [H, W], 0 black and 1 white.

    The picture is turned upright as its metadata say, and transparent parts become white.

    Raises:
        UserError: the file does not exist, is not a picture, is damaged, or is larger than 50 megapixels.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on metadata and on the size, which is checked below with a lower bound
            with Image.open(path) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise Image.DecompressionBombError(f"{picture.width} x {picture.height} pixels")
                return _make_grey(ImageOps.exif_transpose(picture))
    except FileNotFoundError as error:
        raise UserError(f"{show_whole(path)}: there is no such file; check the path.") from error
    except IsADirectoryError as error:
        raise UserError(f"{path} is a folder: give the pictures in it, as in {path}/*.png.") from error
    except Image.DecompressionBombError as error:
        raise UserError(
            f"{path} is too large ({describe_error(error)}): make it smaller than 50 megapixels."
        ) from error
    except Exception as error:  # Pillow's decoders raise errors of every kind at a damaged file
        raise UserError(
            f"{path} can't be read as a picture ({describe_error(error)}): save it again as PNG."
        ) from error


def describe_error(error: Exception) -> str:
    """Return the message of another library's error as one line."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


@dataclass(frozen=True)
class FoundLetter:
    """Letter that was found in a picture.

    Attributes:
        letter: [900] float32 in 0..1 with ink 1.
        box: left, top, right and bottom of the ink in pixels of the picture; right and bottom lie just outside it.
    """

    letter: Tensor
    box: tuple[int, int, int, int]


def normalise(picture: np.ndarray | Tensor, name: str, box: int = BOX) -> Tensor:
    """Return the letter [900] in a picture, as `find_letter` does, without its place."""
    return find_letter(picture, name, box).letter


def find_letter(picture: np.ndarray | Tensor, name: str, box: int = BOX) -> FoundLetter:
    """Find the ink in a picture, crop it, scale its longer side to `box` pixels, and centre it in 30x30.

    Args:
        picture: [H, W], [H, W, 3] or [H, W, 4] with levels in 0..1 or in 0..2^bits-1, dark ink on light paper or light
            ink on dark paper; the border is taken as paper.
        name: name of the picture in messages.
        box: longer side of the scaled ink in pixels.

    Raises:
        UserError: the picture has no ink, or its shape or levels are not valid.
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
    edge = ndimage.binary_dilation(ink[place], np.ones((3, 3)))  # keeps the soft edge of the strokes; the rest is paper
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
    """Return the letters [N, 900] in N pictures of any sizes.

    Args:
        pictures: name and picture of each letter; only one picture is in memory at a time if this is a generator.
        box: longer side of the scaled ink in pixels.

    Raises:
        UserError: as in `find_letter`, for the first picture with a mistake.
    """
    return torch.stack([normalise(picture, name, box) for name, picture in pictures])


def _read_levels(picture: np.ndarray | Tensor, name: str) -> np.ndarray:
    """Return the grey levels [H, W] in 0..1 of a picture of any kind."""
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
    """Yield grey versions of a picture, the usual one first; the others show ink that is as light as its paper."""
    from PIL import Image

    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        yield Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("L")
        yield Image.alpha_composite(Image.new("RGBA", picture.size, "black"), picture).convert("L")
    else:
        yield picture.convert("L")
        yield from picture.convert("RGB").split()


def find_white(largest: float) -> float:
    """Return the white of a picture from its largest level: the smallest of 1 and 2^bits - 1 that holds it.

    Example:
        >>> find_white(0.7), find_white(200.0), find_white(3000.0)
        (1.0, 255.0, 4095.0)
    """
    return next((top for top in WHITES if largest <= 1.001 * top), largest)


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


def _remove_specks(ink: np.ndarray) -> np.ndarray:
    """Return the ink [H, W] without the pieces that are much smaller than the largest piece."""
    from scipy import ndimage

    pieces, count = ndimage.label(ink, np.ones((3, 3)))
    if count == 1:
        return ink
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0  # the paper
    return (sizes >= SPECK * sizes.max())[pieces]
