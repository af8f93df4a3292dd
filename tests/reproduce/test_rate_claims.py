"""The claim about learning rates: what is left of the loss, against descent itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers import random_letters

from letterocr.config.data import SyntheticConfig
from letterocr.data.letters import Split
from letterocr.reproduce import rate_claims as claims
from letterocr.reproduce.finding import Material


@pytest.mark.parametrize("alpha", [1e-4, 5e-4])
def test_what_is_left_is_what_descent_leaves(alpha: float) -> None:
    a, w = torch.rand(26, 900, generator=torch.Generator().manual_seed(0)).double(), torch.zeros(26, 900).double()
    c = torch.eye(26).double()
    for _ in range(claims.STEPS):
        w -= alpha * (w @ a.mT - c) @ a / 26
    assert claims.measure_left_over(a, alpha) == pytest.approx(float((w @ a.mT - c).square().sum() / 26), rel=1e-9)


def test_the_claim_holds_under_conditions() -> None:
    letters = random_letters(400, seed=0)
    finding = claims.judge_best_rate(Material(Split(letters, letters), SyntheticConfig(), Path("unused")))
    assert finding.verdict.startswith("holds only if")
    lecun, best, limit = (float(list(finding.numbers.values())[k]) for k in (2, 3, 4))
    assert lecun < best < limit
    assert limit == pytest.approx(2 * lecun, rel=1e-3)
    assert list(finding.figures) == ["rates"]
