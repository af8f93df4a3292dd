"""The schema of `conf/optimizer/diagonal.yaml`."""

from __future__ import annotations

from dataclasses import dataclass

from letterocr.config.optimizer.refusals import Refusal, needs_gradient
from letterocr.config.option import option
from letterocr.config.train import TrainConfig


@dataclass
class DiagonalConfig:
    """Stochastic diagonal Levenberg-Marquardt (LeCun et al. 1998): alpha/(mean curvature + damping) for each weight."""

    name: str = option("diagonal", "the optimizer", choices=("diagonal",))
    damping: float = option(0.03, "added to the mean curvature of each weight", above=0)
    memory: float = option(0.99, "gamma in the running mean of the curvature; in [0, 1)", low=0, below=1)

    def refusal(self, run: TrainConfig) -> Refusal:
        """Only for the gradient."""
        return needs_gradient(run, self.name)
