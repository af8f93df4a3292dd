"""The schema of `conf/optimizer/learned_factored.yaml`."""

from __future__ import annotations

from dataclasses import dataclass

from letterocr.config.optimizer.refusals import Refusal, needs_single
from letterocr.config.option import option
from letterocr.config.train import TrainConfig


@dataclass
class LearnedFactoredConfig:
    """A learned rule on the factors v and h."""

    name: str = option("learned_factored", "the optimizer", choices=("learned_factored",))
    path: str | None = option(None, "a file made by letterocr.meta_train; null: the one that ships with the package")

    def refusal(self, run: TrainConfig) -> Refusal:
        """Only one sample at a time."""
        return needs_single(run, self.name)
