"""Reading of .npz files that someone else may have written: plain arrays of a stated size; nothing is unpickled."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Collection
from pathlib import Path

import numpy as np

from letterocr.base.errors import UserError
from letterocr.base.untrusted import open_plain

MOST_BYTES = 4_000_000_000  # largest unpacked size of all arrays together


def read_arrays(path: Path, names: Collection[str] = ()) -> dict[str, np.ndarray]:
    """Read arrays by their names.

    Each header is checked against the size of the file before memory is taken, and all bytes against the checksums of
    the archive.

    Args:
        path: the .npz file.
        names: the arrays to read, if they are there; empty: all.

    Raises:
        FileNotFoundError: there is no such file.
        UserError: an array holds Python objects, is too large, or is not of the size that its header says.
        Exception: of any kind, at a damaged file.
    """
    with open_plain(path) as file, zipfile.ZipFile(file) as archive:
        there = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        wanted = [name for name in dict.fromkeys(there) if not names or name in names]
        arrays: dict[str, np.ndarray] = {}
        for name in wanted:
            left = MOST_BYTES - sum(array.nbytes for array in arrays.values())
            arrays[name] = _read_array(archive, name, path, left)
        return arrays


def _read_array(archive: zipfile.ZipFile, name: str, path: Path, most: int) -> np.ndarray:
    entry = archive.getinfo(f"{name}.npy")
    with archive.open(entry) as file:
        old = np.lib.format.read_magic(file) == (1, 0)
        header = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(file)
        size = math.prod(shape) * dtype.itemsize
        if dtype.hasobject:
            raise UserError(f"{path}: {name} holds Python objects, which may run code: save plain numbers or letters.")
        if size > most:
            raise UserError(f"{path}: {name} takes {size / 1e9:.1f} GB unpacked: save less than 4 GB, as uint8.")
        if min(shape, default=0) < 0 or file.tell() + size != entry.file_size:
            raise UserError(f"{path}: {name} is not the {size} bytes that its header says: save it again.")
    with archive.open(entry) as file:
        return np.lib.format.read_array(file, allow_pickle=False)
