"""EMNIST read from idx files that the test writes itself; no network, and never the user's own cache."""

from __future__ import annotations

import gzip
import socket
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import emnist as emnist_package
import numpy as np
import pytest
import torch
import torchvision
from helpers import one_sentence, peak

from letterocr.base.errors import UserError
from letterocr.config.data import EmnistConfig
from letterocr.data.emnist import load
from letterocr.data.letters import ALPHABET, BOX, SIDE, Split

TRAIN_IMAGES, TRAIN_LABELS = "emnist-byclass-train-images-idx3-ubyte", "emnist-byclass-train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "emnist-byclass-test-images-idx3-ubyte", "emnist-byclass-test-labels-idx1-ubyte"
L = ALPHABET.index("L")
PER_LETTER = 4  # training letters of each class, and TEST_PER_LETTER for the test
TEST_PER_LETTER = 2


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """An empty home, and no way out of the machine."""

    def closed(*arguments, **options):
        raise OSError("the test has no network")

    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(socket, "create_connection", closed)
    monkeypatch.setattr(socket, "getaddrinfo", closed)
    return home


def idx(array: np.ndarray) -> bytes:
    """An idx file of bytes, as LeCun describes it."""
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(">u1").tobytes()


def upright_l() -> np.ndarray:
    picture = np.zeros((28, 28), dtype=np.uint8)
    picture[4:24, 6:9] = 255
    picture[21:24, 6:20] = 255
    return picture


def pictures(labels: np.ndarray, part: int) -> np.ndarray:
    """As EMNIST stores them: transposed. An L is drawn; any other picture tells its label, part and place."""
    stored = np.zeros((len(labels), 28, 28), dtype=np.uint8)
    stored[:, 10, 11] = labels
    stored[:, 12, 13] = part
    stored[:, 14, 15] = np.arange(len(labels)) % 251
    stored[labels == 10 + L] = upright_l().T
    return stored


def labels_of(per_letter: int, extra_o: int = 0) -> np.ndarray:
    """By-class labels: digits, capitals and lower case in turn; O, the 14th capital from 0, is more frequent."""
    return np.concatenate([np.tile(np.arange(62), per_letter), np.full(extra_o, 10 + 14)]).astype(np.uint8)


def official() -> dict[str, bytes]:
    """The four files of by-class EMNIST, small."""
    train, test = labels_of(PER_LETTER, extra_o=3), labels_of(TEST_PER_LETTER, extra_o=1)
    return {
        TRAIN_IMAGES: idx(pictures(train, 1)),
        TRAIN_LABELS: idx(train),
        TEST_IMAGES: idx(pictures(test, 2)),
        TEST_LABELS: idx(test),
    }


def zipped(path: Path, files: dict[str, bytes], prefix: str = "gzip/", compression: int = zipfile.ZIP_STORED) -> Path:
    """As the official download: gzipped files inside of a zip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(f"{prefix}{name}.gz", gzip.compress(data, 1))
    return path


def load_path(path: Path, **fields) -> Split:
    return load(EmnistConfig(**{"path": str(path), "test_per_letter": TEST_PER_LETTER} | fields))


def refused(path: Path | None, *parts: str, **fields) -> str:
    fields = {"path": None if path is None else str(path), "test_per_letter": TEST_PER_LETTER} | fields
    with pytest.raises(UserError) as raised:
        load(EmnistConfig(**fields))
    return one_sentence(raised.value, *parts)


# What is read


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


# Where it is found


def test_the_cache_of_the_emnist_package_is_found(home):
    cached = Path(emnist_package.get_cached_data_path())
    assert cached == home / ".cache" / "emnist" / "emnist.zip"
    zipped(cached, official())
    split = load(EmnistConfig(test_per_letter=TEST_PER_LETTER))
    assert len(split.train) == 26 * PER_LETTER + 3


def test_a_tilde_in_the_path_is_the_home(home):
    zipped(home / "my.zip", official())
    assert len(load(EmnistConfig(path="~/my.zip", test_per_letter=1)).test) == 26


def test_a_path_goes_before_the_cache(tmp_path, home):
    zipped(home / ".cache" / "emnist" / "emnist.zip", {})
    assert len(load_path(zipped(tmp_path / "emnist.zip", official())).train) == 26 * PER_LETTER + 3


def test_no_cache_and_no_network_is_one_sentence_that_says_where_to_put_which_file(home, capsys):
    text = refused(None, "no network", "emnist.zip", "~/.cache/emnist/emnist.zip", "data.path=FILE")
    assert "Traceback" not in text
    assert "downloading EMNIST" in capsys.readouterr().out
    assert [p for p in home.rglob("*") if p.is_file()] == []


@pytest.fixture
def download(monkeypatch) -> Callable[[Callable[[Path], None]], list[str]]:
    """Replaces torchvision's download; gives the list of addresses and digests that were asked for."""

    def replace(write: Callable[[Path], None]) -> list[str]:
        asked = []

        def download_url(url, root, filename, md5):
            asked.append((url, md5))
            write(Path(root) / filename)

        monkeypatch.setattr(torchvision.datasets.utils, "download_url", download_url)
        return asked

    return replace


def test_without_a_cache_torchvisions_file_is_downloaded_once(home, download):
    asked = download(lambda path: zipped(path, official()))
    for _ in range(2):
        assert len(load(EmnistConfig(test_per_letter=TEST_PER_LETTER)).test) == 26 * TEST_PER_LETTER
    assert asked == [(torchvision.datasets.EMNIST.url, torchvision.datasets.EMNIST.md5)]
    assert [p for p in home.rglob("*") if p.is_file()] == [home / ".cache" / "letterocr" / "emnist.zip"]


@pytest.mark.parametrize("error", [URLError("no route"), RuntimeError("File not found or corrupted."), TimeoutError()])
def test_a_download_that_breaks_off_leaves_nothing_and_is_one_sentence(home, download, error):
    def broken(path: Path) -> None:
        path.write_bytes(b"the first half")
        raise error

    download(broken)
    refused(None, "can't be downloaded", str(error), "~/.cache/emnist/emnist.zip")
    assert [p for p in home.rglob("*") if p.is_file()] == []
    asked = download(lambda path: zipped(path, official()))
    load(EmnistConfig(test_per_letter=TEST_PER_LETTER))
    assert len(asked) == 1


def test_a_download_that_the_emnist_package_left_half_done_is_named(home):
    cached = home / ".cache" / "emnist" / "emnist.zip"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"")
    refused(None, str(cached), "can't be read")


# What is refused


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


# What asks for too much


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


# Real handwriting


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
