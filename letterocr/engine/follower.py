"""The test letters' pre-activations, which take every update of a stack at the cost of the update's rank.

Shapes: T test letters, n samples in a block; `...` is R or empty, as in `stack`.
    z [..., T, m]     the test letters' first pre-activations divided by the temperature, y their momentum
                      (each CPU thread reads what it wrote; the other layout is three times slower on two cores)
    gram [..., n, T]  A X^T + 1, the block's samples times the test letters
"""

from __future__ import annotations

import torch
from torch import Tensor

from letterocr.engine.matrix_products import add_outer
from letterocr.engine.stack import Stack


class Follower:
    """The test letters of one stack.

    Args:
        stack: the stack whose updates they take.
        images: [T, 900], the pixels in the order of the stack's weights.
        labels: [T], their classes.
    """

    certified = False  # whether letters whose class is proved are not evaluated

    def __init__(self, stack: Stack, images: Tensor, labels: Tensor) -> None:
        self.stack, self.images, self.labels = stack, images, labels
        first = stack.network.weights[0]
        lead = first.shape[:-2]
        self.gram = first.new_zeros(*lead, stack.block, len(images))
        self.z = first.new_zeros(*lead, len(images), first.shape[-2])
        self.y = torch.zeros_like(self.z) if stack.momentum.mu else None
        self.hidden = self._make_hidden()
        self.refresh()

    def _make_hidden(self) -> Tensor:
        """Return where the letters' activations are written."""
        return self.z if self.stack.network.temperature is None else torch.empty_like(self.z)

    def invert_temperature(self) -> Tensor | float:
        """Return 1/T, in a shape that multiplies a tensor [..., T, m]."""
        temperature = self.stack.network.temperature
        return 1.0 if temperature is None else 1 / temperature

    def refresh(self) -> None:
        """Compute the test letters' pre-activations anew from the weights."""
        network, momentum = self.stack.network, self.stack.momentum
        sources: list[tuple[Tensor, Tensor, Tensor | None]] = [(self.z, network.weights[0], network.biases[0])]
        if self.y is not None:
            sources.append((self.y, momentum.weights[0], momentum.biases[0] if self.stack.bias else None))
        for target, weight, bias in sources:
            torch.matmul(self.images, weight.mT, out=target)
            target.add_(0 if bias is None else bias.unsqueeze(-2)).mul_(self.invert_temperature())

    def cached_tensors(self) -> dict[str, Tensor]:
        """Return the tensors that a checkpoint keeps, by name."""
        return {"test_first": self.z} | ({} if self.y is None else {"test_momentum": self.y})

    def begin(self, gram: Tensor) -> None:
        """Start a block with its products A X^T + 1 [..., n, T]."""
        self.gram[..., : gram.shape[-2], :] = gram

    def follow(self, i: int, due: bool) -> None:
        """Apply the update of one sample to the test letters' pre-activations.

        Args:
            i: index of the sample in the block.
            due: whether the activations are needed too, because the test error is measured.
        """
        stack = self.stack
        v, g, rate = stack.errors[0][..., i, :], self.gram[..., i, :], stack.rates[..., i : i + 1]
        mu, decay = stack.momentum.mu, stack.momentum.decay
        inverse = self.invert_temperature()
        v = v * (inverse if isinstance(inverse, float) else inverse.squeeze(-1))
        if self.y is None:
            if decay:
                self.z.mul_(1 - rate.unsqueeze(-1) * decay)
            add_outer(self.z, g, -rate * v)
        else:
            self.y.mul_(mu).add_(self.z, alpha=decay)
            add_outer(self.y, g, v)
            self.z.sub_(rate.unsqueeze(-1) * self.y)
        if due and self.hidden is not self.z:
            torch.sigmoid(self.z, out=self.hidden)

    def compute_last_inputs(self, i: int, rows: Tensor | slice = slice(None)) -> Tensor:
        """Return the test letters' inputs to the last weight matrix after sample i of the block: [..., T, in].

        Args:
            i: index of the sample in the block.
            rows: the letters, where not all.
        """
        stack, network, momentum, h = self.stack, self.stack.network, self.stack.momentum, self.hidden[..., rows, :]
        for k in range(1, len(network.weights) - 1):
            x, bias = h @ network.weights[k].mT, network.biases[k]
            if bias is not None:
                x.add_(bias.unsqueeze(-2))
            p, r, c = (part.unsqueeze(-2) for part in stack.read_row(i + 1))
            if momentum.mu or momentum.decay:
                x.mul_(p)
            if momentum.mu:
                late = h @ momentum.weights[k].mT
                x = x + r * (late + momentum.biases[k].unsqueeze(-2) if stack.bias else late)
            coefficient = c[..., : i + 1] * (h @ stack.inputs[k][..., : i + 1, :].mT + stack.bias)
            x = x + coefficient @ stack.errors[k][..., : i + 1, :]
            h = x if network.temperature is None else torch.sigmoid(x * self.invert_temperature())
        return h

    def count_misread(self, i: int) -> Tensor:
        """Return the number of misread test letters after sample i of the block: [...].

        s is increasing: the largest pre-activation is the largest output, unless both round to the same number.
        """
        network = self.stack.network
        if len(network.weights) == 1:
            x = self.z
        else:
            x, bias = self.compute_last_inputs(i) @ network.weights[-1].mT, network.biases[-1]
            x = x if bias is None else x + bias.unsqueeze(-2)
        return (x.argmax(-1) != self.labels).sum(-1)

    def learn_and_measure(self, due: list[int]) -> Tensor:
        """Let the stack learn its block, and count the misread test letters on the way.

        Args:
            due: indices of the samples after which they are counted.

        Returns:
            The counts [..., len(due)].
        """
        counts, wanted = [], set(due)
        for i in range(self.stack.n):
            self.stack.learn(i, i + 1)
            self.follow(i, i in wanted)
            if i in wanted:
                counts.append(self.count_misread(i))
        return torch.stack(counts, -1) if counts else self.stack.losses[..., :0]
