"""Compiled kernels of the blocked engine, by Numba on the CPU: s, the output error, the last weight matrix.

Shapes, for one network: m hidden units, c classes.
    x, h, v [m]  pre-activation, activation and error vector of a hidden layer
    q [c]        outputs, one for each class, then their error vector
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

# Sums may be reordered and fused, but NaN and infinity keep their meaning: they show that a run diverged.
FAST = {"contract", "reassoc", "nsz", "arcp"}
# Compiled functions allocate nothing (`_nrt`): without the counts of references to arrays they compile in less time,
# and threads that share arrays do not wait for each other's counts.
OPTIONS: dict[str, Any] = {"fastmath": FAST, "cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
compiled = numba.njit(**OPTIONS)
# What compiled functions call is put into them. Otherwise each has a copy of its own under one name; which copy all of
# them use depends on which is loaded first, and copies may round differently: the bits of a run would depend on whether
# its loops were compiled in this process or read from Numba's cache.
inlined = numba.njit(**OPTIONS, forceinline=True)
# As `inlined`, but put into the caller by Numba itself, before anything is compiled: that compiles faster, and suits
# functions whose rounding is allowed for in the bounds.
expanded = numba.njit(**OPTIONS, inline="always")
# Sums are fused in the order in which they are written: otherwise the rounding would depend on the surrounding code.
in_order = numba.njit(**(OPTIONS | {"fastmath": {"contract"}}), forceinline=True)
LANES = 8  # columns after the last multiple of this are summed in another order, as in earlier versions
TEMPERATURE, FACTOR, MOMENTUM, DECAY = range(4)  # indices into the numbers of `Settings`


class Settings(NamedTuple):
    """Settings of a network's kernels.

    Attributes:
        numbers: [4], 1/T, 2 f for the loss f |q - c|^2, momentum mu and weight decay lambda, of the type of the
            weights. They are one array because the compiler rounds differently for four separate numbers.
        output_slope: whether s' is in the outputs' error vector; never if s is the identity.
        hidden_slope: whether s' is in the hidden error vectors; never if s is the identity.
        sigmoid: whether s is the logistic function; otherwise it is the identity.
        bias: whether biases learn.
        threads: whether large products are shared among threads.
    """

    numbers: np.ndarray
    output_slope: bool
    hidden_slope: bool
    sigmoid: bool
    bias: bool
    threads: bool


class LastLayer(NamedTuple):
    """The last weight matrix, which changes after every sample.

    Attributes:
        U: [c, m] the weights.
        b: [c] their bias.
        N: [c, m] the momentum of U; any array if there is neither momentum nor weight decay.
        d: [c] the momentum of b.
    """

    U: np.ndarray
    b: np.ndarray
    N: np.ndarray
    d: np.ndarray


@intrinsic
def _power_of_two(context: Any, k: Any) -> tuple[Any, Callable[..., Any]]:
    """Return 2^k for a whole number k in a float32, through the bits of its exponent; NaN gives any number."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        integer = ir.IntType(32)
        exponent = builder.add(builder.fptosi(arguments[0], integer), integer(127))
        return builder.bitcast(builder.shl(exponent, integer(23)), ir.FloatType())

    return types.float32(types.float32), generate


def _exp(y: float) -> float:
    """Return the exponential of y; `_compile_exp` compiles it for each type."""
    return math.exp(y)


@overload(_exp, jit_options={"fastmath": FAST, "forceinline": True})
def _compile_exp(y: Any) -> Callable[..., Any]:
    def general(y: Any) -> Any:
        return math.exp(y)

    def vectorised(y: Any) -> Any:
        # exp(y) = 2^k exp(r), |r| <= ln(2)/2: a polynomial for exp(r) (Moshier's Cephes, 1989), within
        # 2 units in the last place, in a form that LLVM turns into vector instructions.
        y = np.float32(87.0) if y > np.float32(87.0) else y  # in this order NaN stays NaN
        y = np.float32(-87.0) if y < np.float32(-87.0) else y
        k = np.rint(y * np.float32(1.44269504))
        r = (y - k * np.float32(0.693359375)) + k * np.float32(2.12194440e-4)
        p = np.float32(1.9875691500e-4)
        p = p * r + np.float32(1.3981999507e-3)
        p = p * r + np.float32(8.3334519073e-3)
        p = p * r + np.float32(4.1665795894e-2)
        p = p * r + np.float32(1.6666665459e-1)
        p = p * r + np.float32(5.0000001201e-1)
        return (p * r * r + r + np.float32(1.0)) * _power_of_two(k)  # type: ignore[call-arg]

    return vectorised if y == types.float32 else general


@inlined
def squash(x: np.ndarray, inverse_temperature: np.floating, out: np.ndarray) -> None:
    """Out <- s(x), elementwise (15)."""
    one = x.dtype.type(1)
    for i in range(x.shape[0]):
        out[i] = one / (one + _exp(-inverse_temperature * x[i]))


@inlined
def activate(x: np.ndarray, s: Settings, h: np.ndarray) -> None:
    """H <- s(x), the activations of a layer (15)."""
    if s.sigmoid:
        squash(x, s.numbers[TEMPERATURE], h)
    else:
        for u in range(x.shape[0]):  # a loop, as Numba takes seconds to compile an assignment of arrays
            h[u] = x[u]


@inlined
def add_earlier(x: np.ndarray, k: np.ndarray, v: np.ndarray, count: int) -> None:
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


@inlined
def turn_into_error(q: np.ndarray, label: int, s: Settings) -> tuple[np.floating, bool]:
    """Turn the outputs q into their error vector, in place; return the loss, and whether the letter was misread."""
    total, best = q.dtype.type(0), 0
    for r in range(q.shape[0]):
        best = r if q[r] > q[best] else best
    for r in range(q.shape[0]):
        output = q[r]
        d = output - q.dtype.type(1) if r == label else output
        total += d * d
        d *= s.numbers[FACTOR]
        if s.output_slope:
            d *= output * (q.dtype.type(1) - output) * s.numbers[TEMPERATURE]
        q[r] = d
    return total * s.numbers[FACTOR] / q.dtype.type(2), best != label


@inlined
def multiply_rows(W: np.ndarray, x: np.ndarray, out: np.ndarray, start: int, stop: int) -> None:
    """Out[start:stop] <- W[start:stop] x."""
    i = start
    while i + 4 <= stop:  # four rows at a time, so that x is loaded less often
        r0, r1, r2, r3 = W[i], W[i + 1], W[i + 2], W[i + 3]
        s0 = s1 = s2 = s3 = W.dtype.type(0)
        for j in range(W.shape[1]):
            s0 += r0[j] * x[j]
            s1 += r1[j] * x[j]
            s2 += r2[j] * x[j]
            s3 += r3[j] * x[j]
        out[i], out[i + 1], out[i + 2], out[i + 3] = s0, s1, s2, s3
        i += 4
    while i < stop:
        total, row = W.dtype.type(0), W[i]
        for j in range(W.shape[1]):
            total += row[j] * x[j]
        out[i] = total
        i += 1


@in_order
def move_even(mean: np.floating, row: np.floating, h: np.floating, error: np.floating, s: np.ndarray) -> np.floating:
    """Return one element of mu M + v h^T + lambda W in an even row; `s` holds the numbers of `Settings`."""
    return s[MOMENTUM] * mean + s[DECAY] * row + error * h


@in_order
def move_odd(mean: np.floating, row: np.floating, h: np.floating, error: np.floating, s: np.ndarray) -> np.floating:
    """Return the same element in an odd row, rounded in another order."""
    return s[DECAY] * row + error * h + s[MOMENTUM] * mean


@in_order
def move_late(mean: np.floating, row: np.floating, h: np.floating, error: np.floating, s: np.ndarray) -> np.floating:
    """Return the same element in the columns after the last multiple of `LANES`, rounded in another order."""
    return s[MOMENTUM] * mean + error * h + s[DECAY] * row


@inlined
def learn_last(
    h: np.ndarray,
    last: LastLayer,
    label: int,
    rate: np.floating,
    s: Settings,
    scratch: tuple[np.ndarray, np.ndarray],
    v: np.ndarray,
) -> tuple[np.floating, bool]:
    """Learn one sample in the last layer: outputs (16), their error vector, v <- U^T q (19), and the update (20).

    Returns the loss, and whether the letter was misread; `scratch` holds two arrays [c].
    """
    q, x = scratch
    U, b, N, d = last.U, last.b, last.N, last.d
    outputs, m = U.shape
    multiply_rows(U, h, x, 0, outputs)
    for r in range(outputs):
        x[r] += b[r]
    activate(x, s, q)
    loss, wrong = turn_into_error(q, label, s)
    for u in range(m):
        v[u] = 0
    even, whole = outputs - outputs % 2, m - m % LANES
    for r in range(0, even, 2):  # W_q^T v_q and the update of W_q in one pass, two rows at a time
        row0, row1, v0, v1 = U[r], U[r + 1], q[r], q[r + 1]
        if s.numbers[MOMENTUM] == 0 and s.numbers[DECAY] == 0:
            a0, a1 = -rate * v0, -rate * v1
            for u in range(m):
                v[u] += v0 * row0[u] + v1 * row1[u]
                row0[u] += a0 * h[u]
                row1[u] += a1 * h[u]
        else:
            mean0, mean1 = N[r], N[r + 1]
            for u in range(whole):
                v[u] += v0 * row0[u] + v1 * row1[u]
                mean0[u] = move_even(mean0[u], row0[u], h[u], v0, s.numbers)
                mean1[u] = move_odd(mean1[u], row1[u], h[u], v1, s.numbers)
                row0[u] -= rate * mean0[u]
                row1[u] -= rate * mean1[u]
            for u in range(whole, m):
                v[u] += v0 * row0[u] + v1 * row1[u]
                mean0[u] = move_late(mean0[u], row0[u], h[u], v0, s.numbers)
                mean1[u] = move_late(mean1[u], row1[u], h[u], v1, s.numbers)
                row0[u] -= rate * mean0[u]
                row1[u] -= rate * mean1[u]
    for r in range(even, outputs):  # the last row, if the number of rows is odd
        row, error = U[r], q[r]
        for u in range(m):
            v[u] += error * row[u]
        if s.numbers[MOMENTUM] == 0 and s.numbers[DECAY] == 0:
            for u in range(m):
                row[u] += -rate * error * h[u]
        else:
            mean = N[r]
            for u in range(m):
                mean[u] = move_late(mean[u], row[u], h[u], error, s.numbers)
                row[u] -= rate * mean[u]
    if s.bias:
        for r in range(outputs):
            d[r] = s.numbers[MOMENTUM] * d[r] + q[r] + s.numbers[DECAY] * b[r]
            b[r] -= rate * d[r]
    return loss, wrong


@inlined
def multiply_slope(v: np.ndarray, h: np.ndarray, s: Settings) -> None:
    """V <- v . s'(x), elementwise, where s(x) = h, for the rules with s' in the hidden layers (18)."""
    if s.hidden_slope:
        for u in range(v.shape[0]):
            v[u] *= h[u] * (v.dtype.type(1) - h[u]) * s.numbers[TEMPERATURE]


@numba.njit(**(OPTIONS | {"fastmath": False, "error_model": "python"}))
def count_misread(x: np.ndarray, bias: np.ndarray, labels: np.ndarray) -> int:
    """Return how many rows of x [T, c or more] + bias [c] have their largest value not at the label [T].

    s is increasing: the largest pre-activation is the largest output, unless both round to the same number.
    """
    wrong = 0
    for t in range(x.shape[0]):
        where, top = 0, x[t, 0] + bias[0]
        for r in range(1, bias.shape[0]):
            value = x[t, r] + bias[r]
            if value > top:
                where, top = r, value
        wrong += where != labels[t]
    return wrong
