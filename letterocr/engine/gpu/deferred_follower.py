"""The test letters of networks with three weight matrices on a GPU: large products for several samples' letters.

As in `stack`, a deferred matrix acts on the letters' activations H [R, s, T, in] of s samples as

    p_i (H W_0^T + b_0) + r_i (H M_0^T + d_0) + sum_{j<=i} c_ij (H h_j + 1) v_j

and the last matrix is treated in the same way, from its value at the block's start.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from letterocr.engine.gpu.product_kernel import multiply
from letterocr.engine.gpu.triton_follower import TritonFollower
from letterocr.engine.gpu.triton_stack import TritonStack

TOGETHER = 32  # samples, times replicas, whose letters are judged by one product: more need more memory


@dataclass
class DeferredMatrix:
    """A weight matrix at a block's start, and the factors of its updates in the block.

    Attributes:
        weight: [R, out, in]; `bias` [R, out], or None if it is added elsewhere.
        late: momentum of the weight; None without momentum. `late_bias` [R, out] is that of the bias.
        inputs: [R, block, in], the samples' inputs of the matrix.
        errors: [R, block, out], their error vectors.
    """

    weight: Tensor
    bias: Tensor | None
    late: Tensor | None
    late_bias: Tensor | None
    inputs: Tensor
    errors: Tensor


class DeferredFollower(TritonFollower):
    """The test letters of R networks with three weight matrices.

    Args:
        stack: the stack whose updates they take.
        images: [T, 900], the pixels in the order of the stack's weights.
        labels: [T], their classes.
    """

    def __init__(self, stack: TritonStack, images: Tensor, labels: Tensor) -> None:
        super().__init__(stack, images, labels)
        momentum, last = stack.momentum, stack.network.weights[-1]
        late, late_bias = (momentum.weights[1], momentum.biases[1]) if momentum.mu else (None, None)
        middle, bias = stack.network.weights[1], stack.network.biases[1]
        self._middle = DeferredMatrix(middle, bias, late, late_bias, stack.hidden[0], stack.errors[1])
        start = torch.empty_like(last, memory_format=torch.contiguous_format)
        late = torch.empty_like(start) if momentum.mu else None
        errors = stack.output_errors[..., : stack.classes]
        self._last = DeferredMatrix(start, None, late, None, stack.hidden[1], errors)

    def learn_and_count(self, due: Tensor) -> None:
        """Let the stack learn its block, and count the misread letters after every sample, whether due or not."""
        stack, n = self.stack, self.stack.n
        self._last.weight.copy_(stack.network.weights[-1])
        if self._last.late is not None:
            self._last.late.copy_(stack.momentum.weights[-1])
        stack.learn(0, n)
        together = max(1, TOGETHER // stack.replicas)
        for start in range(0, n, together):
            self._count_samples(start, min(start + together, n))

    def _count_samples(self, start: int, stop: int) -> None:
        stack, temperature = self.stack, self.stack.network.temperature
        h = self.z.new_empty(stack.replicas, stop - start, *self.z.shape[1:])
        for i in range(start, stop):
            self.follow(i, due=False)
            h[:, i - start] = self.z if temperature is None else torch.sigmoid(self.z)
        x = self._apply(self._middle, h, start, stop)
        h = x if temperature is None else x.div_(temperature.unsqueeze(-1)).sigmoid_()
        x = self._apply(self._last, h, start, stop)
        x += stack.last_biases[:, start + 1 : stop + 1, None, : stack.classes]
        self.counts[:, start:stop] = (x.argmax(-1) != self.labels).sum(-1)

    def _apply(self, matrix: DeferredMatrix, h: Tensor, start: int, stop: int) -> Tensor:
        """Return the pre-activations [R, s, T, out] of H [R, s, T, in] after the samples start .. stop - 1."""
        shape, flat, momentum = h.shape[1:3], h.flatten(1, 2), self.stack.momentum
        row = self.stack.w_table[:, start + 1 : stop + 1, None]
        p, r, c = row[..., 0:1], row[..., 1:2], row[..., 2 : 2 + stop]
        x = multiply(flat, matrix.weight).unflatten(1, shape)
        products = multiply(flat, matrix.inputs[:, :stop]).unflatten(1, shape)
        if matrix.bias is not None:
            x += matrix.bias[:, None, None]
            products += 1
        if momentum.mu or momentum.decay:
            x *= p
        if matrix.late is not None:
            late = multiply(flat, matrix.late).unflatten(1, shape)
            if matrix.bias is not None and matrix.late_bias is not None:
                late += matrix.late_bias[:, None, None]
            x += r * late
        x.flatten(1, 2).baddbmm_((products * c).flatten(1, 2), matrix.errors[:, :stop])
        return x
