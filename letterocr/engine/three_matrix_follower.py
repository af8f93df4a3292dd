"""The test letters beside a compiled stack of three weight matrices: most are judged without an evaluation.

The block is learned first. The letters' first activations follow sample by sample, as in a full evaluation; the product
with the second weight matrix is taken once a block for all of them, and then only for those that are not proved to be
misread or not (`deep_certificates`). The counts are those of `CompiledFollower`, sample by sample.

Shapes: as in `deep_certificates`.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from letterocr.engine.compiled import CompiledFollower, CompiledStack
from letterocr.engine.deep_certificates import DeepBlock, DeepCertificates, bound_norm
from letterocr.engine.kernels import LastLayer
from letterocr.engine.replay import replay_many

FEWEST = 4  # errors wanted of a block for which bounds pay
MOST_OPEN = 0.5  # share of the letters from which all of them are evaluated
DRIFT = 0.25  # of the bound of |A|: beyond it is computed anew


class ThreeMatrixFollower(CompiledFollower):
    """The test letters beside one compiled stack of three weight matrices, sigmoid, without momentum and weight decay.

    Args:
        stack: what they follow.
        images: [T, 900], the pixels in the order of the stack's weights.
        labels: [T].
    """

    stack: CompiledStack
    certified = True

    def __init__(self, stack: CompiledStack, images: Tensor, labels: Tensor) -> None:
        super().__init__(stack, images, labels)
        self.evaluated = np.zeros(1, np.int64)
        self._last = [torch.from_numpy(x).clone() for x in stack.last]
        self._kept, self._norm = torch.zeros_like(stack.network.weights[1]), 0.0

    def learn_and_measure(self, due: list[int]) -> Tensor:
        """Let the stack learn its block; the misread letters after each sample in `due`: [len]."""
        stack, n, counts = self.stack, self.stack.n, []
        for kept, array in zip(self._last, stack.last, strict=True):
            kept.copy_(torch.from_numpy(array))
        starting = self._last[0].clone()
        stack.learn(0, n)
        last = LastLayer(*(x.numpy() for x in self._last))
        self.evaluated[:] = 0
        letters = self._certify(starting) if len(due) >= FEWEST else None
        q, h, rates = stack.output_errors.numpy(), stack.hidden[-1].numpy(), stack.rates.numpy()
        wanted = set(due)
        for i in range(n):
            self.follow(i, i in wanted)
            replay_many(last, q, h, rates, (i, i + 1), self.settings)
            if i in wanted:
                counts.append(self._count_all(i, last) if letters is None else self._judge(i, letters, last))
        return torch.stack(counts) if counts else stack.losses[:0]

    def _certify(self, starting: Tensor) -> DeepCertificates:
        """What is known of the letters at the block's start, and of the block."""
        stack, n, inverse = self.stack, self.stack.n, self._inverse_as_followed
        weight, bias = stack.network.weights[1], stack.network.biases[1]
        block = DeepBlock(
            stack.errors[0][:n] * inverse,
            stack.inputs[1][:n],
            stack.errors[1][:n] * inverse,
            stack.rates[:n],
            self.gram[:n].mT,
            weight * inverse,
            weight.new_zeros(len(weight)) if bias is None else bias * inverse,
            stack.bias,
            self._bound_norm(weight) * float(inverse) * (1 + 1e-6),
            starting,
        )
        return DeepCertificates(block, torch.sigmoid(self.z))

    def _bound_norm(self, weight: Tensor) -> float:
        """An upper bound of the largest singular value, from that of an earlier matrix if it is close."""
        drift = float(torch.linalg.vector_norm((weight - self._kept).double()))
        if not drift <= DRIFT * self._norm:
            self._kept.copy_(weight)
            self._norm, drift = bound_norm(weight), 0.0
        return self._norm + drift * (1 + 1e-6)

    def _judge(self, i: int, letters: DeepCertificates, last: LastLayer) -> Tensor:
        """The misread letters after sample i."""
        letters.take(i + 1)
        weight, bias, place = torch.from_numpy(last.U), torch.from_numpy(last.b), self.labels[:, None]
        read, margins = letters.bound_margins(self.hidden, weight, bias)
        misread = read != self.labels
        known = torch.where(misread, margins.gather(1, place)[:, 0] > 0, (margins > 0).all(1))
        rows = torch.nonzero(~known).flatten()
        if len(rows) > MOST_OPEN * len(read):
            return self._count_all(i, last)
        if len(rows):
            h, hidden = self.hidden[rows], self.compute_last_inputs(i, rows)
            outputs = torch.addmm(bias, hidden, weight.mT)
            more = outputs.scatter(1, place[rows], -torch.inf).amax(1) - outputs.gather(1, place[rows])[:, 0]
            if not bool((more.abs() > letters.bound_tie(h, hidden, weight)).all()):
                return self._count_all(i, last)
            misread[rows] = more > 0
            self.evaluated += len(rows)
        return misread.sum()

    def _count_all(self, i: int, last: LastLayer) -> Tensor:
        """The same by the full evaluation."""
        self.evaluated += len(self.labels)
        return self._count_last(self.compute_last_inputs(i), torch.from_numpy(last.U), last.b, self.labels.numpy())
