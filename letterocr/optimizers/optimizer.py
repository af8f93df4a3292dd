"""Base class of the optimizers, and the update of one weight matrix (`Update`).

Shapes: left [out, k], right [k, in], bias [out]; k is the rank, 1 for one sample of plain descent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from torch import Tensor

from letterocr.config.optimizer.method import MethodConfig
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.optimizers.rate_schedule import LearningRate

Config = TypeVar("Config", bound=MethodConfig)


@dataclass
class Update:
    """The update W <- scale W + left right and b <- scale b + bias.

    Attributes:
        left: [out, k].
        right: [k, in].
        bias: [out].
        scale: below 1 if weights decay.
    """

    left: Tensor
    right: Tensor
    bias: Tensor
    scale: float = 1.0

    def apply(self, weight: Tensor, bias: Tensor | None) -> None:
        """Apply the update in place.

        Args:
            weight: W [out, in].
            bias: b [out], or None.

        Example:
            >>> import torch
            >>> weight = torch.zeros(2, 2)
            >>> update = Update(torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0, 4.0]]), torch.zeros(2))
            >>> update.apply(weight, None)
            >>> weight.tolist()
            [[3.0, 4.0], [6.0, 8.0]]
        """
        _add_product(weight, self.left, self.right, self.scale)
        if bias is not None:
            bias.mul_(self.scale).add_(self.bias)

    def follow(self, preactivation: Tensor, inputs: Tensor, has_bias: bool) -> bool:
        """Change W inputs + b as `apply` changes W and b, at a cost that grows with the rank only.

        It is exact up to rounding, as (W + left right) x = W x + left (right x).

        Args:
            preactivation: W inputs + b [N, out], changed in place.
            inputs: [N, in].
            has_bias: whether there is a bias b.

        Returns:
            True if this was done; False if the rank is so high that a new product W inputs costs less.
        """
        (out, rank), width = self.left.shape, self.right.shape[1]
        if rank * (out + width) > out * width:
            return False
        _add_product(preactivation, inputs @ self.right.mT, self.left.mT, self.scale)
        if has_bias:
            preactivation.add_(self.bias)
        return True


def _add_product(target: Tensor, left: Tensor, right: Tensor, scale: float) -> None:
    if left.shape[1] == 1:
        target.addr_(left[:, 0], right[0], beta=scale)  # a rank-one update has a faster call
    else:
        target.addmm_(left, right, beta=scale)


class Optimizer(Generic[Config]):
    """Base class of the optimizers, which turn the pairs (v, h) of one network's layers into updates.

    There is one object for each replica.

    Args:
        config: the optimizer's fields.
        rate: alpha of each sample.
        network: without the replica dimension; its tensors are the ones that training changes.
        seed: seed of the replica, for random streams.

    Attributes:
        form: the form of its steps, which decides the engine:
            `scalars`: linear in W, M and v h^T with known scalars (`engine.momentum`), compiled in blocks;
            `outer`: one outer product for each weight matrix and sample, deferred in blocks;
            `dense`: anything else, in the reference engine.
    """

    form = "dense"

    def __init__(self, config: Config, rate: LearningRate, network: Network, seed: int) -> None:
        self.config, self.rate, self.seed = config, rate, seed

    @classmethod
    def bound_factor(cls, config: Config) -> float:
        """Return the factor of plain descent's bounds, in the mean square, for an optimizer with these settings.

        Args:
            config: settings for which the bounds hold.
        """
        return 1.0

    @staticmethod
    def find_evaluation_tensors(state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors of the network whose test error counts; empty if it is the trained network.

        Args:
            state: tensors by the names of `state`.
        """
        return {}

    def step(self, sample: int, network: Network, batch: Batch) -> Sequence[Update] | None:
        """Compute one update for each weight matrix from a batch.

        Args:
            sample: number of samples learned before the batch.
            network: the weights with which the batch was computed.
            batch: its forward and backward pass.

        Returns:
            The updates, first weight matrix first; None if the weights were changed in place.
        """
        raise NotImplementedError

    def after_update(self, sample: int, network: Network) -> None:
        """Hook called after each update.

        Args:
            sample: number of samples learned so far.
            network: the network with its new weights.
        """

    def evaluation_network(self, network: Network) -> Network:
        """Return the network whose test error counts.

        Args:
            network: the trained network.
        """
        return network

    def state(self) -> dict[str, Tensor]:
        """Return every tensor that a resumed run needs, by name."""
        return {}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Copy the tensors of a checkpoint into this optimizer.

        Args:
            state: tensors by the names of `state`.
        """
        for name, tensor in self.state().items():
            tensor.copy_(state[name])


def select_state(tensors: dict[str, Tensor], r: int) -> dict[str, Tensor]:
    """Select the tensors of the r-th replica's optimizer in a checkpoint, by the names of its `state`.

    Args:
        tensors: all tensors of the checkpoint, by name.
        r: index of the replica.
    """
    prefix = f"optimizer.{r}."
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def mean_descent(batch: Batch, alpha: float, scale: float = 1.0) -> list[Update]:
    """The update W <- scale W - alpha (1/N) sum of v h^T over the batch, in factors (Kantack 2020, 6, 20).

    Args:
        batch: N samples.
        alpha: the learning rate.
        scale: below 1 if weights decay.

    Returns:
        One update for each weight matrix.
    """
    steps = [v * (-alpha / len(batch)) for v in batch.errors]
    return [Update(d.mT, h, d.sum(0), scale) for d, h in zip(steps, batch.inputs, strict=True)]
