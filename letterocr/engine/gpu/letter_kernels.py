"""Triton kernels for the test error after every sample of a group: test letters in tiles, one or two weight matrices.

A program takes a tile of letters and a chunk of hidden units, and keeps their first pre-activations z in registers for
the whole group. It takes the last weight matrix from its value at the group's start through the same updates as the
learning kernel, so that no history of it is kept. The chunks' parts of the outputs are summed in a fixed order: the
counts do not depend on which program was faster.

Shapes, for one network: T letters, n samples in the buffers of a block, m hidden units, c classes, OUT >= c.
    Z, Y [T, m]  the letters' first pre-activations divided by the temperature, and their momentum
    G [n, T]  A X^T + 1      V, H, Q, B, numbers as in `learning_kernels`      due [n]  whether a sample is measured
    U, N [c, m]  last weight matrix and its momentum at the group's start
    parts [splits, group, T, OUT]  parts of the outputs' pre-activations      counts [n]  misread letters
"""

import triton
import triton.language as tl

from letterocr.engine.gpu.triton_math import find_step, squash


@triton.jit
def follow_sample(
    z, y, G, V, rates, numbers, t, c, known, own, i, letters, m, MOMENTUM: tl.constexpr, DECAY: tl.constexpr
):  # fmt: skip
    """Return z and y [BT, C] after sample i's update of the first weight matrix, as `Follower.follow` does."""
    rate = tl.load(rates + i)
    g = tl.load(G + i * letters + t, mask=known, other=0.0)
    v = tl.load(V + i * m + c, mask=own, other=0.0) * tl.load(numbers)
    if MOMENTUM:
        y = tl.load(numbers + 2) * y + tl.load(numbers + 3) * z + g[:, None] * v[None, :]
        z = z - rate * y
    else:
        if DECAY:
            z = z * (1 - rate * tl.load(numbers + 3))
        z = z - (rate * g)[:, None] * v[None, :]
    return z, y


@triton.jit(do_not_specialize=["first", "stop"])
def count_one_matrix(
    Z, Y, G, V, rates, numbers, due, truth, counts, block, first, stop, letters, classes,
    BT: tl.constexpr, OUT: tl.constexpr, MOMENTUM: tl.constexpr, DECAY: tl.constexpr,
):  # fmt: skip
    """Count the misread letters after each of the samples first .. stop - 1, with one weight matrix."""
    r = tl.program_id(1).to(tl.int64)
    Z += r * letters * classes
    Y += r * letters * classes
    G += r * block * letters
    V += r * block * classes
    rates += r * block
    numbers += r * 4
    counts += r * block
    t, o = tl.program_id(0) * BT + tl.arange(0, BT), tl.arange(0, OUT)
    known, real = t < letters, o < classes
    inside, at = known[:, None] & real[None, :], t[:, None] * classes + o[None, :]
    label = tl.load(truth + t, mask=known, other=0)
    z = tl.load(Z + at, mask=inside, other=0.0)
    y = tl.zeros((BT, OUT), Z.dtype.element_ty)
    if MOMENTUM:
        y = tl.load(Y + at, mask=inside, other=0.0)
    for i in range(first, stop):
        z, y = follow_sample(z, y, G, V, rates, numbers, t, o, known, real, i, letters, classes, MOMENTUM, DECAY)
        if tl.load(due + i) != 0:
            best = tl.argmax(tl.where(real[None, :], z, float("-inf")), 1)
            tl.atomic_add(counts + i, tl.sum(((best != label) & known).to(tl.int32), 0))
    tl.store(Z + at, z, mask=inside)
    if MOMENTUM:
        tl.store(Y + at, y, mask=inside)


@triton.jit(do_not_specialize=["first", "stop"])
def follow_two_matrices(
    Z, Y, G, V, H, Q, U, N, rates, numbers, due, parts, block, first, stop, letters, m, classes, width,
    BT: tl.constexpr, C: tl.constexpr, OUT: tl.constexpr, PRECISION: tl.constexpr, SIGMOID: tl.constexpr,
    MOMENTUM: tl.constexpr, DECAY: tl.constexpr,
):  # fmt: skip
    """Take a tile of letters and `width` hidden units, in chunks of C, through the samples first .. stop - 1."""
    split, r = tl.program_id(1), tl.program_id(2).to(tl.int64)
    group = stop - first
    Z += r * letters * m
    Y += r * letters * m
    G += r * block * letters
    V += r * block * m
    H += r * block * m
    Q += r * block * OUT
    U += r * classes * m
    N += r * classes * m
    rates += r * block
    numbers += r * 4
    parts += (r * tl.num_programs(1) + split) * group * letters * OUT
    t, o = tl.program_id(0) * BT + tl.arange(0, BT), tl.arange(0, OUT)
    known, real = t < letters, o < classes
    low, high = split * width, min(split * width + width, m)
    for k in range(low, high, C):
        c = k + tl.arange(0, C)
        own = c < high
        inside, at = known[:, None] & own[None, :], t[:, None] * m + c[None, :]
        columns, at_u = own[:, None] & real[None, :], o[None, :] * m + c[:, None]
        z = tl.load(Z + at, mask=inside, other=0.0)
        y = tl.zeros((BT, C), Z.dtype.element_ty)
        u = tl.load(U + at_u, mask=columns, other=0.0)
        late = tl.zeros((C, OUT), Z.dtype.element_ty)
        if MOMENTUM:
            y = tl.load(Y + at, mask=inside, other=0.0)
            late = tl.load(N + at_u, mask=columns, other=0.0)
        for i in range(first, stop):
            z, y = follow_sample(z, y, G, V, rates, numbers, t, c, known, own, i, letters, m, MOMENTUM, DECAY)
            h = tl.load(H + i * m + c, mask=own, other=0.0)
            error = tl.load(Q + i * OUT + o)
            step, late = find_step(h[:, None] * error[None, :], u, late, numbers, MOMENTUM, DECAY)
            u = u - tl.load(rates + i) * step
            if tl.load(due + i) != 0:
                a = tl.where(own[None, :], squash(z, 1.0, SIGMOID), 0.0)
                x = tl.dot(a, u, input_precision=PRECISION, out_dtype=Z.dtype.element_ty)
                at_x = parts + ((i - first).to(tl.int64) * letters + t[:, None]) * OUT + o[None, :]
                if k > low:
                    x += tl.load(at_x, mask=known[:, None], other=0.0)
                tl.store(at_x, x, mask=known[:, None])
        tl.debug_barrier()  # the parts are read again for the next chunk
        tl.store(Z + at, z, mask=inside)
        if MOMENTUM:
            tl.store(Y + at, y, mask=inside)


@triton.jit(do_not_specialize=["first", "stop"])
def count_two_matrices(
    parts, B, due, truth, counts, block, first, stop, letters, classes, splits,
    BT: tl.constexpr, OUT: tl.constexpr,
):  # fmt: skip
    """Add up the parts of the outputs of a tile of letters after one sample, and count the misread ones."""
    i, r = tl.program_id(1), tl.program_id(2).to(tl.int64)
    group = stop - first
    t, o = tl.program_id(0) * BT + tl.arange(0, BT), tl.arange(0, OUT)
    known, real = t < letters, o < classes
    if tl.load(due + first + i) != 0:
        bias = tl.load(B + (r * (block + 1) + first + i + 1) * OUT + o)
        x = tl.zeros((BT, OUT), parts.dtype.element_ty) + bias[None, :]
        for split in range(splits):
            at = ((r * splits + split) * group + i) * letters + t
            x += tl.load(parts + at[:, None] * OUT + o[None, :], mask=known[:, None], other=0.0)
        best = tl.argmax(tl.where(real[None, :], x, float("-inf")), 1)
        label = tl.load(truth + t, mask=known, other=0)
        tl.atomic_add(counts + r * block + first + i, tl.sum(((best != label) & known).to(tl.int32), 0))
