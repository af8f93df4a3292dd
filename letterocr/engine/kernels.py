"""The inner loop over the samples of a block, compiled by Numba for the CPU.

It holds the part that is sequential: each sample's small vectors, and the last weight matrix, which fits the
cache. The first weight matrix is never touched here; its share comes in as P and K.

Shapes, for one network: n samples a block, m hidden units (or 26 where there is no hidden layer).
    P [n, m]    first pre-activations with the block's starting weights
    K [n, n]    K[i, j] v_j is what sample j's update adds to sample i's first pre-activation
    V [n, m]    the first layer's error vectors; H [n, m] its activations
    U [26, m]   the last weight matrix, b [26] its bias, N [26, m] and d [26] their momentum
    settings    alpha per sample in rates[n]; scalars in `s`, see `settings`
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numba import types
from numba.extending import overload

# Sums may be reordered and fused, but NaN and infinity keep their meaning: they tell divergence.
FAST = {"contract", "reassoc", "nsz", "arcp"}
TEMPERATURE, FACTOR, MOMENTUM, DECAY = range(4)
OUTPUT_SLOPE, HIDDEN_SLOPE, SIGMOID, BIAS = 1, 2, 4, 8


def settings(temperature: float, loss_factor: float, momentum: float, decay: float, dtype: type) -> np.ndarray:
    """The scalars of a kernel: 1/T, 2f, mu and lambda."""
    return np.array([1 / temperature, 2 * loss_factor, momentum, decay], dtype)


def flags(rule: str, sigmoid: bool, bias: bool) -> int:
    """What a kernel does, as bits: s' in the output and in the hidden error vectors, s itself, biases."""
    slopes = {"printed": 0, "eq18": HIDDEN_SLOPE, "gradient": HIDDEN_SLOPE | OUTPUT_SLOPE}[rule]
    return slopes * sigmoid | SIGMOID * sigmoid | BIAS * bias


def _exp(x: np.ndarray, factor: float, out: np.ndarray, power: np.ndarray) -> None:
    """Out <- exp(factor x), elementwise; compiled by element type below."""


@overload(_exp, jit_options={"fastmath": FAST})
def _compile_exp(x, factor, out, power):
    if x.dtype != types.float32:

        def exact(x, factor, out, power):
            for i in range(x.shape[0]):
                out[i] = math.exp(factor * x[i])

        return exact

    def vectorised(x, factor, out, power):
        # exp(y) = 2^k exp(r), |r| <= ln(2)/2: a polynomial for exp(r) (Moshier's Cephes, 1989), within
        # 2 units in the last place, in a form that LLVM turns into vector instructions.
        exponent = power.view(np.int32)
        for i in range(x.shape[0]):
            y = factor * x[i]
            y = np.float32(87.0) if y > np.float32(87.0) else y  # in this order NaN stays NaN
            y = np.float32(-87.0) if y < np.float32(-87.0) else y
            k = np.int32(y * np.float32(1.44269504) + np.float32(128.5)) - np.int32(128)
            f = np.float32(k)
            r = (y - f * np.float32(0.693359375)) + f * np.float32(2.12194440e-4)
            p = np.float32(1.9875691500e-4)
            p = p * r + np.float32(1.3981999507e-3)
            p = p * r + np.float32(8.3334519073e-3)
            p = p * r + np.float32(4.1665795894e-2)
            p = p * r + np.float32(1.6666665459e-1)
            p = p * r + np.float32(5.0000001201e-1)
            out[i] = p * r * r + r + np.float32(1.0)
            exponent[i] = (k + np.int32(127)) << np.int32(23)
        for i in range(x.shape[0]):
            out[i] *= power[i]

    return vectorised


@numba.njit(fastmath=FAST, cache=True, nogil=True, error_model="numpy")
def _squash(x, inverse_temperature, out, power):
    """The function s (15) of each element."""
    _exp(x, -inverse_temperature, out, power)
    one = x.dtype.type(1)
    for i in range(x.shape[0]):
        out[i] = one / (one + out[i])


@numba.njit(fastmath=FAST, cache=True, nogil=True, error_model="numpy")
def _add_earlier(x, k, v, count):
    """X <- x + sum over j < count of k[j] v[j]; four at a time, so that x is loaded less often."""
    j = 0
    while j + 4 <= count:
        k0, k1, k2, k3 = k[j], k[j + 1], k[j + 2], k[j + 3]
        v0, v1, v2, v3 = v[j], v[j + 1], v[j + 2], v[j + 3]
        for u in range(x.shape[0]):
            x[u] += k0 * v0[u] + k1 * v1[u] + k2 * v2[u] + k3 * v3[u]
        j += 4
    while j < count:
        k0, v0 = k[j], v[j]
        for u in range(x.shape[0]):
            x[u] += k0 * v0[u]
        j += 1


@numba.njit(fastmath=FAST, cache=True, nogil=True, error_model="numpy")
def _output_error(q, label, s, flag):
    """From the outputs q to their error vector, in place; returns the loss and whether the letter was misread."""
    total, best = q.dtype.type(0), 0
    for r in range(q.shape[0]):
        best = r if q[r] > q[best] else best
    for r in range(q.shape[0]):
        output = q[r]
        d = output - q.dtype.type(1) if r == label else output
        total += d * d
        d *= s[FACTOR]
        if flag & OUTPUT_SLOPE:
            d *= output * (q.dtype.type(1) - output) * s[TEMPERATURE]
        q[r] = d
    return total * s[FACTOR] / q.dtype.type(2), best != label


@numba.njit(fastmath=FAST, cache=True, nogil=True, error_model="numpy")
def learn_one_matrix(start, stop, P, K, V, labels, s, flag, loss, wrong):
    """Learn samples start .. stop - 1 of a block with a single weight matrix (2, 6)."""
    power = np.empty(P.shape[1], P.dtype)
    for i in range(start, stop):
        q = V[i]
        x = P[i]
        _add_earlier(x, K[i], V, i)
        if flag & SIGMOID:
            _squash(x, s[TEMPERATURE], q, power)
        else:
            q[:] = x
        loss[i], wrong[i] = _output_error(q, labels[i], s, flag)


@numba.njit(fastmath=FAST, cache=True, nogil=True, error_model="numpy")
def learn_two_matrices(start, stop, P, K, V, H, U, b, N, d, labels, rates, s, flag, loss, wrong):
    """Learn samples start .. stop - 1 of a block with two weight matrices (16-20)."""
    m, outputs = P.shape[1], U.shape[0]
    one = P.dtype.type(1)
    power, q, x26, power26 = (
        np.empty(m, P.dtype),
        np.empty(outputs, P.dtype),
        np.empty(outputs, P.dtype),
        np.empty(outputs, P.dtype),
    )
    plain = s[MOMENTUM] == 0 and s[DECAY] == 0
    for i in range(start, stop):
        x, h, v = P[i], H[i], V[i]
        _add_earlier(x, K[i], V, i)
        if flag & SIGMOID:
            _squash(x, s[TEMPERATURE], h, power)
        else:
            h[:] = x
        for r in range(outputs):
            total, row = P.dtype.type(0), U[r]
            for u in range(m):
                total += row[u] * h[u]
            x26[r] = total + b[r]
        if flag & SIGMOID:
            _squash(x26, s[TEMPERATURE], q, power26)
        else:
            q[:] = x26
        loss[i], wrong[i] = _output_error(q, labels[i], s, flag)
        v[:] = 0
        for r in range(0, outputs, 2):  # W_q^T v_q and the update of W_q in one pass, two rows at a time
            row0, row1, v0, v1 = U[r], U[r + 1], q[r], q[r + 1]
            if plain:
                a0, a1 = -rates[i] * v0, -rates[i] * v1
                for u in range(m):
                    v[u] += v0 * row0[u] + v1 * row1[u]
                    row0[u] += a0 * h[u]
                    row1[u] += a1 * h[u]
            else:
                mean0, mean1 = N[r], N[r + 1]
                for u in range(m):
                    v[u] += v0 * row0[u] + v1 * row1[u]
                    mean0[u] = s[MOMENTUM] * mean0[u] + v0 * h[u] + s[DECAY] * row0[u]
                    mean1[u] = s[MOMENTUM] * mean1[u] + v1 * h[u] + s[DECAY] * row1[u]
                    row0[u] -= rates[i] * mean0[u]
                    row1[u] -= rates[i] * mean1[u]
        if flag & BIAS:
            for r in range(outputs):
                d[r] = s[MOMENTUM] * d[r] + q[r] + s[DECAY] * b[r]
                b[r] -= rates[i] * d[r]
        if flag & HIDDEN_SLOPE:
            for u in range(m):
                v[u] *= h[u] * (one - h[u]) * s[TEMPERATURE]


@numba.njit(cache=True, nogil=True)
def misread(x, bias, labels):
    """How many rows of x + bias [T, 26] have their largest value elsewhere than at the label [T].

    s is increasing: the largest pre-activation is the largest output, unless both round to the same number.
    """
    wrong = 0
    for t in range(x.shape[0]):
        where, top = 0, x[t, 0] + bias[0]
        for r in range(1, x.shape[1]):
            value = x[t, r] + bias[r]
            if value > top:
                where, top = r, value
        wrong += where != labels[t]
    return wrong
