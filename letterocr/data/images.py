"""Pictures of the user: a folder with A/ ... Z/ inside, perhaps below train/ and test/, or an .npz file with arrays.

With `classes=digits` the folders are 0/ ... 9/, with `classes=all` both.

Shapes: images [N, H, W] or [N, H, W, 3] of any size and polarity; labels [N], characters, or whole numbers that are
places in the alphabet (0..25 for A..Z; 0..9 for digits); writers [N].
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from letterocr.base.errors import UserError
from letterocr.base.home import expand_path, show_whole
from letterocr.base.npz import read_arrays
from letterocr.base.randomness import make_generator
from letterocr.config.data import ALPHABETS, ImagesConfig, SyntheticConfig
from letterocr.data import synthetic
from letterocr.data.ink import normalise_all
from letterocr.data.labels import parse_labels
from letterocr.data.letters import (
    PIXELS,
    SIDE,
    Letters,
    Split,
    describe_alphabet,
    describe_missing,
    take_per_letter,
)
from letterocr.data.picture_files import describe_error, describe_left_out, list_pictures, read

TRANSPOSED = 0.1  # by how much more letters agree with drawn ones if rows and columns are exchanged


def load(config: ImagesConfig) -> Split:
    """Read the letters of a folder or file, and split them into training and test letters.

    If the writers are known, no writer is in both.

    Raises:
        UserError: the folder or file is missing or wrong; the message names it and what to change.
    """
    if not config.path:
        raise UserError("data=images needs data.path=FOLDER (with A/ ... Z/ inside) or data.path=FILE.npz.")
    path = expand_path(config.path)
    if path.is_dir():
        return _load_folder(path, config)
    if path.suffix.lower() == ".npz" and path.exists():
        letters, notes = _read_npz(path, config)
        notes += _describe_transposed(letters, config)
        return replace(split(letters, config, str(path)), notes=tuple(notes))
    what = "is neither a folder nor an .npz file" if path.exists() else "does not exist"
    mend = "give a folder with A/ ... Z/ inside, or an .npz file"
    raise UserError(f"data.path={show_whole(config.path)} {what}: {mend}.")


def _load_folder(path: Path, config: ImagesConfig) -> Split:
    """Read a folder with A/ ... Z/ inside, or with train/A ... and test/A ..., which are then its parts."""
    alphabet = ALPHABETS[config.classes]
    own = path / "train", path / "test"
    if not all(part.is_dir() for part in own):
        letters, others = _read_folder(path, alphabet)
        note = describe_left_out(others, path)
        return replace(split(letters, config, str(path)), notes=(note,) if note else ())
    (train, left_train), (test, left_test) = (_read_folder(part, alphabet) for part in own)
    note = describe_left_out(left_train + left_test, path)
    train = take_per_letter(train, config.train_per_letter) if config.train_per_letter else train
    return Split(train, test, (note,) if note else ())


def _describe_transposed(letters: Letters, config: ImagesConfig) -> list[str]:
    """Return a sentence if rows and columns of the letters seem to be exchanged, as in EMNIST's own files."""
    upright, turned = compare_with_drawn(letters, config.classes)
    if turned < upright + TRANSPOSED:
        return []
    mend = f"data.transpose={str(not config.transpose).lower()}"
    return [f"{config.path}: the letters look transposed, as if mirrored and lying; {mend} sets them upright."]


def compare_with_drawn(letters: Letters, kind: str) -> tuple[float, float]:
    """Correlate the mean of each class with that of drawn letters: as they are, and with rows and columns exchanged."""
    drawn = synthetic.load(SyntheticConfig(train_per_letter=10, test_per_letter=1, classes=kind)).train
    classes = [c for c, count in enumerate(letters.count_classes().tolist()) if count]

    def correlate(images: Tensor) -> float:
        pairs = [(images[letters.labels == c].mean(0), drawn.images[drawn.labels == c].mean(0)) for c in classes]
        return float(np.mean([float(torch.corrcoef(torch.stack(pair))[0, 1]) for pair in pairs]))

    turned = letters.images.view(-1, SIDE, SIDE).transpose(1, 2).reshape(-1, PIXELS)
    return correlate(letters.images), correlate(turned)


def split(letters: Letters, config: ImagesConfig, name: str) -> Split:
    """Split letters into training and test letters, by writers if they are known.

    Args:
        letters: all letters.
        config: numbers of letters, and the seed of the choice.
        name: name of the source in messages.

    Raises:
        UserError: a class has no letters, or too few for the test.
    """
    counts, alphabet = letters.count_classes(), letters.alphabet
    missing = [letter for letter, count in zip(alphabet, counts, strict=True) if not count]
    if missing:
        raise UserError(
            f"{name} has no {describe_missing(missing)}: each of {describe_alphabet(alphabet)} needs pictures."
        )
    shuffled = letters.select(torch.randperm(len(letters), generator=make_generator(config.seed, "images")))
    if letters.writers is not None and len(letters.writers.unique()) > 1:
        train, test = _split_by_writer(shuffled, config.test_per_letter, config.seed)
    else:
        test_places = torch.cat(
            [torch.nonzero(shuffled.labels == c).flatten()[: config.test_per_letter] for c in range(shuffled.classes)]
        )
        in_test = torch.zeros(len(letters), dtype=torch.bool)
        in_test[test_places] = True
        train, test = shuffled.select(~in_test), shuffled.select(in_test)
    for part, least in ((test, config.test_per_letter), (train, 1)):
        few = part.count_classes()
        if int(few.min()) < least:
            letter = int(few.argmin())
            apart = "" if letters.writers is None else ", and no writer is in both training and test"
            raise UserError(
                f"data.test_per_letter={config.test_per_letter}: {name} has too few {alphabet[letter]} "
                f"({int(counts[letter])} in all{apart}); take a smaller number or add pictures."
            )
    train = take_per_letter(train, config.train_per_letter) if config.train_per_letter else train
    return Split(train, take_per_letter(test, config.test_per_letter))


def _split_by_writer(letters: Letters, needed: int, seed: int) -> tuple[Letters, Letters]:
    """Move writers to the test, in random order, until every class has enough test letters.

    A writer stays in training if the test needs none of the writer's letters, or if training would lose a class.
    """
    assert letters.writers is not None
    writers = letters.writers.unique()
    order = writers[torch.randperm(len(writers), generator=make_generator(seed, "test writers"))]
    in_test = torch.zeros(len(letters), dtype=torch.bool)

    def count(where: Tensor) -> Tensor:
        return torch.bincount(letters.labels[where], minlength=letters.classes)

    for writer in order:
        own = letters.writers == writer
        helps = count(own) * (count(in_test) < needed)
        if helps.any() and count(~(in_test | own)).all():
            in_test |= own
    return letters.select(~in_test), letters.select(in_test)


def _read_folder(path: Path, alphabet: str) -> tuple[Letters, list[Path]]:
    """Read the pictures in the folders of an alphabet; return them and the files that were left out."""
    files: list[Path] = []
    others: list[Path] = []
    labels: list[int] = []
    for label, letter in enumerate(alphabet):
        folder = path / letter
        if not folder.is_dir():
            raise UserError(
                f"{path} has no folder {letter}/: it needs one folder for each of {describe_alphabet(alphabet)}."
            )
        try:
            found, left_out = list_pictures(folder.iterdir())
        except OSError as error:
            raise UserError(f"{folder} can't be read ({error.strerror}): check its permissions.") from error
        if not found:
            more = f" {describe_left_out(left_out, path)}" if left_out else ""
            raise UserError(f"{folder} has no picture: put at least one of {letter} in it, as PNG or JPEG.{more}")
        files += found
        others += left_out
        labels += [label] * len(found)
    images = normalise_all((str(file), read(file)) for file in files)
    return Letters(images, torch.tensor(labels), alphabet=alphabet), others


def _read_npz(path: Path, config: ImagesConfig) -> tuple[Letters, list[str]]:
    """Read the pictures of a file that are of the classes asked for; return a sentence if there are others too."""
    arrays = _read_named(path)
    images, labels = arrays["images"], arrays["labels"]
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] != 3) or not images.size:
        raise UserError(f"{path}: images has the shape {images.shape}; it must be [N, H, W] or [N, H, W, 3].")
    for name, array in arrays.items():
        if name != "images" and array.shape != (len(images),):
            raise UserError(f"{path}: {name} has the shape {array.shape} for {len(images)} images; it must be [N].")
    images = images.swapaxes(1, 2) if config.transpose else images
    alphabet, top = ALPHABETS[config.classes], find_top_level(images, str(path))
    places = parse_labels(labels, config.classes, str(path))
    kept, notes = np.flatnonzero(places >= 0), []
    if len(kept) < len(places):
        others = f"{len(places) - len(kept):,} of {len(places):,} pictures are of other classes"
        notes.append(f"{path}: {others} than data.classes={config.classes} and are left out.")
    letters = normalise_all((f"{path}: image {i}", images[i] / top) for i in kept)
    writers = None
    if "writers" in arrays:
        writers = torch.from_numpy(np.unique(arrays["writers"][kept], return_inverse=True)[1].astype(np.int64))
    return Letters(letters, torch.from_numpy(places[kept]), writers, alphabet), notes


def _read_named(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays images, labels and writers of an .npz file; nothing else is unpacked."""
    try:
        arrays = read_arrays(path, ("images", "labels", "writers"))
    except UserError:
        raise
    except Exception as error:  # zipfile and NumPy raise errors of every kind at a damaged file
        raise UserError(
            f"{path} can't be read as an .npz of plain arrays ({describe_error(error)}): save it again."
        ) from error
    for name in ("images", "labels"):
        if name not in arrays:
            raise UserError(f"{path} has no array {name}: it needs images [N, H, W] and labels [N].")
    return arrays


def find_top_level(images: np.ndarray, name: str) -> float:
    """Return the largest level of all pictures, which is the white of the paper or of light ink; 1 if all are 0.

    Args:
        images: pictures of any shape and type of number.
        name: name of the pictures in messages.

    Raises:
        UserError: the levels are not numbers, not finite, negative, or of several scales.
    """
    if images.dtype.kind not in "buif":
        raise UserError(f"{name}: images is of type {images.dtype}; save it as numbers, such as uint8.")
    low, high = float(images.min()), float(images.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise UserError(f"{name}: images holds values that are not finite; save finite grey levels.")
    if low < 0:
        raise UserError(f"{name}: images holds the negative value {low:g}; grey levels start at 0.")
    check_scale(images, high, name)
    return high or 1.0


def check_scale(images: np.ndarray, top: float, name: str) -> None:
    """Check that all pictures have the same scale of grey.

    Args:
        images: [N, ...] pictures.
        top: the largest level of all.
        name: name of the pictures in messages.

    Raises:
        UserError: some pictures have levels up to 1 and others up to far more.
    """
    if top <= 2:
        return
    tops = images.reshape(len(images), -1).max(1)
    small = tops <= 1
    if not 0 < small.sum() < len(images) or not ((tops[small] > 0) & (tops[small] < top / 4)).any():
        return
    few = small if small.sum() <= len(images) / 2 else ~small
    places = np.flatnonzero(few & (tops > 0))
    if not len(places):
        return
    most = float(np.median(tops[~few]))
    raise UserError(
        f"{name}: image {places[0]} has levels up to {tops[places[0]]:g}, most others up to {most:g} "
        f"({len(places)} of {len(images)} are of another scale); give all pictures one scale, such as 0..255."
    )
