"""Stacks with a compiled inner loop, for networks of one to three weight matrices on the CPU.

Shapes: as in `stack`, without the replica dimension, and as in `loops`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from letterocr.engine import kernels, loops, threaded
from letterocr.engine.follower import Follower
from letterocr.engine.stack import Stack, StackParts

MOST_MATRICES = 3
GROUP = 32  # samples whose effect on the rest of the block is added as one product
PADDING = 16  # rows are padded to a multiple of this: products of other sizes are slower


class CompiledStack(Stack):
    """A stack of one network; the compiled kernels work on the memory of its tensors.

    Args:
        parts: network, momentum and settings.
        threads: number of threads that the inner loop may use; 1 where other stacks learn at the same time.
    """

    last: kernels.LastLayer  # where there is more than one weight matrix

    def __init__(self, parts: StackParts, threads: int = 1) -> None:
        super().__init__(parts)
        threaded.use_threads(threads)
        self.labels = np.zeros(self.block, np.int64)
        self.output_errors = self.targets.new_zeros(self.targets.shape)
        self.settings = self._make_settings(threads)
        self._loop = self._bind_loop()

    def _make_settings(self, threads: int) -> kernels.Settings:
        temperature, momentum = self.network.temperature, self.momentum
        sigmoid, inverse = temperature is not None, 1.0 if temperature is None else 1 / float(temperature)
        return kernels.Settings(
            numbers=np.array([inverse, 2 * self.loss_factor, momentum.mu, momentum.decay], self.P.numpy().dtype),
            output_slope=self.rule.output_slope and sigmoid,
            hidden_slope=self.rule.hidden_slope and sigmoid,
            sigmoid=sigmoid,
            bias=bool(self.bias),
            threads=threads > 1,
        )

    def _bind_loop(self) -> Callable[[loops.Stretch], None]:
        """Return the loop for this number of weight matrices, with this network's arrays."""
        count, s = len(self.network.weights), self.settings
        hidden = self.hidden[0] if count > 1 else self.errors[0]
        P, K, V, H, rates, loss, wrong = (
            x.numpy() for x in (self.P, self.K, self.errors[0], hidden, self.rates, self.losses, self.wrong)
        )
        block = loops.Block(P, K, V, H, self.labels, rates, loss, wrong, self.output_errors.numpy())
        if count == 1:
            return lambda stretch: loops.learn_one_matrix(stretch, block, s)
        self.last = last = kernels.LastLayer(*self._list_arrays(-1))
        outputs = np.zeros(len(last.U), P.dtype), np.zeros(len(last.U), P.dtype)
        if count == 2:
            return lambda stretch: loops.learn_two_matrices(stretch, block, last, s, outputs)
        factors = [x.numpy() for x in (self.w_table, self.errors[1], self.hidden[1])]
        middle = loops.Middle(*self._list_arrays(1), *factors)
        scratch = loops.make_scratch(len(last.U), P.shape[0], P.shape[1], len(middle.W), P.dtype)
        return lambda stretch: loops.learn_three_matrices(stretch, block, middle, last, s, scratch)

    def _list_arrays(self, k: int) -> list[np.ndarray]:
        """Return the k-th weight matrix, its bias and their momentum; scratch for what this network does not have."""
        weight, bias = self.network.weights[k], self.network.biases[k]
        none = weight.new_zeros(len(weight))
        if self.momentum.mu:
            late = [self.momentum.weights[k], self.momentum.biases[k]]
        else:  # the last layer's momentum is overwritten at every step (mu = 0), if weights decay or biases learn
            late = [torch.zeros_like(weight) if self.momentum.decay and k == -1 else none.unsqueeze(1), none.clone()]
        return [x.numpy() for x in (weight, none if bias is None else bias, *late)]

    def begin(self, a: Tensor, gram: Tensor, targets: Tensor, tables: list[Tensor]) -> None:
        """Start a block as `Stack.begin` does; the kernels read the labels, not the targets."""
        super().begin(a, gram, targets, tables)
        self.labels[: self.n] = targets.argmax(-1).numpy()

    def learn(self, start: int, stop: int) -> None:
        """Learn the samples start .. stop - 1 of the block; what earlier groups add to a group is one product."""
        while start < stop:
            known = start - start % GROUP
            end = min(known + GROUP, self.n)
            if start == known and known:
                self.P[known:end].addmm_(self.K[known:end, :known], self.errors[0][:known])
            self._loop(loops.Stretch(known, start, min(end, stop)))
            start = end


class CompiledFollower(Follower):
    """The test letters of one compiled stack.

    Args:
        stack: the stack whose updates they take.
        images: [T, 900], the pixels in the order of the stack's weights.
        labels: [T], their classes.
    """

    def __init__(self, stack: CompiledStack, images: Tensor, labels: Tensor) -> None:
        super().__init__(stack, images, labels)
        self.settings = stack.settings
        size, last = self.z.shape[-1], stack.network.weights[-1]
        y = self.z.new_zeros(1, size) if self.y is None else self.y
        self._rows = self.z.numpy(), y.numpy()
        self._unwanted = self.z.new_zeros(1, size).numpy()
        rows = -(-len(last) // PADDING) * PADDING
        self._padded, self._outputs = self.z.new_zeros(rows, last.shape[-1]), self.z.new_zeros(len(self.z), rows)
        self._without_bias = last.new_zeros(len(last)).numpy()
        inverse = self.invert_temperature()
        one = torch.ones((), dtype=self.z.dtype)
        self._inverse_as_followed = inverse.view(()) if isinstance(inverse, Tensor) else one  # 1/T, for whole blocks

    def follow(self, i: int, due: bool) -> None:
        """Apply the update of sample i to the test letters' pre-activations; if `due`, compute activations too."""
        step = (self.stack.errors[0][i] * self.invert_temperature()).view(-1).numpy()
        h = self.hidden.numpy() if due else self._unwanted
        rate: np.floating = self.stack.rates.numpy()[i]
        followed = threaded.Followed(*self._rows, h, self.gram[i].numpy(), step, rate)
        threaded.follow(followed, self.settings)

    def count_misread(self, i: int) -> Tensor:
        """Return the number of misread test letters after sample i of the block."""
        network, labels = self.stack.network, self.labels.numpy()
        if len(network.weights) == 1:
            return torch.tensor(kernels.count_misread(self.z.numpy(), self._without_bias, labels))
        bias = network.biases[-1]
        own = self._without_bias if bias is None else bias.numpy()
        return self._count_last(self.compute_last_inputs(i), network.weights[-1], own, labels)

    def _count_last(self, h: Tensor, weight: Tensor, bias: np.ndarray, labels: np.ndarray) -> Tensor:
        """How many of the letters with these inputs of the last weight matrix [T, m] are misread."""
        self._padded[: len(weight)] = weight
        torch.mm(h, self._padded.T, out=self._outputs)
        return torch.tensor(kernels.count_misread(self._outputs.numpy(), bias, labels))
