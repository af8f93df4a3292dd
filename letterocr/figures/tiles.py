"""Small PNGs of 30x30 pixels for pages: letters, and weights of the first layer."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from letterocr.data.letters import SIDE
from letterocr.figures.pictures import colour_weights


def _encode(pixels: np.ndarray) -> bytes:
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, format="PNG")
    return png.getvalue()


def draw_letter(image: np.ndarray) -> bytes:
    """Return a letter [900] in 0..1, dark ink on white, as a PNG."""
    ink = np.uint8(255 - np.rint(255 * np.clip(image, 0, 1)))
    return _encode(ink.reshape(SIDE, SIDE))


def draw_weights(weights: np.ndarray, scale: float) -> bytes:
    """Return weights [900] as a PNG: blue below zero, red above; `scale` is the weight with the full colour."""
    return _encode(colour_weights(weights, scale).reshape(SIDE, SIDE, 3))
