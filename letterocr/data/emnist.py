"""The capital letters and digits of EMNIST's by-class split (Cohen, Afshar, Tapson, van Schaik 2017).

Shapes: idx images [N, 28, 28] uint8, stored transposed; labels [N], 0..9 for digits, 10..35 for A..Z.
"""

from __future__ import annotations

import gzip
import lzma
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import IO, cast

import numpy as np
import torch

from letterocr.base.errors import UserError
from letterocr.base.files import replace_file
from letterocr.base.home import expand_path, find_cache_folder, show_whole
from letterocr.base.untrusted import open_plain
from letterocr.config.data import ALPHABETS, EmnistConfig
from letterocr.data.letters import PIXELS, SIDE, Letters, Split, describe_missing

LABELS = ALPHABETS["digits"] + ALPHABETS["letters"]  # the characters of the by-class labels 0..35; then lower case
EDGE = 28
MOST_IMAGES = 2_000_000  # the official training file has 697,932; a larger number is refused
BATCH = 10_000  # images decoded at a time
DAMAGED = (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error)
ELSEWHERE = "put emnist.zip (EMNIST's gzip.zip) at ~/.cache/emnist/emnist.zip, or name it with data.path=FILE"


def load(config: EmnistConfig) -> Split:
    """Load the capital letters, digits or both, upright, 30x30, split into training and test as in EMNIST.

    Args:
        config: names the file, the classes, and how many letters of each class to take.

    Raises:
        UserError: the file is missing, damaged or not by-class EMNIST, or a class is missing.
    """
    path = expand_path(config.path) if config.path else _find()
    alphabet = ALPHABETS[config.classes]
    train, test = _read_classes(path, "train", alphabet), _read_classes(path, "test", alphabet)
    rarest = int(np.bincount(test[test >= 0]).min())
    if rarest < config.test_per_letter:
        raise UserError(
            f"data.test_per_letter={config.test_per_letter}: {path} has only {rarest} test letters of its rarest "
            "class; take no more than that."
        )
    most = config.train_per_letter or len(train)
    if config.frequencies == "balanced":
        most = min(most, int(np.bincount(train[train >= 0]).min()))
    return Split(
        _read_letters(path, "train", train, most, alphabet),
        _read_letters(path, "test", test, config.test_per_letter, alphabet),
    )


def _find() -> Path:
    """Find the emnist package's cache file, or else download EMNIST to our own cache, whole or not at all."""
    places = list_places()
    for path in places:
        if path.is_file():
            return path
    if not places:
        raise UserError("data=emnist: without a home folder there is no place for EMNIST: name it with data.path=FILE.")
    from torchvision.datasets import EMNIST
    from torchvision.datasets.utils import download_url

    copy = places[-1]
    print(f"data=emnist: downloading EMNIST to {copy}", flush=True)
    try:
        with replace_file(copy) as partial:
            download_url(EMNIST.url, partial.parent, partial.name, EMNIST.md5)
    except (OSError, RuntimeError, HTTPException) as error:
        why = f"there is no copy of EMNIST here and it can't be downloaded ({error})"
        raise UserError(f"data=emnist: {why}: {ELSEWHERE}.") from error
    return copy


def list_places() -> list[Path]:
    """Return where EMNIST may lie: the emnist package's cache file, and our own; none without a home folder."""
    import emnist

    own = find_cache_folder()
    cached = Path(emnist.get_cached_data_path())  # begins with ~ without a home folder
    return [path for path in (cached, own and own / "emnist.zip") if path and path.is_absolute()]


def _read_classes(path: Path, part: str, alphabet: str) -> np.ndarray:
    """Read the class of each image of a part ("train" or "test"), its place in the alphabet, [N]; -1 if it has none."""
    with _open(path, f"emnist-byclass-{part}-labels-idx1-ubyte") as (stream, name):
        (count,) = _read_header(stream, name, 1)
        labels = np.frombuffer(_read_exactly(stream, count, name), np.uint8).astype(np.int64)
        _check_end(stream, name)
    if count and labels.max() > 61:
        raise UserError(f"{name} has the label {labels.max()}; by-class EMNIST has 0..61: {ELSEWHERE}.")
    places = np.full(62, -1)
    places[[LABELS.index(character) for character in alphabet]] = np.arange(len(alphabet))
    classes = places[labels]
    missing = [character for c, character in enumerate(alphabet) if not (classes == c).any()]
    if missing:
        digits = set(missing) == set(ALPHABETS["digits"])
        mend = f"take data.classes=letters, or {ELSEWHERE}" if digits else ELSEWHERE
        raise UserError(f"{name} has no {describe_missing(missing)}: {mend}.")
    return classes


def _read_letters(path: Path, part: str, classes: np.ndarray, most: int, alphabet: str) -> Letters:
    """Read the first letters of each class, at most `most`; the other images are never decoded."""
    wanted = np.zeros(len(classes), dtype=bool)
    for c in range(len(alphabet)):
        wanted[np.flatnonzero(classes == c)[:most]] = True
    with _open(path, f"emnist-byclass-{part}-images-idx3-ubyte") as (stream, name):
        images = _read_images(stream, name, wanted)
    return Letters(images, torch.from_numpy(classes[wanted]), alphabet=alphabet)


def _read_images(stream: IO[bytes], name: str, wanted: np.ndarray) -> torch.Tensor:
    """Read the wanted images [n, 900] batch by batch: neither other images nor a false header can fill the memory."""
    count, height, width = _read_header(stream, name, 3)
    if (count, height, width) != (len(wanted), EDGE, EDGE):
        raise UserError(
            f"{name} has {count} images of {height}x{width} for {len(wanted)} labels; EMNIST has an image of 28x28 "
            f"for each label: {ELSEWHERE}."
        )
    kept = []
    for first in range(0, count, BATCH):
        chosen = wanted[first : first + BATCH]
        raw = np.frombuffer(_read_exactly(stream, len(chosen) * EDGE * EDGE, name), np.uint8)
        kept.append(raw.reshape(-1, EDGE, EDGE)[chosen])
    _check_end(stream, name)
    images = torch.zeros(int(wanted.sum()), SIDE, SIDE)
    margin, done = (SIDE - EDGE) // 2, 0
    for batch in kept:
        upright = torch.from_numpy(batch.transpose(0, 2, 1).astype(np.float32)) / 255
        images[done : done + len(upright), margin:-margin, margin:-margin] = upright
        done += len(upright)
    return images.reshape(-1, PIXELS)


@contextmanager
def _open(path: Path, stem: str) -> Iterator[tuple[IO[bytes], str]]:
    """Open the idx file with that name in a zip archive or a folder, gzipped or not; nothing is unpacked to disk."""
    name = str(path)
    try:
        if path.is_dir():
            places = [path / place / file for place in ("", "gzip", "EMNIST/raw") for file in (stem, f"{stem}.gz")]
            found = [p for p in places if p.is_file()]
            if not found:
                raise UserError(f"data.path={path}: there is no {stem} or {stem}.gz in it: {ELSEWHERE}.")
            name = str(found[0])
            with found[0].open("rb") as raw:
                yield _unzip(raw, name), name
        else:
            with open_plain(path) as file, zipfile.ZipFile(file) as archive:
                inside = [n for n in archive.namelist() if n.rpartition("/")[2] in (stem, f"{stem}.gz")]
                if not inside:
                    raise UserError(f"{path} has no {stem}.gz inside: {ELSEWHERE}.")
                name = f"{path}:{inside[0]}"
                with archive.open(inside[0]) as raw:
                    yield _unzip(raw, name), name
    except FileNotFoundError as error:
        raise UserError(f"data.path={show_whole(path)}: there is no such file or folder: {ELSEWHERE}.") from error
    except DAMAGED as error:  # also: encrypted, packed by a method that Python lacks, or without permission to read
        raise UserError(f"{name} can't be read ({error}): {ELSEWHERE}.") from error


def _unzip(raw: IO[bytes], name: str) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if name.endswith(".gz") else raw


def _read_header(stream: IO[bytes], name: str, dimensions: int) -> tuple[int, ...]:
    """Read the sizes in an idx header: magic 0, 0, 8 (bytes), number of dimensions, then each size, big-endian."""
    magic = _read_exactly(stream, 4, name)
    if magic != bytes([0, 0, 8, dimensions]):
        raise UserError(
            f"{name} is no idx file of bytes in {dimensions} dimensions (it starts with {magic.hex()}): {ELSEWHERE}."
        )
    sizes = struct.unpack(f">{dimensions}I", _read_exactly(stream, 4 * dimensions, name))
    if sizes[0] > MOST_IMAGES or math.prod(sizes[1:]) > EDGE * EDGE:
        shape = "x".join(map(str, sizes))
        raise UserError(f"the header of {name} promises {shape} values, more than EMNIST has: {ELSEWHERE}.")
    return sizes


def _read_exactly(stream: IO[bytes], count: int, name: str) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise UserError(f"{name} is cut short: {count - len(data)} bytes are missing; copy it again.")
    return data


def _check_end(stream: IO[bytes], name: str) -> None:
    if stream.read(1):
        raise UserError(f"{name} is longer than its header says; copy it again.")
