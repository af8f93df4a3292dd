"""What certificates need of a block and of its test letters, by matrix products.

Shapes: as in `certificates`; w_table as in `momentum`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from letterocr.engine.anchoring import scatter_pairs, settle_letters, take_activations
from letterocr.engine.certificate_arrays import FAR, Anchors, Rounding
from letterocr.engine.kernels import Settings
from letterocr.engine.replay import Followers, catch_up_many

RIVALS = 1  # of a letter, whose margins are followed exactly to first order, where (C7) is not used


def pad(count: int) -> int:
    """The next multiple of 8: vectors of whole registers."""
    return -(-count // 8) * 8


@dataclass
class BlockFactors:
    """What a learned block is to the letters.

    Attributes:
        n: its samples.
        v: [n, m] error vectors of the first layer divided by the temperature.
        h: [block, m] inputs of the last weight matrix.
        weight: [c, m] the last weights at the block's start.
        weight_squares: [c, m] their squares.
        weight_pairs: [c (c + 1) / 2, m] w_r * w_p / T for p <= r, where (C7) is used; else empty.
        weight_norms: [c] L |w_r|, a bit more.
        slope: [m] f, the mean slope of the block's samples.
        bias: beta.
        moving: whether there is momentum or weight decay.
        rounding: the terms of (C6).
    """

    n: int
    v: Tensor
    h: Tensor
    weight: Tensor
    weight_squares: Tensor
    weight_pairs: Tensor
    weight_norms: Tensor
    slope: Tensor
    bias: float
    moving: bool
    rounding: Rounding


class LetterAnchors:
    """The anchors of T letters through one block after the other.

    Args:
        labels: [T].
        classes: c.
        width: m.
        block: the most samples a block has.
        like: a tensor of the network's type.
        moving: whether there is momentum or weight decay.
        spanned: whether (C7) is used.
    """

    def __init__(
        self, labels: np.ndarray, classes: int, width: int, block: int, like: Tensor, moving: bool, spanned: bool
    ) -> None:
        self.labels, count, padded = labels, len(labels), pad(classes)
        self.rivals = rivals = 0 if spanned else RIVALS

        def new(*shape: int) -> np.ndarray:
            return like.new_zeros(shape).numpy()

        self.classes = classes
        also = count if moving else 1
        self.arrays = Anchors(
            since=np.zeros(count, np.int64),
            chosen=np.zeros((count, 1 + rivals), np.int64),
            g=new(count, block),
            k=new(count, block),
            own=new(count, rivals, block),
            spread=new(count, padded),
            sizes=new(count, 2),
            outputs=new(count, padded),
            leading=new(count, 2 + rivals),
            squares=np.zeros((count, 8)),
            dots=new(2 if moving else 1, count, block),
            curved=new(count, padded, padded) if spanned else new(1, 1, 1),
            span=new(count if spanned else 1, padded),
            late=new(also, block),
            x=new(2, also, padded),
            common=new(2, also, padded),
            pairs=new(2, also, rivals),
            start=new(also, padded + rivals),
        )
        self.arrays.outputs[:, classes:] = FAR
        self.arrays.start[:, classes:padded] = -FAR  # what `step_moving` subtracts; weight decay does not change it
        self.h, self.off = like.new_zeros(count, width), like.new_zeros(count, width)
        self.slopes = like.new_zeros(count, rivals, width)

    def settle(
        self,
        chosen: np.ndarray,
        now: int,
        block: BlockFactors,
        last: list[Tensor],
        letters: Followers,
        s: Settings,
        spanned: bool,
    ) -> None:
        """Anchor the chosen letters after `now` samples of the block.

        Args:
            chosen: their places, in order.
            now: samples.
            block: what the block is to them.
            last: the last weights, bias and their momentum after these samples.
            letters: all test letters.
            s: settings of the network's kernels.
            spanned: whether (C7) is used for them.
        """
        a, rows, n = self.arrays, slice(chosen[0], chosen[0] + len(chosen)), block.n  # no other share has these rows
        h, off, slopes = self.h[rows], self.off[rows], self.slopes[rows]
        catch_up_many(chosen, now, letters, s)
        take_activations(chosen, letters.z, block.slope.numpy(), (h.numpy(), off.numpy(), a.sizes), s)
        x = torch.addmm(last[1], h, last[0].mT)
        k = (h @ block.h[now:n].mT).add_(block.bias)
        if spanned:
            scatter_pairs(chosen, (off @ block.weight_pairs.mT).numpy(), self.classes, a.curved)
            spread = block.weight_norms.expand(len(chosen), -1).contiguous()
        else:
            spread = (off.square() @ block.weight_squares.mT).sqrt_().mul_(block.rounding.up)
        found = x.numpy(), k.numpy(), spread.numpy()
        settle_letters(chosen, now, a, found, h.numpy(), block.weight.numpy(), slopes.numpy(), self.labels, s)
        for p in range(self.rivals):
            a.own[chosen, p, now:n] = (slopes[:, p] @ block.v[now:].mT).numpy()
        if block.moving:
            self._settle_momentum(chosen, rows, now, block, last, letters)

    def _settle_momentum(
        self, chosen: np.ndarray, rows: slice, now: int, block: BlockFactors, last: list[Tensor], letters: Followers
    ) -> None:
        """What (C1) begins with where there is momentum or weight decay."""
        a, places, n, c = self.arrays, torch.from_numpy(chosen), block.n, self.classes
        x, common, pairs, dots, late, start, squares = (
            torch.from_numpy(array) for array in (a.x, a.common, a.pairs, a.dots, a.late, a.start, a.squares)
        )
        weights = block.weight * block.slope
        z, slopes = torch.from_numpy(letters.z)[places], self.slopes[rows]
        x[0, places, :c] = torch.addmm(last[1], self.h[rows], last[0].mT)
        common[:, places] = 0
        common[0, places, :c] = start[places, :c] = z @ weights.mT
        pairs[1, places] = 0
        pairs[0, places] = start[places, common.shape[2] :] = (slopes @ z.unsqueeze(-1)).squeeze(-1)
        late[places, :n] = z @ block.v.mT
        squares[places, 6] = z.double().square().sum(1)
        dots[:, places] = 0
        x[1, places] = 0
        if len(letters.y) > 1:
            y = torch.from_numpy(letters.y)[places]
            x[1, places, :c] = torch.addmm(last[3], self.h[rows], last[2].mT)
            common[1, places, :c] = y @ weights.mT
            pairs[1, places] = (slopes @ y.unsqueeze(-1)).squeeze(-1)
            dots[1, places, :n] = y @ block.v.mT
            squares[places, 3] = y.double().square().sum(1)
            squares[places, 5] = (y * z).double().sum(1)
            squares[places, 7] = squares[places, 3].sqrt()
