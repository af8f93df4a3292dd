"""What an optimizer is, and what it asks of one weight matrix (`Update`).

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
    """W <- scale W + left right and b <- scale b + bias.

    Attributes:
        left: [out, k].
        right: [k, in].
        bias: [out].
        scale: below 1 where weights decay.
    """

    left: Tensor
    right: Tensor
    bias: Tensor
    scale: float = 1.0

    def apply(self, weight: Tensor, bias: Tensor | None) -> None:
        """Change the weight [out, in] and the bias [out] in place."""
        _add_product(weight, self.left, self.right, self.scale)
        if bias is not None:
            bias.mul_(self.scale).add_(self.bias)

    def follow(self, preactivation: Tensor, inputs: Tensor, has_bias: bool) -> bool:
        """Give W inputs + b [N, out] the change that `apply` gives W and b, at the rank's cost; True: done.

        Exact up to rounding: (W + left right) x = W x + left (right x). False where the rank is so high that a new
        product costs less.
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
    """Turns the pairs (v, h) of one network's layers into updates; one object a replica.

    Args:
        config: its fields.
        rate: alpha of each sample.
        network: without the replica dimension; the tensors are the ones that training changes.
        seed: of the replica, for random streams.

    Attributes:
        form: what its steps are made of, and so which engine takes them:
            `scalars`: linear in W, M and v h^T with known scalars (`engine.momentum`), compiled in blocks;
            `outer`: one outer product a weight matrix for one sample, deferred in blocks;
            `dense`: anything else, in the reference engine.
    """

    form = "dense"

    def __init__(self, config: Config, rate: LearningRate, network: Network, seed: int) -> None:
        self.config, self.rate, self.seed = config, rate, seed

    @classmethod
    def bound_factor(cls, config: Config) -> float:
        """The factor of the bounds of plain descent, in the mean square, where they hold for an optimizer so set."""
        return 1.0

    @staticmethod
    def find_evaluation_tensors(state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Of what `state` gave, the tensors of the network whose test error counts; empty: the trained network's."""
        return {}

    def step(self, sample: int, network: Network, batch: Batch) -> Sequence[Update] | None:
        """One update a weight matrix from the batch that comes after `sample` samples.

        None: it changed the weights in place.
        """
        raise NotImplementedError

    def after_update(self, sample: int, network: Network) -> None:
        """Told after each update, when that many samples are learned."""

    def evaluation_network(self, network: Network) -> Network:
        """The network whose test error counts."""
        return network

    def state(self) -> dict[str, Tensor]:
        """Every tensor that a resumed run needs, by name."""
        return {}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take up the tensors of a checkpoint."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])


def select_state(tensors: dict[str, Tensor], r: int) -> dict[str, Tensor]:
    """What the r-th replica's optimizer has in a checkpoint, by the names of its `state`."""
    prefix = f"optimizer.{r}."
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def mean_descent(batch: Batch, alpha: float, scale: float = 1.0) -> list[Update]:
    """W <- scale W - alpha (1/N) sum of v h^T over the batch, in factors (Kantack 2020, 6 and 20)."""
    steps = [v * (-alpha / len(batch)) for v in batch.errors]
    return [Update(d.mT, h, d.sum(0), scale) for d, h in zip(steps, batch.inputs, strict=True)]
