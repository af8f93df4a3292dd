"""Small PNGs of 30x30 pixels for pages: letters, and weights of the first layer."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from letterocr.data.letters import SIDE
from letterocr.figures.pictures import colour_weights

SHOWN_UNITS = 24
SHOWN_VECTORS = 6


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


def list_largest(change: np.ndarray, count: int = SHOWN_UNITS) -> np.ndarray:
    """Return the indices of the rows with the largest change, the largest first.

    Args:
        change: [out, 900], change of the weights of each unit.
        count: the largest number of rows.
    """
    return np.argsort(-np.linalg.norm(change, axis=1), kind="stable")[:count]


def compute_leading_vectors(change: np.ndarray, count: int = SHOWN_VECTORS) -> tuple[np.ndarray, np.ndarray]:
    """Return the leading right singular vectors [count, 900] of a change of weights, and all its singular values.

    The sign of each vector is chosen such that its entry of the largest size is positive.

    Args:
        change: [out, 900].
        count: the largest number of vectors.
    """
    change = np.asarray(change, dtype=np.float64)
    if len(change) < change.shape[1]:
        _, values, vectors = np.linalg.svd(change, full_matrices=False)
    else:  # by the Gram matrix, ten times as fast; small singular values are less exact and are not drawn
        squares, columns = np.linalg.eigh(change.T @ change)
        values, vectors = np.sqrt(np.clip(squares[::-1], 0, None)), columns.T[::-1]
    leading = vectors[:count]
    extreme = leading[np.arange(len(leading)), np.abs(leading).argmax(axis=1)]
    return leading * np.sign(extreme)[:, None], values


def find_scale(weights: np.ndarray) -> float:
    """Return the size of weight that gets the full colour: a few extreme ones would make all others pale."""
    return float(np.quantile(np.abs(weights), 0.998)) or float(np.abs(weights).max()) or 1.0
