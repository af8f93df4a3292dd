"""Measures of strokes, and their directions, on letters made of bars."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from letterocr.matrix.pen_strokes import count_directions, measure_strokes


def bar(width: int) -> np.ndarray:
    """An upright bar, 20 pixels long: [30, 30]."""
    image = np.zeros((30, 30), np.float32)
    image[5:25, 13 : 13 + width] = 1
    return image


def test_the_strokes_of_a_bar():
    _, (largest, length, uneven, crossed, corners) = measure_strokes(bar(4).ravel())
    assert largest == pytest.approx(4, abs=0.6)
    assert length == pytest.approx(20, rel=0.2)
    assert uneven < 0.1
    assert (crossed, corners) == (2, 4)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_every_pen_is_given_the_same_width(width):
    drawn, (_, length, *_) = measure_strokes(bar(width).ravel())
    assert drawn.reshape(30, 30)[15].sum() == pytest.approx(3, abs=0.7)
    assert length == pytest.approx(20, rel=0.25)


def test_paper_has_no_strokes():
    drawn, measures = measure_strokes(np.zeros(900, np.float32))
    assert not drawn.any()
    assert not measures.any()


def test_the_edges_of_an_upright_bar_run_in_two_directions():
    images = torch.from_numpy(np.stack([bar(4), bar(4).T]).reshape(2, 900))
    counts = count_directions(images).view(2, 8, 64)
    torch.testing.assert_close(counts.flatten(1).norm(dim=1), torch.ones(2))
    ways = counts.square().sum(2)
    assert (ways[0, [0, 4]] > 0.4).all()  # to the right and to the left
    assert (ways[1, [2, 6]] > 0.4).all()  # down and up
