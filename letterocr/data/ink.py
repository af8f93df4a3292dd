"""From a picture of any size and polarity to a letter: find the ink, centre it, scale it.

Shapes: picture [H, W] in 0..1, letter [900] in 0..1 with ink 1.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from letterocr.data.letters import BOX, PIXELS, SIDE
from letterocr.errors import UserError

MOST_PIXELS = 50_000_000  # a larger picture is refused before it is decoded
LEAST_CONTRAST = 0.1  # of the whole range; less is a blank page
SPECK = 0.02  # of the largest stroke's pixels; smaller pieces are dirt


def read(path: Path) -> np.ndarray:
    """A picture file as grey levels [H, W] in 0..1, upright, transparent parts white.

    Raises:
        UserError: no such file, no picture, damaged, or larger than 50 megapixels.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own, lower bound follows
            with Image.open(path) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    size = f"{picture.width} x {picture.height}"
                    raise UserError(f"{path} is too large ({size} pixels): make it smaller than 50 megapixels.")
                upright = ImageOps.exif_transpose(picture)
                if upright.mode in ("I", "F") or upright.mode.startswith("I;16"):
                    grey = np.asarray(upright, dtype=np.float32)
                    return grey / (65535.0 if grey.max() > 255 else 255.0)
                if upright.has_transparency_data:
                    page = Image.new("RGBA", upright.size, "white")
                    upright = Image.alpha_composite(page, upright.convert("RGBA"))
                return np.asarray(upright.convert("L"), dtype=np.float32) / 255
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file; check the path.") from error
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        reason = str(error) or type(error).__name__
        raise UserError(f"{path} can't be read as a picture ({reason}): save it again as PNG.") from error


def _threshold(levels: np.ndarray) -> float:
    """The level that best parts ink from paper: the largest variance between the two classes (Otsu 1979)."""
    counts, edges = np.histogram(levels, 256, (0.0, 1.0))
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    total = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (total / below - (total[-1] - total) / above) ** 2
    between = np.nan_to_num(between)
    best = np.flatnonzero(between == between.max())  # a flat top where the levels are few: take its middle
    return float(edges[int(best[len(best) // 2]) + 1])


def _without_specks(ink: np.ndarray) -> np.ndarray:
    """The ink [H, W] without pieces much smaller than its largest."""
    from scipy import ndimage

    pieces, _ = ndimage.label(ink, np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel())[1:]
    return np.isin(pieces, np.flatnonzero(sizes >= SPECK * sizes.max()) + 1)


def normalise(picture: np.ndarray, name: str, box: int = BOX) -> Tensor:
    """The letter in a picture: ink found, cropped, its longer side `box` pixels, centred in 30x30.

    Args:
        picture: [H, W] in 0..1, dark on light or light on dark: the border tells which.
        name: what a message calls the picture.
        box: pixels of the longer side of the ink.

    Returns:
        [900] float32 in 0..1, ink is 1.

    Raises:
        UserError: there is no ink, or nothing but ink.
    """
    from scipy import ndimage

    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    contrast = np.abs(picture - np.median(border))
    if contrast.max() < LEAST_CONTRAST:
        raise UserError(f"{name} is blank: no ink stands out from its border.")
    contrast = contrast / contrast.max()
    ink = _without_specks(contrast > _threshold(contrast))
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    edge = ndimage.binary_dilation(ink, np.ones((3, 3)))  # the soft rim of the strokes; the rest is paper
    crop = (contrast * edge)[top:bottom, left:right]
    scale = box / max(crop.shape)
    height, width = (max(1, round(side * scale)) for side in crop.shape)
    source = torch.from_numpy(np.ascontiguousarray(crop, dtype=np.float32))[None, None]
    drawn = F.interpolate(source, (height, width), mode="bilinear", antialias=True, align_corners=False)[0, 0]
    letter = torch.zeros(SIDE, SIDE)
    y, x = (SIDE - height) // 2, (SIDE - width) // 2
    letter[y : y + height, x : x + width] = drawn.clamp(0, 1)
    return letter.reshape(PIXELS)
