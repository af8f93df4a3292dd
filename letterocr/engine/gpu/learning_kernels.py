"""Triton kernels that learn a group of samples with one or two weight matrices: the sequential part of a block.

A group is a part of a block. What earlier groups add to its first pre-activations is one product, done before. The
hidden units of a network are shared among PROGRAMS programs. Each keeps its own columns of the last weight matrix and
its own error vectors; only the outputs need all of them, so that they wait for each other once for each sample. With
few units a program keeps its part in registers for the whole group (KEEP), otherwise it reads and writes it in chunks.

Shapes, for one network: n samples in the buffers of a block, m hidden units, c classes, OUT >= c, J >= samples of a
group.
    P, V, H [n, m]  K [n, n]  Q [n, OUT]  as in `loops`; the memory of Q, B and D is padded from c to OUT
    U, N [c, m]  last weight matrix and its momentum      numbers [4] as in `kernels.Settings`
    B, D [n + 1, OUT]  the last bias and its momentum before each sample of the block, and after the last
    shared [n, PROGRAMS, OUT]  each program's part of the outputs' pre-activations       arrived [1], 0 at the start
"""

import triton
import triton.language as tl

from letterocr.engine.gpu.triton_math import find_step, multiply_slope, squash, turn_into_error, wait_for_all


@triton.jit(do_not_specialize=["first", "stop"])
def learn_one_matrix(
    P, K, V, labels, loss, wrong, numbers, block, first, stop, classes,
    J: tl.constexpr, OUT: tl.constexpr, SIGMOID: tl.constexpr, OUTPUT_SLOPE: tl.constexpr,
):  # fmt: skip
    """Learn the samples first .. stop - 1 of a block with one weight matrix (2, 6); one program a network."""
    r = tl.program_id(0).to(tl.int64)
    P += r * block * classes
    V += r * block * classes
    K += r * block * block
    labels += r * block
    loss += r * block
    wrong += r * block
    numbers += r * 4
    o, j = tl.arange(0, OUT), first + tl.arange(0, J)
    real = o < classes
    v = tl.zeros((J, OUT), P.dtype.element_ty)
    for i in range(first, stop):
        k = tl.load(K + i * block + j, mask=j < i, other=0.0)
        x = tl.load(P + i * classes + o, mask=real, other=0.0) + tl.sum(k[:, None] * v, 0)
        error, value, misread = turn_into_error(
            x, tl.load(labels + i), numbers, o, classes, SIGMOID, OUTPUT_SLOPE
        )  # fmt: skip
        tl.store(loss + i, value)
        tl.store(wrong + i, misread.to(tl.int8))
        tl.store(V + i * classes + o, error, mask=real)
        v = tl.where((j == i)[:, None], error[None, :], v)


@triton.jit
def activate_next(
    P, K, H, v, c, own, j, i, stop, inverse, block, m, SIGMOID: tl.constexpr
):  # fmt: skip
    """Return sample i's activations of the units c, and keep them; `v` [J, C] are the group's error vectors so far."""
    wanted = i < stop
    k = tl.load(K + i * block + j, mask=(j < i) & wanted, other=0.0)
    x = tl.load(P + i * m + c, mask=own & wanted, other=0.0) + tl.sum(k[:, None] * v, 0)
    h = tl.where(own, squash(x, inverse, SIGMOID), 0.0)
    tl.store(H + i * m + c, h, mask=own & wanted)
    return h


@triton.jit
def learn_units(
    P, K, V, H, numbers, u, late, v, c, own, j, i, end, error, rate, block, m,
    SIGMOID: tl.constexpr, HIDDEN_SLOPE: tl.constexpr, MOMENTUM: tl.constexpr, DECAY: tl.constexpr,
):  # fmt: skip
    """Learn sample i in the units c: their error vector (18, 19), their weights (20), then sample i + 1's activations.

    Returns the weights [OUT, C], their momentum, the group's error vectors [J, C], and the parts of sample i + 1's
    outputs [OUT, C].
    """
    inverse = tl.load(numbers)
    h = tl.load(H + i * m + c, mask=own, other=0.0)
    below = multiply_slope(tl.sum(u * error[:, None], 0), h, inverse, HIDDEN_SLOPE)
    step, late = find_step(error[:, None] * h[None, :], u, late, numbers, MOMENTUM, DECAY)
    u = u - rate * step
    tl.store(V + i * m + c, below, mask=own)
    v = tl.where((j == i)[:, None], below[None, :], v)
    following = activate_next(P, K, H, v, c, own, j, i + 1, end, inverse, block, m, SIGMOID)
    return u, late, v, u * following[None, :]


@triton.jit(do_not_specialize=["first", "start", "stop", "end"])
def learn_two_matrices(
    P, K, V, H, Q, U, N, B, D, labels, rates, loss, wrong, numbers, shared, arrived,
    u_step, n_step, block, first, start, stop, end, m, classes, width,
    PROGRAMS: tl.constexpr, C: tl.constexpr, J: tl.constexpr, OUT: tl.constexpr,
    KEEP: tl.constexpr, BEGIN: tl.constexpr, WAIT: tl.constexpr, SIGMOID: tl.constexpr, OUTPUT_SLOPE: tl.constexpr,
    HIDDEN_SLOPE: tl.constexpr, MOMENTUM: tl.constexpr, DECAY: tl.constexpr, BIAS: tl.constexpr,
):  # fmt: skip
    """Learn the samples start .. stop - 1 of the group first .. end - 1 with two weight matrices (16-20).

    BEGIN: compute the first sample's activations before. WAIT: the programs wait for each other; without it, a launch
    with BEGIN and no sample, then one launch for each sample, do the same. `width` units belong to each program; with
    KEEP at most C, otherwise they are taken in chunks of C.
    """
    p, r = tl.program_id(0), tl.program_id(1).to(tl.int64)
    P += r * block * m
    V += r * block * m
    H += r * block * m
    K += r * block * block
    Q += r * block * OUT
    U += r * u_step
    N += r * n_step
    B += r * (block + 1) * OUT
    D += r * (block + 1) * OUT
    labels += r * block
    rates += r * block
    loss += r * block
    wrong += r * block
    numbers += r * 4
    shared += r * block * PROGRAMS * OUT
    arrived += r
    o, j, programs = tl.arange(0, OUT), first + tl.arange(0, J), tl.arange(0, PROGRAMS)
    real = o < classes
    low, high = p * width, min(p * width + width, m)
    bias, late_bias = tl.load(B + start * OUT + o), tl.load(D + start * OUT + o)
    zero = P.dtype.element_ty
    inverse = tl.load(numbers)
    c = low + tl.arange(0, C)
    own = c < high
    u = tl.zeros((OUT, C), zero)
    late = tl.zeros((OUT, C), zero)
    v = tl.zeros((J, C), zero)
    part = tl.zeros((OUT, C), zero)
    if KEEP:
        inside = real[:, None] & own[None, :]
        u = tl.load(U + o[:, None] * m + c[None, :], mask=inside, other=0.0)
        if MOMENTUM:
            late = tl.load(N + o[:, None] * m + c[None, :], mask=inside, other=0.0)
        v = tl.load(V + j[:, None] * m + c[None, :], mask=(j < start)[:, None] & own[None, :], other=0.0)
    if BEGIN:
        if KEEP:
            part = u * activate_next(P, K, H, v, c, own, j, first, end, inverse, block, m, SIGMOID)[None, :]
        else:
            for k in range(low, high, C):
                ck = k + tl.arange(0, C)
                ownk = ck < high
                uk = tl.load(U + o[:, None] * m + ck[None, :], mask=real[:, None] & ownk[None, :], other=0.0)
                part += uk * activate_next(P, K, H, v, ck, ownk, j, first, end, inverse, block, m, SIGMOID)[None, :]
        if PROGRAMS > 1:
            tl.store(shared + (first * PROGRAMS + p) * OUT + o, tl.sum(part, 1))
            if WAIT:
                wait_for_all(arrived, PROGRAMS)
        tl.debug_barrier()  # the activations are read again, by other threads
    for i in range(start, stop):
        if PROGRAMS > 1:
            at = shared + (i * PROGRAMS + programs[:, None]) * OUT + o[None, :]
            x = bias + tl.sum(tl.load(at, cache_modifier=".cg"), 0)
        else:
            x = bias + tl.sum(part, 1)
        error, value, misread = turn_into_error(
            x, tl.load(labels + i), numbers, o, classes, SIGMOID, OUTPUT_SLOPE
        )  # fmt: skip
        rate = tl.load(rates + i)
        if BIAS:
            step, late_bias = find_step(error, bias, late_bias, numbers, MOMENTUM, DECAY)
            bias = bias - rate * step
        if p == 0:
            tl.store(loss + i, value)
            tl.store(wrong + i, misread.to(tl.int8))
            tl.store(Q + i * OUT + o, error)
            tl.store(B + (i + 1) * OUT + o, bias)
            tl.store(D + (i + 1) * OUT + o, late_bias)
        if KEEP:
            u, late, v, part = learn_units(
                P, K, V, H, numbers, u, late, v, c, own, j, i, end, error, rate, block, m,
                SIGMOID, HIDDEN_SLOPE, MOMENTUM, DECAY,
            )  # fmt: skip
        else:
            part = tl.zeros((OUT, C), zero)
            for k in range(low, high, C):
                ck = k + tl.arange(0, C)
                ownk = ck < high
                inside = real[:, None] & ownk[None, :]
                at_u = U + o[:, None] * m + ck[None, :]
                at_n = N + o[:, None] * m + ck[None, :]
                uk = tl.load(at_u, mask=inside, other=0.0)
                latek = tl.zeros((OUT, C), zero)
                if MOMENTUM:
                    latek = tl.load(at_n, mask=inside, other=0.0)
                vk = tl.load(V + j[:, None] * m + ck[None, :], mask=(j < i)[:, None] & ownk[None, :], other=0.0)
                uk, latek, vk, partk = learn_units(
                    P, K, V, H, numbers, uk, latek, vk, ck, ownk, j, i, end, error, rate, block, m,
                    SIGMOID, HIDDEN_SLOPE, MOMENTUM, DECAY,
                )  # fmt: skip
                part += partk
                tl.store(at_u, uk, mask=inside)
                if MOMENTUM:
                    tl.store(at_n, latek, mask=inside)
        if PROGRAMS > 1:  # noqa: SIM102  the first condition is known when the kernel is compiled, the second is not
            if i + 1 < end:
                tl.store(shared + ((i + 1) * PROGRAMS + p) * OUT + o, tl.sum(part, 1))
                if WAIT:
                    wait_for_all(arrived, (i + 2 - first) * PROGRAMS)
        tl.debug_barrier()
    if KEEP:
        inside = real[:, None] & own[None, :]
        tl.store(U + o[:, None] * m + c[None, :], u, mask=inside)
        if MOMENTUM:
            tl.store(N + o[:, None] * m + c[None, :], late, mask=inside)
