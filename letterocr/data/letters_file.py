"""The synthetic letters in the user's cache folder, so that the next process reads them instead of drawing them again.

One .npz file for each config and version of the synthesiser. It takes its place as a whole, so that any number of
processes may write and read it; a damaged file, or a folder that can't be written, only costs the time to draw anew.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch

from letterocr.base.files import replace_file
from letterocr.data.letters import Letters, Split
from letterocr.data.pen import LEVELS

MAKERS = ("letters.py", "pen.py", "synthetic.py", "skeletons.py")  # what decides the letters, in letterocr/data
LEAST = 1000  # letters; fewer are drawn as quickly as they are read


def find_cache_folder() -> Path | None:
    """The folder for what can be made again, by the XDG rules; None where the user has no home folder."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "letterocr"
    except RuntimeError:
        return None


def read_or_draw(facts: str, draw: Callable[[], Split]) -> Split:
    """Read letters from the cache folder, or draw them and keep them there.

    Args:
        facts: what tells these letters from others.
        draw: draws them, in `pen.LEVELS` grey levels and with writers.
    """
    folder = find_cache_folder()
    path = folder / f"letters-{_compute_key(facts)}.npz" if folder else None
    if path and path.is_file():
        try:
            return _read(path)
        except Exception:  # zipfile and NumPy raise errors of every kind at a damaged file
            pass  # it is drawn and written anew
    split = draw()
    if path and len(split.train) + len(split.test) >= LEAST:
        with suppress(OSError):  # no room or no permission: the letters are drawn again next time
            _write(split, path)
    return split


def _compute_key(facts: str) -> str:
    """Sixteen hex digits that change with the config, the synthesiser and PyTorch."""
    digest = hashlib.sha256(f"{facts} {torch.__version__}".encode())
    for name in MAKERS:
        digest.update(files("letterocr.data").joinpath(name).read_bytes())
    return digest.hexdigest()[:16]


def _read(path: Path) -> Split:
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
        parts = {
            part: Letters(
                torch.from_numpy(stored[f"{part}_images"]).float().div_(LEVELS),
                torch.from_numpy(stored[f"{part}_labels"]),
                torch.from_numpy(stored[f"{part}_writers"]),
            )
            for part in ("train", "test")
        }
    return Split(**parts)


def _write(split: Split, path: Path) -> None:
    arrays: dict[str, Any] = {}
    for part, letters in (("train", split.train), ("test", split.test)):
        assert letters.writers is not None
        levels = letters.images.mul(LEVELS).round_().to(torch.uint8)
        arrays |= {f"{part}_images": levels.numpy(), f"{part}_labels": letters.labels.numpy()}
        arrays |= {f"{part}_writers": letters.writers.numpy()}
    with replace_file(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)
