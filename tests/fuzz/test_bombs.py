"""Small files that stand for huge ones, and files without an end: they are refused before they take memory."""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from emnist_files import TEST_LABELS, official
from emnist_files import load_path as load_emnist
from fitted import TINY
from fuzzed import Refused, attempt
from own_letters import load_path as load_images

import letterocr
from letterocr.base.errors import UserError
from letterocr.base.files import read_json
from letterocr.base.untrusted import MOST_JSON, MOST_YAML
from letterocr.compose.from_overrides import compose_config
from letterocr.compose.stored_config import read_config
from letterocr.data.picture_files import read
from letterocr.matrix.familiarity import load_familiarity
from letterocr.optimizers.learned.rule_file import read_meta_cost
from letterocr.run.curve import read_curve
from letterocr.run.playback import read_playback
from letterocr.search.space import read_space
from letterocr.sweep.reader import read_run

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
YAML = {
    "laughs": LAUGHS,
    "endless": "a: &a [*a]\n",
    "merged": "a: &a {x: 1}\n" + "".join(f"b{i}: &b{i} {{<<: [*a, *a]}}\n" for i in range(3)) + "b: &b {<<: *b}\n",
    "deep": "a: " + "[" * 900 + "]" * 900,
    "deeper": "a: " + "[" * 20_000,
    "blocks": "- " * 20_000,
    "large": "a: " + "x" * MOST_YAML,
    "python": "a: !!python/object/apply:os.system [exit]\n",
}
JSON = {
    "deep": b"[" * 100_000,
    "deep names": b'{"a":' * 100_000,
    "large": b'{"a": "' + b"x" * MOST_JSON + b'"}',
    "list": b"[1]",
    "digits": b'{"a": ' + b"9" * 10_000 + b"}",
}


def refused(read: Callable[[], object], name: str) -> str:
    found = attempt(read, name)
    assert isinstance(found, Refused)
    return found.text


@pytest.mark.parametrize("kind", YAML)
def test_yaml(tmp_path: Path, kind: str) -> None:
    (tmp_path / "experiment").mkdir()
    for path in ("mine.yaml", "config.yaml", "experiment/mine.yaml"):
        (tmp_path / path).write_text(YAML[kind])
    refused(lambda: read_space(str(tmp_path / "mine.yaml")), "mine.yaml")
    refused(lambda: read_config(tmp_path), "config.yaml")
    refused(lambda: compose_config([f"hydra.searchpath=[{tmp_path}]", "experiment=mine"]), "mine")
    attempt(lambda: read_run(tmp_path), "")


@pytest.mark.parametrize("kind", JSON)
def test_json(tmp_path: Path, kind: str) -> None:
    (tmp_path / "x.json").write_bytes(JSON[kind])
    refused(lambda: read_json(tmp_path / "x.json"), "x.json")


@pytest.mark.parametrize("reader", [read_json, read, lambda path: read_space(str(path)), read_meta_cost])
@pytest.mark.parametrize("what", ["device", "pipe"])
def test_files_without_an_end(tmp_path: Path, reader: Callable[[Path], object], what: str) -> None:
    path = tmp_path / "endless.yaml"
    if what == "device":
        path.symlink_to("/dev/zero")
    else:
        os.mkfifo(path)
    refused(lambda: reader(path), "endless.yaml")


def png(width: int, height: int, data: bytes) -> bytes:
    """A PNG picture of one bit a pixel whose header claims any size."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("sides", [(2**31 - 1, 2**31 - 1), (60_000, 60_000), (2**31 - 1, 1)])
def test_png(tmp_path: Path, sides: tuple[int, int]) -> None:
    (tmp_path / "bomb.png").write_bytes(png(*sides, zlib.compress(bytes(1_000_000), 9)))
    refused(lambda: read(tmp_path / "bomb.png"), "bomb.png")


def test_only_the_formats_that_are_promised_are_opened(tmp_path: Path) -> None:
    """Pillow would start Ghostscript for what is PostScript, whatever the name of the file."""
    text = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(x) print\n%%EOF\n"
    (tmp_path / "letter.png").write_bytes(text)
    refused(lambda: read(tmp_path / "letter.png"), "letter.png")


def npy(shape: tuple[int, ...], kind: str = "|u1") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": kind, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


@pytest.mark.parametrize("claim", [(10**12,), (-1, 10), (3_000_000_000,), (10**30, 10**30)])
def test_npz(tmp_path: Path, claim: tuple[int, ...]) -> None:
    for name in ("snapshots.npz", "familiarity.npz", "own.npz"):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member in ("images", "labels", "sample", "mean"):
                archive.writestr(f"{member}.npy", npy(claim) + bytes(1_000_000))
    refused(lambda: read_playback(tmp_path), "snapshots.npz")
    refused(lambda: load_images(tmp_path / "own.npz"), "own.npz")
    with pytest.raises(UserError, match=r"familiarity.npz: "):
        load_familiarity(tmp_path / "familiarity.npz")


@pytest.mark.parametrize("claim", [(2**32 - 1,), (10**6,)])
def test_idx(tmp_path: Path, claim: tuple[int, ...]) -> None:
    files = official() | {TEST_LABELS: bytes([0, 0, 8, len(claim)]) + struct.pack(f">{len(claim)}I", *claim)}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    refused(lambda: load_emnist(tmp_path), TEST_LABELS)


def test_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal values take no room: a curve of any number of samples in some kilobytes."""
    monkeypatch.setattr("letterocr.base.parquet.ROWS", 1_000)
    (tmp_path / "config.yaml").write_text("seed: 0\n")
    zeros = np.zeros(100_000)
    table = pa.table({"replica": zeros.astype(np.int32), "sample": zeros.astype(np.int64), "test_error": zeros})
    pq.write_table(table, tmp_path / "curve.parquet")
    assert (tmp_path / "curve.parquet").stat().st_size < 10_000
    assert "it claims 100,000 rows" in refused(lambda: read_curve(tmp_path), "curve.parquet")


@pytest.mark.parametrize("header", [2**63, 2**40, 100_000_001, 8])
def test_safetensors(tmp_path: Path, header: int) -> None:
    (tmp_path / "rule.safetensors").write_bytes(header.to_bytes(8, "little") + b"{" * 100)
    refused(lambda: read_meta_cost(tmp_path / "rule.safetensors"), "rule.safetensors")


@pytest.mark.parametrize("field", ["replicas: 1000000000", "hidden: [1000000000]", "dtype: save", "samples: 1e30"])
def test_a_config_that_asks_for_too_much(tmp_path: Path, field: str) -> None:
    run = letterocr.fit(**TINY | {"samples": 3, "engine": "reference"}, output=tmp_path)
    assert run.folder
    text = (run.folder / "config.yaml").read_text()
    name = field.partition(":")[0]
    lines = [line if line.strip().partition(":")[0] != name else line[: len(line) - len(line.lstrip())] + field
             for line in text.splitlines()]  # fmt: skip
    (run.folder / "config.yaml").write_text("\n".join(lines) + "\n")
    refused(lambda: letterocr.load(run.folder).curve, "")
