"""The schema of `conf/optimizer/vanilla.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from letterocr.config.contender import DESCENT, Contender, SearchRange
from letterocr.config.network_size import NetworkSize
from letterocr.config.optimizer.method import MethodConfig
from letterocr.config.option import option


@dataclass
class VanillaConfig(MethodConfig):
    """Gradient descent, one sample or batch at a time (6, 20)."""

    name: str = option("vanilla", "the optimizer", choices=("vanilla",))
    momentum: float = option(0.0, "mu in M <- mu M + v h^T, W <- W - alpha M; below 1", low=0, below=1)
    weight_decay: float = option(0.0, "lambda: adds lambda W to the gradient", low=0)

    contenders: ClassVar[dict[str, Contender]] = {
        "vanilla": Contender(("optimizer=vanilla",), (DESCENT,)),
        "momentum": Contender(
            ("optimizer=vanilla", "optimizer.momentum=0.9"),
            (DESCENT, SearchRange("optimizer.momentum", 0.01, below_one=True)),
        ),
    }

    def explain_missing_bound(self) -> str:
        """Explain that the bounds hold without momentum and weight decay only; empty if there is neither."""
        if not (self.momentum or self.weight_decay):
            return ""
        return "the bound holds without momentum and weight decay only; set them to 0, or"

    def count_multiply_adds(self, size: NetworkSize) -> float:
        """Count the multiply-adds of descent; momentum adds 2 P (mu M, alpha M), weight decay adds P."""
        return size.descent + size.weights * (2 * bool(self.momentum) + bool(self.weight_decay))
