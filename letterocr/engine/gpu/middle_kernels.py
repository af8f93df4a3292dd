"""Triton kernels for three weight matrices: three launches for each sample, with many programs for each network.

The middle matrix is too large for one multiprocessor, and each of its two products needs all of the other's result:
the launches are what the programs wait for. All of them but the last matrix are deferred as in `stack`.

Shapes, for one network: n samples in the buffers of a block, m, m2 hidden units, c classes, OUT >= c, J >= n.
    P, V, H [n, m]  K [n, n]  V2, H2 [n, m2]  as in `loops`
    table [n + 1, n + 2]  the scalars p, r, c of `momentum`
    W, M [m2, m]  w, e [m2]  middle matrix, its momentum, their biases
    U, N, B, D, Q, numbers as in `learning_kernels`
    shared [TILES, OUT]  each program's part of the outputs' pre-activations
"""

import triton
import triton.language as tl

from letterocr.engine.gpu.learning_kernels import activate_next
from letterocr.engine.gpu.triton_math import find_step, multiply_slope, squash, turn_into_error


@triton.jit(do_not_specialize=["i"])
def send_forward(
    W, w, M, e, table, H, V2, H2, U, shared, numbers, W_step, w_step, M_step, e_step, U_step, block, i, m, m2, classes,
    ROWS: tl.constexpr, C: tl.constexpr, J: tl.constexpr, OUT: tl.constexpr, TILES: tl.constexpr,
    SIGMOID: tl.constexpr, MOMENTUM: tl.constexpr, BIAS: tl.constexpr,
):  # fmt: skip
    """Compute sample i's activations of ROWS units of the second hidden layer, and their part of the outputs (16)."""
    tile, r = tl.program_id(0), tl.program_id(1).to(tl.int64)
    W += r * W_step
    w += r * w_step
    M += r * M_step
    e += r * e_step
    U += r * U_step
    table += r * (block + 1) * (block + 2) + i * (block + 2)
    H += r * block * m
    V2 += r * block * m2
    H2 += r * block * m2
    shared += r * TILES * OUT
    rows, c, j, o = tile * ROWS + tl.arange(0, ROWS), tl.arange(0, C), tl.arange(0, J), tl.arange(0, OUT)
    real = rows < m2
    zero = H.dtype.element_ty
    now, late, dots = tl.zeros((ROWS, C), zero), tl.zeros((ROWS, C), zero), tl.zeros((J, C), zero)
    for k in range(0, m, C):
        inside = k + c < m
        h = tl.load(H + i * m + k + c, mask=inside, other=0.0)[None, :]
        at = rows[:, None] * m + (k + c)[None, :]
        now += h * tl.load(W + at, mask=real[:, None] & inside[None, :], other=0.0)
        if MOMENTUM:
            late += h * tl.load(M + at, mask=real[:, None] & inside[None, :], other=0.0)
        earlier = (j < i)[:, None] & inside[None, :]
        dots += h * tl.load(H + j[:, None] * m + (k + c)[None, :], mask=earlier, other=0.0)
    x = tl.load(table) * (tl.sum(now, 1) + tl.load(w + rows, mask=real, other=0.0))
    if MOMENTUM:
        if BIAS:
            x += tl.load(table + 1) * (tl.sum(late, 1) + tl.load(e + rows, mask=real, other=0.0))
        else:
            x += tl.load(table + 1) * tl.sum(late, 1)
    product = tl.sum(dots, 1)
    if BIAS:
        product += 1
    product *= tl.load(table + 2 + j, mask=j < i, other=0.0)
    v = tl.load(V2 + j[:, None] * m2 + rows[None, :], mask=(j < i)[:, None] & real[None, :], other=0.0)
    x += tl.sum(product[:, None] * v, 0)
    h = squash(x, tl.load(numbers + r * 4), SIGMOID)
    tl.store(H2 + i * m2 + rows, h, mask=real)
    u = tl.load(U + o[:, None] * m2 + rows[None, :], mask=(o < classes)[:, None] & real[None, :], other=0.0)
    tl.store(shared + tile * OUT + o, tl.sum(u * h[None, :], 1))


@triton.jit(do_not_specialize=["i"])
def learn_last_matrix(
    V2, H2, Q, U, N, B, D, labels, rates, loss, wrong, numbers, shared, U_step, N_step, block, i, m2, classes, tiles,
    C: tl.constexpr, OUT: tl.constexpr, TILES: tl.constexpr, SIGMOID: tl.constexpr, OUTPUT_SLOPE: tl.constexpr,
    HIDDEN_SLOPE: tl.constexpr, MOMENTUM: tl.constexpr, DECAY: tl.constexpr, BIAS: tl.constexpr,
):  # fmt: skip
    """Compute sample i's error vectors of the outputs and of C units (17-19), and update these units' weights (20)."""
    p, r = tl.program_id(0), tl.program_id(1).to(tl.int64)
    V2 += r * block * m2
    H2 += r * block * m2
    U += r * U_step
    N += r * N_step
    B += (r * (block + 1) + i) * OUT
    D += (r * (block + 1) + i) * OUT
    numbers += r * 4
    sample = r * block + i
    o, c, t = tl.arange(0, OUT), p * C + tl.arange(0, C), tl.arange(0, TILES)
    own = c < m2
    parts = tl.load(shared + (r * TILES + t[:, None]) * OUT + o[None, :], mask=(t < tiles)[:, None], other=0.0)
    bias, late_bias = tl.load(B + o), tl.load(D + o)
    error, value, misread = turn_into_error(
        bias + tl.sum(parts, 0), tl.load(labels + sample), numbers, o, classes, SIGMOID, OUTPUT_SLOPE
    )  # fmt: skip
    rate = tl.load(rates + sample)
    if BIAS:
        step, late_bias = find_step(error, bias, late_bias, numbers, MOMENTUM, DECAY)
        bias = bias - rate * step
    if p == 0:
        tl.store(loss + sample, value)
        tl.store(wrong + sample, misread.to(tl.int8))
        tl.store(Q + sample * OUT + o, error)
        tl.store(B + OUT + o, bias)
        tl.store(D + OUT + o, late_bias)
    inside = (o < classes)[:, None] & own[None, :]
    at = o[:, None] * m2 + c[None, :]
    u = tl.load(U + at, mask=inside, other=0.0)
    late = tl.zeros((OUT, C), U.dtype.element_ty)
    if MOMENTUM:
        late = tl.load(N + at, mask=inside, other=0.0)
    h = tl.load(H2 + i * m2 + c, mask=own, other=0.0)
    below = multiply_slope(tl.sum(u * error[:, None], 0), h, tl.load(numbers), HIDDEN_SLOPE)
    tl.store(V2 + i * m2 + c, below, mask=own)
    step, late = find_step(error[:, None] * h[None, :], u, late, numbers, MOMENTUM, DECAY)
    tl.store(U + at, u - rate * step, mask=inside)
    if MOMENTUM:
        tl.store(N + at, late, mask=inside)


@triton.jit(do_not_specialize=["i", "end"])
def send_back(
    P, K, V, H, W, M, table, V2, numbers, W_step, M_step, block, i, end, m, m2,
    ROWS: tl.constexpr, C: tl.constexpr, J: tl.constexpr, SIGMOID: tl.constexpr, HIDDEN_SLOPE: tl.constexpr,
    MOMENTUM: tl.constexpr,
):  # fmt: skip
    """Compute sample i's error vector of C units of the first hidden layer, and their activations of sample i + 1."""
    p, r = tl.program_id(0), tl.program_id(1).to(tl.int64)
    P += r * block * m
    V += r * block * m
    H += r * block * m
    K += r * block * block
    W += r * W_step
    M += r * M_step
    V2 += r * block * m2
    table += r * (block + 1) * (block + 2) + i * (block + 2)
    c, rows, j = p * C + tl.arange(0, C), tl.arange(0, ROWS), tl.arange(0, J)
    own = c < m
    zero = H.dtype.element_ty
    now, late, dots = tl.zeros((ROWS, C), zero), tl.zeros((ROWS, C), zero), tl.zeros((J, ROWS), zero)
    for k in range(0, m2, ROWS):
        inside = k + rows < m2
        v = tl.load(V2 + i * m2 + k + rows, mask=inside, other=0.0)
        at = (k + rows)[:, None] * m + c[None, :]
        now += v[:, None] * tl.load(W + at, mask=inside[:, None] & own[None, :], other=0.0)
        if MOMENTUM:
            late += v[:, None] * tl.load(M + at, mask=inside[:, None] & own[None, :], other=0.0)
        earlier = (j < i)[:, None] & inside[None, :]
        dots += v[None, :] * tl.load(V2 + j[:, None] * m2 + (k + rows)[None, :], mask=earlier, other=0.0)
    below = tl.load(table) * tl.sum(now, 0)
    if MOMENTUM:
        below += tl.load(table + 1) * tl.sum(late, 0)
    product = tl.sum(dots, 1) * tl.load(table + 2 + j, mask=j < i, other=0.0)
    h = tl.load(H + j[:, None] * m + c[None, :], mask=(j < i)[:, None] & own[None, :], other=0.0)
    below += tl.sum(product[:, None] * h, 0)
    inverse = tl.load(numbers + r * 4)
    below = multiply_slope(below, tl.load(H + i * m + c, mask=own, other=0.0), inverse, HIDDEN_SLOPE)
    tl.store(V + i * m + c, below, mask=own)
    v1 = tl.load(V + j[:, None] * m + c[None, :], mask=(j < i)[:, None] & own[None, :], other=0.0)
    v1 = tl.where((j == i)[:, None], below[None, :], v1)
    activate_next(P, K, H, v1, c, own, j, i + 1, end, inverse, block, m, SIGMOID)
