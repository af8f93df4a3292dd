"""Grey levels of pictures of any kind: files that were opened, and arrays of any number of bits.

Shapes: picture [H, W] grey, [H, W, 3] colour or [H, W, 4] with transparency; levels [H, W], 0 black and 1 white.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from letterocr.base.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image

WHITES = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)  # white of pictures with 1, 8, 10, 12, 14 and 16 bits
LEAST_CONTRAST = 0.1  # fraction of the whole range; a picture with less contrast is blank


def read_levels(picture: np.ndarray | Tensor, name: str) -> np.ndarray:
    """Return the grey levels [H, W] in 0..1 of a picture of any kind."""
    from PIL import Image

    levels = np.asarray(picture, dtype=np.float32)
    if levels.ndim not in (2, 3) or (levels.ndim == 3 and levels.shape[2] not in (3, 4)) or not levels.size:
        raise UserError(f"{name} has the shape {levels.shape}; a picture is [H, W], [H, W, 3] or [H, W, 4].")
    low, high = float(levels.min()), float(levels.max())
    if not 0 <= low <= high < np.inf:
        raise UserError(f"{name} holds levels from {low:g} to {high:g}; they must be finite and not negative.")
    levels = levels / find_white(high)
    return levels if levels.ndim == 2 else make_grey(Image.fromarray((levels * 255).round().astype(np.uint8)))


def make_grey(picture: Image) -> np.ndarray:
    """Return the grey levels [H, W] in 0..1 of a Pillow image of any mode."""
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
