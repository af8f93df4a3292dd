"""What follows the samples one by one, made again after a block is learned, bit for bit.

The last weight matrix takes the updates that `kernels.learn_last` gave it; the test letters' first pre-activations take
those of `threaded.follow`, each letter by itself and as late as they are wanted.

Shapes, for one network: n samples a block, m hidden units, c classes; z, y [T, m] as in `follower`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from letterocr.engine.kernels import (
    DECAY,
    LANES,
    MOMENTUM,
    LastLayer,
    Settings,
    compiled,
    in_order,
    inlined,
    move_even,
    move_late,
    move_odd,
)
from letterocr.engine.threaded import follow_row


@inlined
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


@compiled
def replay_many(
    last: LastLayer, q: np.ndarray, h: np.ndarray, rates: np.ndarray, samples: tuple[int, int], s: Settings
) -> None:
    """The updates of a stretch of samples, one after the other."""
    for i in range(samples[0], samples[1]):
        replay_last(last, q[i], h[i], rates[i], s)


COLUMNS = 512  # of all steps of a block at once: they stay in the cache


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


@in_order
def _take_four(
    z: np.ndarray,
    one: np.floating,
    factors: tuple[np.floating, ...],
    v0: np.ndarray,
    v1: np.ndarray,
    v2: np.ndarray,
    v3: np.ndarray,
) -> None:
    """Add four samples' updates, each as `follow_row` does without momentum and decay.

    `one` is 1: the compiler fuses it with the sum, and not the product, which is rounded there as well.
    """
    f0, f1, f2, f3 = factors
    for u in range(z.shape[0]):
        x = z[u] + one * (f0 * v0[u])
        x = x + one * (f1 * v1[u])
        x = x + one * (f2 * v2[u])
        z[u] = x + one * (f3 * v3[u])


@inlined
def _catch_up_columns(t: int, stop: int, letters: Followers, s: Settings, start: int, end: int) -> None:
    """Bring the columns start .. end - 1 of letter t up to date."""
    rates, j, plain = letters.rates, letters.reached[t], s.numbers[MOMENTUM] == 0 and s.numbers[DECAY] == 0
    row, late, g, steps = letters.z[t], letters.y[t if letters.y.shape[0] > 1 else 0], letters.g[t], letters.steps
    z, y = row[start:end], late[start:end]  # slices of one row: the compiler knows that its numbers lie side by side
    one = z.dtype.type(1) - s.numbers[DECAY]
    while plain and j + 4 <= stop:
        factors = -rates[j] * g[j], -rates[j + 1] * g[j + 1], -rates[j + 2] * g[j + 2], -rates[j + 3] * g[j + 3]
        v0, v1, v2, v3 = steps[j], steps[j + 1], steps[j + 2], steps[j + 3]
        _take_four(z, one, factors, v0[start:end], v1[start:end], v2[start:end], v3[start:end])
        j += 4
    while j < stop:
        v = steps[j]
        follow_row(z, y, g[j], v[start:end], rates[j], s)
        j += 1


@inlined
def catch_up(t: int, stop: int, letters: Followers, s: Settings) -> None:
    """Give letter t the updates of all samples before `stop` that it has not got yet."""
    if letters.reached[t] < stop:
        _catch_up_columns(t, stop, letters, s, 0, letters.z.shape[1])
        letters.reached[t] = stop


@compiled
def catch_up_many(chosen: np.ndarray, stop: int, letters: Followers, s: Settings) -> None:
    """Give the chosen letters the updates of all samples before `stop` that they have not got yet."""
    m = letters.z.shape[1]
    for start in range(0, m, COLUMNS):
        for k in range(len(chosen)):
            _catch_up_columns(chosen[k], stop, letters, s, start, min(start + COLUMNS, m))
    for k in range(len(chosen)):
        letters.reached[chosen[k]] = stop
