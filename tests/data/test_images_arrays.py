"""Own pictures in an .npz file: labels and images of any kind of number; what does not fit is one sentence."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from own_letters import arrays, load_path, make_npz, refused

from letterocr.data.letters import ALPHABET


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


@pytest.mark.parametrize("label", ["", "AB", "?", "Ä", "ß", "ﬆ", "ſ"])
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


def labelled(characters: str) -> np.ndarray:
    """One label for each picture of `arrays`: these characters, and again from the first one."""
    return np.array([characters[i % len(characters)] for i in range(26 * 3)])


def test_only_the_classes_asked_for_are_read(tmp_path):
    path = make_npz(tmp_path / "own.npz", labels=labelled("0123456789ABCdefGHIJKLMNOP"), writers=None)
    split = load_path(path, classes="digits")
    assert split.train.count_classes().tolist() == [2] * 10
    assert split.train.alphabet == "0123456789"
    assert (
        split.notes[0] == f"{path}: 48 of 78 pictures are of other classes than data.classes=digits and are left out."
    )
    numbers = np.tile(np.arange(26) % 10, 3)
    assert load_path(make_npz(tmp_path / "numbers.npz", labels=numbers), classes="digits").train.classes == 10
    digits_last = np.resize(np.arange(36), 78)
    assert (
        load_path(make_npz(tmp_path / "all.npz", labels=digits_last, writers=None), classes="all").train.classes == 36
    )


@pytest.mark.parametrize(
    ("classes", "labels", "parts"),
    [
        ("digits", None, ["labels holds 10; with data.classes=digits a label is one of 0..9 or a number 0..9."]),
        ("all", None, ["no digit 0, 1, 2, 3, 4, 5, 6, 7, 8, 9: each of A..Z, 0..9 needs pictures."]),
        ("digits", labelled(ALPHABET), ["no digit 0, 1", "take another data.classes."]),
        ("letters", labelled("0123456789"), ["no letter A, B", "take another data.classes."]),
    ],
)
def test_a_file_without_the_classes_asked_for(tmp_path, classes, labels, parts):
    labels = arrays()["labels"] if labels is None else labels
    refused(make_npz(tmp_path / "own.npz", labels=labels), "own.npz", *parts, classes=classes)


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


def test_one_picture_of_another_scale_is_named(tmp_path):
    images = (arrays()["images"] // 255).astype(np.float32)
    images[40] *= 255
    refused(make_npz(tmp_path / "own.npz", images=images), "image 40 has levels up to 255", "most others up to 1")
    images = arrays()["images"].astype(np.float32)
    images[[7, 50]] /= 255
    refused(make_npz(tmp_path / "own.npz", images=images), "image 7 has levels up to 1", "2 of 78", "up to 255")


def test_transposed_letters_are_noticed_and_set_upright(tmp_path):
    images = arrays()["images"]
    upright = load_path(make_npz(tmp_path / "own.npz"))
    assert upright.notes == ()
    path = make_npz(tmp_path / "turned.npz", images=images.swapaxes(1, 2))
    (note,) = load_path(path).notes
    assert "look transposed" in note
    assert "data.transpose=true" in note
    mended = load_path(path, transpose=True)
    assert mended.notes == ()
    assert mended.train.fingerprint() == upright.train.fingerprint()
