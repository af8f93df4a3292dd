"""Large products and the test letters, compiled by Numba and shared among threads in a fixed number of pieces.

The pieces are the same for any number of threads, so the bits are too. (PyTorch's matrix-vector product uses one
thread, and its sigmoid is three times slower.)

Shapes: W [out, in], x [in], v [out]; z, y, h [T, m] as in `stack`.
"""

from __future__ import annotations

import numba
import torch
from numba import prange

from letterocr.engine.kernels import DECAY, FAST, MOMENTUM, SIGMOID, THREADS, add_earlier, compiled, rows_times, squash

PIECES = 8
threaded = numba.njit(fastmath=FAST, cache=True, nogil=True, error_model="numpy", parallel=True)


def use_threads(count: int) -> None:
    """Let the compiled loops use that many threads, as far as there are cores.

    Numba starts its threads here, for all cores. PyTorch's count is put back then, as both may share one OpenMP.
    """
    torchs = torch.get_num_threads()
    numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
    torch.set_num_threads(torchs)


@compiled
def find_piece(total, index):
    """Where the index-th of PIECES stretches of `total` rows begins, in steps of four."""
    return min(total, (total + 4 * PIECES - 1) // (4 * PIECES) * 4 * index)


@compiled
def _sum_rows(v, W, out, start, stop):
    out[:] = 0
    add_earlier(out, v[start:], W[start:], stop - start)


@threaded
def _matvec_threaded(W, x, out):
    for k in prange(PIECES):
        rows_times(W, x, out, find_piece(W.shape[0], k), find_piece(W.shape[0], k + 1))


@threaded
def _vecmat_threaded(v, W, parts):
    for k in prange(PIECES):
        _sum_rows(v, W, parts[k], find_piece(W.shape[0], k), find_piece(W.shape[0], k + 1))


@compiled
def matvec(W, x, out, flag):
    """Out <- W x."""
    if flag & THREADS:
        _matvec_threaded(W, x, out)
    else:
        for k in range(PIECES):
            rows_times(W, x, out, find_piece(W.shape[0], k), find_piece(W.shape[0], k + 1))


@compiled
def vecmat(v, W, parts, out, flag):
    """Out <- W^T v; parts [PIECES, in] is scratch."""
    if flag & THREADS:
        _vecmat_threaded(v, W, parts)
    else:
        for k in range(PIECES):
            _sum_rows(v, W, parts[k], find_piece(W.shape[0], k), find_piece(W.shape[0], k + 1))
    for j in range(out.shape[0]):
        total = parts[0, j]
        for k in range(1, PIECES):
            total += parts[k, j]
        out[j] = total


@compiled
def _follow_rows(z, y, g, step, rate, s, flag, h, start, stop):
    for t in range(start, stop):
        row, late = z[t], y[t if y.shape[0] > 1 else 0]
        if s[MOMENTUM] == 0:
            keep, factor = z.dtype.type(1) - rate * s[DECAY], -rate * g[t]
            for u in range(z.shape[1]):
                row[u] = keep * row[u] + factor * step[u]
        else:
            for u in range(z.shape[1]):
                late[u] = s[MOMENTUM] * late[u] + s[DECAY] * row[u] + g[t] * step[u]
                row[u] -= rate * late[u]
        if h.shape[0] > 1 and flag & SIGMOID:
            squash(row, z.dtype.type(1), h[t])


@threaded
def _follow_threaded(z, y, g, step, rate, s, flag, h):
    for k in prange(PIECES):
        _follow_rows(z, y, g, step, rate, s, flag, h, find_piece(z.shape[0], k), find_piece(z.shape[0], k + 1))


@compiled
def follow(z, y, g, step, rate, s, flag, h):
    """Give the test letters' pre-activations z one sample's update, and h <- s(z) where h has rows.

    y is their momentum, with one row where there is none; g [T] the Gram row, step [m] the error vector divided
    by the temperature.
    """
    if flag & THREADS:
        _follow_threaded(z, y, g, step, rate, s, flag, h)
    else:
        for k in range(PIECES):
            _follow_rows(z, y, g, step, rate, s, flag, h, find_piece(z.shape[0], k), find_piece(z.shape[0], k + 1))
