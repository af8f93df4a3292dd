"""Pictures are checked by the colours at known places."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from letterocr.data.letters import ALPHABET
from letterocr.figures.pictures import (
    LEFT,
    LETTER,
    MARGIN,
    RIGHT,
    TOP,
    WIDTH,
    WRONG,
    colour_weights,
    confusion_matrix,
    draw_learned,
    worst_letters,
)

LABELS = np.repeat(np.arange(26), 20)


def colours(picture: np.ndarray) -> set[tuple[int, ...]]:
    return set(map(tuple, picture.reshape(-1, 3).tolist()))


def is_picture(array: np.ndarray) -> bool:
    return array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3


def test_weights_are_blue_below_zero_red_above_and_neutral_at_zero():
    shades = colour_weights(np.array([-1.0, 0.0, 0.5, 2.0, np.nan]), 1.0).astype(int)
    assert shades[0][2] > shades[0][0] + 20
    assert np.ptp(shades[1]) <= 1
    assert shades[2][0] > shades[2][2] + 20
    assert shades[3].sum() < shades[2].sum()  # darker
    assert shades[4].tolist() == shades[1].tolist()


@pytest.mark.parametrize("rows", [26, 1800, 5])
def test_what_was_learned_fits_the_width_that_is_shown(rows):
    picture = draw_learned(np.random.default_rng(0).normal(size=(rows, 900)), ALPHABET)
    assert is_picture(picture)
    assert picture.shape[1] == WIDTH


def test_the_units_of_the_largest_change_come_first():
    change = np.zeros((40, 900))
    change[7], change[30] = 1.0, 0.5
    picture = draw_learned(change, ALPHABET).astype(int)
    first, second, third = (picture[48 + 30, 10 + 67 * place + 30] for place in range(3))
    assert first[0] > first[2] + 20
    assert first.sum() < second.sum() < third.sum()
    assert np.ptp(third) <= 1


def test_a_change_that_is_zero_or_not_finite_can_be_drawn():
    change = np.zeros((26, 900))
    assert is_picture(draw_learned(change, ALPHABET))
    change[:] = np.nan
    assert is_picture(draw_learned(change, ALPHABET))


def test_tensors_are_taken_too():
    assert is_picture(draw_learned(torch.zeros(3, 900), ALPHABET))
    assert is_picture(confusion_matrix(torch.arange(26), torch.arange(26), ALPHABET))
    assert is_picture(worst_letters(torch.zeros(2, 900), torch.arange(2), torch.zeros(2, 26), ALPHABET))


def test_a_perfect_reader_has_a_green_diagonal_only():
    shades = colours(confusion_matrix(LABELS, LABELS, ALPHABET))
    assert RIGHT in shades
    assert WRONG not in shades


def test_the_row_of_a_confusion_is_the_truth_and_the_column_the_reading():
    predicted = LABELS.copy()
    predicted[LABELS == 2] = 5  # every C is read as F
    difference = (confusion_matrix(LABELS, predicted, ALPHABET)[TOP:, LEFT:] == WRONG).all(axis=2)
    rows, columns = np.nonzero(difference)
    cell = (WIDTH - LEFT - MARGIN) // 26
    assert rows.min() // cell == rows.max() // cell == 2
    assert columns.min() // cell == columns.max() // cell == 5


def test_a_confusion_without_letters_can_be_drawn():
    nothing = np.array([], dtype=int)
    assert is_picture(confusion_matrix(nothing, nothing, ALPHABET))


@pytest.mark.parametrize("alphabet", [ALPHABET[:10], ALPHABET + "0123456789"])
def test_pictures_fit_other_alphabets(alphabet):
    classes = len(alphabet)
    labels = np.arange(classes)
    assert confusion_matrix(labels, labels, alphabet).shape[1] <= LEFT + 9 * 36 + 40
    assert draw_learned(np.zeros((classes, 900)), alphabet).shape[1] == WIDTH
    assert worst_letters(np.zeros((classes, 900)), labels, np.eye(classes), alphabet).shape[1] == WIDTH


def test_the_worst_letter_comes_first():
    images = np.zeros((520, 900))
    images[77] = 1.0  # the only one with ink
    outputs = np.eye(26)[LABELS]
    outputs[77] = np.eye(26)[(LABELS[77] + 1) % 26]
    picture = worst_letters(images, LABELS, outputs, ALPHABET, count=3)
    assert (picture[50 : 50 + LETTER, MARGIN : MARGIN + LETTER] == 0).all()
    assert (picture[50 : 50 + LETTER, MARGIN + 110 : MARGIN + 110 + LETTER] == 255).all()
    assert WRONG in colours(picture)


def test_fewer_letters_than_asked_for_and_outputs_not_finite_can_be_drawn():
    assert is_picture(worst_letters(np.zeros((2, 900)), np.array([3, 25]), np.full((2, 26), np.nan), ALPHABET))


def test_pictures_are_the_same_every_time():
    outputs = np.random.default_rng(0).normal(size=(520, 26))
    images = np.random.default_rng(1).random((520, 900))
    once, again = (worst_letters(images, LABELS, outputs, ALPHABET) for _ in range(2))
    assert np.array_equal(once, again)
