"""Gradient descent, one sample at a time: W <- W - alpha v h^T (Kantack 2020, 6 and 20).

Shapes: v [1, out], h [1, in].
"""

from __future__ import annotations

from torch import Tensor

from letterocr.config import VanillaConfig
from letterocr.optim.update import Update


class Vanilla:
    """Plain descent with a fixed learning rate alpha (Kantack 2020, 6, 20)."""

    def __init__(self, config: VanillaConfig, learning_rate: float) -> None:
        self.learning_rate = learning_rate

    def step(self, errors: list[Tensor], inputs: list[Tensor]) -> list[Update]:
        """W_k <- W_k - alpha v_k h_k^T, b_k <- b_k - alpha v_k (20)."""
        steps = [v * -self.learning_rate for v in errors]
        return [Update(d.mT, h, d[0]) for d, h in zip(steps, inputs, strict=True)]

    def state(self) -> dict[str, Tensor]:
        """Nothing: plain descent has no memory."""
        return {}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Nothing to take up."""
