"""A letter in every kind of composed picture is found as on plain paper; each step does what it says."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from composed_pictures import KINDS
from no_letters import NO_LETTERS
from own_letters import glyph
from page_drawing import blank, line

from letterocr.data.ink import BlankError, find_ink, normalise
from letterocr.data.layout import find_lines, list_letters
from letterocr.data.lighting import even_out, flatten, is_light_on_dark, measure_pen, part_ink
from letterocr.data.pieces import (
    drop_apart,
    drop_blobs,
    drop_cut,
    drop_faint,
    drop_foreign,
    drop_frames,
    drop_underlines,
    find_pieces,
    is_sheet,
)
from letterocr.data.rulings import measure_runs, put_back_darker, remove_hairs, remove_rulings

HARD = {
    "shadow of blinds",
    "turned sheet on a table",
    "turned sheet on light wood",
    "large photo, turned, uneven light",
}
E = np.pad(glyph(4), 3)


def stroke(page: np.ndarray, *boxes: tuple[int, int, int, int]) -> np.ndarray:
    """Ink in boxes of left, top, right, bottom."""
    for left, top, right, bottom in boxes:
        page[top:bottom, left:right] = True
    return page


@pytest.mark.parametrize("kind", sorted(set(KINDS) - HARD))
def test_a_letter_is_found_as_on_plain_paper(kind):
    plain = normalise(KINDS["plain paper"](np.random.default_rng(1), E, 0.0), "plain")
    found = normalise(KINDS[kind](np.random.default_rng(1), E, 0.6), kind)
    assert np.corrcoef(found, plain)[0, 1] > 0.85


def test_a_page_of_lines_alone_is_blank():
    page = blank()
    for k in range(30, 600, 60):
        line(page, (0, k), (600, k), (90, 90, 90), 3)
    with pytest.raises(BlankError, match="it is blank"):
        find_ink(page.astype(np.uint8), "it")


def test_the_paper_follows_a_shadow_with_a_hard_edge():
    light = np.full((200, 200), 0.9, np.float32)
    light[:, 120:] = 0.4
    levels = light.copy()
    levels[90:110, 40:160] *= 0.3
    contrast, paper = flatten(levels, 20)
    np.testing.assert_allclose(paper, light, atol=1 / 255)
    np.testing.assert_allclose(contrast[95:105, 50:150], 0.7, atol=0.02)
    assert contrast[:80].max() < 0.01


def test_the_thinner_of_light_and_dark_is_ink():
    page = np.full((200, 200), 0.9, np.float32)
    page[50:150, 60:70] = page[50:60, 60:140] = 0.2
    assert not is_light_on_dark(page)
    assert is_light_on_dark(1 - page)


@pytest.mark.parametrize("width", [4, 9, 20])
def test_the_width_of_a_pen(width):
    ink = stroke(np.zeros((150, 150), bool), (20, 20, 130, 20 + width))
    assert measure_pen(ink) == pytest.approx(width, rel=0.25, abs=1)


def test_faint_ink_under_glare_is_ink_only_if_it_joins_darker_ink():
    contrast, paper = np.zeros((60, 60), np.float32), np.full((60, 60), 0.5, np.float32)
    paper[:, 30:] = 0.9
    contrast[20:24, 5:30] = 0.8
    contrast[20:24, 30:55] = contrast[40:44, 35:55] = 0.2
    found = np.zeros((60, 60), bool)
    found[20:24, 5:55] = True
    assert (part_ink(contrast, paper) == found).all()


def test_strokes_under_glare_are_as_dark_as_the_others():
    contrast = np.zeros((60, 60), np.float32)
    contrast[28:32, 5:55] = np.linspace(0.2, 0.9, 50)
    assert even_out(contrast, 4)[28:32, 5:55].min() > 0.75


def test_the_length_of_runs_is_counted_in_each_column():
    ink = np.array([[1, 0, 1], [1, 1, 0], [0, 1, 1]], bool)
    assert measure_runs(ink).tolist() == [[2, 0, 1], [2, 2, 0], [0, 2, 1]]


@pytest.mark.parametrize("slope", [0, 0.05, -0.15])
def test_rulings_go_and_strokes_that_cross_them_stay(slope):
    letter = stroke(np.zeros((300, 300), bool), (120, 60, 140, 240), (120, 60, 220, 80))
    lines = np.zeros((300, 300), np.uint8)
    for y in range(20, 300, 40):
        cv2.line(lines, (0, y), (299, round(y + slope * 299)), 1, 3)
    rest = remove_rulings(letter | (lines > 0))
    assert (rest & letter).sum() > 0.98 * letter.sum()
    assert (rest & ~letter).sum() < 0.03 * lines.sum()


def test_a_stroke_that_lies_on_a_paler_ruling_stays():
    letter = stroke(np.zeros((300, 300), bool), (120, 98, 130, 204), (120, 200, 200, 204))
    lines = stroke(np.zeros((300, 300), bool), (0, 100, 300, 103), (0, 200, 300, 203))
    contrast = np.where(letter, np.float32(0.8), np.where(lines, np.float32(0.3), np.float32(0)))
    rest = (letter | lines) & ~lines
    assert (put_back_darker(letter | lines, rest, contrast) == letter).all()
    even = np.where(letter | lines, np.float32(0.8), np.float32(0))
    assert (put_back_darker(letter | lines, rest, even) == rest).all()


@pytest.mark.parametrize("seed", [2, 12, 18])
def test_nothing_stays_where_the_lines_of_an_empty_page_cross(seed):
    with pytest.raises(BlankError):
        find_ink(NO_LETTERS["empty pages"](np.random.default_rng([7, seed])), "page")


@pytest.mark.parametrize("boxes", [[(0, 0, 4, 60), (0, 56, 40, 60)], [(0, 0, 40, 4), (18, 0, 22, 60)]])
def test_strokes_of_a_letter_that_fills_its_picture_are_no_rulings(boxes):
    ink = stroke(np.zeros((60, 40), bool), *boxes)
    assert (remove_rulings(ink) == ink).all()


def test_a_hair_in_any_direction_goes():
    letter = stroke(np.zeros((300, 300), bool), (120, 60, 150, 240))
    hair = np.zeros((300, 300), np.uint8)
    cv2.line(hair, (0, 20), (299, 210), 1, 2)
    rest = remove_hairs(letter | (hair > 0), 30)
    assert (rest & letter).sum() > 0.99 * letter.sum()
    assert (rest & ~letter).sum() < 0.1 * hair.sum()


LETTER = [(120, 100, 140, 200), (120, 180, 180, 200)]
FOREIGN = {
    drop_frames: [(40, 40, 260, 44), (40, 256, 260, 260), (40, 40, 44, 260), (256, 40, 260, 260)],
    drop_cut: [(280, 100, 300, 200)],
    drop_blobs: [(20, 60, 44, 84)],
    drop_underlines: [(90, 230, 230, 240)],
    drop_apart: [(240, 100, 250, 130)],
    find_pieces: [(30, 30, 33, 33), (150, 120, 154, 124)],
}


@pytest.mark.parametrize("drop", FOREIGN, ids=lambda drop: drop.__name__)
def test_each_step_drops_what_belongs_to_no_letter(drop):
    ink = stroke(np.zeros((300, 300), bool), *LETTER, *FOREIGN[drop])
    pieces = find_pieces(ink)
    left = pieces if drop is find_pieces else drop(pieces)
    assert left.boxes.tolist() == [[120, 100, 180, 200]]
    if drop not in (drop_apart, find_pieces):
        assert drop_foreign(pieces).boxes.tolist() == left.boxes.tolist()


def test_small_pieces_that_are_fainter_than_the_letter_are_dropped():
    ink = stroke(np.zeros((300, 300), bool), *LETTER, (200, 100, 230, 110), (200, 150, 230, 160))
    contrast = np.where(ink, np.float32(0.8), np.float32(0))
    contrast[100:110, 200:230] = 0.4  # the edge of a shadow
    assert drop_faint(find_pieces(ink), contrast).boxes.tolist() == [[120, 100, 180, 200], [200, 150, 230, 160]]


def test_strokes_that_do_not_touch_are_kept():
    stem, bars = (100, 80, 115, 220), [(125, y, 200, y + 15) for y in (80, 140, 205)]
    ink = stroke(np.zeros((300, 300), bool), stem, *bars)
    assert len(drop_foreign(find_pieces(ink))) == 4


def test_a_sheet_is_told_from_a_filled_letter():
    sheet = stroke(np.zeros((300, 300), bool), (40, 40, 260, 260))
    assert not is_sheet(find_pieces(sheet))
    sheet[100:200, 120:130] = sheet[190:200, 120:180] = False  # a letter on it
    assert is_sheet(find_pieces(sheet))


def test_the_lines_of_a_page_and_their_letters_from_the_left():
    boxes = [(20, 20, 50, 80), (80, 22, 110, 82), (140, 18, 170, 78), (30, 120, 60, 180), (90, 118, 120, 178)]
    pieces = find_pieces(stroke(np.zeros((220, 200), bool), *boxes))
    lines = find_lines(pieces)
    assert [len(parts) for parts in lines] == [3, 2]
    lefts = [[int(pieces.boxes[part, 0].min()) for part in parts] for parts in lines]
    assert lefts == [[20, 80, 140], [30, 90]]


def test_neighbours_may_be_one_letter_if_they_are_near():
    near = find_pieces(stroke(np.zeros((100, 200), bool), (20, 20, 30, 80), (45, 20, 55, 80)))
    (parts,) = find_lines(near)
    assert [(first, end) for first, end, _ in list_letters(near, parts)] == [(0, 1), (0, 2), (1, 2)]
    far = find_pieces(stroke(np.zeros((100, 200), bool), (20, 20, 30, 80), (100, 20, 110, 80)))
    (parts,) = find_lines(far)
    assert [(first, end) for first, end, _ in list_letters(far, parts)] == [(0, 1), (1, 2)]
