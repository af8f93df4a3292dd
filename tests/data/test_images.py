"""Your own pictures, from a folder or an .npz; every mistake in them is one sentence before training."""

from __future__ import annotations

import io
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import one_sentence, peak
from PIL import Image
from tiny import GLYPHS

from letterocr.base.errors import UserError
from letterocr.config.data import ImagesConfig
from letterocr.data.images import load
from letterocr.data.ink import normalise
from letterocr.data.letters import ALPHABET, Letters, Split


def glyph(letter: int, size: int = 20) -> np.ndarray:
    """The letter [size, size] of 0 and 255, white on black, with a margin; size is a multiple of 10."""
    bits = np.array([[int(bit) for bit in row] for row in GLYPHS[letter].split()], dtype=np.uint8)
    scale = size // 10
    return 255 * np.pad(bits.repeat(scale, 0).repeat(scale, 1), (size - 5 * scale) // 2)


def make_folder(path: Path, per_letter: int = 3) -> Path:
    """A/ ... Z/ with pictures of several sizes, formats and polarities."""
    for c, name in enumerate(ALPHABET):
        (path / name).mkdir(parents=True)
        for k in range(per_letter):
            picture = glyph(c, 20 + 10 * (k % 3))
            suffix = ("png", "bmp", "PNG")[k % 3]
            Image.fromarray(255 - picture if k % 2 else picture).save(path / name / f"{k}.{suffix}")
    return path


def arrays(per_letter: int = 3, **changed) -> dict[str, np.ndarray]:
    """What an .npz holds: each of `per_letter` writers writes every letter once."""
    pictures = np.stack([glyph(c) for _ in range(per_letter) for c in range(26)])
    whole = {
        "images": pictures,
        "labels": np.tile(np.arange(26), per_letter),
        "writers": np.arange(per_letter).repeat(26),
    }
    return {name: array for name, array in (whole | changed).items() if array is not None}


def make_npz(path: Path, per_letter: int = 3, **changed) -> Path:
    np.savez(path, **arrays(per_letter, **changed))
    return path


def load_path(path: Path, **fields) -> Split:
    return load(ImagesConfig(**{"path": str(path), "test_per_letter": 1} | fields))


def refused(path: Path | str, *parts: str, **fields) -> str:
    with pytest.raises(UserError) as raised:
        load_path(Path(path) if path else path, **fields)
    return one_sentence(raised.value, *parts)


def assert_are_glyphs(letters: Letters) -> None:
    """Each picture is the glyph of its label, whatever file it came from."""
    for image, label in zip(letters.images, letters.labels.tolist(), strict=True):
        expected = normalise(glyph(label, 60).astype(np.float32) / 255, "expected")
        assert (image - expected).abs().mean() < 0.05
    assert letters.images.dtype == torch.float32
    assert letters.labels.dtype == torch.int64


def counts(letters: Letters) -> list[int]:
    return torch.bincount(letters.labels, minlength=26).tolist()


# Folders


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
    refused(folder, "deep.png", "can't be read")


# Splitting


def all_different(count: int) -> np.ndarray:
    """`count` pictures of every letter, each with one pixel of ink of its own shade of grey."""
    images = np.stack([glyph(c, 40) for _ in range(count) for c in range(26)])
    for i, image in enumerate(images):
        rows, columns = np.nonzero(image)
        image[rows[i % len(rows)], columns[i % len(rows)]] = 130 + i % 100
    return images


def test_pictures_without_writers_are_parted_at_random_by_the_seed(tmp_path):
    path = make_npz(tmp_path / "own.npz", 6, images=all_different(6), writers=None)
    first, again, other = (load_path(path, test_per_letter=2, seed=seed) for seed in (0, 0, 1))
    assert counts(first.train) == [4] * 26
    assert counts(first.test) == [2] * 26
    assert first.train.fingerprint() == again.train.fingerprint()
    assert first.train.fingerprint() != other.train.fingerprint()


def test_no_picture_is_in_both_parts_and_none_is_lost(tmp_path):
    split = load_path(make_npz(tmp_path / "own.npz", 4, images=all_different(4), writers=None))
    everything = torch.cat([split.train.images, split.test.images])
    assert len(everything) == 104
    assert len(everything.unique(dim=0)) == 104


def test_test_letters_are_of_writers_of_their_own(tmp_path):
    split = load_path(make_npz(tmp_path / "own.npz", 6), test_per_letter=2)
    train, test = split.train.writers.unique().tolist(), split.test.writers.unique().tolist()
    assert len(test) == 2
    assert sorted(train + test) == list(range(6))
    assert counts(split.test) == [2] * 26
    assert counts(split.train) == [4] * 26
    assert_are_glyphs(split.train)


def test_the_seed_draws_the_test_writers(tmp_path):
    path = make_npz(tmp_path / "own.npz", 6)
    drawn = [load_path(path, seed=seed).test.writers.unique().tolist() for seed in (0, 0, 1, 2, 3, 4)]
    assert drawn[0] == drawn[1]
    assert len({tuple(d) for d in drawn}) > 1


@pytest.mark.parametrize(
    "names", [np.array(["ann", "bob", "Cäsar"]), np.array([-5, 10**15, 7]), np.array([0.5, -0.5, 3.25]), None]
)
def test_writers_may_have_any_names(tmp_path, names):
    writers = np.zeros(78, dtype=np.int8) if names is None else names[np.arange(3).repeat(26)]
    split = load_path(make_npz(tmp_path / "own.npz", writers=writers))
    if names is None:  # one writer is in both parts: there is no other
        assert counts(split.train) == [2] * 26
    else:
        assert set(split.train.writers.tolist()).isdisjoint(split.test.writers.tolist())
        assert counts(split.train) == [2] * 26


@pytest.mark.parametrize("seed", range(6))
def test_writers_of_a_few_letters_each_are_drawn_so_that_both_parts_have_every_letter(tmp_path, seed):
    whole = arrays(6)  # writers 0 and 1 wrote A..M, 2 and 3 N..Z, 4 nothing but A, 5 everything
    wrote = [(0, 13), (0, 13), (13, 26), (13, 26), (0, 1), (0, 26)]
    first, last = np.array(wrote)[whole["writers"]].T
    kept = (first <= whole["labels"]) & (whole["labels"] < last)
    path = make_npz(tmp_path / "own.npz", **{name: array[kept] for name, array in whole.items()})
    split = load_path(path, test_per_letter=1, seed=seed)
    assert set(split.train.writers.tolist()).isdisjoint(split.test.writers.tolist())
    assert counts(split.test) == [1] * 26
    assert min(counts(split.train)) >= 1


def test_a_writer_whom_the_test_does_not_need_stays_in_training(tmp_path):
    whole = arrays(8)
    kept = (whole["writers"] < 2) | (whole["labels"] == 0)  # all but two writers wrote nothing but A
    path = make_npz(tmp_path / "own.npz", **{name: array[kept] for name, array in whole.items()})
    for seed in range(4):
        split = load_path(path, test_per_letter=1, seed=seed)
        assert counts(split.train)[0] >= 6
        assert counts(split.train)[1:] == [1] * 25


def test_the_suffix_may_be_upper_case_and_ink_as_light_as_paper_is_told_by_its_colour(tmp_path):
    expected = load_path(make_npz(tmp_path / "grey.npz")).train
    ink = arrays(3)["images"][..., None] > 0
    colours = np.where(ink, [200, 30, 70], [20, 115, 22]).astype(np.uint8)  # as light, by the luma of ITU-R 601
    given = load_path(make_npz(tmp_path / "own.npz", images=colours).rename(tmp_path / "OWN.NPZ")).train
    assert torch.equal(given.labels, expected.labels)
    assert (given.images - expected.images).abs().max() < 0.01


def test_at_most_so_many_training_letters(tmp_path):
    split = load_path(make_npz(tmp_path / "own.npz", 6), train_per_letter=3)
    assert counts(split.train) == [3] * 26


@pytest.mark.parametrize("writers", [True, False])
def test_too_few_letters_for_the_test(tmp_path, writers):
    changed = {} if writers else {"writers": None}
    path = make_npz(tmp_path / "own.npz", **changed)
    text = refused(path, "data.test_per_letter=3", "own.npz", "(3 in all", "add pictures", test_per_letter=3)
    assert ("no writer is in both" in text) == writers
    assert len(load_path(path, test_per_letter=2).train) == 26


def test_a_letter_that_only_one_writer_wrote(tmp_path):
    whole = arrays(3)
    kept = (whole["labels"] != 4) | (whole["writers"] == 1)
    path = make_npz(tmp_path / "own.npz", **{name: array[kept] for name, array in whole.items()})
    refused(path, "too few E (1 in all")


# Arrays


def test_numbers_and_letters_are_labels(tmp_path):
    expected = load_path(make_npz(tmp_path / "own.npz")).train.fingerprint()
    texts = np.tile(np.array(list(ALPHABET)), 3)
    for labels in (texts, np.char.lower(texts), texts.astype("S"), arrays()["labels"].astype(np.uint8)):
        assert load_path(make_npz(tmp_path / "own.npz", labels=labels)).train.fingerprint() == expected


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", ">i4", "int64", "uint64", "float16", "float32", ">f8"])
@pytest.mark.parametrize("white", [1, 255])
@pytest.mark.parametrize("inverted", [False, True])
def test_images_of_any_kind_of_number_and_polarity(tmp_path, dtype, white, inverted):
    bits = arrays()["images"] // 255
    images = ((1 - bits if inverted else bits) * white).astype(dtype)
    split = load_path(make_npz(tmp_path / "own.npz", images=images))
    assert split.train.fingerprint() == load_path(make_npz(tmp_path / "same.npz")).train.fingerprint()


def test_colour_compression_order_and_size(tmp_path):
    expected = load_path(make_npz(tmp_path / "own.npz")).train.images
    whole = arrays()
    rgb = whole | {"images": np.repeat(whole["images"][..., None], 3, -1)}
    fortran = whole | {"images": np.asfortranarray(whole["images"])}
    wide = whole | {"images": np.pad(whole["images"], ((0, 0), (3, 9), (40, 1)))}
    for changed in (rgb, fortran, wide):
        np.savez_compressed(tmp_path / "own.npz", **changed)
        torch.testing.assert_close(load_path(tmp_path / "own.npz").train.images, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["images", "labels"])
def test_a_missing_array(tmp_path, name):
    refused(make_npz(tmp_path / "own.npz", **{name: None}), f"has no array {name}", "images [N, H, W]")


@pytest.mark.parametrize("shape", [(), (78,), (78, 400), (78, 20, 20, 4), (78, 20, 20, 3, 1), (0, 20, 20), (78, 0, 20)])
def test_images_of_a_wrong_shape(tmp_path, shape):
    path = make_npz(tmp_path / "own.npz", images=np.ones(shape, dtype=np.uint8))
    refused(path, "own.npz: images has the shape", str(shape), "[N, H, W]")


@pytest.mark.parametrize("name", ["labels", "writers"])
@pytest.mark.parametrize("shape", [(), (77,), (79,), (78, 1), (78, 26)])
def test_labels_or_writers_of_a_wrong_shape(tmp_path, name, shape):
    path = make_npz(tmp_path / "own.npz", **{name: np.zeros(shape, dtype=np.int64)})
    refused(path, f"own.npz: {name} has the shape {shape}", "78 images")


@pytest.mark.parametrize("label", [-1, 26, 255, 2**40])
def test_a_label_out_of_range(tmp_path, label):
    labels = arrays()["labels"]
    labels[40] = label
    refused(make_npz(tmp_path / "own.npz", labels=labels), f"labels holds {label};", "A..Z", "0..25")


@pytest.mark.parametrize("label", ["", "AB", "1", "Ä", "ß", "ﬆ", "ſ"])
def test_a_label_that_is_no_letter(tmp_path, label):
    labels = np.tile(np.array(list(ALPHABET), dtype="U2"), 3)
    labels[40] = label
    refused(make_npz(tmp_path / "own.npz", labels=labels), f"labels holds {label!r};", "A..Z")


@pytest.mark.parametrize("dtype", ["float64", "complex128", "datetime64[s]", "bool"])
def test_labels_of_a_wrong_type(tmp_path, dtype):
    labels = arrays()["labels"].astype(dtype)
    refused(make_npz(tmp_path / "own.npz", labels=labels), f"labels is of type {dtype}", "0..25")


@pytest.mark.parametrize("dtype", ["complex64", "S3", "U1"])
def test_images_of_a_wrong_type(tmp_path, dtype):
    images = arrays()["images"].astype(dtype)
    refused(make_npz(tmp_path / "own.npz", images=images), "images is of type", "numbers")


@pytest.mark.parametrize(("value", "says"), [(np.nan, "not finite"), (np.inf, "not finite"), (-2, "negative value -2")])
def test_images_with_values_that_are_no_grey_levels(tmp_path, value, says):
    images = arrays()["images"].astype(np.float32)
    images[40, 3, 4] = value
    refused(make_npz(tmp_path / "own.npz", images=images), "own.npz: images holds", says)


def test_a_missing_letter(tmp_path):
    whole = arrays()
    kept = ~np.isin(whole["labels"], [3, 25])
    path = make_npz(tmp_path / "own.npz", **{name: array[kept] for name, array in whole.items()})
    refused(path, "own.npz has no letter D, Z:")


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_image_is_told_by_its_place(tmp_path, level):
    images = arrays()["images"]
    images[40] = level
    refused(make_npz(tmp_path / "own.npz", images=images), "own.npz: image 40 is blank")


# Damaged and hostile files


class Trap:
    """Unpickling this makes a file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("name", ["images", "labels", "writers"])
def test_pickled_objects_are_never_opened(tmp_path, name):
    trap = Trap(str(tmp_path / "sprung"))
    np.savez(tmp_path / "own.npz", **(arrays() | {name: np.array([trap] * 78, dtype=object)}))
    refused(tmp_path / "own.npz", f"own.npz: {name} holds Python objects")
    (tmp_path / "own.npz").write_bytes(pickle.dumps(trap))
    refused(tmp_path / "own.npz", "own.npz can't be read")
    assert not (tmp_path / "sprung").exists()


def test_what_is_no_npz(tmp_path):
    for content in (b"", b"PK", b"not an archive" * 100):
        (tmp_path / "own.npz").write_bytes(content)
        refused(tmp_path / "own.npz", "own.npz can't be read as an .npz", "save it again")
    with zipfile.ZipFile(tmp_path / "own.npz", "w") as archive:
        archive.writestr("images.npy", b"no array")
    refused(tmp_path / "own.npz", "own.npz can't be read")


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_an_npz_that_is_cut_short(tmp_path, kept):
    path = make_npz(tmp_path / "own.npz")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    refused(path, "own.npz can't be read")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_npz_is_refused_in_one_sentence_or_gives_the_right_letters(tmp_path, save):
    path = tmp_path / "own.npz"
    save(path, **arrays(2))
    whole, expected = path.read_bytes(), load_path(path).train.images
    rng = np.random.default_rng(0)
    refusals = 0
    for k in range(40):
        data = bytearray(whole)
        first, end = ((0, 300), (len(data) - 300, len(data)), (0, len(data)))[k % 3]
        for place in rng.integers(first, end, 3):
            data[place] ^= int(rng.integers(1, 256))
        path.write_bytes(data)
        try:
            images = load_path(path).train.images
        except UserError as error:
            refusals += 1
            text = str(error)
        else:
            text = ""
            assert images.shape[1] == expected.shape[1]
        assert "\n" not in text
    assert refusals > 20


def npy(shape: tuple[int, ...], data: bytes, descr: str = "|u1") -> bytes:
    """An .npy file whose header claims any shape."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue() + data


def with_images(path: Path, images: bytes, compression: int = zipfile.ZIP_STORED) -> Path:
    make_npz(path, images=None)
    with zipfile.ZipFile(path, "a", compression) as archive:
        archive.writestr("images.npy", images)
    return path


@pytest.mark.parametrize(
    "shape", [(78, 20, 21), (78, 20, 19), (78, 10_000, 4_000), (-1, 20, 20), (10**9, 10**9, 10**9)]
)
def test_a_header_that_claims_another_size_costs_no_memory(tmp_path, shape):
    path = with_images(tmp_path / "own.npz", npy(shape, bytes(78 * 400)))
    assert peak(lambda: refused(path, "own.npz")) < 3_000_000


def test_a_bomb_is_not_unpacked(tmp_path):
    path = with_images(tmp_path / "own.npz", npy((78, 20, 20), bytes(30_000_000)), zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("other.npy", bytes(30_000_000))
    assert path.stat().st_size < 100_000
    assert peak(lambda: refused(path, "own.npz: images", "31200 bytes")) < 3_000_000


def test_more_than_four_gigabytes_are_refused_by_their_header(tmp_path):
    path = with_images(tmp_path / "own.npz", npy((5_000_000, 40, 40), b""))
    assert peak(lambda: refused(path, "own.npz: images takes 8.0 GB", "less than 4 GB")) < 3_000_000


def test_names_that_lead_out_of_an_archive_write_nothing(tmp_path):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    path = make_npz(folder / "own.npz")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../escaped.npy", npy((1,), b"\0"))
        archive.writestr("/escaped.npy", npy((1,), b"\0"))
    assert len(load_path(path).test) == 26
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path]
    assert not Path("/escaped.npy").exists()


# Real handwriting


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
