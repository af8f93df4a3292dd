"""Pictures of sweeps: what is drawn is read back from the axes."""

from __future__ import annotations

import math

import matplotlib
import numpy as np
import pytest

from letterocr.figures.hyperparameters import (
    bin_values,
    draw_parallel,
    is_logarithmic,
    make_scale,
)


@pytest.fixture
def axis():
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, own = plt.subplots()
    yield own
    figure.canvas.draw()
    plt.close(figure)


def test_numbers_that_span_much_are_placed_by_their_logarithm():
    assert is_logarithmic([0.01, 1.0])
    assert not is_logarithmic([1.0, 10.0])
    assert not is_logarithmic([0.0, 1.0])
    assert not is_logarithmic(["a", 1.0])
    np.testing.assert_allclose(make_scale([0.01, 0.1, 1.0]).places, [0, 0.5, 1])
    np.testing.assert_allclose(make_scale([1, 2, 3]).places, [0, 0.5, 1])
    assert make_scale([0.01, 1.0]).labels == ["0.01", "1"]
    many = make_scale(np.geomspace(0.01, 1, 9).tolist())
    assert many.labels == ["0.01", "0.0316", "0.1", "0.316", "1"]
    assert make_scale([5, 5]).places.tolist() == [0.5, 0.5]


def test_words_are_placed_in_a_row_after_numbers():
    words = make_scale(["b", "a", 3, "b"])
    np.testing.assert_allclose(words.places, [1, 0.5, 0, 1])
    assert words.labels == ["3", "a", "b"]
    assert make_scale([True, False]).labels == ["False", "True"]


def test_few_values_have_a_cell_each_and_many_numbers_share():
    labels, places = bin_values([0.5, 0.1, 0.5, "auto"])
    assert (labels, places.tolist()) == (["0.1", "0.5", "auto"], [1, 0, 1, 2])
    values = np.geomspace(1e-4, 1, 100).tolist()
    labels, places = bin_values(values)
    assert len(labels) == 12
    assert (np.diff(places) >= 0).all()
    assert (places[0], places[-1]) == (0, 11)
    assert np.bincount(places).min() >= 8  # evenly in the logarithm
    middle = math.sqrt(values[0] * 10 ** (-4 + 4 / 12))
    assert float(labels[0]) == pytest.approx(middle, rel=0.01)


def test_parallel_coordinates_have_a_line_a_setting_the_best_on_top(axis):
    draw_parallel(axis, {"rate": [0.01, 1.0, 0.1], "rule": ["a", "b", "a"]}, [0.3, math.inf, 0.2], "error")
    (lines,) = axis.collections
    assert axis.figure.axes[1].get_ylabel() == "error"  # the key of the colours
    segments = lines.get_segments()
    np.testing.assert_allclose(segments[-1][:, 1], [0.5, 0, 0])  # 0.1, a, 0.2
    assert lines.get_array()[-1] == 0.2
    assert len(segments) == 3
    assert [t.get_text() for t in axis.get_xticklabels()] == ["rate", "rule", "error"]
    assert {"0.01", "a", "b", "0.2"} <= {t.get_text() for t in axis.texts}
