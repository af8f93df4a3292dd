"""Files of letters and pictures, damaged in every way: idx, gzip, zip, npz, PNG and other pictures."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from emnist_files import TEST_LABELS, TRAIN_IMAGES, official, zipped
from emnist_files import load_path as load_emnist
from fuzzed import Damage, Refused, attempt, damage, damages, tries
from hypothesis import given
from own_letters import glyph, make_npz
from own_letters import load_path as load_images
from PIL import Image

from letterocr.data import picture_files
from letterocr.data.letters import Split

PICTURES = ["PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM"]


def same(one: object, other: Split) -> bool:
    return isinstance(one, Split) and one.fingerprint() == other.fingerprint()


@pytest.fixture(scope="module")
def emnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("emnist")
    for name, data in official().items():
        (folder / name).write_bytes(data)
    zipped(folder / "emnist.zip", official())
    return folder


@pytest.mark.parametrize("name", [TEST_LABELS, TRAIN_IMAGES])
@tries(20, 1)
@given(done=damages())
def test_idx_files(emnist: Path, name: str, done: list[Damage]) -> None:
    data = official()[name]
    (emnist / name).write_bytes(damage(data, done))
    attempt(lambda: load_emnist(emnist), "emnist")
    (emnist / name).write_bytes(data)


@tries(20, 1)
@given(done=damages())
def test_gzip_files_are_read_as_they_were_written_or_not_at_all(emnist: Path, done: list[Damage]) -> None:
    (emnist / TEST_LABELS).unlink(missing_ok=True)
    (emnist / f"{TEST_LABELS}.gz").write_bytes(damage(gzip.compress(official()[TEST_LABELS], mtime=0), done))
    try:
        found = attempt(lambda: load_emnist(emnist), TEST_LABELS)
    finally:
        (emnist / f"{TEST_LABELS}.gz").unlink()
        (emnist / TEST_LABELS).write_bytes(official()[TEST_LABELS])
    assert isinstance(found, Refused) or same(found, load_emnist(emnist))


@tries(20, 0.5)
@given(done=damages())
def test_zip_files_are_read_as_they_were_written_or_not_at_all(emnist: Path, done: list[Damage]) -> None:
    path = emnist / "damaged.zip"
    path.write_bytes(damage((emnist / "emnist.zip").read_bytes(), done))
    found = attempt(lambda: load_emnist(path), "damaged.zip")
    assert isinstance(found, Refused) or same(found, load_emnist(emnist / "emnist.zip"))


@pytest.fixture(scope="module")
def npz(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Split, Path]:
    folder = tmp_path_factory.mktemp("npz")
    path = make_npz(folder / "own.npz", 2)
    return path.read_bytes(), load_images(path), folder / "damaged.npz"


@tries(20, 0.5)
@given(done=damages())
def test_npz_files_are_read_as_they_were_written_or_not_at_all(npz: tuple[bytes, Split, Path], done) -> None:
    data, whole, path = npz
    path.write_bytes(damage(data, done))
    found = attempt(lambda: load_images(path), "damaged.npz")
    if not isinstance(found, Refused) and not same(
        found, whole
    ):  # only the name of an array that is not needed may be gone
        with zipfile.ZipFile(path) as archive:
            assert "writers.npy" not in archive.namelist()


@pytest.mark.parametrize("member", ["images", "labels", "writers"])
@tries(20, 0.5)
@given(done=damages())
def test_arrays_with_a_right_checksum(npz: tuple[bytes, Split, Path], member: str, done: list[Damage]) -> None:
    with zipfile.ZipFile(io.BytesIO(npz[0])) as whole, zipfile.ZipFile(npz[2], "w") as archive:
        for name in whole.namelist():
            data = whole.read(name)
            start = data[:80] if name == f"{member}.npy" else data  # most of the damages in the header
            archive.writestr(name, damage(start, done) + data[len(start) :] if start is not data else data)
    attempt(lambda: load_images(npz[2]), "damaged.npz")


def picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(255 - glyph(0, 30)).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", PICTURES)
@tries(12, 1)
@given(done=damages())
def test_pictures(tmp_path: Path, kind: str, done: list[Damage]) -> None:
    path = tmp_path / f"damaged.{kind.lower()}"
    path.write_bytes(damage(picture(kind), done))
    found = attempt(lambda: picture_files.read(path), path.name)
    if not isinstance(found, Refused):
        assert isinstance(found, np.ndarray)
        assert 0 <= found.min() <= found.max() <= 1
