"""The schema of `conf/optimizer/learned.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from letterocr.config.contender import Contender, make_rate_range
from letterocr.config.network_size import NetworkSize
from letterocr.config.optimizer.method import MetaTrainedConfig
from letterocr.config.optimizer.recurrent_network import RecurrentNetwork
from letterocr.config.option import option

NETWORK = RecurrentNetwork(features=2, outputs=2, layers=2)


@dataclass
class LearnedConfig(MetaTrainedConfig):
    """A learned rule that acts on each coordinate separately (Andrychowicz et al. 2016)."""

    name: str = option("learned", "the optimizer", choices=("learned",))

    contenders: ClassVar[dict[str, Contender]] = {
        "learned": Contender(("optimizer=learned",), (make_rate_range(1e-3),))
    }

    def count_multiply_adds(self, size: NetworkSize) -> float:
        """Count the multiply-adds of descent, and one pass through the rule's network for each weight and bias."""
        biases = size.units if size.bias else 0
        return size.descent + (size.weights + biases) * NETWORK.multiply_adds
