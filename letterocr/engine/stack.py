"""A stack of networks that learn a block of samples together, with exact deferred updates.

No weight matrix but the last changes within the block; what the updates would have added is summed from their
factors, with the scalars of `momentum`. For sample i (from 0) of the block and layer k

    W_k h_i + b_k  =  p_i (W_k0 h_i + b_k0) + r_i (M_k0 h_i + d_k0) + sum_{j<i} c_ij (h_j . h_i + 1) v_j

and likewise for W_k^T v. At the end of the block one product brings each matrix up to date. The last matrix is small
and is updated after every sample.

Shapes: n samples in a block; `...` is R where the replicas are computed together (on a GPU), and empty where each
replica has its own stack (on the CPU: its bits then cannot depend on the others).
    weights [..., out, in]   momentum M [..., out, in], d [..., out]   tables w, m [..., n + 1, n + 2]
    inputs[k] [..., n, in_k] (only the inked pixels), errors[k] [..., n, out_k] of the deferred layers
    P, K as in `loops`
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from letterocr.config.rule import Rule
from letterocr.engine.matrix_products import Factors, add_outer, combine, matvec, vecmat
from letterocr.engine.momentum import Momentum
from letterocr.models.chain import Network
from letterocr.models.error_vectors import loss


@dataclass(frozen=True)
class StackParts:
    """What a stack is built from.

    Attributes:
        network: the network, with or without the replica dimension; its first columns are those of the inked pixels.
        momentum: the momentum, in the same form.
        rule: the rule that gives the error vectors.
        loss_factor: f in the loss f |q - c|^2.
        block: the largest number of samples in a block.
        ink: number of inked pixels, which come first; the weights of the other pixels learn nothing.
    """

    network: Network
    momentum: Momentum
    rule: Rule
    loss_factor: float
    block: int
    ink: int


class Stack:
    """Networks that learn a block of samples together.

    Args:
        parts: network, momentum and settings.
    """

    def __init__(self, parts: StackParts) -> None:
        self.network, self.momentum, self.rule = parts.network, parts.momentum, parts.rule
        self.loss_factor, self.block, self.ink = parts.loss_factor, parts.block, parts.ink
        network, block = parts.network, parts.block
        self.deferred = max(len(network.weights) - 1, 1)
        self.bias = 0.0 if network.biases[0] is None else 1.0
        first = network.weights[0]
        lead = first.shape[:-2]
        new = first.new_zeros
        self.errors = [new(*lead, block, w.shape[-2]) for w in network.weights[: self.deferred]]
        widths = [parts.ink, *(w.shape[-1] for w in network.weights[1 : self.deferred])]
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
        self.n = 0

    def begin(self, a: Tensor, gram: Tensor, targets: Tensor, tables: list[Tensor]) -> None:
        """Start a block.

        Args:
            a: the samples' inked pixels [..., n, ink].
            gram: their Gram matrix [..., n, n].
            targets: their target outputs [..., n, classes].
            tables: the learning rates [..., n], then the tables of W and of M [..., n + 1, n + 2].
        """
        n = a.shape[-2]
        rates, w, m = tables
        self.n = n
        self.inputs[0][..., :n, :] = a
        self.targets[..., :n, :], self.rates[..., :n] = targets, rates
        self.w_table[..., : n + 1, : n + 2], self.m_table[..., : n + 1, : n + 2] = w, m
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
        """Learn the samples start .. stop - 1 of the block, without bringing a value back to the host."""
        for i in range(start, stop):
            activations = self._send_forward(i)
            self._send_back(i, activations)

    def read_row(self, i: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the scalars p, r [..., 1] and c [..., n] of the weights after i samples of the block."""
        row = self.w_table[..., i, :]
        return row[..., 0:1], row[..., 1:2], row[..., 2:]

    def _send_forward(self, i: int) -> list[Tensor]:
        """Return the activations of sample i: those of the hidden layers, then the outputs."""
        last = len(self.network.weights) - 1
        x, activations = self.P[..., i, :], []
        if i:
            x = x + vecmat(self.K[..., i, :i], self.errors[0][..., :i, :])
        for k in range(1, last + 1):
            h = self._apply_s(x)
            self.hidden[k - 1][..., i, :] = h
            activations.append(h)
            x = self._multiply_deferred(k, i, h) if k < last else self._multiply_and_add_bias(k, h)
        activations.append(self._apply_s(x))
        return activations

    def _multiply_and_add_bias(self, k: int, h: Tensor) -> Tensor:
        """Return W_k h + b_k with the current weights."""
        bias = self.network.biases[k]
        return matvec(self.network.weights[k], h) + (0.0 if bias is None else bias)

    def _multiply_deferred(self, k: int, i: int, h: Tensor) -> Tensor:
        """Return the pre-activation of the deferred layer k after i samples of the block."""
        p, r, c = self.read_row(i)
        x = self._multiply_and_add_bias(k, h)
        if self.momentum.mu or self.momentum.decay:
            x = p * x
        if self.momentum.mu:
            late = matvec(self.momentum.weights[k], h)
            x = x + r * (late + self.momentum.biases[k] if self.bias else late)
        if i:
            coefficient = c[..., :i] * (matvec(self.inputs[k][..., :i, :], h) + self.bias)
            x = x + vecmat(coefficient, self.errors[k][..., :i, :])
        return x

    def _apply_s(self, x: Tensor) -> Tensor:
        t = self.network.temperature
        return x if t is None else torch.sigmoid(x / t.squeeze(-1))

    def _multiply_slope(self, v: Tensor, h: Tensor) -> Tensor:
        """Return v . s'(x), elementwise, where s(x) = h."""
        t = self.network.temperature
        return v * (torch.ones_like(h) if t is None else h * (1 - h) / t.squeeze(-1))

    def _send_back(self, i: int, activations: list[Tensor]) -> None:
        """Compute the error vectors of sample i (17-19), and update the last weight matrix (20)."""
        q, target = activations[-1], self.targets[..., i, :]
        self.losses[..., i] = loss(q, target, self.loss_factor)
        self.wrong[..., i] = q.argmax(-1) != target.argmax(-1)
        v = (q - target) * (2 * self.loss_factor)
        if self.rule.output_slope:
            v = self._multiply_slope(v, q)
        last = len(self.network.weights) - 1
        if last == 0:
            self.errors[0][..., i, :] = v
            return
        for k in range(last, 0, -1):
            below = vecmat(v, self.network.weights[k]) if k == last else self._send_back_through(k, i, v)
            if k == last:
                self._update_last(i, v, activations[-2])
            v = self._multiply_slope(below, activations[k - 1]) if self.rule.hidden_slope else below
            self.errors[k - 1][..., i, :] = v

    def _send_back_through(self, k: int, i: int, v: Tensor) -> Tensor:
        """Return W_k^T v for the deferred layer k after i samples of the block."""
        p, r, c = self.read_row(i)
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

    def end(self) -> None:
        """Bring the deferred weight matrices and their momentum up to date."""
        n = self.n
        w, m = self.w_table[..., n, : n + 2], self.m_table[..., n, : n + 2]
        decays = bool(self.momentum.decay)  # p is 1 otherwise
        for k in range(self.deferred):
            weight, bias = self.network.weights[k], self.network.biases[k]
            v, h = self.errors[k][..., :n, :], self.inputs[k][..., :n, :]
            late = (self.momentum.weights[k], self.momentum.biases[k]) if self.momentum.mu else (None, None)
            combine(weight, late[0], w, m, 2, decays, partial(_scale_factors, v, h))
            if bias is not None:
                combine(bias, late[1], w, m, 1, decays, partial(_sum_rows, v))


def _scale_factors(v: Tensor, h: Tensor, c: Tensor) -> Factors:
    """Return the factors of sum c_j v_j h_j^T."""
    return (c.unsqueeze(-1) * v).mT, h


def _sum_rows(v: Tensor, c: Tensor) -> Tensor:
    """Return sum c_j v_j."""
    return vecmat(c, v)
