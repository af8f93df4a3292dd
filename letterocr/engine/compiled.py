"""A stack whose inner loop is compiled: networks of one, two or three weight matrices on the CPU.

Shapes: as in `stack`, without the replica dimension, and as in `loops`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from letterocr.engine import kernels, loops
from letterocr.engine import threaded as pieces
from letterocr.engine.stack import Stack

LOOPS: dict[int, Any] = {1: loops.learn_one_matrix, 2: loops.learn_two_matrices, 3: loops.learn_three_matrices}
GROUP = 32  # samples whose effect on the rest of the block is added as one product
PADDED = 32  # rows of the last weight matrix for the test letters' product, which is slower with 26


class CompiledStack(Stack):
    """One network; the kernels work on the same memory as the tensors.

    Args:
        *arguments: as for `Stack`.
        threads: threads that the inner loop may share; 1 where other stacks learn at the same time.
    """

    def __init__(self, *arguments: Any, threads: int = 1) -> None:
        super().__init__(*arguments)
        network, momentum = self.network, self.momentum
        pieces.use_threads(threads)
        self.labels = np.zeros(self.block, np.int64)
        temperature = 1.0 if network.temperature is None else float(network.temperature)
        dtype = self.P.numpy().dtype.type
        self.s = kernels.make_settings(temperature, self.loss_factor, momentum.mu, momentum.decay, dtype)
        self.flag = kernels.make_flags(self.rule, network.temperature is not None, bool(self.bias), threads > 1)
        self.loop = LOOPS[len(network.weights)]
        layers = [self.P, self.K, self.errors[0]]
        if len(network.weights) > 1:
            layers.append(self.hidden[0])
        if len(network.weights) > 2:
            layers += [*self._layer(1), self.w_table, self.errors[1], self.hidden[1]]
        rates = []
        if len(network.weights) > 1:
            layers += self._layer(-1)
            rates = [self.rates.numpy()]
        results = self.losses.numpy(), self.wrong.numpy()
        self.arguments = (*(x.numpy() for x in layers), self.labels, *rates, self.s, self.flag, *results)
        self.follower = () if self.test_images is None else self._follower()

    def _layer(self, k: int) -> list[Tensor]:
        """The k-th weight matrix, its bias, and their momentum; scratch for what this network does not have."""
        weight, bias = self.network.weights[k], self.network.biases[k]
        none = weight.new_zeros(len(weight))
        if self.momentum.mu:
            late = [self.momentum.weights[k], self.momentum.biases[k]]
        else:  # the last layer's is forgotten at once (mu = 0), where weights decay or biases learn
            late = [torch.zeros_like(weight) if self.momentum.decay and k == -1 else none.unsqueeze(1), none.clone()]
        return [weight, none if bias is None else bias, *late]

    def _follower(self) -> tuple[Any, ...]:
        """What the test letters need: z, y and h, and scratch."""
        size = self.z.shape[-1]
        y = self.z.new_zeros(1, size) if self.y is None else self.y
        self.unread = self.z.new_zeros(1, size).numpy()
        self.padded = self.z.new_zeros(PADDED, self.network.weights[-1].shape[-1])
        self.outputs = self.z.new_zeros(len(self.z), PADDED)
        self.unbiased = np.zeros(26, self.unread.dtype)
        return self.z.numpy(), y.numpy(), self.test_hidden.numpy()

    def begin(self, a: Tensor, gram: Tensor, test_gram: Tensor | None, targets: Tensor, tables: list[Tensor]) -> None:
        """Start a block; the kernels take labels for targets."""
        super().begin(a, gram, test_gram, targets, tables)
        self.labels[: self.n] = targets.argmax(-1).numpy()

    def learn(self, start: int, stop: int) -> None:
        """Learn the samples start .. stop - 1 of the block; what earlier groups add to a group is one product."""
        while start < stop:
            known = start - start % GROUP
            end = min(known + GROUP, self.n)
            if start == known and known:
                self.P[known:end].addmm_(self.K[known:end, :known], self.errors[0][:known])
            self.loop(known, start, min(end, stop), *self.arguments)
            start = end

    def follow(self, i: int, due: bool) -> None:
        """Give the test letters' pre-activations the update of sample i, and their activations where they are due."""
        z, y, h = self.follower
        step = (self.errors[0][i] * self.inverse_temperature()).view(-1).numpy()
        gram, rate = self.test_gram[i].numpy(), self.rates[i].numpy()[()]
        pieces.follow(z, y, gram, step, rate, self.s, self.flag, h if due else self.unread)

    def misread(self, i: int, labels: Tensor) -> Tensor:
        """How many test letters are misread after sample i of the block."""
        if len(self.network.weights) == 1:
            return torch.tensor(kernels.misread(self.z.numpy(), self.unbiased, labels.numpy()))
        weight, bias = self.network.weights[-1], self.network.biases[-1]
        self.padded[: len(weight)] = weight
        torch.mm(self.last_inputs(i), self.padded.T, out=self.outputs)
        own = self.unbiased if bias is None else bias.numpy()
        return torch.tensor(kernels.misread(self.outputs.numpy(), own, labels.numpy()))
