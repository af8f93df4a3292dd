"""What follows the samples one by one, made again after a block is learned, bit for bit.

The last weight matrix takes the updates that `kernels.learn_last` gave it; the test letters' first pre-activations take
those of `threaded.follow`, each letter by itself and as late as they are wanted.

Shapes, for one network: n samples a block, m hidden units, c classes; z, y [T, m] as in `follower`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import prange

from letterocr.engine.kernels import (
    DECAY,
    LANES,
    MOMENTUM,
    LastLayer,
    Settings,
    compiled,
    move_even,
    move_late,
    move_odd,
)
from letterocr.engine.threaded import follow_row, threaded


@compiled
def replay_last(last: LastLayer, q: np.ndarray, h: np.ndarray, rate: np.floating, s: Settings) -> None:
    """The update of the last weight matrix by a sample's error vector q [c] and inputs h [m], as it was learned."""
    U, b, N, d = last.U, last.b, last.N, last.d
    outputs, m = U.shape
    even, whole = outputs - outputs % 2, m - m % LANES
    for r in range(outputs):
        row, v = U[r], q[r]
        if s.numbers[MOMENTUM] == 0 and s.numbers[DECAY] == 0:
            a = -rate * v
            for u in range(m):
                row[u] += a * h[u]
        else:
            mean, split = N[r], whole if r < even else 0
            if r % 2 == 0:
                for u in range(split):
                    mean[u] = move_even(mean[u], row[u], h[u], v, s.numbers)
            else:
                for u in range(split):
                    mean[u] = move_odd(mean[u], row[u], h[u], v, s.numbers)
            for u in range(split, m):
                mean[u] = move_late(mean[u], row[u], h[u], v, s.numbers)
            for u in range(m):
                row[u] -= rate * mean[u]
    if s.bias:
        for r in range(outputs):
            d[r] = s.numbers[MOMENTUM] * d[r] + q[r] + s.numbers[DECAY] * b[r]
            b[r] -= rate * d[r]


class Followers(NamedTuple):
    """The test letters' first pre-activations, and what a block's samples are to them.

    Attributes:
        z: [T, m] divided by the temperature.
        y: [T, m] the momentum of z; one row where there is none.
        reached: [T] samples of the block that z has.
        g: [T, n] the samples' Gram matrix with the letters.
        steps: [n, m] the samples' error vectors divided by the temperature.
        rates: [n] alpha.
    """

    z: np.ndarray
    y: np.ndarray
    reached: np.ndarray
    g: np.ndarray
    steps: np.ndarray
    rates: np.ndarray


@compiled
def catch_up(t: int, stop: int, letters: Followers, s: Settings) -> None:
    """Give letter t the updates of all samples before `stop` that it has not got yet."""
    z, y = letters.z[t], letters.y[t if letters.y.shape[0] > 1 else 0]
    for j in range(letters.reached[t], stop):
        follow_row(z, y, letters.g[t, j], letters.steps[j], letters.rates[j], s)
    letters.reached[t] = stop


@compiled
def find_share(total: int, shares: int, index: int) -> int:
    """Where the index-th of that many equal stretches of `total` rows begins."""
    return total * index // shares


@compiled
def _catch_up_share(stop: int, letters: Followers, s: Settings, first: int, last: int) -> None:
    for t in range(first, last):
        catch_up(t, stop, letters, s)


@threaded
def catch_up_all(stop: int, letters: Followers, s: Settings, shares: int) -> None:
    """Give every letter the updates of all samples before `stop`."""
    count = letters.z.shape[0]
    for p in prange(shares):
        _catch_up_share(stop, letters, s, find_share(count, shares, p), find_share(count, shares, p + 1))
