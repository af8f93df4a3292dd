"""The scalars of a block, against matrices stepped one by one."""

from __future__ import annotations

import numpy as np
import pytest

from letterocr.engine.momentum import make_tables


@pytest.mark.parametrize(("momentum", "decay"), [(0.0, 0.0), (0.9, 0.0), (0.0, 0.1), (0.7, 0.05)])
def test_tables_equal_separate_steps(momentum: float, decay: float) -> None:
    random = np.random.default_rng(0)
    weight, late, rates = random.normal(size=(3, 4)), random.normal(size=(3, 4)), random.uniform(0.01, 0.1, 6)
    gradients = random.normal(size=(6, 3, 4))
    w, m = make_tables(rates, momentum, decay)
    basis = np.concatenate([weight[None], late[None], gradients])
    for t in range(7):
        np.testing.assert_allclose(np.tensordot(w[t], basis, 1), weight, atol=1e-13)
        if momentum:
            np.testing.assert_allclose(np.tensordot(m[t], basis, 1), late, atol=1e-13)
        if t < 6:
            late = momentum * late + gradients[t] + decay * weight
            weight = weight - rates[t] * late
