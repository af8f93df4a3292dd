"""Median and quartiles of test errors on axes."""

from __future__ import annotations

import numpy as np
import pytest

from letterocr.figures.error_curves import LineStyle, draw_band, label_error_axes
from letterocr.figures.png import make_figure

INF, NAN = float("inf"), float("nan")


@pytest.fixture
def axes():
    return make_figure(4, 3).subplots()


def edge_of(axes) -> set[float]:
    """The heights of the band's corners."""
    return set(np.round(axes.collections[0].get_paths()[0].vertices[:, 1], 6).tolist())


def test_a_band_is_median_and_quartiles(axes):
    errors = np.array([[1, 1, 1], [0.9, 0.8, 0.7], [0.5, 0.1, 0.3], [0.2, 0.4, 0.8]])
    draw_band(axes, np.array([0, 1, 3, 4]), errors, "name")
    (line,) = axes.lines
    assert line.get_xdata().tolist() == [0, 1, 3, 4]
    np.testing.assert_allclose(line.get_ydata(), [100, 80, 30, 40])
    assert line.get_label() == "name"
    assert {20.0, 40.0, 30.0, 60.0} <= edge_of(axes)  # quartiles of 10, 30, 50 lie half-way to the median


def test_a_curve_ends_where_half_have_diverged_and_its_band_where_a_quarter_has(axes):
    errors = np.array([[0.5] * 5, [0.4, 0.4, 0.4, 0.4, INF], [0.3, 0.3, 0.3, INF, INF], [0.2, 0.2, INF, INF, INF]])
    draw_band(axes, np.arange(4), errors, "name")
    assert axes.lines[0].get_xdata().tolist() == [0, 1, 2]
    assert set(axes.collections[0].get_paths()[0].vertices[:, 0].tolist()) == {0, 1}


def test_one_network_has_no_band_and_what_was_not_measured_is_left_out(axes):
    draw_band(axes, np.arange(3), np.array([[0.5], [NAN], [0.25]]), "name")
    assert axes.lines[0].get_xydata().tolist() == [[0, 50], [2, 25]]
    assert not axes.collections


def test_a_style_is_that_of_line_and_band(axes):
    style = LineStyle("C3", "--", 1.5, 0.1)
    draw_band(axes, np.arange(2), np.array([[0.5, 0.4], [0.3, 0.2]]), "name", style)
    line, band = axes.lines[0], axes.collections[0]
    assert (line.get_color(), line.get_linestyle(), line.get_linewidth()) == ("C3", "--", 1.5)
    assert band.get_alpha() == 0.1


def test_axes_of_errors_have_a_legend_where_there_is_a_curve(axes):
    label_error_axes(axes)
    assert (axes.get_xlabel(), axes.get_ylim(), axes.get_legend()) == ("samples learned", (0, 100), None)
    draw_band(axes, np.arange(2), np.array([[0.5], [0.4]]), "name")
    label_error_axes(axes, outside=True)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["name"]
