"""What a learned block did to the network, as `certificates` needs it: inner products of its factors.

Shapes: as in `certificates`; w_table as in `momentum`.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from letterocr.engine.anchoring import scatter_pairs
from letterocr.engine.certificate_arrays import Motion, Rounding


class MotionMaker:
    """Makes a `Motion` of one block after the other, in the same memory.

    Args:
        classes: c, and with the padding.
        block: the most samples a block has.
        like: a tensor of the network's type.
        momentum: mu.
        decay: lambda.
        spanned: whether (C7) is used.
    """

    def __init__(
        self, classes: tuple[int, int], block: int, like: Tensor, momentum: float, decay: float, spanned: bool
    ) -> None:
        self.classes, padded = classes
        self.momentum, self.decay = momentum, decay

        def new(*shape: int) -> np.ndarray:
            return like.new_zeros(shape).numpy()

        self.motion = Motion(
            new(block),
            new(block, padded),
            new(block, padded),
            new(block, block),
            new(block),
            new(block, padded, padded),
            new(padded, padded),
            np.zeros(block),
            new(block if spanned else 0),
            new(padded if spanned else 0),
            new(padded if spanned else 0, padded, padded),
        )

    def make(
        self,
        rates: Tensor,
        factors: tuple[Tensor, Tensor, Tensor],
        table: Tensor,
        last: list[Tensor],
        slope: Tensor,
        rounding: Rounding,
        bias: float,
        inverse: float,
        pairs: Tensor,
    ) -> Motion:
        """The motion of a block.

        Args:
            rates: [n].
            factors: v [n, m] divided by the temperature, h [n, m] and q [n, c].
            table: [n + 1, n + 2] the scalars p, r, c.
            last: the last weights, bias and their momentum at the block's start; momentum of no meaning if mu = 0.
            slope: f [m].
            rounding: the terms of (C6).
            bias: beta.
            inverse: 1/T.
            pairs: [c (c + 1) / 2, m] w_r * w_p / T for p <= r, where (C7) is used.
        """
        v, h, q = factors
        n, c, motion = len(rates), self.classes, self.motion
        w = last[0]
        motion.rates[:n] = rates.numpy()
        motion.q[:n, :c] = q.numpy()
        motion.common[:n, :c] = (v @ (w * slope).mT).numpy()
        gram = v @ v.mT
        motion.gram[:] = 0
        motion.gram[:n, :n] = gram.numpy()
        motion.lengths[:n] = (gram.diagonal().sqrt() * rounding.up).numpy()
        motion.omega[:n] = self._reach(rates, h, q, last, bias)
        slack = 8 * (rounding.product + rounding.steps) * torch.from_numpy(motion.omega[:n]).square().view(-1, 1, 1)
        turned = self._turn(h, q, table, last) if self.momentum or self.decay else self._turn_plain(rates, h, q)
        motion.turned[:n, :c, :c] = (turned.add_(slack).sqrt_() * (rounding.slope * rounding.up)).numpy()
        motion.widest[:c, :c] = (torch.cdist(w, w, p=torch.inf) * rounding.up).numpy()
        if len(motion.rest):
            self._leave_span(v, q, w, inverse, rounding)
            motion.largest[:c] = w.abs().amax(1).numpy()
            scatter_pairs(np.arange(c), ((w.abs() * inverse) @ pairs.mT).numpy(), c, motion.bends)
        return motion

    def _leave_span(self, v: Tensor, q: Tensor, w: Tensor, inverse: float, rounding: Rounding) -> None:
        """What of v_j is no combination of the last weights' rows at the block's start (C7)."""
        n, motion = len(v), self.motion
        norms = w.norm(dim=1) * inverse
        parts = (q.abs() @ norms).numpy()
        motion.lengths[:n] = np.maximum(motion.lengths[:n], parts)
        rest = (v - (q @ w) * inverse).norm(dim=1)
        motion.rest[:n] = (rest * rounding.up).numpy() + 2 * rounding.product * parts

    def _turn(self, h: Tensor, q: Tensor, table: Tensor, last: list[Tensor]) -> Tensor:
        """|D_cr|^2 after each sample for all pairs of outputs: [n, c, c] float64."""
        n, c = len(q), self.classes
        row = table[1 : n + 1].double()
        coefficients = row[:, 2 : n + 2].unsqueeze(1) * q.double().mT  # [n, c, n]
        basis = h.double()
        eye = torch.eye(c, dtype=torch.float64)
        parts = [(row[:, 0] - 1).view(n, 1, 1) * eye, row[:, 1].view(n, 1, 1) * eye, coefficients]
        coefficients = torch.cat(parts, 2)
        basis = (
            torch.cat([last[0].double(), last[2].double(), basis])
            if self.momentum
            else torch.cat([last[0].double(), torch.zeros_like(last[0]).double(), basis])
        )
        products = (coefficients @ (basis @ basis.mT)) @ coefficients.mT
        own = products.diagonal(dim1=1, dim2=2)
        return (own.unsqueeze(1) + own.unsqueeze(2) - 2 * products).clamp_min_(0)

    def _turn_plain(self, rates: Tensor, h: Tensor, q: Tensor) -> Tensor:
        """The same without momentum and decay, where D_cr loses alpha_i (q_ic - q_ir) h_i with each sample i."""
        gram, steps = (h @ h.mT).double(), -rates.double().unsqueeze(1) * q.double()
        before = gram.tril(-1) @ steps  # D h_i: [n, c]
        steps, before = (x.unsqueeze(2) - x.unsqueeze(1) for x in (steps, before))
        gained = 2 * steps * before + steps.square() * gram.diagonal().view(-1, 1, 1)
        return gained.cumsum(0).clamp_min_(0)

    def _reach(self, rates: Tensor, h: Tensor, q: Tensor, last: list[Tensor], bias: float) -> list[float]:
        """Omega (C6) after each sample."""
        norms = [float((m.norm(dim=1) + b.abs()).max()) for m, b in ((last[0], last[1]), (last[2], last[3]))]
        omega, late = norms[0], norms[1] if self.momentum else 0.0
        added = (q.abs().amax(1) * (h.norm(dim=1) + bias)).tolist()
        found = []
        for rate, more in zip(rates.tolist(), added, strict=True):
            late = self.momentum * late + self.decay * omega + more
            omega += abs(rate) * late
            found.append(omega)
        return found
