"""The test letters of a network with one weight matrix: they follow a whole block at once, each letter by itself.

Their pre-activations are their outputs, so that there is nothing to prove; all that a sample costs is a row of c
numbers for each letter. The numbers and the counts are those of `CompiledFollower`.

Shapes: T letters, n samples, c classes.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from letterocr.engine.compiled import CompiledFollower, CompiledStack
from letterocr.engine.kernels import DECAY, Settings, compiled, in_order, inlined
from letterocr.engine.replay import Followers
from letterocr.engine.shares import list_shares, run_shares
from letterocr.engine.threaded import follow_row


@inlined
def _is_misread(x: np.ndarray, label: int) -> bool:
    """Whether the first of the largest numbers of x [c] stands elsewhere than at the label."""
    where = 0
    for r in range(1, x.shape[0]):
        where = r if x[r] > x[where] else where
    return where != label


@compiled
def _follow_rows(
    own: tuple[int, int], n: int, letters: Followers, labels: np.ndarray, s: Settings, misread: np.ndarray
) -> None:
    """Misread [n] <- the misread ones of the letters own[0] .. own[1] - 1 after each sample; g is [n, T] here."""
    for t in range(own[0], own[1]):
        z, y = letters.z[t], letters.y[t if letters.y.shape[0] > 1 else 0]
        for j in range(n):
            follow_row(z, y, letters.g[j, t], letters.steps[j], letters.rates[j], s)
            misread[j] += _is_misread(z, labels[t])


@in_order
def _add_step(x: np.ndarray, factors: np.ndarray, v: np.floating, one: np.floating) -> None:
    """Add v times the factors, rounded as `follow_row` does: the product, then the sum; `one` is 1 (`replay`)."""
    for t in range(x.shape[0]):
        x[t] = x[t] + one * (factors[t] * v)


@inlined
def _count_larger(x: np.ndarray, own: np.ndarray, labels: np.ndarray, r: np.floating, found: np.ndarray) -> None:
    """Found [T] <- one more where x [T], the outputs of class r, stand before those of the label."""
    one = x.dtype.type(1)
    for t in range(x.shape[0]):
        found[t] += one if x[t] > own[t] or (x[t] == own[t] and r < labels[t]) else one - one


@compiled
def _follow_columns(
    first: int,
    n: int,
    z: np.ndarray,
    letters: Followers,
    labels: np.ndarray,
    s: Settings,
    misread: np.ndarray,
    scratch: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """As `_follow_rows` without momentum and decay, for finite numbers: a class of all letters at a time.

    z [c, letters] are those of the letters from `first` on, `labels` theirs as numbers of the same type.
    """
    one, (factors, own, found) = z.dtype.type(1) - s.numbers[DECAY], scratch
    for j in range(n):
        g = letters.g[j]
        for t in range(z.shape[1]):
            factors[t] = -letters.rates[j] * g[first + t]
        for r in range(z.shape[0]):
            _add_step(z[r], factors, letters.steps[j, r], one)
        for t in range(z.shape[1]):
            own[t], found[t] = z[int(labels[t]), t], 0
        for r in range(z.shape[0]):
            _count_larger(z[r], own, labels, labels.dtype.type(r), found)
        for t in range(z.shape[1]):
            misread[j] += found[t] > 0


class OneMatrixFollower(CompiledFollower):
    """The test letters beside one compiled stack of one weight matrix.

    Args:
        stack: what they follow.
        images: [T, 900], the pixels in the order of the stack's weights.
        labels: [T].
        shares: how many threads share the letters.
    """

    def __init__(self, stack: CompiledStack, images: Tensor, labels: Tensor, shares: int) -> None:
        super().__init__(stack, images, labels)
        self._misread, self._shares = np.zeros((shares, stack.block), np.int64), list_shares(len(labels), shares)
        self._steps = torch.zeros_like(stack.errors[0])
        z, y = self._rows
        rates, reached = stack.rates.numpy(), np.zeros(0, np.int64)
        self._letters = Followers(z, y, reached, self.gram.numpy(), self._steps.numpy(), rates)

    def learn_and_measure(self, due: list[int]) -> Tensor:
        """Let the stack learn its block; the misread letters after each sample in `due`: [len]."""
        self.stack.learn(0, self.stack.n)
        torch.mul(self.stack.errors[0], self._inverse_as_followed, out=self._steps)
        self._misread[:] = 0
        momentum = self.stack.momentum
        columns = not (momentum.mu or momentum.decay) and bool(self._steps.isfinite().all() and self.z.isfinite().all())
        run_shares(lambda share: self._follow(share, columns), len(self._misread))
        return torch.from_numpy(self._misread.sum(0)[due])

    def _follow(self, share: int, columns: bool) -> None:
        """Let a share of the letters follow the block."""
        own, letters, misread, n = self._shares[share], self._letters, self._misread[share], self.stack.n
        if not columns:
            _follow_rows(own, n, letters, self.labels.numpy(), self.settings, misread)
            return
        rows = slice(*own)
        z = np.ascontiguousarray(letters.z[rows].T)
        labels, *scratch = self.labels.numpy()[rows].astype(z.dtype), *np.empty((3, z.shape[1]), z.dtype)
        _follow_columns(own[0], n, z, letters, labels, self.settings, misread, tuple(scratch))
        letters.z[rows] = z.T
