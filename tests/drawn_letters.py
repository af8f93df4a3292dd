"""A drawn L, on pages and in picture files, and what makes it one after normalising."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers import one_sentence
from PIL import Image

from letterocr.base.errors import UserError
from letterocr.data.ink import normalise
from letterocr.data.letters import BOX, SIDE

PEN = 6


def drawn_l(size: int = 60, margin: int = 10, pen: int = PEN) -> np.ndarray:
    """An L, ink 1 on paper 0: the stem at the left, the foot at the bottom, as high as it is wide or higher."""
    page = np.zeros((size, size), dtype=np.float32)
    page[margin : size - margin, margin + 5 : margin + 5 + pen] = 1
    page[size - margin - pen : size - margin, margin + 5 : size - margin - 5] = 1
    return page


def image_of(ink: np.ndarray) -> Image.Image:
    """Black ink on white paper."""
    return Image.fromarray((255 * (1 - ink)).round().astype(np.uint8))


def saved(folder: Path, picture: Image.Image, name: str = "letter.png", **options) -> Path:
    path = folder / name
    picture.save(path, **options)
    return path


def letter(picture: np.ndarray, **options) -> np.ndarray:
    return normalise(picture, "it", **options).view(SIDE, SIDE).numpy()


def box_of(letter: np.ndarray) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of everything that is at least a quarter black; the ends are exclusive."""
    rows, columns = np.flatnonzero((letter > 0.25).any(1)), np.flatnonzero((letter > 0.25).any(0))
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


def assert_is_l(letter: np.ndarray, box: int = BOX, dark: float = 0.5) -> None:
    """Upright, `box` high, centred: ink along the left and the bottom, none in the upper right."""
    top, bottom, left, right = box_of(letter)
    assert max(bottom - top, right - left) == box
    assert abs((top + bottom) / 2 - SIDE / 2) <= 0.5
    assert abs((left + right) / 2 - SIDE / 2) <= 0.5
    assert letter[top + 1 : bottom - 1, left].min() > dark
    assert letter[bottom - 1, left + 1 : right - 1].min() > dark
    assert letter[: (top + bottom) // 2, (left + right) // 2 + 2 :].max() < 0.1


def refused(call, *parts: str) -> str:
    with pytest.raises(UserError) as raised:
        call()
    return one_sentence(raised.value, *parts)
