"""The loops over the samples of a block, compiled by Numba for the CPU: one, two or three weight matrices.

They hold the part that is sequential: each sample's small vectors, and the last weight matrix, which fits the
cache. The first weight matrix is never touched here; its share comes in as P and K. The middle one is read twice a
sample, and its updates so far are added from their factors.

Shapes, for one network: n samples a block, m, m2 hidden units (or 26 where there is no hidden layer).
    P [n, m]    first pre-activations with the block's starting weights
    K [n, n]    K[i, j] v_j is what sample j's update adds to sample i's first pre-activation
    V [n, m]    the first layer's error vectors; H [n, m] its activations; V2, H2 [n, m2] the second's
    W [m2, m]   the middle matrix, w [m2] its bias, M, e their momentum
    table       the scalars p, r, c of `recurrence`
    U, b, N, d  the last weight matrix, its bias and their momentum, as in `kernels`
    rates[n]    alpha per sample; scalars in s, bits in flag
    known       samples of the block whose updates P has already
"""

from __future__ import annotations

import numpy as np

from letterocr.engine.kernels import (
    BIAS,
    MOMENTUM,
    activate,
    add_earlier,
    compiled,
    last_layer,
    multiply_slope,
    output_error,
)
from letterocr.engine.threaded import PIECES, matvec, vecmat


@compiled
def learn_one_matrix(known, start, stop, P, K, V, labels, s, flag, loss, wrong):
    """Learn samples start .. stop - 1 of a block with a single weight matrix (2, 6)."""
    for i in range(start, stop):
        add_earlier(P[i], K[i, known:], V[known:], i - known)
        activate(P[i], s, flag, V[i])
        loss[i], wrong[i] = output_error(V[i], labels[i], s, flag)


@compiled
def learn_two_matrices(known, start, stop, P, K, V, H, U, b, N, d, labels, rates, s, flag, loss, wrong):
    """Learn samples start .. stop - 1 of a block with two weight matrices (16-20)."""
    q, x = np.empty(U.shape[0], P.dtype), np.empty(U.shape[0], P.dtype)
    for i in range(start, stop):
        add_earlier(P[i], K[i, known:], V[known:], i - known)
        activate(P[i], s, flag, H[i])
        loss[i], wrong[i] = last_layer(H[i], U, b, N, d, labels[i], rates[i], s, flag, q, x, V[i])
        multiply_slope(V[i], H[i], s, flag)


@compiled
def _deferred(x, x0, late, table, i, bias, left, right, y, dots):
    """X <- p x0 + r late + sum over j < i of c_ij (left_j . y + bias) right_j: a deferred product (`stack`)."""
    p, r = table[i, 0], table[i, 1]
    for u in range(x.shape[0]):
        x[u] = p * x0[u] + r * late[u]
    matvec(left[:i], y, dots[:i], 0)
    for j in range(i):
        dots[j] = table[i, 2 + j] * (dots[j] + bias)
    add_earlier(x, dots, right, i)


@compiled
def learn_three_matrices(
    known, start, stop, P, K, V, H, W, w, M, e, table, V2, H2, U, b, N, d, labels, rates, s, flag, loss, wrong
):
    """Learn samples start .. stop - 1 of a block with three weight matrices (16-20)."""
    n, m, m2 = P.shape[0], P.shape[1], W.shape[0]
    q, x26, dots = np.empty(U.shape[0], P.dtype), np.empty(U.shape[0], P.dtype), np.empty(n, P.dtype)
    x, x0, late = np.zeros(m2, P.dtype), np.zeros(m2, P.dtype), np.zeros(m2, P.dtype)
    below, late_below = np.zeros(m, P.dtype), np.zeros(m, P.dtype)
    parts = np.empty((PIECES, m), P.dtype)
    one = P.dtype.type(flag & BIAS != 0)
    for i in range(start, stop):
        add_earlier(P[i], K[i, known:], V[known:], i - known)
        activate(P[i], s, flag, H[i])
        matvec(W, H[i], x0, flag)
        x0 += w
        if s[MOMENTUM]:
            matvec(M, H[i], late, flag)
            late += e * one
        _deferred(x, x0, late, table, i, one, H, V2, H[i], dots)
        activate(x, s, flag, H2[i])
        loss[i], wrong[i] = last_layer(H2[i], U, b, N, d, labels[i], rates[i], s, flag, q, x26, V2[i])
        multiply_slope(V2[i], H2[i], s, flag)
        vecmat(V2[i], W, parts, below, flag)
        if s[MOMENTUM]:
            vecmat(V2[i], M, parts, late_below, flag)
        _deferred(V[i], below, late_below, table, i, P.dtype.type(0), V2, H, V2[i], dots)
        multiply_slope(V[i], H[i], s, flag)
