"""The schema of `conf/optimizer/asgd.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from letterocr.config.contender import DESCENT, Contender, SearchRange
from letterocr.config.network_size import NetworkSize
from letterocr.config.optimizer.method import MethodConfig
from letterocr.config.option import option


@dataclass
class AsgdConfig(MethodConfig):
    """Averaged stochastic gradient descent (Bottou 2010); the test error is that of the averaged weights."""

    name: str = option("asgd", "the optimizer", choices=("asgd",))
    start: float = option(0.5, "the share of the run after which the average begins; in [0, 1)", low=0, below=1)

    contenders: ClassVar[dict[str, Contender]] = {
        "asgd": Contender(("optimizer=asgd",), (DESCENT, SearchRange("optimizer.start", 0.01, below_one=True)))
    }

    def explain_missing_bound(self) -> str:
        """Return an empty text: the bounds hold, because the weights themselves follow plain descent."""
        return ""

    def count_multiply_adds(self, size: NetworkSize) -> float:
        """Count the multiply-adds of descent, and P for the running mean in the part of the run that is averaged."""
        return size.descent + (1 - self.start) * size.weights
