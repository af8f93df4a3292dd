"""Pictures are checked by the colours at known places."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from letterocr.data.letters import ALPHABET
from letterocr.figures.pictures import RIGHT, WRONG, confusion_matrix, weight_images, worst_letters

LABELS = np.repeat(np.arange(26), 20)


def colours(picture: np.ndarray) -> set[tuple[int, ...]]:
    return set(map(tuple, picture.reshape(-1, 3).tolist()))


def is_picture(array: np.ndarray) -> bool:
    return array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3


def test_weights_are_blue_below_zero_red_above_and_neutral_at_zero():
    weight = np.zeros((1, 900), np.float32)
    weight[0, :30], weight[0, 30:60] = 1.0, -1.0  # the first two lines of the image
    picture = weight_images(weight, ALPHABET).astype(int)
    middle = [picture[46 + 3 * line + 1, 14 + 3 * 15] for line in range(3)]
    assert middle[0][0] > middle[0][2] + 20
    assert middle[1][2] > middle[1][0] + 20
    assert np.ptp(middle[2]) <= 1
    assert middle[2].min() > 240


def test_weights_share_one_scale():
    weight = np.zeros((2, 900), np.float32)
    weight[0], weight[1] = 1.0, 0.25
    picture = weight_images(weight, ALPHABET).astype(int)
    strong, weak = picture[90, 14 + 45], picture[90, 14 + 96 + 45]
    assert strong.sum() + 150 < weak.sum()


@pytest.mark.parametrize(("rows", "shown"), [(26, 26), (1800, 64), (5, 5)])
def test_weights_of_every_layer_size_fit(rows, shown):
    weight = np.random.default_rng(0).normal(size=(rows, 900))
    picture = weight_images(weight, ALPHABET)
    assert is_picture(picture)
    columns, cell = (7, 130) if rows == 26 else (min(8, shown), 96)
    assert picture.shape[1] == 28 + columns * cell - (10 if rows == 26 else 6)


def test_weights_that_are_zero_or_not_finite_can_be_drawn():
    weight = np.zeros((26, 900))
    assert is_picture(weight_images(weight, ALPHABET))
    weight[:] = np.nan
    assert is_picture(weight_images(weight, ALPHABET))


def test_tensors_are_taken_too():
    assert is_picture(weight_images(torch.zeros(3, 900), ALPHABET))
    assert is_picture(confusion_matrix(torch.arange(26), torch.arange(26), ALPHABET))
    assert is_picture(worst_letters(torch.zeros(2, 900), torch.arange(2), torch.zeros(2, 26), ALPHABET))


def test_a_perfect_reader_has_a_green_diagonal_only():
    shades = colours(confusion_matrix(LABELS, LABELS, ALPHABET))
    assert RIGHT in shades
    assert WRONG not in shades


def test_the_row_of_a_confusion_is_the_truth_and_the_column_the_reading():
    predicted = LABELS.copy()
    predicted[LABELS == 2] = 5  # every C is read as F
    difference = (confusion_matrix(LABELS, predicted, ALPHABET) == WRONG).all(axis=2)
    rows, columns = np.nonzero(difference)
    assert (rows.min() - 84) // 26 == (rows.max() - 84) // 26 == 2
    assert (columns.min() - 62) // 26 == (columns.max() - 62) // 26 == 5


def test_a_confusion_without_letters_can_be_drawn():
    nothing = np.array([], dtype=int)
    assert is_picture(confusion_matrix(nothing, nothing, ALPHABET))


@pytest.mark.parametrize("alphabet", [ALPHABET[:10], ALPHABET + "0123456789"])
def test_pictures_are_as_large_as_the_alphabet(alphabet):
    classes = len(alphabet)
    labels = np.arange(classes)
    assert confusion_matrix(labels, labels, alphabet).shape == (84 + 26 * classes + 16, 62 + 26 * classes + 62, 3)
    assert weight_images(np.zeros((classes, 900)), alphabet).shape[1] == 28 + 7 * 130 - 10
    worst = worst_letters(np.zeros((classes, 900)), labels, np.eye(classes), alphabet)
    assert worst.shape[1] == 28 + 3 * (162 + 9 * classes)


def test_the_worst_letter_comes_first():
    images = np.zeros((520, 900))
    images[77] = 1.0  # the only one with ink
    outputs = np.eye(26)[LABELS]
    outputs[77] = np.eye(26)[(LABELS[77] + 1) % 26]
    picture = worst_letters(images, LABELS, outputs, ALPHABET, count=3)
    assert (picture[48 + 10 : 48 + 110, 20 + 10 : 20 + 110] == 0).all()
    assert (picture[48 + 10 : 48 + 110, 20 + 396 + 10 : 20 + 396 + 110] == 255).all()
    assert {RIGHT, WRONG} <= colours(picture)


def test_fewer_letters_than_asked_for_and_outputs_not_finite_can_be_drawn():
    assert is_picture(worst_letters(np.zeros((2, 900)), np.array([3, 25]), np.full((2, 26), np.nan), ALPHABET))


def test_pictures_are_the_same_every_time():
    outputs = np.random.default_rng(0).normal(size=(520, 26))
    images = np.random.default_rng(1).random((520, 900))
    once, again = (worst_letters(images, LABELS, outputs, ALPHABET) for _ in range(2))
    assert np.array_equal(once, again)
