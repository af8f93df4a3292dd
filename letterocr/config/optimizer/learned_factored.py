"""The schema of `conf/optimizer/learned_factored.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from letterocr.config.contender import Contender, make_rate_range
from letterocr.config.network_size import NetworkSize
from letterocr.config.optimizer.method import MetaTrainedConfig, require_single
from letterocr.config.optimizer.recurrent_network import RecurrentNetwork
from letterocr.config.option import option

if TYPE_CHECKING:
    from letterocr.config.train import TrainConfig

V_NETWORK = RecurrentNetwork(features=11, outputs=2, layers=1)
H_NETWORK = RecurrentNetwork(features=9, outputs=3, layers=1)


@dataclass
class LearnedFactoredConfig(MetaTrainedConfig):
    """A learned rule that acts on the factors v and h."""

    name: str = option("learned_factored", "the optimizer", choices=("learned_factored",))

    contenders: ClassVar[dict[str, Contender]] = {
        "learned_factored": Contender(("optimizer=learned_factored",), (make_rate_range(1e-3),))
    }

    def validate(self, run: TrainConfig) -> None:
        """Refuse batches of more than one sample.

        Args:
            run: the config of the run.

        Raises:
            UserError: names the batch and the mend.
        """
        require_single(run, self.name)

    def count_multiply_adds(self, size: NetworkSize) -> float:
        """Count the multiply-adds of descent, and one pass through a network for each entry of v, h and the bias."""
        passes = (m * V_NETWORK.multiply_adds + (n + 1) * H_NETWORK.multiply_adds for n, m in size.layers)
        return size.descent + sum(passes)
