"""The schema of `conf/optimizer/vanilla.yaml`."""

from __future__ import annotations

from dataclasses import dataclass

from letterocr.config.option import option


@dataclass
class VanillaConfig:
    """Gradient descent, one sample or batch at a time (6, 20)."""

    name: str = option("vanilla", "the optimizer", choices=("vanilla",))
    momentum: float = option(0.0, "mu in M <- mu M + v h^T, W <- W - alpha M; below 1", low=0, below=1)
    weight_decay: float = option(0.0, "lambda: adds lambda W to the gradient", low=0)
