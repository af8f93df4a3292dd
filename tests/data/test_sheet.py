"""A sheet that lies askew is set upright; one that is upright or cut by the picture is left as it is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from letterocr.data.sheet import find_corners, measure_turn, set_upright

SHEET = np.array([(40, 30), (210, 60), (190, 220), (20, 180)], np.float64)


def photo(corners: np.ndarray) -> np.ndarray:
    """A light sheet with one stroke, on a dark table: [240, 240]."""
    levels = np.full((240, 240), 0.3, np.float32)
    cv2.fillPoly(levels, [corners.astype(np.int32)], 0.9)
    middle = corners.mean(0).astype(int)
    cv2.line(levels, (middle[0], middle[1] - 30), (middle[0], middle[1] + 30), 0.1, 6)
    return levels


def test_the_corners_of_a_sheet_are_found_clockwise_from_the_upper_left():
    found = find_corners(photo(SHEET))
    assert found is not None
    np.testing.assert_allclose(found, SHEET, atol=3)


def test_a_turned_sheet_fills_the_upright_picture_and_its_view_leads_back():
    upright, view = set_upright(photo(SHEET))
    height, width = upright.shape
    rim = np.concatenate([upright[0], upright[-1], upright[:, 0], upright[:, -1]])
    assert (rim > 0.8).mean() > 0.97
    corners = np.array([[(0, 0), (width, 0), (width, height), (0, height)]], np.float64)
    np.testing.assert_allclose(cv2.perspectiveTransform(corners, view)[0], SHEET, atol=8)
    ends = np.argwhere(upright < 0.3)[:, ::-1].astype(np.float64)
    in_photo = cv2.perspectiveTransform(ends[None], view)[0]
    np.testing.assert_allclose(in_photo.mean(0), SHEET.mean(0), atol=2)


def test_the_turn_of_a_square():
    angle = np.deg2rad(10)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert measure_turn(np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) @ turn.T) == pytest.approx(10)


@pytest.mark.parametrize(
    "corners", [[(40, 40), (200, 40), (200, 200), (40, 200)], [(-90, 30), (210, 60), (190, 220), (-90, 180)]]
)
def test_a_sheet_that_is_upright_or_cut_is_left_as_it_is(corners):
    assert set_upright(photo(np.array(corners, np.float64))) is None


def test_plain_paper_has_no_outline():
    assert find_corners(np.full((100, 100), 0.9, np.float32)) is None
