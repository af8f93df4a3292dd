"""Averaged stochastic gradient descent (Bottou 2010, section 4; Polyak, Juditsky 1992).

Descent goes on as ever; what counts is the mean of the weights after each update t beyond the start t_0:

    A <- A + (W - A) / (t - t_0)

The error is that of the averaged weights. Before t_0 they are W itself.
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

AVERAGE = "average."  # before the names of the averaged tensors in a checkpoint


class Asgd(Optimizer[AsgdConfig]):
    """Descent, tested on the average of its weights (Bottou 2010)."""

    def __init__(self, config: AsgdConfig, rate: LearningRate, network: Network, seed: int) -> None:
        super().__init__(config, rate, network, seed)
        biases = [None if b is None else b.clone() for b in network.biases]
        self.average = Network([w.clone() for w in network.weights], biases, network.temperature)
        self.updates = torch.zeros((), dtype=torch.float64)  # t - t_0, a tensor for the checkpoint
        self.start = int(config.start * rate.samples)

    def step(self, sample: int, network: Network, batch: Batch) -> Sequence[Update]:
        """The update of plain descent (20)."""
        return mean_descent(batch, float(self.rate.at(sample, 1)[0]))

    def after_update(self, sample: int, network: Network) -> None:
        """Take the new weights into the average."""
        self.updates += sample > self.start
        share = 1 / max(float(self.updates), 1.0)
        for name, tensor in network.state().items():
            self.average.state()[name].lerp_(tensor, share)

    def evaluation_network(self, network: Network) -> Network:
        """The averaged network."""
        return self.average

    @staticmethod
    def find_evaluation_tensors(state: dict[str, Tensor]) -> dict[str, Tensor]:
        """The averages."""
        return {name.removeprefix(AVERAGE): x for name, x in state.items() if name.startswith(AVERAGE)}

    def state(self) -> dict[str, Tensor]:
        """The averages, and of how many updates they are."""
        return {AVERAGE + name: x for name, x in self.average.state().items()} | {"updates": self.updates}
