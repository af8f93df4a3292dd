"""Loops over the samples of a block, compiled by Numba for the CPU, for one to three weight matrices.

They hold the part that is sequential: each sample's small vectors, and the last weight matrix, which fits into the
cache. The first weight matrix is never read here; its products come in as P and K. The middle matrix is read twice for
each sample, and its updates so far are added from their factors.

Shapes, for one network: n samples in a block, m, m2 hidden units (m classes if there is no hidden layer).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from letterocr.engine.kernels import (
    MOMENTUM,
    LastLayer,
    Settings,
    activate,
    add_earlier,
    compiled,
    inlined,
    learn_last,
    multiply_slope,
    turn_into_error,
)
from letterocr.engine.threaded import PIECES, matvec, vecmat


class Block(NamedTuple):
    """The samples of a block, and the results of learning them.

    Attributes:
        P: [n, m] first pre-activations with the block's starting weights.
        K: [n, n], where K[i, j] v_j is what sample j's update adds to sample i's first pre-activation.
        V: [n, m] the first layer's error vectors.
        H: [n, m] the first hidden activations; not used with one weight matrix.
        labels: [n] classes of the samples.
        rates: [n] learning rate alpha of each sample.
        loss: [n] loss of each sample before its update.
        wrong: [n] whether the sample was misread.
        Q: [n, classes] the error vectors of the outputs; not used with one weight matrix.
    """

    P: np.ndarray
    K: np.ndarray
    V: np.ndarray
    H: np.ndarray
    labels: np.ndarray
    rates: np.ndarray
    loss: np.ndarray
    wrong: np.ndarray
    Q: np.ndarray


class Middle(NamedTuple):
    """The middle one of three weight matrices.

    Attributes:
        W: [m2, m] the weights.
        w: [m2] their bias.
        M: [m2, m] the momentum of W; any array if there is no momentum.
        e: [m2] the momentum of w.
        table: [n + 1, n + 2] the scalars p, r, c of `momentum`.
        V: [n, m2] error vectors of this layer.
        H: [n, m2] activations of this layer.
    """

    W: np.ndarray
    w: np.ndarray
    M: np.ndarray
    e: np.ndarray
    table: np.ndarray
    V: np.ndarray
    H: np.ndarray


class Stretch(NamedTuple):
    """The samples start .. stop - 1 of a block, which are to be learned.

    P already holds the updates of the first `known` samples.
    """

    known: int
    start: int
    stop: int


@compiled
def learn_one_matrix(stretch: Stretch, block: Block, s: Settings) -> None:
    """Learn samples of a block with one weight matrix (2, 6)."""
    known, start, stop = stretch
    P, K, V = block.P, block.K, block.V
    for i in range(start, stop):
        add_earlier(P[i], K[i, known:], V[known:], i - known)
        activate(P[i], s, V[i])
        block.loss[i], block.wrong[i] = turn_into_error(V[i], block.labels[i], s)


@inlined
def _keep_errors(q: np.ndarray, out: np.ndarray) -> None:
    """Copy the outputs' error vector; a loop, as Numba takes seconds to compile an assignment of arrays."""
    for r in range(q.shape[0]):
        out[r] = q[r]


@compiled
def learn_two_matrices(
    stretch: Stretch, block: Block, last: LastLayer, s: Settings, scratch: tuple[np.ndarray, np.ndarray]
) -> None:
    """Learn samples of a block with two weight matrices (16-20); scratch holds two arrays [classes]."""
    known, start, stop = stretch
    P, K, V, H = block.P, block.K, block.V, block.H
    for i in range(start, stop):
        add_earlier(P[i], K[i, known:], V[known:], i - known)
        activate(P[i], s, H[i])
        block.loss[i], block.wrong[i] = learn_last(H[i], last, block.labels[i], block.rates[i], s, scratch, V[i])
        _keep_errors(scratch[0], block.Q[i])
        multiply_slope(V[i], H[i], s)


@inlined
def _add_deferred(
    x: np.ndarray,
    now: tuple[np.ndarray, np.ndarray],
    scalars: np.ndarray,
    i: int,
    bias: np.floating,
    factors: tuple[np.ndarray, np.ndarray],
    y: np.ndarray,
    dots: np.ndarray,
) -> None:
    """X <- p x0 + r late + sum over j < i of c_j (left_j . y + bias) right_j: a deferred product (`stack`).

    `now` holds x0 and late, the products with the block's starting weights and momentum; `scalars` p, r, c_1 ... ;
    `factors` left and right; `dots` is scratch.
    """
    x0, late = now
    left, right = factors
    p, r = scalars[0], scalars[1]
    for u in range(x.shape[0]):
        x[u] = p * x0[u] + r * late[u]
    matvec(left[:i], y, dots[:i], False)
    for j in range(i):
        dots[j] = scalars[2 + j] * (dots[j] + bias)
    add_earlier(x, dots, right, i)


@inlined
def _add(x: np.ndarray, y: np.ndarray, factor: np.floating) -> None:
    for u in range(x.shape[0]):
        x[u] += y[u] * factor


class Scratch(NamedTuple):
    """Memory for `learn_three_matrices`.

    Attributes:
        outputs: two arrays [classes].
        dots: [n].
        middle: three arrays [m2].
        below: two arrays [m].
        parts: [PIECES, m].
    """

    outputs: tuple[np.ndarray, np.ndarray]
    dots: np.ndarray
    middle: tuple[np.ndarray, np.ndarray, np.ndarray]
    below: tuple[np.ndarray, np.ndarray]
    parts: np.ndarray


def make_scratch(classes: int, n: int, m: int, m2: int, dtype: np.dtype) -> Scratch:
    """Return memory for networks of these sizes."""

    def new(*shape: int) -> np.ndarray:
        return np.zeros(shape, dtype)

    return Scratch((new(classes), new(classes)), new(n), (new(m2), new(m2), new(m2)), (new(m), new(m)), new(PIECES, m))


@compiled
def learn_three_matrices(
    stretch: Stretch, block: Block, middle: Middle, last: LastLayer, s: Settings, scratch: Scratch
) -> None:
    """Learn samples of a block with three weight matrices (16-20)."""
    known, start, stop = stretch
    P, K, V, H = block.P, block.K, block.V, block.H
    W, M, V2, H2 = middle.W, middle.M, middle.V, middle.H
    outputs, dots, (x, x0, late), (below, late_below), parts = scratch
    one = P.dtype.type(s.bias)
    for i in range(start, stop):
        add_earlier(P[i], K[i, known:], V[known:], i - known)
        activate(P[i], s, H[i])
        matvec(W, H[i], x0, s.threads)
        _add(x0, middle.w, P.dtype.type(1))
        if s.numbers[MOMENTUM]:
            matvec(M, H[i], late, s.threads)
            _add(late, middle.e, one)
        _add_deferred(x, (x0, late), middle.table[i], i, one, (H, V2), H[i], dots)
        activate(x, s, H2[i])
        block.loss[i], block.wrong[i] = learn_last(H2[i], last, block.labels[i], block.rates[i], s, outputs, V2[i])
        _keep_errors(outputs[0], block.Q[i])
        multiply_slope(V2[i], H2[i], s)
        vecmat(V2[i], W, parts, below, s.threads)
        if s.numbers[MOMENTUM]:
            vecmat(V2[i], M, parts, late_below, s.threads)
        _add_deferred(V[i], (below, late_below), middle.table[i], i, P.dtype.type(0), (V2, H), V2[i], dots)
        multiply_slope(V[i], H[i], s)
