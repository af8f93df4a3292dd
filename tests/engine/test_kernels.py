"""The compiled pieces, against NumPy in float64."""

from __future__ import annotations

import numpy as np
import pytest

from letterocr.engine import kernels


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 3e-7), (np.float64, 1e-15)])
def test_squash_is_the_logistic_function(dtype: type, tolerance: float) -> None:
    # float32: 2 units in the last place of exp and 1 of the quotient, each 1.2e-7 at the most
    x = np.linspace(-80, 80, 4001).astype(dtype)
    out = np.empty_like(x)
    kernels.squash(x, dtype(0.5), out)
    np.testing.assert_allclose(out, 1 / (1 + np.exp(-x.astype(np.float64) / 2)), rtol=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_squash_keeps_nan_and_bears_infinity(dtype: type) -> None:
    x = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30], dtype)
    out = np.empty_like(x)
    kernels.squash(x, dtype(1), out)
    assert np.isnan(out[0])
    np.testing.assert_allclose(out[1:], [1, 0, 1, 0], atol=1e-30)


def test_misread_counts_as_argmax_does() -> None:
    random = np.random.default_rng(0)
    outputs = random.integers(0, 5, (200, 26)).astype(np.float32)  # with many ties: the first one counts
    labels, bias = random.integers(0, 26, 200), random.integers(0, 2, 26).astype(np.float32)
    assert kernels.count_misread(outputs, bias, labels) == ((outputs + bias).argmax(1) != labels).sum()
