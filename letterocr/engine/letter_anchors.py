"""What certificates need of a block and of its test letters, by matrix products.

Shapes: as in `certificates`; w_table as in `momentum`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numba import prange
from torch import Tensor

from letterocr.engine.certificates import FAR, Anchors, Rounding
from letterocr.engine.kernels import Settings, compiled, squash
from letterocr.engine.momentum import Momentum
from letterocr.engine.replay import Followers, catch_up, find_share
from letterocr.engine.threaded import threaded

RIVALS = 1  # of a letter, whose margins are followed exactly to first order


def pad(count: int) -> int:
    """The next multiple of 8: vectors of whole registers."""
    return -(-count // 8) * 8


@compiled
def _norm(x: np.ndarray) -> float:
    total = x.dtype.type(0)
    for u in range(x.shape[0]):
        total += x[u] * x[u]
    return np.sqrt(total)


@compiled
def _take(
    t: int,
    now: int,
    letters: Followers,
    f: np.ndarray,
    rows: tuple[np.ndarray, np.ndarray],
    size: np.ndarray,
    s: Settings,
) -> None:
    """Letter t after `now` samples of the block: rows <- h and (s' - f)^2, size <- |h| and |z|."""
    catch_up(t, now, letters, s)
    z, (h, square) = letters.z[t], rows
    one = h.dtype.type(1)
    if s.sigmoid:
        squash(z, one, h)
        for u in range(z.shape[0]):
            off = h[u] * (one - h[u]) - f[u]
            square[u] = off * off
    else:
        h[:] = z
        square[:] = 0
    size[0], size[1] = _norm(h), _norm(z)


@threaded
def _take_all(
    chosen: np.ndarray,
    now: int,
    letters: Followers,
    f: np.ndarray,
    out: tuple[np.ndarray, np.ndarray, np.ndarray],
    s: Settings,
    shares: int,
) -> None:
    """`_take` of each letter that is chosen."""
    for p in prange(shares):
        for k in range(find_share(len(chosen), shares, p), find_share(len(chosen), shares, p + 1)):
            _take(chosen[k], now, letters, f, (out[0][k], out[1][k]), out[2][chosen[k]], s)


@compiled
def _find_largest(x: np.ndarray, best: np.ndarray) -> None:
    """Best [K + 1] <- where x [c] is largest, and next to it."""
    for place in range(best.shape[0]):
        best[place] = -1
        for r in range(x.shape[0]):
            taken = False
            for earlier in range(place):
                taken |= best[earlier] == r
            if not taken and (best[place] < 0 or x[r] > x[best[place]]):
                best[place] = r


@compiled
def _settle(
    t: int,
    now: int,
    anchors: Anchors,
    found: tuple[np.ndarray, np.ndarray, np.ndarray],
    h: np.ndarray,
    W: np.ndarray,
    slopes: np.ndarray,
    s: Settings,
) -> None:
    """Write what was found of letter t: its outputs, h . h_j + beta and |w_r * (s' - f)|; slopes [K, m] <- u * s'."""
    x, k, spread = found
    one, best = h.dtype.type(1), anchors.chosen[t]
    anchors.since[t] = now
    anchors.squares[t], anchors.leading[t], anchors.dots[:, t] = 0, 0, 0
    anchors.k[t, now : now + k.shape[0]], anchors.outputs[t, : x.shape[0]] = k, x
    _find_largest(x, best)
    for p in range(best.shape[0]):
        anchors.leading[t, p] = x[best[p]]
        anchors.outputs[t, best[p]] = FAR
    for r in range(x.shape[0]):
        anchors.spread[t, r] = spread[best[0]] + spread[r]
    anchors.spread[t, best[0]] = 0
    for p in range(slopes.shape[0]):
        anchors.spread[t, best[1 + p]] = 0
        row, top, rival = slopes[p], W[best[0]], W[best[1 + p]]
        for u in range(row.shape[0]):
            row[u] = (top[u] - rival[u]) * (h[u] * (one - h[u]) if s.sigmoid else one)


@threaded
def _settle_all(
    chosen: np.ndarray,
    now: int,
    anchors: Anchors,
    found: tuple[np.ndarray, np.ndarray, np.ndarray],
    h: np.ndarray,
    W: np.ndarray,
    slopes: np.ndarray,
    s: Settings,
    shares: int,
) -> None:
    """`_settle` of each letter that is chosen."""
    for p in prange(shares):
        for k in range(find_share(len(chosen), shares, p), find_share(len(chosen), shares, p + 1)):
            _settle(chosen[k], now, anchors, (found[0][k], found[1][k], found[2][k]), h[k], W, slopes[k], s)


@compiled
def _scatter(chosen: np.ndarray, p: int, now: int, found: np.ndarray, own: np.ndarray) -> None:
    """Own [T, K, n] <- found [letters, n - now] of the p-th rival."""
    for k in range(len(chosen)):
        for j in range(found.shape[1]):
            own[chosen[k], p, now + j] = found[k, j]


@dataclass
class BlockFactors:
    """What a learned block is to the letters.

    Attributes:
        n: its samples.
        v: [n, m] error vectors of the first layer divided by the temperature.
        h: [block, m] inputs of the last weight matrix.
        weight: [c, m] the last weights at the block's start.
        weight_squares: [c, m] their squares.
        slope: [m] f, the mean slope of the block's samples.
        last: weights, bias and their momentum as the letters' last samples have them.
        bias: beta.
        moving: whether there is momentum or weight decay.
        rounding: the terms of (C6).
        shares: how many threads share the letters.
    """

    n: int
    v: Tensor
    h: Tensor
    weight: Tensor
    weight_squares: Tensor
    slope: Tensor
    last: list[Tensor]
    bias: float
    moving: bool
    rounding: Rounding
    shares: int


class LetterAnchors:
    """The anchors of T letters through one block after the other.

    Args:
        count: T.
        classes: c.
        width: m.
        block: the most samples a block has.
        like: a tensor of the network's type.
        moving: whether there is momentum or weight decay.
    """

    def __init__(self, count: int, classes: int, width: int, block: int, like: Tensor, moving: bool) -> None:
        padded = pad(classes)

        def new(*shape: int) -> np.ndarray:
            return like.new_zeros(shape).numpy()

        self.classes = classes
        also = count if moving else 1
        self.arrays = Anchors(
            since=np.zeros(count, np.int64),
            chosen=np.zeros((count, 1 + RIVALS), np.int64),
            g=new(count, block),
            k=new(count, block),
            own=new(count, RIVALS, block),
            spread=new(count, padded),
            sizes=new(count, 2),
            outputs=new(count, padded),
            leading=new(count, 2 + RIVALS),
            squares=np.zeros((count, 8)),
            dots=new(2 if moving else 1, count, block),
            late=new(also, block),
            x=new(2, also, padded),
            common=new(2, also, padded),
            pairs=new(2, also, RIVALS),
            start=new(also, padded + RIVALS),
        )
        self.arrays.x[0, :, classes:] = FAR
        self.arrays.outputs[:, classes:] = FAR
        self.h, self.squares = like.new_zeros(count, width), like.new_zeros(count, width)
        self.slopes = like.new_zeros(count, RIVALS, width)

    def settle(self, chosen: np.ndarray, now: int, block: BlockFactors, letters: Followers, s: Settings) -> None:
        """Anchor the chosen letters after `now` samples of the block."""
        a, count, shares, n = self.arrays, len(chosen), block.shares, block.n
        h, squares, slopes = self.h[:count], self.squares[:count], self.slopes[:count]
        rows = self.h.numpy(), self.squares.numpy(), a.sizes
        _take_all(chosen, now, letters, block.slope.numpy(), rows, s, shares)
        last = block.last
        x = torch.addmm(last[1], h, last[0].mT)
        k = (h @ block.h[now:n].mT).add_(block.bias)
        spread = (squares @ block.weight_squares.mT).sqrt_().mul_(block.rounding.up)
        _settle_all(
            chosen,
            now,
            a,
            (x.numpy(), k.numpy(), spread.numpy()),
            self.h.numpy(),
            block.weight.numpy(),
            self.slopes.numpy(),
            s,
            shares,
        )
        for p in range(RIVALS):
            _scatter(chosen, p, now, (slopes[:, p] @ block.v[now:].mT).numpy(), a.own)
        if block.moving:
            self._settle_momentum(torch.from_numpy(chosen), now, block, letters)

    def _settle_momentum(self, places: Tensor, now: int, block: BlockFactors, letters: Followers) -> None:
        """What (C1) begins with where there is momentum or weight decay."""
        a, count, n, c = self.arrays, len(places), block.n, self.classes
        x, common, pairs, dots, late, start, squares = (
            torch.from_numpy(array) for array in (a.x, a.common, a.pairs, a.dots, a.late, a.start, a.squares)
        )
        weights = block.weight * block.slope
        z, slopes = torch.from_numpy(letters.z)[places], self.slopes[:count]
        x[0, places, :c] = torch.addmm(block.last[1], self.h[:count], block.last[0].mT)
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
            x[1, places, :c] = torch.addmm(block.last[3], self.h[:count], block.last[2].mT)
            common[1, places, :c] = y @ weights.mT
            pairs[1, places] = (slopes @ y.unsqueeze(-1)).squeeze(-1)
            dots[1, places, :n] = y @ block.v.mT
            squares[places, 3] = y.double().square().sum(1)
            squares[places, 5] = (y * z).double().sum(1)
            squares[places, 7] = squares[places, 3].sqrt()
