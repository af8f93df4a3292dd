"""EMNIST files that are missing, damaged or hostile are refused in one sentence and cost no memory."""

from __future__ import annotations

import gzip
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from emnist_files import (
    PER_LETTER,
    TEST_IMAGES,
    TEST_LABELS,
    TEST_PER_LETTER,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    idx,
    labels_of,
    load_path,
    official,
    pictures,
    refused,
    zipped,
)
from helpers import peak

from letterocr.base.errors import UserError
from letterocr.data.letters import ALPHABET

pytestmark = pytest.mark.usefixtures("home")


def test_a_path_that_is_not_there(tmp_path):
    refused(tmp_path / "none.zip", "none.zip", "no such file", "data.path=FILE")
    refused(tmp_path / ("x" * 300), "can't be read")


def test_what_is_no_archive(tmp_path):
    (tmp_path / "emnist.zip").write_bytes(b"<html>moved</html>" * 100)
    refused(tmp_path / "emnist.zip", "emnist.zip can't be read", "not a zip file")


@pytest.mark.parametrize("missing", [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS])
def test_an_archive_or_folder_without_one_of_its_files(tmp_path, missing):
    files = {name: data for name, data in official().items() if name != missing}
    refused(zipped(tmp_path / "emnist.zip", files), "emnist.zip", missing)
    folder = tmp_path / "idx"
    folder.mkdir()
    refused(folder, str(folder), "there is no")
    for name, data in files.items():
        (folder / name).write_bytes(data)
    refused(folder, str(folder), missing)


@pytest.mark.parametrize("letter", ["A", "Q", "Z"])
@pytest.mark.parametrize("part", ["train", "test"])
def test_a_missing_letter(tmp_path, letter, part):
    files = official()
    labels = labels_of(2)
    labels = labels[labels != 10 + ALPHABET.index(letter)]
    images_name, labels_name = (TRAIN_IMAGES, TRAIN_LABELS) if part == "train" else (TEST_IMAGES, TEST_LABELS)
    files |= {images_name: idx(pictures(labels, 1)), labels_name: idx(labels)}
    refused(zipped(tmp_path / "emnist.zip", files), part, f"no letter {letter}:")


@pytest.mark.parametrize("classes", ["digits", "all"])
def test_a_file_without_digits(tmp_path, classes):
    labels = labels_of(2)
    labels = labels[labels >= 10]
    files = official() | {TRAIN_IMAGES: idx(pictures(labels, 1)), TRAIN_LABELS: idx(labels)}
    path = zipped(tmp_path / "emnist.zip", files)
    refused(path, TRAIN_LABELS, "no digit 0, 1, 2", "take data.classes=letters", classes=classes)


def test_empty_files(tmp_path):
    empty = {TRAIN_IMAGES: idx(np.zeros((0, 28, 28))), TRAIN_LABELS: idx(np.zeros(0))}
    refused(zipped(tmp_path / "emnist.zip", official() | empty), "no letter A, B, C")
    refused(zipped(tmp_path / "emnist.zip", official() | {TRAIN_LABELS: b""}), TRAIN_LABELS, "cut short")


def test_too_few_test_letters(tmp_path):
    path = zipped(tmp_path / "emnist.zip", official())
    refused(path, "data.test_per_letter=3", "only 2", test_per_letter=3)


def test_a_label_out_of_range(tmp_path):
    labels = labels_of(PER_LETTER)
    labels[5] = 62
    files = official() | {TRAIN_LABELS: idx(labels), TRAIN_IMAGES: idx(pictures(labels, 1))}
    refused(zipped(tmp_path / "emnist.zip", files), TRAIN_LABELS, "label 62", "0..61")


@pytest.mark.parametrize(
    ("shape", "says"),
    [((248, 28, 27), "28x27"), ((248, 32, 32), "248x32x32"), ((247, 28, 28), "247 images"), ((248, 1, 784), "1x784")],
)
def test_images_of_a_wrong_shape_or_number(tmp_path, shape, says):
    files = official() | {TRAIN_LABELS: idx(labels_of(4)), TRAIN_IMAGES: idx(np.zeros(shape))}
    refused(zipped(tmp_path / "emnist.zip", files), TRAIN_IMAGES, says)


@pytest.mark.parametrize("magic", [b"\0\0\x08\x03", b"\0\0\x0d\x01", b"\x08\x01\0\0", b"\x1f\x8b\x08\0"])
def test_labels_that_are_no_idx_file_of_bytes(tmp_path, magic):
    labels = idx(labels_of(PER_LETTER))
    path = zipped(tmp_path / "emnist.zip", official() | {TRAIN_LABELS: magic + labels[4:]})
    refused(path, TRAIN_LABELS, "no idx file", magic.hex())


@pytest.mark.parametrize("name", [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS])
@pytest.mark.parametrize("kept", [0, 3, 4, 7, 13, 16, 100, -1])
def test_a_file_that_is_cut_short(tmp_path, name, kept):
    files = official()
    files[name] = files[name][:kept]
    refused(zipped(tmp_path / "emnist.zip", files), name, "cut short")


@pytest.mark.parametrize("name", [TRAIN_IMAGES, TRAIN_LABELS])
def test_a_file_that_is_longer_than_its_header_says(tmp_path, name):
    files = official()
    files[name] += b"\0"
    refused(zipped(tmp_path / "emnist.zip", files), name, "longer than its header says")


@pytest.mark.parametrize("name", [TRAIN_IMAGES, TRAIN_LABELS])
@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_gz_that_is_cut_short_inside_a_whole_archive(tmp_path, name, kept):
    path = zipped(tmp_path / "emnist.zip", {n: d for n, d in official().items() if n != name})
    packed = gzip.compress(official()[name])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"gzip/{name}.gz", packed[: int(len(packed) * kept)])
    refused(path, f"emnist.zip:gzip/{name}.gz")


@pytest.mark.parametrize("kept", [0.05, 0.5, 0.95, 0.9999])
def test_an_archive_that_is_cut_short(tmp_path, kept):
    path = zipped(tmp_path / "emnist.zip", official())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    refused(path, "emnist.zip can't be read")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_archive_is_refused_in_one_sentence_or_gives_the_right_letters(tmp_path, compression):
    path = zipped(tmp_path / "emnist.zip", official(), compression=compression)
    whole, expected = path.read_bytes(), load_path(path).train.fingerprint()
    rng = np.random.default_rng(0)
    refusals = 0
    for k in range(40):
        data = bytearray(whole)
        first = 0 if k % 2 else len(data) - 600  # every second time in the directory at the end
        for place in rng.integers(first, len(data), 4):
            data[place] ^= int(rng.integers(1, 256))
        path.write_bytes(data)
        try:
            fingerprint = load_path(path).train.fingerprint()
        except UserError:
            refusals += 1
        else:
            assert fingerprint == expected
    assert refusals > 20


def test_an_encrypted_archive(tmp_path):
    path = zipped(tmp_path / "emnist.zip", official())
    data = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := data.find(signature, place + 1)) >= 0:
            data[place + flags] |= 1
    path.write_bytes(data)
    refused(path, "can't be read", "encrypted")


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        (TRAIN_LABELS, (2**32 - 1,)),
        (TRAIN_LABELS, (2_000_000,)),
        (TRAIN_IMAGES, (2**32 - 1, 28, 28)),
        (TRAIN_IMAGES, (2**32 - 1, 2**32 - 1, 2**32 - 1)),
        (TRAIN_IMAGES, (251, 2**32 - 1, 1)),
        (TRAIN_IMAGES, (2_000_000, 28, 28)),
    ],
)
def test_a_header_that_claims_more_than_there_is_costs_no_memory(tmp_path, name, sizes):
    data = bytes([0, 0, 8, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + bytes(100)
    path = zipped(tmp_path / "emnist.zip", official() | {name: data})
    assert peak(lambda: refused(path, name)) < 20_000_000


def test_labels_and_images_that_agree_on_a_huge_count_cost_no_memory_either(tmp_path, monkeypatch):
    count = 1_000_000
    labels = idx((np.arange(count) % 26 + 10).astype(np.uint8))
    images = bytes([0, 0, 8, 3]) + struct.pack(">3I", count, 28, 28) + bytes(28 * 28 * 3)
    path = zipped(tmp_path / "emnist.zip", official() | {TRAIN_LABELS: labels, TRAIN_IMAGES: images})
    zeros = []
    monkeypatch.setattr(torch, "zeros", lambda *shape: zeros.append(shape))
    assert peak(lambda: refused(path, TRAIN_IMAGES, "cut short")) < 60_000_000
    assert zeros == []


def test_a_bomb_is_not_unpacked(tmp_path):
    path = zipped(tmp_path / "emnist.zip", official())
    bomb = gzip.compress(idx(labels_of(PER_LETTER, 3)) + bytes(50_000_000), 9)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"gzip/{TRAIN_LABELS}.gz", bomb)
        archive.writestr("other.bin", bytes(50_000_000))
    assert path.stat().st_size < 100_000
    assert peak(lambda: refused(path, TRAIN_LABELS, "longer than its header says")) < 10_000_000


@pytest.mark.parametrize("prefix", ["../", "../../gzip/", "/", "/else/../", "C:\\", "gzip/../../"])
def test_names_that_lead_out_of_an_archive_write_nothing(tmp_path, home, prefix):
    folder = tmp_path / "a" / "b"
    zipped(folder / "emnist.zip", official() | {"escaped": b"x"}, prefix=prefix)
    before = sorted(tmp_path.rglob("*"))
    if prefix.endswith("\\"):
        refused(folder / "emnist.zip", "emnist.zip")
    else:
        assert len(load_path(folder / "emnist.zip").test) == 26 * TEST_PER_LETTER
    assert sorted(tmp_path.rglob("*")) == before
    assert not Path(f"/{TRAIN_LABELS}.gz").exists()
