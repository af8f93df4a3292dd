"""Learning-rate schedules, against their closed forms and PyTorch's schedulers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from letterocr.optimizers.rate_schedule import LearningRate


@pytest.mark.parametrize(("kind", "end"), [("constant", 0.3), ("linear", 0.0), ("cosine", 0.0), ("inverse", 0.03)])
def test_starts_at_alpha_and_ends_where_it_says(kind: str, end: float) -> None:
    rate = LearningRate(kind, 0.3, 50)
    assert rate.at(0, 1)[0] == pytest.approx(0.3)
    assert rate.at(50, 1)[0] == pytest.approx(end, abs=1e-15)


@pytest.mark.parametrize("kind", ["linear", "cosine"])
def test_equals_torch(kind: str) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = {
        "linear": lambda: torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, 20),
        "cosine": lambda: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20),
    }[kind]()
    expected = []
    for _ in range(20):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    np.testing.assert_allclose(LearningRate(kind, 0.3, 20).at(0, 20), expected, atol=1e-12)
    np.testing.assert_array_equal(LearningRate(kind, 0.3, 20).at(7, 5), LearningRate(kind, 0.3, 20).at(0, 20)[7:12])
