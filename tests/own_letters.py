"""Small alphabets of one's own, as folders of pictures and as .npz files, and what `data=images` says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import one_sentence
from PIL import Image
from tiny import GLYPHS

from letterocr.base.errors import UserError
from letterocr.config.data import ImagesConfig
from letterocr.data.images import load
from letterocr.data.ink import normalise
from letterocr.data.letters import ALPHABET, Letters, Split


def glyph(letter: int, size: int = 20) -> np.ndarray:
    """The letter [size, size] of 0 and 255, white on black, with a margin; size is a multiple of 10."""
    bits = np.array([[int(bit) for bit in row] for row in GLYPHS[letter].split()], dtype=np.uint8)
    scale = size // 10
    return 255 * np.pad(bits.repeat(scale, 0).repeat(scale, 1), (size - 5 * scale) // 2)


def make_folder(path: Path, per_letter: int = 3) -> Path:
    """A/ ... Z/ with pictures of several sizes, formats and polarities."""
    for c, name in enumerate(ALPHABET):
        (path / name).mkdir(parents=True)
        for k in range(per_letter):
            picture = glyph(c, 20 + 10 * (k % 3))
            suffix = ("png", "bmp", "PNG")[k % 3]
            Image.fromarray(255 - picture if k % 2 else picture).save(path / name / f"{k}.{suffix}")
    return path


def arrays(per_letter: int = 3, **changed) -> dict[str, np.ndarray]:
    """What an .npz holds: each of `per_letter` writers writes every letter once."""
    pictures = np.stack([glyph(c) for _ in range(per_letter) for c in range(26)])
    whole = {
        "images": pictures,
        "labels": np.tile(np.arange(26), per_letter),
        "writers": np.arange(per_letter).repeat(26),
    }
    return {name: array for name, array in (whole | changed).items() if array is not None}


def make_npz(path: Path, per_letter: int = 3, **changed) -> Path:
    np.savez(path, **arrays(per_letter, **changed))
    return path


def load_path(path: Path, **fields) -> Split:
    return load(ImagesConfig(**{"path": str(path), "test_per_letter": 1} | fields))


def refused(path: Path | str, *parts: str, **fields) -> str:
    with pytest.raises(UserError) as raised:
        load_path(Path(path) if path else path, **fields)
    return one_sentence(raised.value, *parts)


def assert_are_glyphs(letters: Letters) -> None:
    """Each picture is the glyph of its label, whatever file it came from."""
    for image, label in zip(letters.images, letters.labels.tolist(), strict=True):
        expected = normalise(glyph(label, 60).astype(np.float32) / 255, "expected")
        assert (image - expected).abs().mean() < 0.05
    assert letters.images.dtype == torch.float32
    assert letters.labels.dtype == torch.int64


def counts(letters: Letters) -> list[int]:
    return torch.bincount(letters.labels, minlength=26).tolist()
