"""Exact blocks for any optimizer whose step for a weight matrix is one outer product l r^T (`form = "outer"`).

Within a block no weight matrix but the last changes; products with it are corrected by the steps so far:

    W_i h  =  W_0 h + sum_{j<i} l_j (r_j . h),        W_i^T v  =  W_0^T v + sum_{j<i} r_j (l_j . v)

At the block's end one product brings the matrix up to date. Unlike in `blocked`, l and r may be any vectors: masked,
preconditioned or learned. The first products W_0 A of a block's samples are computed as one product.

Shapes: n samples in a block, A [n, 900] their pixels; for layer k: left [n, out], right [n, in], of which the first
`count` rows are in use; K [n, n], K[j, i] = r_j . a_i.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from letterocr.engine.inked_letters import InkedLetters
from letterocr.engine.reference import ReferenceEngine
from letterocr.engine.task import TrainingTask
from letterocr.models.chain import Network
from letterocr.optimizers.optimizer import Update

BLOCK = 64  # samples: products of fewer rows are slow, and corrections of more rows cost more than they save


class Deferred(Network):
    """A network that keeps the steps of a block as outer products, and whose products are exact all the same.

    Args:
        network: a network without the replica dimension; its biases and last weight matrix change at once.
        block: the largest number of steps that are kept.
    """

    def __init__(self, network: Network, block: int) -> None:
        super().__init__(network.weights, network.biases, network.temperature)
        self.deferred = self.weights[:-1] or self.weights
        self.left = [w.new_zeros(block, w.shape[0]) for w in self.deferred]
        self.right = [w.new_zeros(block, w.shape[1]) for w in self.deferred]
        self.K = self.weights[0].new_zeros(block, block)
        self.count = 0

    def begin(self, a: Tensor) -> None:
        """Start a block with the pixels of its samples [n, 900]."""
        self.count, self.a = 0, a
        self.first = a @ self.weights[0].mT

    def forward(self, a: Tensor) -> list[Tensor]:
        """Return all activations of the block's next sample a [1, 900], its pixels first."""
        i = self.count
        x = self.first[i] + self.K[:i, i] @ self.left[0][:i]
        bias = self.biases[0]
        x = x if bias is None else x + bias
        return self.forward_from(1, [a, self.s(x.unsqueeze(0))])

    def product(self, k: int, h: Tensor) -> Tensor:
        """Return W_k h for each row h of [N, in], with the steps so far."""
        x, i = super().product(k, h), self.count
        if k < len(self.deferred) and i:
            x.addmm_(h @ self.right[k][:i].mT, self.left[k][:i])
        return x

    def back(self, k: int, v: Tensor) -> Tensor:
        """Return W_k^T v for each row v of [N, out], with the steps so far."""
        x, i = super().back(k, v), self.count
        if k < len(self.deferred) and i:
            x.addmm_(v @ self.left[k][:i].mT, self.right[k][:i])
        return x

    def keep(self, updates: Sequence[Update]) -> None:
        """Take one step in every layer: keep it where the matrix is deferred, and apply it elsewhere."""
        i = self.count
        for k, (update, bias) in enumerate(zip(updates, self.biases, strict=True)):
            if k >= len(self.deferred):
                update.apply(self.weights[k], bias)
                continue
            self.left[k][i], self.right[k][i] = update.left[:, 0], update.right[0]
            if bias is not None:
                bias.add_(update.bias)
        if i + 1 < len(self.a):
            torch.mv(self.a[i + 1 :], self.right[0][i], out=self.K[i, i + 1 : len(self.a)])
        self.count += 1

    def flush(self) -> None:
        """Bring the deferred matrices up to date."""
        for weight, left, right in zip(self.deferred, self.left, self.right, strict=True):
            weight.addmm_(left[: self.count].mT, right[: self.count])
        self.count = 0


class OuterEngine(ReferenceEngine):
    """Trains each replica by itself, in blocks.

    Args:
        task: a task with one sample in an update; `block` samples in a block, 0 for `BLOCK`.
    """

    name = "blocked"

    def __init__(self, task: TrainingTask) -> None:
        super().__init__(task)
        self._block = task.block or BLOCK
        self.parts = [Deferred(self.network.replica(r), self.block) for r in range(self.network.replicas)]

    @property
    def block(self) -> int:
        """The number of samples whose steps are kept as outer products."""
        return self._block

    def _iterate_batches(self, r: int, places: Tensor) -> Iterator[tuple[int, int, Network]]:
        """Yield the samples one by one, with the deferred network; its blocks begin at multiples of the block size."""
        network, count = self.parts[r], len(places)
        for i in range(count):
            if i == 0 or (self.sample + i) % self.block == 0:
                network.flush()
                stop = min(count, i + self.block - (self.sample + i) % self.block)
                network.begin(self.images[places[i:stop]])
            yield i, i + 1, network
        network.flush()

    def _compute_first(self, network: Network, letters: InkedLetters) -> Tensor:
        """Return the letters' first pre-activations W_1 X + b_1 [T, out], with the steps of the block so far."""
        x = super()._compute_first(network, letters)
        if isinstance(network, Deferred) and network.count:
            x.addmm_(letters.multiply(network.right[0][: network.count]), network.left[0][: network.count])
        return x

    def _take(self, r: int, network: Network, updates: Sequence[Update] | None) -> None:
        assert updates is not None
        self.parts[r].keep(updates)
