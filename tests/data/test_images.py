"""Your own pictures in a folder; every mistake in them is one sentence before training."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from own_letters import assert_are_glyphs, counts, load_path, make_folder, make_npz, refused
from PIL import Image

from letterocr.config.data import ImagesConfig
from letterocr.data.images import load


def test_a_folder_of_pictures_of_any_size_format_and_polarity(tmp_path):
    split = load_path(make_folder(tmp_path / "own"))
    assert counts(split.train) == [2] * 26
    assert counts(split.test) == [1] * 26
    assert split.train.writers is None
    assert_are_glyphs(split.train)
    assert_are_glyphs(split.test)


def test_other_files_and_hidden_ones_are_passed_over(tmp_path):
    folder = make_folder(tmp_path / "own")
    for place in ("A/notes.txt", "B/Thumbs.db", "C/.hidden.png", "readme.md"):
        (folder / place).write_bytes(b"no picture")
    (folder / "other").mkdir()
    assert len(load_path(folder).train) == 52


def test_a_tilde_is_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    make_npz(tmp_path / "own.npz")
    assert len(load(ImagesConfig(path="~/own.npz", test_per_letter=1)).test) == 26


def test_no_path():
    refused("", "data=images needs data.path=")


def test_a_path_that_is_not_there_or_neither_folder_nor_npz(tmp_path):
    for name in ("none", "none.npz"):
        refused(tmp_path / name, f"data.path={tmp_path / name} does not exist")
    (tmp_path / "letters.zip").write_bytes(b"")
    refused(tmp_path / "letters.zip", "neither a folder nor an .npz")


def test_folders_of_digits(tmp_path):
    folder = make_folder(tmp_path / "own")
    refused(folder, str(folder), "has no folder 0/: it needs one folder for each of A..Z, 0..9.", classes="all")
    for digit, letter in enumerate("ABCDEFGHIJ"):
        shutil.copytree(folder / letter, folder / str(digit))
    digits, both = (load_path(folder, classes=classes) for classes in ("digits", "all"))
    assert digits.train.count_classes().tolist() == [2] * 10
    assert both.train.count_classes().tolist() == [2] * 36
    assert both.train.alphabet[digits.train.classes + 16 :] == digits.train.alphabet == "0123456789"
    assert_are_glyphs(digits.train)  # the 0 is the glyph of A, and so on


def test_a_missing_class_folder(tmp_path):
    folder = make_folder(tmp_path / "own")
    shutil.rmtree(folder / "Q")
    refused(folder, str(folder), "no folder Q/")


@pytest.mark.parametrize("other", [None, "letter.xcf", ".letter.png"])
def test_an_empty_class_folder(tmp_path, other):
    folder = make_folder(tmp_path / "own")
    shutil.rmtree(folder / "Q")
    (folder / "Q").mkdir()
    if other:
        (folder / "Q" / other).write_bytes(b"x")
    refused(folder, str(folder / "Q"), "no picture", "at least one of Q")


def test_an_empty_folder(tmp_path):
    refused(tmp_path, "no folder A/")


def test_a_folder_that_may_not_be_read(tmp_path, monkeypatch):
    folder = make_folder(tmp_path / "own")
    iterdir = Path.iterdir

    def closed(self):
        if self == folder / "C":
            raise PermissionError(13, "Permission denied")
        return iterdir(self)

    monkeypatch.setattr(Path, "iterdir", closed)
    refused(folder, f"{folder / 'C'} can't be read (Permission denied)", "permissions")


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "can't be read as a picture"), (b"\x89PNG\r\n\x1a\nbroken", "can't be read"), (None, "is blank")],
)
def test_a_picture_that_is_none_is_named(tmp_path, content, says):
    folder = make_folder(tmp_path / "own")
    bad = folder / "K" / "bad.png"
    if content is None:
        Image.new("L", (30, 30), 255).save(bad)
    else:
        bad.write_bytes(content)
    refused(folder, str(bad), says)


def test_a_folder_named_like_a_picture(tmp_path):
    folder = make_folder(tmp_path / "own")
    (folder / "K" / "deep.png").mkdir()
    refused(folder, "deep.png", "is a folder")


@pytest.mark.shared
def test_scans_of_25_writers(shared_data, tmp_path):
    with np.load(shared_data / "writers25.npz") as file:
        kept = file["writers"] % 3 == file["writers"].min() % 3
        whole = {name: file[name][kept] for name in ("images", "labels", "writers")}
    np.savez(tmp_path / "some.npz", **whole)
    split = load(ImagesConfig(path=str(tmp_path / "some.npz")))
    assert counts(split.test) == [20] * 26
    assert set(split.train.writers.tolist()).isdisjoint(split.test.writers.tolist())
    taken = len(split.test.writers.unique())
    assert 2 <= taken <= 4  # each writer wrote about ten of each letter
    assert len(split.train.writers.unique()) + taken == len(np.unique(whole["writers"]))
    train_mean = torch.stack([split.train.images[split.train.labels == c].mean(0) for c in range(26)])
    nearest = torch.cdist(split.test.images, train_mean).argmin(1)
    assert (nearest == split.test.labels).float().mean() > 0.6  # labels and images belong together
    assert split.train.box() == 24


def test_folders_named_train_and_test_are_the_parts(tmp_path):
    make_folder(tmp_path / "own" / "train")
    make_folder(tmp_path / "own" / "test", per_letter=1)
    split = load_path(tmp_path / "own")
    assert (counts(split.train), counts(split.test)) == ([3] * 26, [1] * 26)
    assert_are_glyphs(split.train)
    assert counts(load_path(tmp_path / "own", train_per_letter=2).train) == [2] * 26


def test_what_is_left_out_is_counted_and_named(tmp_path, monkeypatch):
    folder = make_folder(tmp_path / "own")
    assert load_path(folder).notes == ()
    monkeypatch.setattr("letterocr.data.picture_files.has_heic", lambda: False)
    for name in ("A/1.HEIC", "B/2.heic", "B/notes.txt"):
        (folder / name).write_bytes(b"no picture")
    (note,) = load_path(folder).notes
    assert note == (
        f"{folder}: 3 files are no pictures that can be read; left out: 2 .heic, 1 .txt (A/1.HEIC, B/2.heic, "
        "B/notes.txt). To read HEIC: pip install 'letterocr[heic]'."
    )


def test_a_dark_edge_does_not_change_a_letter(tmp_path):
    folder = make_folder(tmp_path / "own")
    plain = load_path(folder)
    for file in folder.rglob("*.*"):
        with Image.open(file) as picture:
            page = np.array(picture.convert("L").resize((200, 200), Image.Resampling.NEAREST))
        page[:, :3] = 255 - page[100, 5]
        Image.fromarray(page).save(file)
    edged = load_path(folder)
    assert torch.equal(plain.train.labels, edged.train.labels)
    assert (plain.train.images - edged.train.images).abs().mean() < 0.02
