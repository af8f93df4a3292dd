"""Curves read back from run folders, and their median and quartiles on an axis."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pytest

from letterocr.base.errors import UserError
from letterocr.engine.records import Records
from letterocr.figures.error_curves import draw_band
from letterocr.run.curve import Curve, read_curve


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    curve = Curve(4, 3)
    curve.test_error[0] = 1.0
    errors = np.array([[0.9, 0.8, 0.7], [np.nan] * 3, [0.5, 0.1, 0.3], [0.2, 0.2, 0.2]])
    curve.add(Records(np.ones((4, 3)), np.zeros((4, 3), bool), errors))
    curve.save(tmp_path / "curve.parquet")
    return tmp_path


def test_reads_the_measured_samples(folder: Path) -> None:
    samples, errors = read_curve(folder)
    assert samples.tolist() == [0, 1, 3, 4]
    assert errors.tolist() == [[1, 1, 1], [0.9, 0.8, 0.7], [0.5, 0.1, 0.3], [0.2, 0.2, 0.2]]


def test_draws_median_and_quartiles(folder: Path) -> None:
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots()
    draw_band(axis, *read_curve(folder), "name")
    np.testing.assert_allclose(axis.lines[0].get_ydata(), [100, 80, 30, 20])
    band = axis.collections[0].get_paths()[0].vertices[:, 1]
    assert {20.0, 40.0} <= set(np.round(band, 6))  # quartiles of 10, 30, 50 lie half-way to the median
    plt.close(figure)


def test_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"curve\.parquet can't be read"):
        read_curve(tmp_path)
