"""The schema of `conf/optimizer/smd.yaml`."""

from __future__ import annotations

from dataclasses import dataclass

from letterocr.config.optimizer.refusals import Refusal, needs_gradient
from letterocr.config.option import option
from letterocr.config.train import TrainConfig


@dataclass
class SmdConfig:
    """Stochastic meta-descent: each weight has a learning rate that learns (Schraudolph 2002)."""

    name: str = option("smd", "the optimizer", choices=("smd",))
    meta_rate: float = option(3.0, "mu in p <- p max(1/2, 1 - mu g v)", low=0)
    memory: float = option(0.99, "lambda, how far back the effect of p is followed; in [0, 1]", low=0, high=1)

    def refusal(self, run: TrainConfig) -> Refusal:
        """Only for the gradient."""
        return needs_gradient(run, self.name)
