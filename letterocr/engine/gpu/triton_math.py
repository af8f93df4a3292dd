"""Parts of the Triton kernels: the function s, the outputs' error vector, one step of the last weight matrix.

No `from __future__ import annotations` here and in the kernels: Triton's interpreter reads the annotations themselves.

Shapes, inside a program: x, v [OUT] one number for each class, padded; `numbers` [4] as in `kernels.Settings`.
"""

import triton
import triton.language as tl


@triton.jit
def squash(x, inverse, SIGMOID: tl.constexpr):
    """Return s(x), elementwise (15); `inverse` is 1/T."""
    if SIGMOID:
        x = 1 / (1 + tl.exp(-x * inverse))
    return x


@triton.jit
def turn_into_error(x, label, numbers, o, classes, SIGMOID: tl.constexpr, OUTPUT_SLOPE: tl.constexpr):
    """Return the error vector of the outputs s(x) [OUT], the loss, and whether the letter was misread (17)."""
    inverse, factor = tl.load(numbers), tl.load(numbers + 1)
    real = o < classes
    q = squash(x, inverse, SIGMOID)
    best = tl.argmax(tl.where(real, q, float("-inf")), 0)
    v = tl.where(real, q - tl.where(o == label, 1.0, 0.0), 0.0)
    loss = tl.sum(v * v, 0) * factor / 2
    v = v * factor
    if OUTPUT_SLOPE:
        v = v * q * (1 - q) * inverse
    return v, loss, best != label


@triton.jit
def find_step(gradient, weight, late, numbers, MOMENTUM: tl.constexpr, DECAY: tl.constexpr):
    """Return what is subtracted from the weights, times alpha, and the new momentum: mu M + v h^T + lambda W."""
    step = gradient
    if DECAY:
        step = step + tl.load(numbers + 3) * weight
    if MOMENTUM:
        step = step + tl.load(numbers + 2) * late
        late = step
    return step, late


@triton.jit
def multiply_slope(v, h, inverse, HIDDEN_SLOPE: tl.constexpr):
    """Return v . s'(x), elementwise, where s(x) = h (18)."""
    if HIDDEN_SLOPE:
        v = v * h * (1 - h) * inverse
    return v


@triton.jit
def wait_for_all(arrived, count):
    """Wait until `count` arrivals of programs are counted, this program's among them; writes before it are seen after.

    The programs must run at the same time: they are launched as a cooperative grid, which the driver refuses if they
    do not fit.
    """
    tl.debug_barrier()  # all threads of this program have written
    tl.atomic_add(arrived, 1, sem="acq_rel", scope="gpu")
    while tl.atomic_add(arrived, 0, sem="acq_rel", scope="gpu") < count:
        pass
    tl.debug_barrier()
