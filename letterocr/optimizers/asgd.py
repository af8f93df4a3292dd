"""Averaged stochastic gradient descent (Bottou 2010, section 4; Polyak, Juditsky 1992).

Descent is unchanged; the test error is that of the mean of the weights after each update t beyond the start t_0:

    A <- A + (W - A) / (t - t_0)

Before t_0 the average A is W itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from letterocr.config.optimizer.asgd import AsgdConfig
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.optimizers.optimizer import Optimizer, Update, mean_descent
from letterocr.optimizers.rate_schedule import LearningRate

AVERAGE = "average."  # prefix of the averaged tensors in a checkpoint


class Asgd(Optimizer[AsgdConfig]):
    """Plain descent whose test error is that of the averaged weights (Bottou 2010)."""

    def __init__(self, config: AsgdConfig, rate: LearningRate, network: Network, seed: int) -> None:
        super().__init__(config, rate, network, seed)
        biases = [None if b is None else b.clone() for b in network.biases]
        self.average = Network([w.clone() for w in network.weights], biases, network.temperature)
        self.updates = torch.zeros((), dtype=torch.float64)  # t - t_0, a tensor for the checkpoint
        self.start = int(config.start * rate.samples)

    def step(self, sample: int, network: Network, batch: Batch) -> Sequence[Update]:
        """Return the update of plain descent (20)."""
        return mean_descent(batch, float(self.rate.at(sample, 1)[0]))

    def after_update(self, sample: int, network: Network) -> None:
        """Add the new weights to the average."""
        self.updates += sample > self.start
        share = 1 / max(float(self.updates), 1.0)
        for name, tensor in network.state().items():
            self.average.state()[name].lerp_(tensor, share)

    def evaluation_network(self, network: Network) -> Network:
        """Return the network with the averaged weights."""
        return self.average

    @staticmethod
    def find_evaluation_tensors(state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the averages."""
        return {name.removeprefix(AVERAGE): x for name, x in state.items() if name.startswith(AVERAGE)}

    def state(self) -> dict[str, Tensor]:
        """Return the averages and the number of updates in them."""
        return {AVERAGE + name: x for name, x in self.average.state().items()} | {"updates": self.updates}
