"""Your own pictures: a folder of A/ ... Z/, or an .npz with images, labels and optional writers.

Shapes: images [N, H, W] or [N, H, W, 3] of any size and polarity; labels [N] in 0..25 or "A".."Z"; writers [N].
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from letterocr.config import ImagesConfig
from letterocr.data.ink import normalise, read
from letterocr.data.letters import ALPHABET, Letters, Split, take_per_letter
from letterocr.errors import UserError
from letterocr.randomness import stream

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"}
MOST_BYTES = 8_000_000_000  # of an .npz, unpacked


def load(config: ImagesConfig) -> Split:
    """The letters of the folder or file; test letters are of writers of their own where writers are known.

    Raises:
        UserError: names the file and the mend; see the checks below.
    """
    if not config.path:
        raise UserError("data=images needs data.path=FOLDER (with A/ ... Z/ inside) or data.path=FILE.npz.")
    path = Path(config.path).expanduser()
    if path.is_dir():
        letters = _read_folder(path)
    elif path.suffix == ".npz":
        letters = _read_npz(path)
    else:
        what = "is neither a folder nor an .npz file" if path.exists() else "does not exist"
        raise UserError(f"data.path={path} {what}: give a folder with A/ ... Z/ inside, or an .npz file.")
    return split(letters, config, str(path))


def split(letters: Letters, config: ImagesConfig, name: str) -> Split:
    """Part the letters in training and test letters, by writers where they are known.

    Raises:
        UserError: a letter is missing, or there are too few for the test.
    """
    counts = torch.bincount(letters.labels, minlength=len(ALPHABET))
    missing = [ALPHABET[c] for c in range(len(ALPHABET)) if not counts[c]]
    if missing:
        raise UserError(f"{name} has no letter {', '.join(missing)}: every letter A..Z needs pictures.")
    shuffled = letters.select(torch.randperm(len(letters), generator=stream(config.seed, "images")))
    if letters.writers is not None and len(letters.writers.unique()) > 1:
        train, test = _by_writer(shuffled, config.test_per_letter, config.seed)
    else:
        test_places = torch.cat(
            [torch.nonzero(shuffled.labels == c).flatten()[: config.test_per_letter] for c in range(26)]
        )
        in_test = torch.zeros(len(letters), dtype=torch.bool)
        in_test[test_places] = True
        train, test = shuffled.select(~in_test), shuffled.select(in_test)
    for part, least in ((test, config.test_per_letter), (train, 1)):
        few = torch.bincount(part.labels, minlength=len(ALPHABET))
        if int(few.min()) < least:
            raise UserError(
                f"data.test_per_letter={config.test_per_letter}: {name} has too few {ALPHABET[int(few.argmin())]} "
                f"({int(counts[few.argmin()])} in all); take a smaller number or add pictures."
            )
    train = take_per_letter(train, config.train_per_letter) if config.train_per_letter else train
    return Split(train, take_per_letter(test, config.test_per_letter))


def _by_writer(letters: Letters, needed: int, seed: int) -> tuple[Letters, Letters]:
    """Move writers to the test, in random order, until every class has enough test letters."""
    assert letters.writers is not None
    writers = letters.writers.unique()
    order = writers[torch.randperm(len(writers), generator=stream(seed, "test writers"))]
    in_test = torch.zeros(len(letters), dtype=torch.bool)
    for writer in order[:-1]:
        in_test |= letters.writers == writer
        if int(torch.bincount(letters.labels[in_test], minlength=len(ALPHABET)).min()) >= needed:
            break
    return letters.select(~in_test), letters.select(in_test)


def _read_folder(path: Path) -> Letters:
    images, labels = [], []
    for label, letter in enumerate(ALPHABET):
        folder = path / letter
        if not folder.is_dir():
            raise UserError(f"{path} has no folder {letter}/: it needs one folder for each letter, A/ ... Z/.")
        files = sorted(f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES and not f.name.startswith("."))
        if not files:
            raise UserError(f"{folder} is empty: put at least one picture of {letter} in it.")
        for file in files:
            images.append(normalise(read(file), str(file)))
            labels.append(label)
    return Letters(torch.stack(images), torch.tensor(labels))


def _read_npz(path: Path) -> Letters:
    arrays = _arrays(path)
    images, labels = arrays["images"], arrays["labels"]
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] != 3) or not images.size:
        raise UserError(f"{path}: images has the shape {images.shape}; it must be [N, H, W] or [N, H, W, 3].")
    for name, array in arrays.items():
        if name != "images" and array.shape != (len(images),):
            raise UserError(f"{path}: {name} has the shape {array.shape} for {len(images)} images; it must be [N].")
    grey = _grey(images, path)
    letters = torch.stack([normalise(picture, f"{path}: image {i}") for i, picture in enumerate(grey)])
    writers = None
    if "writers" in arrays:
        writers = torch.from_numpy(np.unique(arrays["writers"], return_inverse=True)[1].astype(np.int64))
    return Letters(letters, torch.from_numpy(_labels(labels, path)), writers)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz that we know, without ever unpickling."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MOST_BYTES:
            raise UserError(f"{path} unpacks to {size / 1e9:.1f} GB; split it into files of less than 8 GB.")
        with np.load(path, allow_pickle=False) as file:
            arrays: dict[str, Any] = {name: file[name] for name in ("images", "labels", "writers") if name in file}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} can't be read as an .npz of plain arrays ({error}): save it again.") from error
    for name in ("images", "labels"):
        if name not in arrays:
            raise UserError(f"{path} has no array {name}: it needs images [N, H, W] and labels [N].")
    return arrays


def _grey(images: np.ndarray, path: Path) -> np.ndarray:
    """Grey levels [N, H, W] in 0..1."""
    if images.dtype.kind not in "buif":
        raise UserError(f"{path}: images is of type {images.dtype}; it must hold numbers.")
    top = float(np.iinfo(images.dtype).max) if images.dtype == np.uint8 or images.dtype == np.uint16 else 0.0
    grey = images.astype(np.float32)
    if not np.isfinite(grey).all():
        raise UserError(f"{path}: images holds values that are not finite.")
    grey = grey.mean(-1) if grey.ndim == 4 else grey
    top = top or max(float(grey.max()), 1.0)
    if grey.min() < 0:
        raise UserError(f"{path}: images holds the negative value {grey.min():g}; grey levels start at 0.")
    return grey / top


def _labels(labels: np.ndarray, path: Path) -> np.ndarray:
    """Labels 0..25, from numbers or from letters."""
    if labels.dtype.kind in "US":
        texts = [t.decode("latin-1") if isinstance(t, bytes) else str(t) for t in labels]
        wrong = [t for t in texts if len(t) != 1 or t.upper() not in ALPHABET]
        if wrong:
            raise UserError(f"{path}: labels holds {wrong[0]!r}; a label is a letter A..Z or a number 0..25.")
        return np.array([ALPHABET.index(t.upper()) for t in texts], dtype=np.int64)
    if labels.dtype.kind not in "ui":
        raise UserError(f"{path}: labels is of type {labels.dtype}; a label is a letter A..Z or a number 0..25.")
    wrong_number = labels[(labels < 0) | (labels >= len(ALPHABET))]
    if len(wrong_number):
        raise UserError(f"{path}: labels holds {wrong_number[0]}; a label is a letter A..Z or a number 0..25.")
    return labels.astype(np.int64)
