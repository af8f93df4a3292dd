"""Letters from arrays: their shapes and labels, the share for the test, and the file that keeps them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import one_sentence, random_letters

from letterocr.base.errors import UserError
from letterocr.config.data import ArraysConfig
from letterocr.data.arrays import load, make_split, split_by_share, store
from letterocr.data.ink import normalise
from letterocr.data.letters import ALPHABET, Split

LETTERS = random_letters(130, seed=4)
IMAGES, LABELS = LETTERS.images.numpy(), LETTERS.labels.numpy()


def test_flat_images_are_letters_as_they_are() -> None:
    split = make_split((IMAGES[:100], LABELS[:100]), (IMAGES[100:], LABELS[100:]), 0)
    assert torch.equal(split.train.images, LETTERS.images[:100])
    assert torch.equal(split.test.images, LETTERS.images[100:])
    assert torch.equal(split.test.labels, LETTERS.labels[100:])
    assert split.train.alphabet == split.test.alphabet == ALPHABET


def test_pictures_are_centred_and_scaled() -> None:
    picture = np.full((40, 50), 255, np.uint8)
    picture[5:25, 8:12] = 0
    split = make_split(([picture, picture, 255 - picture], ["I", "I", "I"]), 0.3, 0)
    for letter in (*split.train.images, *split.test.images):
        assert torch.equal(letter, normalise(picture / 255, "it"))


def test_the_share_is_drawn_from_each_class() -> None:
    labels = np.repeat(np.arange(3), [10, 20, 2])
    split = make_split((IMAGES[:32], labels), 0.2, 0)
    assert split.test.count_classes().tolist() == [2, 4, 1]
    assert split.train.count_classes().tolist() == [8, 16, 1]
    both = torch.cat([split.train.images, split.test.images])
    assert torch.equal(both.sum(1).sort().values, LETTERS.images[:32].sum(1).sort().values)
    again, other = make_split((IMAGES[:32], labels), 0.2, 0), make_split((IMAGES[:32], labels), 0.2, 1)
    assert split.fingerprint() == again.fingerprint() != other.fingerprint()


@pytest.mark.parametrize(
    ("labels", "alphabet"),
    [(np.array([0, 1, 2, 0, 1, 2]), "ABC"), (np.array(list("ZaZa3Z3")), "3Za"), (np.array([b"B", b"A"] * 3), "AB")],
)
def test_the_classes_are_those_of_the_labels(labels: np.ndarray, alphabet: str) -> None:
    letters = make_split((IMAGES[: len(labels)], labels), 0.3, 0).train
    assert letters.alphabet == alphabet
    assert letters.classes == len(alphabet)


def test_a_file_keeps_the_letters(tmp_path: Path) -> None:
    split = split_by_share(LETTERS, 0.2, 0)
    store(split, tmp_path / "new" / "letters.npz")
    config = ArraysConfig(path=str(tmp_path / "new" / "letters.npz"), fingerprint=split.fingerprint())
    kept = load(config)
    for one, other in ((split.train, kept.train), (split.test, kept.test)):
        assert torch.equal(one.images, other.images)
        assert torch.equal(one.labels, other.labels)
        assert one.alphabet == other.alphabet
    before = (tmp_path / "new" / "letters.npz").stat().st_mtime_ns
    store(split, tmp_path / "new" / "letters.npz")
    assert (tmp_path / "new" / "letters.npz").stat().st_mtime_ns == before


def test_a_file_of_other_letters_or_none_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "letters.npz"
    store(Split(LETTERS, LETTERS), path)
    cases = {
        ArraysConfig: (ArraysConfig(path=str(path), fingerprint="another"), "other letters"),
        "none": (ArraysConfig(path=str(tmp_path / "none.npz")), "were removed; give them to letterocr.fit again"),
        "unnamed": (ArraysConfig(), "data=images"),
    }
    (tmp_path / "damaged.npz").write_bytes(b"PK\x03\x04 and no more")
    cases["damaged"] = (ArraysConfig(path=str(tmp_path / "damaged.npz")), "can't be read")
    for config, part in cases.values():
        with pytest.raises(UserError) as refused:
            load(config)
        one_sentence(refused.value, part)


@pytest.mark.parametrize(
    ("data", "test", "parts"),
    [
        ((IMAGES, LABELS[:5]), 0.2, ["labels of shape (5,)", "130 images"]),
        ((IMAGES[:, :899], LABELS), 0.2, ["images of shape (130, 899)", "[N, 900]"]),
        ((IMAGES * 255, LABELS), 0.2, ["values up to 255", "0..1"]),
        ((IMAGES, LABELS.astype(float)), 0.2, ["labels of type float64"]),
        ((IMAGES, LABELS + 20), 0.2, ["the label 4", "0..25"]),
        ((IMAGES, np.array(["AB"] * 130)), 0.2, ["'AB'", "one character"]),
        ((IMAGES, LABELS), 0.0, ["test=0", "between 0 and 1"]),
        ((IMAGES[:3], np.array([0, 0, 1])), 0.5, ["only one B"]),
        (IMAGES, 0.2, ["data=ndarray", "(images, labels)"]),
        ((-IMAGES - 0.1, LABELS), 0.2, ["negative"]),
        ((IMAGES, LABELS), (IMAGES,), ["test=tuple"]),
    ],
)
def test_what_does_not_fit_is_one_sentence(data: object, test: object, parts: list[str]) -> None:
    with pytest.raises(UserError) as refused:
        make_split(data, test, 0)
    one_sentence(refused.value, *parts)
