"""Letters from arrays of a script or a notebook; they are stored in one .npz file beside the runs that learn them.

Shapes: images [N, 900], letters in 0..1 with ink 1, used without change; or [N, H, W] or [N, H, W, 3], pictures of any
size and polarity; labels [N], single characters, or whole numbers that stand for A, B, C ...
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from letterocr.base.errors import UserError
from letterocr.base.home import expand_path
from letterocr.base.randomness import make_generator
from letterocr.config.data import ArraysConfig
from letterocr.data.images import find_top_level
from letterocr.data.ink import normalise_all
from letterocr.data.letters import ALPHABET, PIXELS, Letters, Split
from letterocr.data.letters_file import read_split, write_split


def load(config: ArraysConfig) -> Split:
    """Read the letters that `store` wrote.

    Raises:
        UserError: the file does not exist, is damaged, or holds other letters than the config says.
    """
    if not config.path:
        raise UserError("data=arrays is only for letters that letterocr.fit stored; take data=images data.path=FILE.")
    try:
        split = read_split(expand_path(config.path))
    except FileNotFoundError as error:
        raise UserError(
            f"data.path={config.path}: the letters of this run were removed; give them to letterocr.fit again."
        ) from error
    except Exception as error:  # zipfile and NumPy raise errors of every kind at a damaged file
        raise UserError(
            f"data.path={config.path} can't be read as the letters of a run: remove it and run letterocr.fit again."
        ) from error
    if config.fingerprint not in ("", split.fingerprint()):
        raise UserError(
            f"data.path={config.path} holds other letters than this run learned: remove it and run letterocr.fit again."
        )
    return split


def store(split: Split, path: Path) -> None:
    """Write letters into one .npz file, unless the file exists already; it appears only when it is complete."""
    if not path.exists():
        write_split(split, path)


def make_split(data: Any, test: Any, seed: int) -> Split:
    """Make training and test letters from arrays.

    Args:
        data: images and labels of all letters, or of the training letters if `test` has arrays too.
        test: images and labels of the test letters, or the share of each class that is drawn for the test.
        seed: seed of that draw.

    Raises:
        UserError: an array has another shape or holds other values than the module says, or a class has too few
            letters.
    """
    images, labels = _take_pair("data", data)
    if not isinstance(test, float | int) or isinstance(test, bool):
        test_images, test_labels = _take_pair("test", test)
        alphabet = find_alphabet("data", np.concatenate([labels, test_labels.astype(labels.dtype)]))
        train = make_letters("data", images, labels, alphabet)
        return Split(train, make_letters("test", test_images, test_labels, alphabet))
    letters = make_letters("data", images, labels, find_alphabet("data", labels))
    return split_by_share(letters, float(test), seed)


def split_by_share(letters: Letters, share: float, seed: int) -> Split:
    """Draw a share of each class for the test, at least one letter; the others are training letters.

    Args:
        letters: all letters.
        share: share of each class, between 0 and 1.
        seed: seed of the draw.

    Raises:
        UserError: the share is not between 0 and 1, or a class has only one letter.
    """
    if not 0 < share < 1:
        raise UserError(f"test={share:g}: must be a share between 0 and 1, or (images, labels).")
    shuffled = letters.select(torch.randperm(len(letters), generator=make_generator(seed, "test share")))
    in_test = torch.zeros(len(letters), dtype=torch.bool)
    for c, count in enumerate(letters.count_classes().tolist()):
        if count == 1:
            raise UserError(f"data: there is only one {letters.alphabet[c]}; add one for the test, or give test=.")
        in_test[torch.nonzero(shuffled.labels == c).flatten()[: max(1, round(share * count)) if count else 0]] = True
    return Split(shuffled.select(~in_test), shuffled.select(in_test))


def find_alphabet(name: str, labels: np.ndarray) -> str:
    """Return the characters that labels stand for, in order.

    Args:
        name: name of the labels in messages.
        labels: [N] characters, or whole numbers from 0 for A.

    Raises:
        UserError: a label is neither one character nor a number from 0 to 25.

    Example:
        >>> find_alphabet("data", np.array([2, 0])), find_alphabet("data", np.array(["3", "1"]))
        ('ABC', '13')
    """
    if labels.dtype.kind in "US":
        texts = {t.decode("latin-1") if isinstance(t, bytes) else str(t) for t in labels.tolist()}
        wrong = sorted(t for t in texts if len(t) != 1)
        if wrong:
            raise UserError(f"{name}: the label {wrong[0]!r} is not one character; give single characters or numbers.")
        return "".join(sorted(texts))
    if labels.dtype.kind not in "ui":
        raise UserError(f"{name}: labels of type {labels.dtype}; a label is one character, or a number from 0 for A.")
    if not 0 <= int(labels.min()) <= int(labels.max()) < len(ALPHABET):
        odd = labels.min() if labels.min() < 0 else labels.max()
        raise UserError(f"{name}: the label {odd} is not in 0..25; for other classes give characters as labels.")
    return ALPHABET[: int(labels.max()) + 1]


def make_letters(name: str, images: np.ndarray, labels: np.ndarray, alphabet: str) -> Letters:
    """Make letters from arrays; pictures are centred and scaled as in `letterocr.data.ink`.

    Args:
        name: name of the arrays in messages.
        images: [N, 900], [N, H, W] or [N, H, W, 3].
        labels: [N] characters, or whole numbers from 0 for A.
        alphabet: the characters of the classes.
    """
    if labels.dtype.kind in "US":
        texts = [t.decode("latin-1") if isinstance(t, bytes) else str(t) for t in labels.tolist()]
        places = torch.tensor([alphabet.index(t) for t in texts])
    else:
        places = torch.from_numpy(labels.astype(np.int64))
    return Letters(_make_images(name, images), places, None, alphabet)


def _make_images(name: str, images: np.ndarray) -> Tensor:
    top = find_top_level(images, name)
    if images.ndim == 2:
        if top > 1:
            raise UserError(f"{name}: images [N, 900] have values up to {top:g}; they must be in 0..1, with ink 1.")
        return torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32))
    return normalise_all((f"{name}: image {i}", picture / top) for i, picture in enumerate(images))


def _take_pair(name: str, given: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels as arrays, after a check of their shapes.

    Raises:
        UserError: the shapes do not fit.
    """
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise UserError(f"{name}={type(given).__name__}: give the name of a source, or (images, labels).")
    images, labels = (np.asarray(part) for part in given)
    flat = images.ndim == 2 and images.shape[1] == PIXELS
    if not (flat or images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)) or not images.size:
        raise UserError(f"{name}: images of shape {images.shape}; must be [N, 900], [N, H, W] or [N, H, W, 3].")
    if labels.shape != images.shape[:1]:
        raise UserError(f"{name}: labels of shape {labels.shape} for {len(images)} images; must be [{len(images)}].")
    return images, labels
