"""Pictures of sweeps: what is drawn is read back from the axes."""

from __future__ import annotations

import math

import matplotlib
import numpy as np
import pytest

from letterocr.figures.hyperparameters import (
    bin_values,
    draw_heat_map,
    draw_history,
    draw_importance,
    draw_parallel,
    draw_slice,
    is_logarithmic,
    make_heat_table,
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
    assert make_scale([0.01, 1.0]).labels == ["0.01", "0.0316", "0.1", "0.316", "1"]
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


def test_a_cell_is_the_median():
    table, x, y = make_heat_table([1, 1, 1, 2], ["a", "a", "a", "b"], [0.1, 0.5, 0.2, 0.4])
    assert (x, y) == (["1", "2"], ["a", "b"])
    np.testing.assert_equal(table, [[0.2, np.nan], [np.nan, 0.4]])
    table, _, _ = make_heat_table([1, 1], [1, 1], [math.inf, 100.0])
    assert table.tolist() == [[math.inf]]


def test_the_heat_map_has_the_medians_and_marks_what_was_not_reached(axis):
    draw_heat_map(axis, [1, 2, 1], [3, 3, 4], [0.25, 0.5, math.inf], ("x", "y", "error"))
    np.testing.assert_equal(np.ma.filled(axis.images[0].get_array(), np.nan), [[0.25, 0.5], [np.nan, np.nan]])
    assert sorted(text.get_text() for text in axis.texts) == ["25.0", "50.0", "∞"]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("x", "y")
    assert [t.get_text() for t in axis.get_yticklabels()] == ["3", "4"]


@pytest.mark.parametrize("value", [math.inf, 0.0])
def test_a_heat_map_of_equal_values_is_drawn(axis, value):
    draw_heat_map(axis, [1, 2], [3, 3], [value, value], ("x", "y", "error"))


def test_parallel_coordinates_have_a_line_a_setting_the_best_on_top(axis):
    draw_parallel(axis, {"rate": [0.01, 1.0, 0.1], "rule": ["a", "b", "a"]}, [0.3, math.inf, 0.2], "error")
    (lines,) = axis.collections
    segments = lines.get_segments()
    np.testing.assert_allclose(segments[-1][:, 1], [0.5, 0, 0])  # 0.1, a, 0.2
    assert lines.get_array()[-1] == 0.2
    assert len(segments) == 3
    assert [t.get_text() for t in axis.get_xticklabels()] == ["rate", "rule", "error"]
    assert {"0.01", "a", "b", "0.2"} <= {t.get_text() for t in axis.texts}


def test_the_history_follows_the_best_whole_trial(axis):
    draw_history(axis, [0, 1, 2, 3], [0.5, 0.1, 0.6, 0.4], [False, True, False, False])
    early, whole, best = axis.lines
    assert early.get_xydata().tolist() == [[1, 10]]
    assert whole.get_xdata().tolist() == [0, 2, 3]
    np.testing.assert_allclose(best.get_ydata(), [50, 50, 40])


def test_a_slice_is_logarithmic_where_the_search_was(axis):
    draw_slice(axis, [0.1, 0.2], [0.5, 0.6], True, "rate")
    assert axis.get_xscale() == "log"
    np.testing.assert_allclose(axis.lines[0].get_ydata(), [50, 60])


def test_a_slice_of_words_has_their_names(axis):
    draw_slice(axis, ["b", "a", "b"], [0.5, 0.6, 0.7], False, "rule")
    assert axis.lines[0].get_xdata().tolist() == [1, 0, 1]
    assert [t.get_text() for t in axis.get_xticklabels()] == ["a", "b"]


def test_the_most_important_field_is_on_top(axis):
    draw_importance(axis, {"a": 0.7, "b": 0.1, "c": 0.2})
    assert [round(bar.get_width()) for bar in axis.patches] == [10, 20, 70]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["b", "c", "a"]
