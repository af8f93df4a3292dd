"""Damaged and hostile .npz files: they are refused, run nothing and cost no memory."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers import peak
from own_letters import arrays, load_path, make_npz, refused

from letterocr.base.errors import UserError


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
