"""Picture files of any mode and format give the same letter; what can't be read gets one sentence."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from drawn_letters import assert_is_l, drawn_l, image_of, letter, refused, saved
from PIL import Image

from letterocr.base.errors import UserError
from letterocr.data.grey import find_white
from letterocr.data.picture_files import list_pictures, read


def test_grey_levels_are_read_as_they_are(tmp_path):
    levels = np.array([[0, 51, 255], [255, 102, 204]], dtype=np.uint8)
    grey = read(saved(tmp_path, Image.fromarray(levels)))
    np.testing.assert_allclose(grey, np.array([[0, 0.2, 1], [1, 0.4, 0.8]]), atol=1e-6)
    assert grey.dtype == np.float32


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_png_gives_the_same_letter(tmp_path, mode):
    picture = image_of(drawn_l())
    if mode == "I;16":
        picture = Image.fromarray((65535 * (1 - drawn_l())).astype(np.uint16))
        assert picture.mode == "I;16"
    else:
        picture = picture.convert(mode)
    np.testing.assert_allclose(letter(read(saved(tmp_path, picture))), letter(drawn_l()), atol=1e-5)


@pytest.mark.parametrize("suffix", ["bmp", "gif", "tif", "webp", "pgm", "ppm", "jpg"])
def test_every_file_format_gives_the_same_letter(tmp_path, suffix):
    options = {"lossless": True} if suffix == "webp" else {"quality": 95} if suffix == "jpg" else {}
    picture = image_of(drawn_l())
    read_back = letter(read(saved(tmp_path, picture, f"letter.{suffix}", **options)))
    np.testing.assert_allclose(read_back, letter(drawn_l()), atol=0.06 if suffix == "jpg" else 1e-5)


def test_jpeg_noise_does_not_move_the_letter(tmp_path):
    path = saved(tmp_path, image_of(drawn_l(200, 30, 20)), "letter.jpg", quality=10)
    assert_is_l(letter(read(path)))
    assert np.abs(letter(read(path)) - letter(drawn_l(200, 30, 20))).mean() < 0.02


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_sixteen_bit_pictures_use_the_bits_of_their_camera(tmp_path, bits):
    levels = ((2**bits - 1) * (1 - drawn_l())).astype(np.uint16)
    grey = read(saved(tmp_path, Image.fromarray(levels)))
    assert grey.max() == pytest.approx(1)
    np.testing.assert_allclose(letter(grey), letter(drawn_l()), atol=1e-5)


def test_white_is_the_end_of_the_range_that_the_levels_are_known_to_use():
    assert [find_white(x) for x in (0.0, 1.0, 200, 256, 4095, 65535, 70000)] == [1, 1, 255, 1023, 4095, 65535, 70000]


def test_floating_point_tiffs_are_read(tmp_path):
    path = saved(tmp_path, Image.fromarray(1 - drawn_l()), "letter.tif")
    np.testing.assert_allclose(letter(read(path)), letter(drawn_l()), atol=1e-5)
    bad = drawn_l()
    bad[3, 4] = np.nan
    path = saved(tmp_path, Image.fromarray(bad), "bad.tif")
    refused(lambda: read(path), "bad.tif", "not finite")


@pytest.mark.parametrize("colour", ["black", "red", "blue", "orange", "green"])
def test_coloured_ink_is_ink(tmp_path, colour):
    page = Image.new("RGB", (60, 60), "white")
    page.paste(colour, mask=image_of(1 - drawn_l()))
    np.testing.assert_allclose(letter(read(saved(tmp_path, page))), letter(drawn_l()), atol=1e-5)


def test_ink_as_light_as_its_paper_is_told_by_its_colour(tmp_path):
    page = Image.new("RGB", (60, 60), (255, 0, 0))
    page.paste((0, 130, 0), mask=image_of(1 - drawn_l()))
    assert np.ptp(np.asarray(page.convert("L"))) < 3
    np.testing.assert_allclose(letter(read(saved(tmp_path, page))), letter(drawn_l()), atol=1e-5)


@pytest.mark.parametrize("ink", ["black", "white", "red", "yellow"])
def test_ink_on_a_transparent_page_is_ink_of_any_colour(tmp_path, ink):
    page = Image.new("RGBA", (60, 60), (0, 0, 0, 0))
    page.paste(ink, mask=image_of(1 - drawn_l()))
    np.testing.assert_allclose(letter(read(saved(tmp_path, page))), letter(drawn_l()), atol=1e-5)


def test_a_palette_with_a_transparent_colour_is_read(tmp_path):
    page = image_of(drawn_l()).convert("P")
    path = saved(tmp_path, page, transparency=255)
    np.testing.assert_allclose(letter(read(path)), letter(drawn_l()), atol=1e-5)


TURNS = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).T,
    8: lambda a: np.rot90(a, -1),
}  # how a camera stores the upright picture under each orientation of EXIF


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_picture_that_the_camera_stored_turned_is_upright(tmp_path, orientation, suffix):
    stored = Image.fromarray(np.ascontiguousarray(TURNS[orientation](np.asarray(image_of(drawn_l(80, 12, 8))))))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, stored, f"turned.{suffix}", exif=exif)
    assert_is_l(letter(read(path)))


def test_a_missing_file(tmp_path):
    refused(lambda: read(tmp_path / "none.png"), "none.png", "no such file")


def test_a_folder_is_no_picture(tmp_path):
    refused(lambda: read(tmp_path), str(tmp_path), "is a folder")


@pytest.mark.parametrize("content", [b"", b"\0", b"not a picture", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff"])
def test_what_is_no_picture(tmp_path, content):
    (tmp_path / "bad.png").write_bytes(content)
    refused(lambda: read(tmp_path / "bad.png"), "bad.png", "can't be read as a picture", "save it again as PNG")


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tif", "webp", "pgm"])
def test_damaged_pictures_are_read_or_refused_in_one_sentence(tmp_path, suffix):
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"exif": exif} if suffix in ("png", "jpg", "webp", "tif") else {}
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 20), dtype=np.uint8)).save(
        buffer, {"jpg": "JPEG", "tif": "TIFF", "pgm": "PPM"}.get(suffix, suffix), **options
    )
    whole = buffer.getvalue()
    rng = np.random.default_rng(1)
    path = tmp_path / f"bad.{suffix}"
    cut = [whole[: len(whole) * k // 12] for k in range(12)]
    flipped = []
    for _ in range(60):
        data = bytearray(whole)
        for place in rng.integers(0, min(len(whole), 300), 3):
            data[place] ^= int(rng.integers(1, 256))
        flipped.append(bytes(data))
    refusals = 0
    for data in cut + flipped:
        path.write_bytes(data)
        try:
            grey = read(path)
        except UserError:
            refusals += 1
        else:
            assert grey.ndim == 2
            assert np.isfinite(grey).all()
    assert refusals > 5
    path.write_bytes(whole)
    assert read(path).shape == (20, 20)


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header claims any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(7072, 7072), (10_000, 10_000), (100_000, 100_000), (2**31 - 1, 2**31 - 1)])
def test_a_picture_too_large_is_refused_by_its_header(tmp_path, size):
    (tmp_path / "bomb.png").write_bytes(png_that_claims(*size))
    refused(lambda: read(tmp_path / "bomb.png"), "bomb.png is too large", "50 megapixels")


def test_a_picture_that_is_less_than_it_claims(tmp_path):
    (tmp_path / "short.png").write_bytes(png_that_claims(100, 100))
    refused(lambda: read(tmp_path / "short.png"), "short.png", "can't be read as a picture")


def test_heic_is_read_with_pillow_heif_and_named_without(tmp_path, monkeypatch):
    path = tmp_path / "letter.HEIC"
    path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(200))
    monkeypatch.setattr("letterocr.data.picture_files.find_spec", lambda name: None)
    refused(lambda: read(path), "letter.HEIC is a HEIC picture", "pip install 'letterocr[heic]'")
    monkeypatch.undo()
    heif = pytest.importorskip("pillow_heif")
    refused(lambda: read(path), "letter.HEIC can't be read")
    heif.from_pillow(image_of(drawn_l(120, 20, 12)).convert("RGB")).save(path)
    assert_is_l(letter(read(path)))


@pytest.mark.parametrize("suffix", ["avif", "jfif"])
def test_further_endings_are_known(tmp_path, suffix):
    from PIL import features

    if suffix == "avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    page = image_of(drawn_l(120, 20, 12))
    path = tmp_path / f"letter.{suffix}"
    page.save(path, format="AVIF" if suffix == "avif" else "JPEG")
    pictures, others = list_pictures(tmp_path.iterdir())
    assert (pictures, others) == ([path], [])
    assert_is_l(letter(read(path)))
