"""The compiled pieces, against NumPy in float64."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from letterocr import engine
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


def list_compiled() -> dict[str, Dispatcher]:
    """Every compiled function of the engine."""
    modules = [importlib.import_module(f"{engine.__name__}.{m.name}") for m in pkgutil.iter_modules(engine.__path__)]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Dispatcher)]
    return {f"{f.py_func.__module__}.{f.py_func.__name__}": f for f in found}


@pytest.mark.parametrize("name", sorted(list_compiled()))
def test_what_a_compiled_function_calls_is_put_into_it(name: str) -> None:
    function = list_compiled()[name].py_func
    called = [function.__globals__.get(used) for used in function.__code__.co_names]
    for other in (f for f in called if isinstance(f, Dispatcher)):
        options = other.targetoptions
        shared = options.get("parallel", False)  # these can't be
        assert shared or options.get("forceinline") or options.get("inline") == "always", other.py_func.__name__
