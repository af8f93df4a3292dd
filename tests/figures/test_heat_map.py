"""Heat maps of a sweep: which fields are the axes, and that nothing is averaged without a word."""

from __future__ import annotations

import math

import numpy as np
import pytest

from letterocr.figures.heat_map import choose_axes, draw_heat_map, make_heat_map
from letterocr.figures.png import make_figure

COLUMNS = {"model": ["two", "two", "three", "three"] * 2, "rate": [0.1, 1.0] * 4, "batch": [1] * 4 + [2] * 4}
ERRORS = [0.2, 0.9, 0.5, 0.3, 0.25, 0.8, 0.4, math.inf]


def describe(name: str, value: object) -> str:
    return f"{value}"


def test_the_axes_are_the_fields_with_the_most_values_and_a_third_one_gives_facets():
    sizes = {"seeded": [1, 2, 1, 2], "rate": [1, 2, 3, 4]}
    assert choose_axes(sizes, None, None) == ("rate", "seeded", "")
    assert choose_axes(COLUMNS, None, None) == ("model", "rate", "batch")
    assert choose_axes(COLUMNS, "batch", None) == ("batch", "model", "rate")
    assert choose_axes({"rate": [1, 2]}, None, None) is None
    assert choose_axes({}, None, None) is None


def test_a_cell_is_the_best_of_what_is_not_an_axis_and_the_map_says_so():
    found = make_heat_map(COLUMNS, ERRORS, ("rate", "model", ""), describe)
    assert (found.columns, found.rows, found.others) == (["0.1", "1.0"], ["three", "two"], ["batch"])
    np.testing.assert_array_equal(found.facets[""], [[0.4, 0.3], [0.2, 0.8]])


def test_facets_keep_the_third_field_apart_and_missing_cells_are_empty():
    found = make_heat_map(COLUMNS, ERRORS, ("rate", "model", "batch"), describe)
    assert list(found.facets) == ["1", "2"]
    np.testing.assert_array_equal(found.facets["1"], [[0.5, 0.3], [0.2, 0.9]])
    np.testing.assert_array_equal(found.facets["2"], [[0.4, math.inf], [0.25, 0.8]])
    part = make_heat_map({"a": [1, 2], "b": [1, 2]}, [0.1, 0.2], ("a", "b", ""), describe)
    np.testing.assert_array_equal(part.facets[""], [[0.1, np.nan], [np.nan, 0.2]])


def test_the_picture_has_per_cent_and_marks_what_diverged():
    figure = make_figure(8, 4)
    draw_heat_map(
        figure, make_heat_map(COLUMNS, ERRORS, ("rate", "model", "batch"), describe), ("x", "y", "e", "f"), True
    )
    texts = [[text.get_text() for text in axes.texts] for axes in figure.axes[:2]]
    assert texts == [["50.0", "30.0", "20.0", "90.0"], ["40.0", "diverged", "25.0", "80.0"]]
    assert [axes.get_title() for axes in figure.axes[:2]] == ["f: 1", "f: 2"]


@pytest.mark.parametrize("value", [math.inf, 0.0])
def test_equal_values_are_drawn(value):
    found = make_heat_map({"a": [1, 2], "b": [3, 3]}, [value, value], ("a", "b", ""), describe)
    figure = make_figure(4, 4)
    draw_heat_map(figure, found, ("a", "b", "samples", ""), False)
    figure.draw_without_rendering()
