"""Arrays of any size, polarity and contrast give the same letter."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from drawn_letters import assert_is_l, box_of, drawn_l, letter, refused, saved
from PIL import Image, ImageDraw

from letterocr.data.ink import normalise, normalise_all
from letterocr.data.letters import BOX, SIDE
from letterocr.data.picture_files import read


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
