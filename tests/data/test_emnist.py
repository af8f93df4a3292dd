"""EMNIST read from idx files that the test writes itself; no network, and never the user's own cache."""

from __future__ import annotations

import gzip
import zipfile

import numpy as np
import pytest
import torch
from emnist_files import (
    PER_LETTER,
    TEST_PER_LETTER,
    L,
    labels_of,
    load_path,
    official,
    upright_l,
    zipped,
)

from letterocr.config.data import ALPHABETS, EmnistConfig
from letterocr.data.emnist import load
from letterocr.data.letters import ALPHABET, BOX, SIDE

pytestmark = pytest.mark.usefixtures("home")


def test_the_26_capitals_are_kept_and_the_official_split_too(tmp_path):
    split = load_path(zipped(tmp_path / "emnist.zip", official()))
    assert torch.bincount(split.train.labels).tolist() == [PER_LETTER + 3 * (c == 14) for c in range(26)]
    assert torch.bincount(split.test.labels).tolist() == [TEST_PER_LETTER] * 26
    for letters, part in ((split.train, 1), (split.test, 2)):
        assert letters.images.shape == (len(letters), 900)
        assert letters.images.dtype == torch.float32
        assert letters.writers is None
        others = letters.labels != L
        told = (letters.images[others].view(-1, SIDE, SIDE) * 255).round()
        assert torch.equal(told[:, 11 + 1, 10 + 1].long() - 10, letters.labels[others])
        assert (told[:, 13 + 1, 12 + 1] == part).all()


@pytest.mark.parametrize("classes", ["digits", "all"])
def test_digits_are_the_labels_0_to_9(tmp_path, classes):
    split = load_path(zipped(tmp_path / "emnist.zip", official()), classes=classes)
    alphabet = ALPHABETS[classes]
    assert split.train.alphabet == split.test.alphabet == alphabet
    assert split.test.count_classes().tolist() == [TEST_PER_LETTER] * len(alphabet)
    for letters in (split.train, split.test):
        others = letters.labels != alphabet.find("L")
        told = (letters.images[others].view(-1, SIDE, SIDE) * 255).round()[:, 11 + 1, 10 + 1].long()
        written = [("0123456789" + ALPHABET)[label] for label in told]
        assert written == [alphabet[c] for c in letters.labels[others]]


def test_letters_stay_in_the_order_of_the_file(tmp_path):
    split = load_path(zipped(tmp_path / "emnist.zip", official()))
    labels = labels_of(PER_LETTER, 3)
    places = np.flatnonzero((labels >= 10) & (labels < 36))
    assert split.train.labels.tolist() == (labels[places] - 10).tolist()
    others = split.train.labels != L
    stored = (split.train.images[others].view(-1, SIDE, SIDE)[:, 15 + 1, 14 + 1] * 255).round().long()
    assert stored.tolist() == (places % 251)[others.numpy()].tolist()


def test_an_l_is_upright_with_one_pixel_of_paper_around_28x28(tmp_path):
    split = load_path(zipped(tmp_path / "emnist.zip", official()))
    expected = np.zeros((30, 30), dtype=np.float32)
    expected[1:29, 1:29] = upright_l() / 255
    for image in split.train.images[split.train.labels == L]:
        np.testing.assert_array_equal(image.view(30, 30).numpy(), expected)
    assert expected[:, :15].sum() > 2 * expected[:, 15:].sum()  # its ink is left and below
    assert expected[15:].sum() > expected[:15].sum()


def test_balanced_frequencies_and_a_bound_for_each_class(tmp_path):
    path = zipped(tmp_path / "emnist.zip", official())
    assert torch.bincount(load_path(path, frequencies="balanced").train.labels).tolist() == [PER_LETTER] * 26
    assert torch.bincount(load_path(path, train_per_letter=3).train.labels).tolist() == [3] * 26
    natural = torch.bincount(load_path(path, train_per_letter=6).train.labels).tolist()
    assert natural == [6 if c == 14 else PER_LETTER for c in range(26)]
    assert len(load_path(path, frequencies="balanced", train_per_letter=1).train) == 26
    assert len(load_path(path, test_per_letter=1).test) == 26


@pytest.mark.parametrize("where", ["", "gzip", "EMNIST/raw"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_folder_is_as_good_as_an_archive(tmp_path, where, packed):
    folder = tmp_path / "idx"
    (folder / where).mkdir(parents=True)
    for name, data in official().items():
        path = folder / where / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(data) if packed else data)
    split, expected = load_path(folder), load_path(zipped(tmp_path / "emnist.zip", official()))
    assert split.train.fingerprint() == expected.train.fingerprint()
    assert split.test.fingerprint() == expected.test.fingerprint()


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_may_be_packed_anyhow_with_files_gzipped_or_not(tmp_path, compression):
    path = tmp_path / "emnist.zip"
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in official().items():
            archive.writestr(f"any/where/{name}", data)
        archive.writestr("any/where/", b"")
    assert load_path(path).train.fingerprint() == load_path(zipped(tmp_path / "b.zip", official())).train.fingerprint()


@pytest.mark.shared
def test_real_capitals_are_upright_and_all_there(shared_data):
    split = load(EmnistConfig(path=str(shared_data / "emnist.zip")))
    assert (len(split.train), len(split.test)) == (5414, 520)
    assert torch.bincount(split.test.labels).tolist() == [20] * 26
    counts = torch.bincount(split.train.labels)
    assert set(counts.topk(2).indices.tolist()) == {ALPHABET.index("O"), ALPHABET.index("S")}
    balanced = load(EmnistConfig(path=str(shared_data / "emnist.zip"), frequencies="balanced")).train
    assert torch.bincount(balanced.labels).tolist() == [int(counts.min())] * 26
    assert 0 <= split.train.images.min() < split.train.images.max() == 1
    mean = {c: split.train.images[split.train.labels == i].mean(0).view(30, 30) for i, c in enumerate(ALPHABET)}
    rows = torch.arange(30.0)
    below = {c: float((m.sum(1) * rows).sum() / m.sum()) for c, m in mean.items()}
    right = {c: float((m.sum(0) * rows).sum() / m.sum()) for c, m in mean.items()}
    assert below["L"] > 15.5  # its ink is below ...
    assert right["L"] < below["L"]  # ... and left
    assert below["T"] < 14  # a T's bar is on top
    assert right["J"] > right["L"]
    assert below["V"] < below["A"]
    assert split.train.box() in range(BOX - 5, BOX + 1)
