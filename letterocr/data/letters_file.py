"""Letters in one .npz file; and the synthetic ones in the user's cache folder, so that they are drawn once.

The cache has one file for each config and version of the synthesiser. It takes its place as a whole, so that any number
of processes may write and read it; a damaged file, or a folder that can't be written, only costs the time to draw anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch

from letterocr.base.files import replace_file
from letterocr.base.home import find_cache_folder
from letterocr.base.npz import read_arrays
from letterocr.data.letters import Letters, Split
from letterocr.data.pen import LEVELS

# What decides the letters, in letterocr/data.
MAKERS = ("letters.py", "pen.py", "synthetic.py", "skeletons.py", "digit_skeletons.py")
LEAST = 1000  # letters; fewer are drawn as quickly as they are read


def read_or_draw(facts: str, draw: Callable[[], Split]) -> Split:
    """Read letters from the cache folder, or draw them and keep them there.

    Args:
        facts: what tells these letters from others.
        draw: draws them.
    """
    folder = find_cache_folder()
    path = folder / f"letters-{_compute_key(facts)}.npz" if folder else None
    if path and path.is_file():
        try:
            return read_split(path)
        except Exception:  # zipfile and NumPy raise errors of every kind at a damaged file
            pass  # it is drawn and written anew
    split = draw()
    if path and len(split.train) + len(split.test) >= LEAST:
        with suppress(OSError):  # no room or no permission: the letters are drawn again next time
            write_split(split, path)
    return split


def _compute_key(facts: str) -> str:
    """Sixteen hex digits that change with the config, the synthesiser and PyTorch."""
    digest = hashlib.sha256(f"{facts} {torch.__version__}".encode())
    for name in MAKERS:
        digest.update(files("letterocr.data").joinpath(name).read_bytes())
    return digest.hexdigest()[:16]


def read_split(path: Path) -> Split:
    """Read the letters that `write_split` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        Exception: of any kind, at a damaged file.
    """
    stored = read_arrays(path)
    return Split(_take_part(stored, "train"), _take_part(stored, "test"))


def _take_part(stored: Mapping[str, np.ndarray], part: str) -> Letters:
    images, writers = torch.from_numpy(stored[f"{part}_images"]), None
    if f"{part}_writers" in stored:
        writers = torch.from_numpy(stored[f"{part}_writers"])
    if images.dtype == torch.uint8:
        images = images.float().div_(LEVELS)
    return Letters(images, torch.from_numpy(stored[f"{part}_labels"]), writers, str(stored["alphabet"]))


def write_split(split: Split, path: Path) -> None:
    """Write letters into one .npz file, which takes its place as a whole; images in grey levels are kept as bytes."""
    arrays: dict[str, Any] = {"alphabet": np.array(split.train.alphabet)}
    for part, letters in (("train", split.train), ("test", split.test)):
        levels = letters.images.mul(LEVELS).round_().to(torch.uint8)
        exact = torch.equal(levels.float().div_(LEVELS), letters.images)
        arrays |= {f"{part}_images": (levels if exact else letters.images).numpy()}
        arrays |= {f"{part}_labels": letters.labels.numpy()}
        arrays |= {} if letters.writers is None else {f"{part}_writers": letters.writers.numpy()}
    with replace_file(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)
