"""Large products and the test letters' updates, compiled by Numba and shared among threads in a fixed number of pieces.

The pieces are the same for any number of threads, and so are the bits. (PyTorch's matrix-vector product uses one
thread, and its sigmoid is three times slower.)

Shapes: W [out, in], x [in], v [out]; z, y, h [T, m] as in `follower`.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import torch
from numba import prange

from letterocr.engine.kernels import (
    DECAY,
    MOMENTUM,
    OPTIONS,
    Settings,
    add_earlier,
    compiled,
    inlined,
    multiply_rows,
    squash,
)

PIECES = 8
threaded = numba.njit(**(OPTIONS | {"_nrt": True}), parallel=True)


def use_threads(count: int) -> None:
    """Let the compiled loops use `count` threads, at most one for each core.

    Numba starts its threads here, for all cores. PyTorch's thread count is restored, because both may share one OpenMP.
    """
    torchs = torch.get_num_threads()
    numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
    torch.set_num_threads(torchs)


@inlined
def find_piece(total: int, index: int) -> int:
    """Return where the index-th of PIECES pieces of `total` rows begins, rounded to multiples of four."""
    return min(total, (total + 4 * PIECES - 1) // (4 * PIECES) * 4 * index)


@inlined
def _sum_rows(v: np.ndarray, W: np.ndarray, out: np.ndarray, start: int, stop: int) -> None:
    out[:] = 0
    add_earlier(out, v[start:], W[start:], stop - start)


@threaded
def _matvec_threaded(W: np.ndarray, x: np.ndarray, out: np.ndarray) -> None:
    for k in prange(PIECES):
        multiply_rows(W, x, out, find_piece(W.shape[0], k), find_piece(W.shape[0], k + 1))


@threaded
def _vecmat_threaded(v: np.ndarray, W: np.ndarray, parts: np.ndarray) -> None:
    for k in prange(PIECES):
        _sum_rows(v, W, parts[k], find_piece(W.shape[0], k), find_piece(W.shape[0], k + 1))


@inlined
def matvec(W: np.ndarray, x: np.ndarray, out: np.ndarray, threads: bool) -> None:
    """Out <- W x, shared among threads if `threads`."""
    if threads:
        _matvec_threaded(W, x, out)
    else:
        for k in range(PIECES):
            multiply_rows(W, x, out, find_piece(W.shape[0], k), find_piece(W.shape[0], k + 1))


@inlined
def vecmat(v: np.ndarray, W: np.ndarray, parts: np.ndarray, out: np.ndarray, threads: bool) -> None:
    """Out <- W^T v, shared among threads if `threads`; parts [PIECES, in] is scratch."""
    if threads:
        _vecmat_threaded(v, W, parts)
    else:
        for k in range(PIECES):
            _sum_rows(v, W, parts[k], find_piece(W.shape[0], k), find_piece(W.shape[0], k + 1))
    for j in range(out.shape[0]):
        total = parts[0, j]
        for k in range(1, PIECES):
            total += parts[k, j]
        out[j] = total


class Followed(NamedTuple):
    """The test letters, and one sample's update of their pre-activations.

    Attributes:
        z: [T, m] their first pre-activations divided by the temperature.
        y: [T, m] the momentum of z; one row if there is no momentum.
        h: [T, m] receives s(z); one row if it is not needed.
        g: [T] the sample's row of the product A X^T + 1.
        step: [m] the sample's error vector divided by the temperature.
        rate: the learning rate alpha.
    """

    z: np.ndarray
    y: np.ndarray
    h: np.ndarray
    g: np.ndarray
    step: np.ndarray
    rate: np.floating


@inlined
def follow_row(z: np.ndarray, y: np.ndarray, g: np.floating, step: np.ndarray, rate: np.floating, s: Settings) -> None:
    """Give one letter's pre-activations z [m], and their momentum y [m], one sample's update."""
    if s.numbers[MOMENTUM] == 0:
        keep, factor = z.dtype.type(1) - rate * s.numbers[DECAY], -rate * g
        for u in range(z.shape[0]):
            z[u] = keep * z[u] + factor * step[u]
    else:
        for u in range(z.shape[0]):
            y[u] = s.numbers[MOMENTUM] * y[u] + s.numbers[DECAY] * z[u] + g * step[u]
            z[u] -= rate * y[u]


@inlined
def _follow_rows(followed: Followed, s: Settings, start: int, stop: int) -> None:
    z, y, h, g, step, rate = followed
    for t in range(start, stop):
        follow_row(z[t], y[t if y.shape[0] > 1 else 0], g[t], step, rate, s)
        if h.shape[0] > 1 and s.sigmoid:
            squash(z[t], z.dtype.type(1), h[t])


@threaded
def _follow_threaded(followed: Followed, s: Settings) -> None:
    rows = followed.z.shape[0]
    for k in prange(PIECES):
        _follow_rows(followed, s, find_piece(rows, k), find_piece(rows, k + 1))


@compiled
def follow(followed: Followed, s: Settings) -> None:
    """Apply one sample's update to the test letters' pre-activations, and set h <- s(z) if h has more than one row."""
    rows = followed.z.shape[0]
    if s.threads:
        _follow_threaded(followed, s)
    else:
        for k in range(PIECES):
            _follow_rows(followed, s, find_piece(rows, k), find_piece(rows, k + 1))
