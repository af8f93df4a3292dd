"""The schema of `conf/optimizer/kfac.yaml`."""

from __future__ import annotations

from dataclasses import dataclass

from letterocr.config.optimizer.refusals import Refusal, needs_single
from letterocr.config.option import option
from letterocr.config.train import TrainConfig


@dataclass
class KfacConfig:
    """Online Kronecker factors (Martens, Grosse 2015), their inverses kept by rank-one updates."""

    name: str = option("kfac", "the optimizer", choices=("kfac",))
    damping: float = option(10.0, "added to both factors' diagonals, in parts of their mean eigenvalue", above=0)
    prior: float = option(100.0, "how many samples' worth of damping both factors start with", above=0)

    def refusal(self, run: TrainConfig) -> Refusal:
        """Only one sample at a time."""
        return needs_single(run, self.name)
