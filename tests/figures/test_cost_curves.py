"""The curves and profiles that are drawn are those of the outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib
import numpy as np
import pytest

from letterocr.compare.protocol import Final
from letterocr.compare.results import make_error_curve
from letterocr.compare.trial import TrialOutcome
from letterocr.figures.cost_curves import choose_style, draw_errors, draw_profile


@pytest.fixture
def axis() -> Iterator[Any]:
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, made = plt.subplots()
    yield made
    figure.canvas.draw()  # ticks are made then
    plt.close(figure)


def outcome(pace: float, *test: float, diverged: int | None = None) -> TrialOutcome:
    samples = [0, 64, 128][: len(test)]
    return TrialOutcome(samples, [pace * s for s in samples], list(test), list(test), diverged)


def draw(axis: Any, cost: str, *outcomes: TrialOutcome) -> tuple[list[float], list[float]]:
    curve = make_error_curve(Final({}, 1000.0, list(outcomes)), cost)
    draw_errors(axis, {"vanilla": curve}, cost, {"vanilla": 0})
    return axis.lines[0].get_xdata().tolist(), axis.lines[0].get_ydata().tolist()


THREE = (outcome(1, 0.9, 0.5, 0.3), outcome(2, 0.9, 0.4, 0.1), outcome(4, 0.9, 0.6, 0.2))


@pytest.mark.parametrize(
    ("cost", "across"), [("samples", [64, 128]), ("multiply-adds", [64e3, 128e3]), ("seconds", [128, 256])]
)
def test_medians_and_quartiles_against_each_cost(axis: Any, cost: str, across: list[float]) -> None:
    assert draw(axis, cost, *THREE) == (across, pytest.approx([50, 20]))
    band = axis.collections[0].get_paths()[0].vertices[:, 1]
    assert {45.0, 55.0, 15.0, 25.0} <= set(np.round(band, 6))


def test_a_curve_ends_where_half_of_the_runs_diverged(axis: Any) -> None:
    gone = outcome(1, 0.9, 0.5, diverged=128)
    assert draw(axis, "samples", THREE[0], gone, gone) == ([64], pytest.approx([50]))


def test_a_profile_is_the_share_of_solved_pairs(axis: Any) -> None:
    ratios = np.array([[1, 2], [1, np.inf], [4, 1], [np.inf, np.inf]])
    draw_profile(axis, ratios, ["vanilla", "adam"], "samples")
    for line, ends in zip(axis.lines, [(50, 75), (25, 50)], strict=True):
        assert (line.get_ydata()[0], line.get_ydata()[-1]) == ends
        assert line.get_xdata()[0] == 1


def test_no_two_of_twenty_look_alike() -> None:
    assert len({str(choose_style(place)) for place in range(20)}) == 20
