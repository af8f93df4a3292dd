"""The 26 capital letters of EMNIST's by-class split (Cohen, Afshar, Tapson, van Schaik 2017).

Shapes: idx images [N, 28, 28] uint8, stored transposed; labels [N], 10..35 for A..Z.
"""

from __future__ import annotations

import gzip
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import numpy as np
import torch

from letterocr.config import EmnistConfig
from letterocr.data.letters import ALPHABET, PIXELS, SIDE, Letters, Split, take_per_letter
from letterocr.errors import UserError

FIRST_CAPITAL = 10  # by-class labels: 0..9 digits, 10..35 capitals, 36..61 lower case
EDGE = 28
MOST_IMAGES = 2_000_000  # the official file has 697,932; more is not EMNIST
BATCH = 10_000  # images decoded at a time
ELSEWHERE = "put emnist.zip (EMNIST's gzip.zip) at ~/.cache/emnist/emnist.zip, or name it with data.path=FILE"


def load(config: EmnistConfig) -> Split:
    """The capital letters, upright, 30x30, by the official split.

    Raises:
        UserError: the file is missing, damaged or not by-class EMNIST, or a letter is missing.
    """
    path = Path(config.path).expanduser() if config.path else _find()
    train, test = (_read_part(path, part) for part in ("train", "test"))
    if config.frequencies == "balanced":
        train = take_per_letter(train, int(torch.bincount(train.labels).min()))
    if config.train_per_letter:
        train = take_per_letter(train, config.train_per_letter)
    least = int(torch.bincount(test.labels).min())
    if least < config.test_per_letter:
        raise UserError(
            f"data.test_per_letter={config.test_per_letter}: {path} has only {least} test letters of a class."
        )
    return Split(train, take_per_letter(test, config.test_per_letter))


def _find() -> Path:
    """The emnist package's cache file, or else what torchvision downloads."""
    import emnist

    cached = Path(emnist.get_cached_data_path())
    if cached.is_file():
        return cached
    root = Path("~/.cache/letterocr").expanduser()
    raw = root / "EMNIST" / "raw"
    if not any(raw.glob("*byclass*")):
        from torchvision.datasets import EMNIST

        print(f"data=emnist: downloading EMNIST to {root}", flush=True)
        try:
            EMNIST(root, split="byclass", download=True)
        except (OSError, RuntimeError) as error:
            raise UserError(f"data=emnist: there is no copy of EMNIST here and no network: {ELSEWHERE}.") from error
    return raw


def _read_part(path: Path, part: str) -> Letters:
    with _open(path, f"emnist-byclass-{part}-labels-idx1-ubyte") as (stream, name):
        (count,) = _header(stream, name, 1)
        labels = np.frombuffer(_exactly(stream, count, name), np.uint8).astype(np.int64)
        _ended(stream, name)
    if count and labels.max() > 61:
        raise UserError(f"{name} has the label {labels.max()}; by-class EMNIST has 0..61: {ELSEWHERE}.")
    capital = (labels >= FIRST_CAPITAL) & (labels < FIRST_CAPITAL + len(ALPHABET))
    with _open(path, f"emnist-byclass-{part}-images-idx3-ubyte") as (stream, name):
        images = _images(stream, name, capital)
    letters = torch.from_numpy(labels[capital] - FIRST_CAPITAL)
    missing = [ALPHABET[c] for c in range(len(ALPHABET)) if not (letters == c).any()]
    if missing:
        raise UserError(f"{name} has no letter {', '.join(missing)}: {ELSEWHERE}.")
    return Letters(images, letters)


def _images(stream: IO[bytes], name: str, wanted: np.ndarray) -> torch.Tensor:
    """The wanted images [n, 900], decoded batch by batch so that the other ones never fill the memory."""
    count, height, width = _header(stream, name, 3)
    if (count, height, width) != (len(wanted), EDGE, EDGE):
        raise UserError(
            f"{name} has {count} images of {height}x{width} for {len(wanted)} labels of 28x28: {ELSEWHERE}."
        )
    images = torch.zeros(int(wanted.sum()), SIDE, SIDE)
    margin, done = (SIDE - EDGE) // 2, 0
    for first in range(0, count, BATCH):
        chosen = wanted[first : first + BATCH]
        raw = np.frombuffer(_exactly(stream, len(chosen) * EDGE * EDGE, name), np.uint8).reshape(-1, EDGE, EDGE)
        upright = torch.from_numpy(raw[chosen].transpose(0, 2, 1).astype(np.float32)) / 255
        images[done : done + len(upright), margin:-margin, margin:-margin] = upright
        done += len(upright)
    _ended(stream, name)
    return images.reshape(-1, PIXELS)


@contextmanager
def _open(path: Path, stem: str) -> Iterator[tuple[IO[bytes], str]]:
    """The idx file with that name, from a zip archive or a folder, gzipped or not; nothing is unpacked to disk."""
    try:
        if path.is_dir():
            found = [p for p in (path / stem, path / f"{stem}.gz", path / "gzip" / f"{stem}.gz") if p.is_file()]
            if not found:
                raise UserError(f"data.path={path}: there is no {stem} or {stem}.gz in it: {ELSEWHERE}.")
            with found[0].open("rb") as raw:
                yield _unzipped(raw) if found[0].suffix == ".gz" else raw, str(found[0])
        else:
            with zipfile.ZipFile(path) as archive:
                inside = [n for n in archive.namelist() if n.rpartition("/")[2] == f"{stem}.gz"]
                if not inside:
                    raise UserError(f"{path} has no {stem}.gz inside: {ELSEWHERE}.")
                with archive.open(inside[0]) as raw:
                    yield _unzipped(raw), f"{path}:{inside[0]}"
    except FileNotFoundError as error:
        raise UserError(f"data.path={path}: there is no such file or folder: {ELSEWHERE}.") from error
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise UserError(f"{path} is damaged ({error}): {ELSEWHERE}.") from error
    except RuntimeError as error:  # an encrypted archive
        raise UserError(f"{path} can't be opened ({error}): {ELSEWHERE}.") from error


def _unzipped(raw: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=raw))


def _header(stream: IO[bytes], name: str, dimensions: int) -> tuple[int, ...]:
    """The sizes in an idx header: magic 0, 0, 8 (bytes), number of dimensions, then each size, big-endian."""
    magic = _exactly(stream, 4, name)
    if magic != bytes([0, 0, 8, dimensions]):
        raise UserError(f"{name} is no idx file of bytes in {dimensions} dimensions (it starts with {magic.hex()}).")
    sizes = struct.unpack(f">{dimensions}I", _exactly(stream, 4 * dimensions, name))
    if sizes[0] > MOST_IMAGES or math.prod(sizes[1:]) > EDGE * EDGE:
        shape = "x".join(map(str, sizes))
        raise UserError(f"{name} says it holds {shape} values, more than EMNIST has: {ELSEWHERE}.")
    return sizes


def _exactly(stream: IO[bytes], count: int, name: str) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise UserError(f"{name} is cut short: {count - len(data)} bytes are missing; copy it again.")
    return data


def _ended(stream: IO[bytes], name: str) -> None:
    if stream.read(1):
        raise UserError(f"{name} is longer than its header says: it is not what EMNIST has; copy it again.")
