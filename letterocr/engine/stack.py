"""A stack of networks learning a block of samples together, exact and deferred.

Every weight matrix but the last is left alone for the whole block; what its updates would have added is
summed from their factors, with the scalars of `recurrence`. For sample i (from 0) of the block and layer k

    W_k h_i + b_k  =  p_i (W_k0 h_i + b_k0) + r_i (M_k0 h_i + d_k0) + sum_{j<i} c_ij (h_j . h_i + 1) v_j

and likewise for W_k^T v. At the end one product brings each matrix up to date. The last matrix is small and
is updated after every sample. The test letters' first pre-activations follow every update at its rank's cost.

Shapes: n samples a block, T test letters; `...` is R where the replicas are computed together (on a GPU), and
nothing where each has a stack of its own (on the CPU: its bits then can't depend on the others).
    weights [..., out, in]   momentum M [..., out, in], d [..., out]   tables w, m [..., n + 1, n + 2]
    inputs[k] [..., n, in_k] (of the pixels those with ink), errors[k] [..., n, out_k] of the deferred layers
    P, K as in `loops`
    z [..., T, m] the test letters' first pre-activations divided by the temperature, y their momentum
    (in this layout each CPU thread reads what it wrote: the other one is three times slower on two cores)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from letterocr.engine.products import add_outer, combine, matvec, vecmat
from letterocr.models.chain import Network
from letterocr.models.error_vectors import loss


@dataclass
class Momentum:
    """M and d of every weight matrix; empty without momentum and weight decay.

    Attributes:
        weights: L tensors [..., out, in].
        biases: L tensors [..., out].
        mu: the momentum.
        decay: the weight decay lambda.
    """

    weights: list[Tensor]
    biases: list[Tensor]
    mu: float
    decay: float


class Stack:
    """Networks that go through a block together.

    Args:
        network: without the replica dimension, or with it.
        momentum: of the same form.
        rule: printed, eq18 or gradient.
        loss_factor: f in the loss.
        block: the most samples a block has.
        test_images: [T, 900], or None where the test error is not followed.
        ink: pixels, from the first on, that training letters have ink in; the others' weights learn nothing.
    """

    def __init__(
        self,
        network: Network,
        momentum: Momentum,
        rule: str,
        loss_factor: float,
        block: int,
        test_images: Tensor | None,
        ink: int,
    ) -> None:
        self.network, self.momentum = network, momentum
        self.rule, self.loss_factor, self.block, self.ink = rule, loss_factor, block, ink
        self.deferred = max(len(network.weights) - 1, 1)
        self.bias = 0.0 if network.biases[0] is None else 1.0
        first = network.weights[0]
        lead = first.shape[:-2]
        new = first.new_zeros
        self.errors = [new(*lead, block, w.shape[-2]) for w in network.weights[: self.deferred]]
        widths = [ink, *(w.shape[-1] for w in network.weights[1 : self.deferred])]
        self.inputs = [new(*lead, block, width) for width in widths]
        self.hidden = [*self.inputs[1:]]
        if len(network.weights) > 1:
            self.hidden.append(new(*lead, block, network.weights[-1].shape[-1]))
        self.P, self.K = new(*lead, block, first.shape[-2]), new(*lead, block, block)
        self.w_table, self.m_table = new(*lead, block + 1, block + 2), new(*lead, block + 1, block + 2)
        self.rates = new(*lead, block)
        self.targets = new(*lead, block, network.weights[-1].shape[-2])
        self.losses = new(*lead, block)
        self.wrong = torch.zeros(*lead, block, dtype=torch.bool, device=first.device)
        self.test_images = test_images
        if test_images is not None:
            self.test_gram = new(*lead, block, len(test_images))
            self.z = new(*lead, len(test_images), first.shape[-2])
            self.y = torch.zeros_like(self.z) if momentum.mu else None
            self.test_hidden = self.z if network.temperature is None else torch.empty_like(self.z)
            self.refresh()

    def inverse_temperature(self) -> Tensor | float:
        """1/T, to multiply a [..., T, m] tensor with."""
        return 1.0 if self.network.temperature is None else 1 / self.network.temperature

    def refresh(self) -> None:
        """Compute the test letters' pre-activations anew from the weights."""
        assert self.test_images is not None
        for target, weight, bias in self._followed():
            torch.matmul(self.test_images, weight.mT, out=target)
            target.add_(0 if bias is None else bias.unsqueeze(-2)).mul_(self.inverse_temperature())

    def _followed(self) -> list[tuple[Tensor, Tensor, Tensor | None]]:
        followed = [(self.z, self.network.weights[0], self.network.biases[0])]
        if self.y is not None:
            followed.append((self.y, self.momentum.weights[0], self.momentum.biases[0] if self.bias else None))
        return followed

    def begin(self, a: Tensor, gram: Tensor, test_gram: Tensor | None, targets: Tensor, tables: list[Tensor]) -> None:
        """Start a block: the samples' pixels a [..., n, ink], their Gram matrices, targets, rates and tables."""
        n = a.shape[-2]
        rates, w, m = tables
        self.n = n
        self.inputs[0][..., :n, :] = a
        self.targets[..., :n, :], self.rates[..., :n] = targets, rates
        self.w_table[..., : n + 1, : n + 2], self.m_table[..., : n + 1, : n + 2] = w, m
        if test_gram is not None:
            self.test_gram[..., :n, :] = test_gram
        p, r, c = w[..., :n, 0:1], w[..., :n, 1:2], w[..., :n, 2:]
        self.K[..., :n, :n] = c * gram
        first = self.P[..., :n, :]
        torch.matmul(a, self.network.weights[0][..., : self.ink].mT, out=first)
        bias = self.network.biases[0]
        if bias is not None:
            first.add_(bias.unsqueeze(-2))
        if self.momentum.mu or self.momentum.decay:
            first.mul_(p)
        if self.momentum.mu:
            late = a @ self.momentum.weights[0][..., : self.ink].mT
            first.add_(r * (late + self.momentum.biases[0].unsqueeze(-2) if self.bias else late))

    def learn(self, start: int, stop: int) -> None:
        """Learn the samples start .. stop - 1 of the block; no value is brought back to the host."""
        for i in range(start, stop):
            activations = self._forward(i)
            self._backward(i, activations)

    def _forward(self, i: int) -> list[Tensor]:
        """The activations of sample i: hidden ones, then the outputs."""
        network, last = self.network, len(self.network.weights) - 1
        x, activations = self.P[..., i, :], []
        if i:
            x = x + vecmat(self.K[..., i, :i], self.errors[0][..., :i, :])
        for k in range(1, last + 1):
            h = self._s(x)
            self.hidden[k - 1][..., i, :] = h
            activations.append(h)
            x = self._middle(k, i, h) if k < last else matvec(network.weights[k], h) + self._bias(network.biases[k])
        activations.append(self._s(x))
        return activations

    def _middle(self, k: int, i: int, h: Tensor) -> Tensor:
        """Pre-activation of the deferred layer k after i steps of the block."""
        p, r, c = self._row(i)
        x = matvec(self.network.weights[k], h) + self._bias(self.network.biases[k])
        if self.momentum.mu or self.momentum.decay:
            x = p * x
        if self.momentum.mu:
            late = matvec(self.momentum.weights[k], h)
            x = x + r * (late + self.momentum.biases[k] if self.bias else late)
        if i:
            coefficient = c[..., :i] * (matvec(self.inputs[k][..., :i, :], h) + self.bias)
            x = x + vecmat(coefficient, self.errors[k][..., :i, :])
        return x

    def _row(self, i: int) -> tuple[Tensor, Tensor, Tensor]:
        row = self.w_table[..., i, :]
        return row[..., 0:1], row[..., 1:2], row[..., 2:]

    def _bias(self, bias: Tensor | None) -> Tensor | float:
        return 0.0 if bias is None else bias

    def _s(self, x: Tensor) -> Tensor:
        t = self.network.temperature
        return x if t is None else torch.sigmoid(x / t.squeeze(-1))

    def _slope(self, h: Tensor) -> Tensor:
        t = self.network.temperature
        return torch.ones_like(h) if t is None else h * (1 - h) / t.squeeze(-1)

    def _backward(self, i: int, activations: list[Tensor]) -> None:
        """Error vectors (17-19) of sample i, and the update of the last weight matrix (20)."""
        q, target = activations[-1], self.targets[..., i, :]
        self.losses[..., i] = loss(q, target, self.loss_factor)
        self.wrong[..., i] = q.argmax(-1) != target.argmax(-1)
        v = (q - target) * (2 * self.loss_factor)
        if self.rule == "gradient":
            v = v * self._slope(q)
        last = len(self.network.weights) - 1
        if last == 0:
            self.errors[0][..., i, :] = v
            return
        for k in range(last, 0, -1):
            below = vecmat(v, self.network.weights[k]) if k == last else self._back_through(k, i, v)
            if k == last:
                self._update_last(i, v, activations[-2])
            v = below if self.rule == "printed" else below * self._slope(activations[k - 1])
            self.errors[k - 1][..., i, :] = v

    def _back_through(self, k: int, i: int, v: Tensor) -> Tensor:
        """W_k^T v for the deferred layer k after i steps of the block."""
        p, r, c = self._row(i)
        x = vecmat(v, self.network.weights[k])
        if self.momentum.mu or self.momentum.decay:
            x = p * x
        if self.momentum.mu:
            x = x + r * vecmat(v, self.momentum.weights[k])
        if i:
            coefficient = c[..., :i] * matvec(self.errors[k][..., :i, :], v)
            x = x + vecmat(coefficient, self.inputs[k][..., :i, :])
        return x

    def _update_last(self, i: int, v: Tensor, h: Tensor) -> None:
        weight, bias, rate = self.network.weights[-1], self.network.biases[-1], self.rates[..., i : i + 1]
        mu, decay = self.momentum.mu, self.momentum.decay
        if not mu:
            if decay:
                weight.mul_(1 - rate.unsqueeze(-1) * decay)
            add_outer(weight, -rate * v, h)
            if bias is not None:
                bias.mul_(1 - rate * decay).sub_(rate * v)
            return
        m, d = self.momentum.weights[-1], self.momentum.biases[-1]
        m.mul_(mu).add_(weight, alpha=decay)
        add_outer(m, v, h)
        weight.sub_(rate.unsqueeze(-1) * m)
        d.mul_(mu).add_(v)
        if bias is not None:
            d.add_(bias, alpha=decay)
            bias.sub_(rate * d)

    def follow(self, i: int, due: bool) -> None:
        """Give the test letters' pre-activations the update of sample i, and their activations where they are due."""
        v, g, rate = self.errors[0][..., i, :], self.test_gram[..., i, :], self.rates[..., i : i + 1]
        mu, decay = self.momentum.mu, self.momentum.decay
        inverse = self.inverse_temperature()
        v = v * (inverse if isinstance(inverse, float) else inverse.squeeze(-1))
        if self.y is None:
            if decay:
                self.z.mul_(1 - rate.unsqueeze(-1) * decay)
            add_outer(self.z, g, -rate * v)
        else:
            self.y.mul_(mu).add_(self.z, alpha=decay)
            add_outer(self.y, g, v)
            self.z.sub_(rate.unsqueeze(-1) * self.y)
        if due and self.test_hidden is not self.z:
            torch.sigmoid(self.z, out=self.test_hidden)

    def last_inputs(self, i: int) -> Tensor:
        """The test letters' inputs of the last weight matrix after sample i of the block: [..., T, in]."""
        network, h = self.network, self.test_hidden
        for k in range(1, len(network.weights) - 1):
            x, bias = h @ network.weights[k].mT, network.biases[k]
            if bias is not None:
                x.add_(bias.unsqueeze(-2))
            p, r, c = (part.unsqueeze(-2) for part in self._row(i + 1))
            if self.momentum.mu or self.momentum.decay:
                x.mul_(p)
            if self.momentum.mu:
                late = h @ self.momentum.weights[k].mT
                x = x + r * (late + self.momentum.biases[k].unsqueeze(-2) if self.bias else late)
            coefficient = c[..., : i + 1] * (h @ self.inputs[k][..., : i + 1, :].mT + self.bias)
            x = x + coefficient @ self.errors[k][..., : i + 1, :]
            h = x if network.temperature is None else torch.sigmoid(x * self.inverse_temperature())
        return h

    def misread(self, i: int, labels: Tensor) -> Tensor:
        """How many test letters are misread after sample i of the block: [...].

        s is increasing: the largest pre-activation is the largest output, unless both round to the same number.
        """
        if len(self.network.weights) == 1:
            x = self.z
        else:
            x, bias = self.last_inputs(i) @ self.network.weights[-1].mT, self.network.biases[-1]
            x = x if bias is None else x + bias.unsqueeze(-2)
        return (x.argmax(-1) != labels).sum(-1)

    def learn_and_measure(self, due: list[int], labels: Tensor) -> Tensor:
        """Learn the block, the test letters following; the misread letters after each sample in `due`: [..., len]."""
        counts, wanted = [], set(due)
        for i in range(self.n):
            self.learn(i, i + 1)
            self.follow(i, i in wanted)
            if i in wanted:
                counts.append(self.misread(i, labels))
        return torch.stack(counts, -1) if counts else self.losses[..., :0]

    def end(self) -> None:
        """Bring the deferred weight matrices and their momentum up to date."""
        n = self.n
        w, m = self.w_table[..., n, : n + 2], self.m_table[..., n, : n + 2]
        decays = bool(self.momentum.decay)  # p is 1 otherwise
        for k in range(self.deferred):
            weight, bias = self.network.weights[k], self.network.biases[k]
            v, h = self.errors[k][..., :n, :], self.inputs[k][..., :n, :]
            late = (self.momentum.weights[k], self.momentum.biases[k]) if self.momentum.mu else (None, None)
            combine(weight, late[0], w, m, 2, decays, lambda c, v=v, h=h: ((c.unsqueeze(-1) * v).mT, h))
            if bias is not None:
                combine(bias, late[1], w, m, 1, decays, lambda c, v=v: vecmat(c, v))
