"""Small EMNIST in idx files, gzipped and zipped as the official download, and what `data=emnist` says of them."""

from __future__ import annotations

import gzip
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers import one_sentence

from letterocr.base.errors import UserError
from letterocr.config.data import EmnistConfig
from letterocr.data.emnist import load
from letterocr.data.letters import ALPHABET, Split

TRAIN_IMAGES, TRAIN_LABELS = "emnist-byclass-train-images-idx3-ubyte", "emnist-byclass-train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "emnist-byclass-test-images-idx3-ubyte", "emnist-byclass-test-labels-idx1-ubyte"
L = ALPHABET.index("L")
PER_LETTER = 4  # training letters of each class, and TEST_PER_LETTER for the test
TEST_PER_LETTER = 2


def idx(array: np.ndarray) -> bytes:
    """An idx file of bytes, as LeCun describes it."""
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(">u1").tobytes()


def upright_l() -> np.ndarray:
    picture = np.zeros((28, 28), dtype=np.uint8)
    picture[4:24, 6:9] = 255
    picture[21:24, 6:20] = 255
    return picture


def pictures(labels: np.ndarray, part: int) -> np.ndarray:
    """As EMNIST stores them: transposed. An L is drawn; any other picture tells its label, part and place."""
    stored = np.zeros((len(labels), 28, 28), dtype=np.uint8)
    stored[:, 10, 11] = labels
    stored[:, 12, 13] = part
    stored[:, 14, 15] = np.arange(len(labels)) % 251
    stored[labels == 10 + L] = upright_l().T
    return stored


def labels_of(per_letter: int, extra_o: int = 0) -> np.ndarray:
    """By-class labels: digits, capitals and lower case in turn; O, the 14th capital from 0, is more frequent."""
    return np.concatenate([np.tile(np.arange(62), per_letter), np.full(extra_o, 10 + 14)]).astype(np.uint8)


def official() -> dict[str, bytes]:
    """The four files of by-class EMNIST, small."""
    train, test = labels_of(PER_LETTER, extra_o=3), labels_of(TEST_PER_LETTER, extra_o=1)
    return {
        TRAIN_IMAGES: idx(pictures(train, 1)),
        TRAIN_LABELS: idx(train),
        TEST_IMAGES: idx(pictures(test, 2)),
        TEST_LABELS: idx(test),
    }


def zipped(path: Path, files: dict[str, bytes], prefix: str = "gzip/", compression: int = zipfile.ZIP_STORED) -> Path:
    """As the official download: gzipped files inside of a zip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(f"{prefix}{name}.gz", gzip.compress(data, 1))
    return path


def load_path(path: Path, **fields) -> Split:
    return load(EmnistConfig(**{"path": str(path), "test_per_letter": TEST_PER_LETTER} | fields))


def refused(path: Path | None, *parts: str, **fields) -> str:
    fields = {"path": None if path is None else str(path), "test_per_letter": TEST_PER_LETTER} | fields
    with pytest.raises(UserError) as raised:
        load(EmnistConfig(**fields))
    return one_sentence(raised.value, *parts)
