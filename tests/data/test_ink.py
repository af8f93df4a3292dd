"""Pictures of any size, polarity and file format give the same letter; what is no letter gets one sentence."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import one_sentence
from PIL import Image, ImageDraw

from letterocr.base.errors import UserError
from letterocr.data.ink import find_white, normalise, normalise_all, read
from letterocr.data.letters import BOX, SIDE

PEN = 6


def drawn_l(size: int = 60, margin: int = 10, pen: int = PEN) -> np.ndarray:
    """An L, ink 1 on paper 0: the stem at the left, the foot at the bottom, as high as it is wide or higher."""
    page = np.zeros((size, size), dtype=np.float32)
    page[margin : size - margin, margin + 5 : margin + 5 + pen] = 1
    page[size - margin - pen : size - margin, margin + 5 : size - margin - 5] = 1
    return page


def image_of(ink: np.ndarray) -> Image.Image:
    """Black ink on white paper."""
    return Image.fromarray((255 * (1 - ink)).round().astype(np.uint8))


def saved(folder: Path, picture: Image.Image, name: str = "letter.png", **options) -> Path:
    path = folder / name
    picture.save(path, **options)
    return path


def letter(picture: np.ndarray, **options) -> np.ndarray:
    return normalise(picture, "it", **options).view(SIDE, SIDE).numpy()


def box_of(letter: np.ndarray) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of everything that is at least a quarter black; the ends are exclusive."""
    rows, columns = np.flatnonzero((letter > 0.25).any(1)), np.flatnonzero((letter > 0.25).any(0))
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


def assert_is_l(letter: np.ndarray, box: int = BOX, dark: float = 0.5) -> None:
    """Upright, `box` high, centred: ink along the left and the bottom, none in the upper right."""
    top, bottom, left, right = box_of(letter)
    assert max(bottom - top, right - left) == box
    assert abs((top + bottom) / 2 - SIDE / 2) <= 0.5
    assert abs((left + right) / 2 - SIDE / 2) <= 0.5
    assert letter[top + 1 : bottom - 1, left].min() > dark
    assert letter[bottom - 1, left + 1 : right - 1].min() > dark
    assert letter[: (top + bottom) // 2, (left + right) // 2 + 2 :].max() < 0.1


def refused(call, *parts: str) -> str:
    with pytest.raises(UserError) as raised:
        call()
    return one_sentence(raised.value, *parts)


# Pictures that are arrays


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float64])
def test_arrays_of_zeros_and_ones_and_of_bytes_give_the_same_letter(kind):
    expected = letter(drawn_l())
    assert np.array_equal(letter(drawn_l().astype(kind)), expected)
    if kind is not bool:
        assert np.array_equal(letter((255 * drawn_l()).astype(kind)), expected)
    assert np.array_equal(letter(torch.from_numpy(drawn_l().astype(kind))), expected)


def test_colour_and_transparency_in_an_array_are_read_as_in_a_file(tmp_path):
    shape = (*drawn_l().shape, 1)
    colours = np.where(drawn_l()[..., None] > 0, [200, 30, 60], [20, 110, 20]).astype(np.uint8)
    path = saved(tmp_path, Image.fromarray(colours))
    assert np.array_equal(letter(colours), letter(read(path)))
    ink = np.concatenate([np.zeros((*shape[:2], 3)), drawn_l()[..., None]], 2)  # black, opaque where there is ink
    assert_is_l(letter(ink))
    assert_is_l(letter(ink.astype(np.uint8) * 255))


def test_many_pictures_are_each_read_as_they_are_alone():
    pages = [drawn_l(), 1 - drawn_l(100, 20), drawn_l(41, 3).astype(np.uint8)]
    letters = normalise_all(((f"page {i}", page) for i, page in enumerate(pages)), box=20)
    assert letters.shape == (3, SIDE * SIDE)
    for given, page in zip(letters, pages, strict=True):
        assert torch.equal(given, normalise(page, "alone", 20))
    refused(lambda: normalise_all([("page 7", np.zeros((9, 9)))]), "page 7", "blank")


@pytest.mark.parametrize("shape", [(9,), (9, 9, 2), (2, 9, 9, 3), (0, 9), (9, 0, 3)])
def test_an_array_of_another_shape_is_no_picture(shape):
    refused(lambda: letter(np.ones(shape)), "it has the shape", str(shape))


@pytest.mark.parametrize("level", [-1.0, np.nan, np.inf])
def test_levels_that_are_no_grey(level):
    page = drawn_l()
    page[3, 3] = level
    refused(lambda: letter(page), "it holds levels", "finite and not negative")


# Finding the ink


@pytest.mark.parametrize(("size", "margin"), [(24, 2), (60, 10), (61, 7), (300, 30), (1000, 200)])
def test_a_letter_of_any_size_is_upright_as_large_as_the_box_and_centred(size, margin):
    assert_is_l(letter(drawn_l(size, margin, pen=size // 10)))


@pytest.mark.parametrize("box", [10, 19, 20, 24, 25, 30])
def test_the_longer_side_is_as_large_as_asked(box):
    assert_is_l(letter(drawn_l(), box=box), box)


@pytest.mark.parametrize(("height", "width"), [(40, 10), (10, 40), (33, 32), (7, 7), (1, 50), (50, 1)])
def test_a_filled_rectangle_keeps_its_proportions(height, width):
    page = np.zeros((80, 90), dtype=np.float32)
    page[11 : 11 + height, 21 : 21 + width] = 1
    top, bottom, left, right = box_of(letter(page))
    scale = BOX / max(height, width)
    assert (bottom - top, right - left) == (max(1, round(height * scale)), max(1, round(width * scale)))
    assert letter(page).max() == 1
    inked = letter(page)[top:bottom, left:right]
    assert inked.min() > 0.99


def test_dark_on_light_is_light_on_dark():
    np.testing.assert_allclose(letter(1 - drawn_l()), letter(drawn_l()), atol=1e-6)


@pytest.mark.parametrize(("ink", "paper"), [(0.2, 0.5), (0.9, 0.7), (0.0, 0.11)])
def test_weak_contrast_is_stretched(ink, paper):
    page = paper + (ink - paper) * drawn_l()
    np.testing.assert_allclose(letter(page), letter(drawn_l()), atol=1e-5)


def test_where_the_letter_stands_on_the_page_does_not_matter():
    small = drawn_l()
    page = np.zeros((200, 150), dtype=np.float32)
    page[130:190, 3:63] = small
    np.testing.assert_array_equal(letter(page), letter(small))


def test_specks_are_not_part_of_the_letter():
    page = drawn_l()
    for y, x in ((1, 1), (3, 55), (57, 2), (58, 58), (12, 50)):
        page[y, x] = 1
    page[1:3, 30:32] = 1  # 4 of 370 pixels: about 1 %
    np.testing.assert_allclose(letter(page), letter(drawn_l()), atol=1e-6)


def test_strokes_that_do_not_touch_all_belong_to_the_letter():
    page = np.zeros((60, 60), dtype=np.float32)
    page[10:50, 10:16] = 1
    page[10:50, 40:46] = 1  # an H without its bar
    top, bottom, left, right = box_of(letter(page))
    assert (bottom - top, right - left) == (24, round(36 * 24 / 40))


def test_a_thick_pen_that_touches_the_border_is_ink():
    page = np.zeros((40, 40), dtype=np.float32)
    page[:, :8] = 1
    page[32:, :28] = 1  # 40 + 28 + 8 of the 160 pixels of the border: less than half
    for picture in (page, 1 - page):
        top, bottom, left, right = box_of(letter(picture))
        assert bottom - top == 24
        assert letter(picture)[top:bottom, left].min() > 0.9
        assert letter(picture)[top, right - 1] < 0.1


def test_a_thin_pen_on_a_large_page_is_as_black_as_a_thick_one():
    page = np.zeros((1200, 1200), dtype=np.float32)
    page[50:1150, 100] = 1
    page[1149, 100:900] = 1
    thin = letter(page)
    assert thin.max() == 1
    assert_is_l(thin, dark=0.4)  # the corner, where both strokes meet, is twice as dark


def test_a_grey_rim_stays_grey():
    page = np.zeros((40, 40), dtype=np.float32)
    page[8:32, 12:20] = 1
    page[8:32, 20] = 0.6
    inked = letter(page)[3:27]
    assert set(np.unique(inked.round(2))) == {0, np.float32(0.6), 1}


def test_noise_on_the_paper_is_not_ink():
    noise = np.random.default_rng(0).uniform(0, 0.2, (60, 60)).astype(np.float32)
    noisy = np.maximum(drawn_l(), noise)
    assert_is_l(letter(noisy))
    assert np.abs(letter(noisy) - letter(drawn_l())).mean() < 0.02


@pytest.mark.parametrize("seed", range(4))
def test_normalising_twice_changes_little(seed):
    rng = np.random.default_rng(seed)
    picture = Image.new("L", (90, 120), 255)
    points = [tuple(map(int, p)) for p in rng.integers((15, 15), (75, 105), (5, 2))]
    ImageDraw.Draw(picture).line(points, fill=20, width=7)
    once = letter(np.asarray(picture, dtype=np.float32) / 255)
    twice = letter(once)
    assert np.abs(twice - once).mean() < 0.01


def test_the_picture_that_was_given_is_not_changed():
    page = drawn_l()
    kept = page.copy()
    normalise(page, "it")
    np.testing.assert_array_equal(page, kept)


def test_the_letter_is_what_a_network_takes():
    result = normalise(drawn_l(), "it")
    assert result.shape == (900,)
    assert result.dtype == torch.float32
    assert 0 <= result.min() < result.max() == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 3), (5, 700), (700, 5)])
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_page_of_one_colour_is_blank(shape, level):
    refused(lambda: letter(np.full(shape, level, dtype=np.float32)), "it is blank")


def test_the_noise_of_a_blank_page_is_no_ink():
    page = 0.9 + 0.08 * np.random.default_rng(0).uniform(size=(50, 50)).astype(np.float32)
    refused(lambda: letter(page), "it is blank")


@pytest.mark.parametrize("size", [(3, 3), (4, 4), (9, 2), (2, 9), (5000, 20), (20, 5000)])
def test_pages_of_odd_sizes_are_read(size):
    page = np.zeros(size, dtype=np.float32)
    page[size[0] // 2, size[1] // 2] = 1
    assert letter(page)[3:27, 3:27].min() > 0.99  # one pixel, drawn as large as the box


@pytest.mark.parametrize("page", [[[0, 1]], [[0], [1]], [[0, 1], [0, 1]], [[0, 0], [1, 1]], [[0, 0.4], [0.6, 1]]])
def test_a_page_that_is_half_ink_is_read_somehow(page):
    half = letter(np.array(page, dtype=np.float32))
    assert half.max() == 1
    assert np.isfinite(half).all()


# Reading files


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


# What can't be read


def test_a_missing_file(tmp_path):
    refused(lambda: read(tmp_path / "none.png"), "none.png", "no such file")


def test_a_folder_is_no_picture(tmp_path):
    refused(lambda: read(tmp_path), str(tmp_path), "can't be read")


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


# Real handwriting


@pytest.mark.shared
def test_scans_of_25_writers_are_as_large_as_the_box_centred_and_stay_so(shared_data):
    with np.load(shared_data / "writers25.npz") as file:
        scans = file["images"][::16].astype(np.float32) / 255
    letters = torch.stack([normalise(scan, f"scan {i}") for i, scan in enumerate(scans)])
    boxes = np.array([box_of(x.view(SIDE, SIDE).numpy()) for x in letters])
    longer = np.maximum(boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2])
    assert (longer == BOX).mean() > 0.99
    off_centre = np.abs(boxes[:, [0, 2]] + boxes[:, [1, 3]] - SIDE).max(1) / 2
    assert (off_centre <= 0.5).mean() > 0.99
    again = torch.stack([normalise(x.view(SIDE, SIDE).numpy(), "again") for x in letters])
    assert (again - letters).abs().mean() < 0.001
    inverted = torch.stack([normalise(1 - scan, "inverted") for scan in scans])
    assert (inverted - letters).abs().max() < 1e-5
