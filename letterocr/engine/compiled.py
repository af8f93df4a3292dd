"""A stack whose inner loop is compiled: networks of one or two weight matrices on the CPU.

Shapes: as in `stack`, without the replica dimension, and as in `kernels`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from letterocr.engine import kernels
from letterocr.engine.stack import Stack


class CompiledStack(Stack):
    """One network; the kernels work on the same memory as the tensors."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        network, momentum = self.network, self.momentum
        self.labels = np.zeros(self.block, np.int64)
        dtype = self.P.numpy().dtype.type
        temperature = 1.0 if network.temperature is None else float(network.temperature)
        s = kernels.settings(temperature, self.loss_factor, momentum.mu, momentum.decay, dtype)
        flag = kernels.flags(self.rule, network.temperature is not None, bool(self.bias))
        arrays = [self.P, self.K, self.errors[0]]
        if len(network.weights) == 1:
            self.kernel: Any = kernels.learn_one_matrix
            self.arguments = (*(x.numpy() for x in arrays), self.labels, s, flag)
        else:
            self.kernel = kernels.learn_two_matrices
            last, bias = network.weights[1], network.biases[1]
            arrays += [self.hidden[0], last, torch.zeros_like(last[:, 0]) if bias is None else bias]
            late = (momentum.weights[1], momentum.biases[1]) if momentum.mu else self._scratch()
            arrays += late
            self.arguments = (*(x.numpy() for x in arrays), self.labels, self.rates.numpy(), s, flag)
        self.arguments += (self.losses.numpy(), self.wrong.numpy())

        self.unbiased = self.P.new_zeros(26).numpy()
        self.outputs = None if self.test_images is None else self.P.new_zeros(len(self.test_images), 26)

    def _scratch(self) -> tuple[Tensor, Tensor]:
        """Momentum that is forgotten at once (mu = 0), where weights decay or biases learn."""
        last = self.network.weights[1]
        return torch.zeros_like(last) if self.momentum.decay else last.new_zeros(26, 1), last.new_zeros(26)

    def begin(self, a: Tensor, gram: Tensor, test_gram: Tensor | None, targets: Tensor, tables: list[Tensor]) -> None:
        """Start a block; the kernels take labels for targets."""
        super().begin(a, gram, test_gram, targets, tables)
        self.labels[: self.n] = targets.argmax(-1).numpy()

    def learn(self, start: int, stop: int) -> None:
        """Learn the samples start .. stop - 1 of the block."""
        self.kernel(start, stop, *self.arguments)

    def follow(self, i: int) -> None:
        """Give the test letters' pre-activations the update of sample i."""
        if self.momentum.mu or self.momentum.decay:
            super().follow(i)
        else:
            scale = -float(self.rates[i]) * float(self.inverse_temperature())
            self.z.addr_(self.test_gram[i], self.errors[0][i], alpha=scale)

    def misread(self, i: int, labels: Tensor) -> Tensor:
        """How many test letters are misread after sample i."""
        if len(self.network.weights) == 1:
            return torch.tensor(kernels.misread(self.z.numpy(), self.unbiased, labels.numpy()))
        assert self.outputs is not None
        weight, bias = self.network.weights[1], self.network.biases[1]
        h = self.z if self.network.temperature is None else torch.sigmoid(self.z, out=self.test_hidden)
        torch.mm(h, weight.T, out=self.outputs)
        own = self.unbiased if bias is None else bias.numpy()
        return torch.tensor(kernels.misread(self.outputs.numpy(), own, labels.numpy()))
