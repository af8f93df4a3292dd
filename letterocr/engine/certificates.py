r"""Which test letters can have changed their class: bounds from the factors of a block of updates.

The test error needs only the class of each letter, and the class seldom changes. A block of n samples is learned first;
then each letter is judged from its activations at the block's start, its *anchor*. A letter whose class is proved to be
the anchor's costs a few scalars a sample. The others are *open* and are evaluated.

Notation, for one network of two weight matrices and one test letter: z [m] its first pre-activations divided by T at the
anchor, h = s(z), s' and s'' the derivatives of s at unit temperature, w_r the rows of the last weight matrix at the
block's start, x_r = w_r . h + b_r; beta = 1 with biases, else 0; v_j, h_j, q_j the block's error vectors of the first
layer divided by T, its hidden activations and its error vectors of the outputs; g_j = a . a_j + beta for the letter's
pixels a; c the class at the anchor and r a *rival*, u = w_c - w_r. Each quantity below moves as the weights do,

    Y <- mu Y + lambda X + (what sample j adds),    X <- X - alpha_j Y                                             (C1)

with X = z (adds g_j v_j), X = the outputs at the anchor's activations, w_r(i) . h + b_r(i) (adds q_jr (h_j . h + beta)),
or a fixed vector f times z (adds g_j f . v_j). With d = z(i) - z and e = s(z(i)) - h, *exactly*

    x_c(i) - x_r(i)  =  [w_c(i) - w_r(i)] . h + b_c(i) - b_r(i)  +  u . e  +  D_cr(i) . e                          (C2)

where D_cr(i) = [w_c(i) - w_r(i)] - u is what the block has added to u. Let L and S bound |s'| and |s''|: 1/4 and
1/(6 sqrt 3) for the sigmoid, 1 and 0 for the identity. By Taylor e_k = s'_k d_k + R_k with |R_k| <= (S/2) d_k^2, so that

    | u . e - (u * s') . d |  <=  (S/2) max|u| |d|^2                                                               (C3)
    | (u * s') . d - (u * f) . d |  <=  ( |w_c * (s' - f)| + |w_r * (s' - f)| ) |d|        for any vector f        (C4)
    | D_cr(i) . e |  <=  L |D_cr(i)| |d|                                                                           (C5)

Proof. (C3): sum |u_k| (S/2) d_k^2 <= max|u| (S/2) |d|^2. (C4): Cauchy-Schwarz and the triangle inequality.
(C5): Cauchy-Schwarz with |e| <= L |d|.

(u * s') . d is exact at the cost of one product of m numbers for each letter, sample and rival: it is used for the
rival that is closest at the anchor. For the others (u * f) . d is exact and one small product for all letters: f is the
mean slope of the block's own samples. |d|^2, and |D_cr|^2 for all pairs, are quadratic forms in the Gram matrices of v_j
and h_j.

Rounding. Let u0 be the unit roundoff; a sum of k products, in any order, has an error of at most k u0 |a| |b| to first
order. Omega(i) and Z(i) are (C1) with norms in place of vectors and + in place of -: they bound the last weights' rows
with their biases, and |z|; H = |h| + 1. What follows the letters sample by sample makes at most 6 roundings a sample in
each element; so the *full evaluation* of an output is wrong by at most

    (m + 12) u0 Omega (H + L |d|)  +  6 (n + 2) u0 Omega (H + L Z)                                                 (C6)

(the last product, 7 u0 h for the sigmoid, and the followed z and w), and the estimates above by as much again, as each
is a sum of as many terms or fewer with the same majorants. A margin has two outputs and two sides: the slack is four
times (C6). |d|^2 is wrong by at most [2 (m + 12) + 12 (n + 2)] u0 P^2, P the length of the path that z has gone.

Shapes: T letters, n samples, c classes (padded to a multiple of 8), m hidden units.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

from letterocr.engine.kernels import DECAY, FAST, MOMENTUM, Settings, compiled

# Put into the loop that calls it: handing over so many arrays takes longer than the work.
inlined = numba.njit(fastmath=FAST, cache=True, nogil=True, error_model="numpy", inline="always")

SECOND_SLOPE = 0.09622505  # 1/(6 sqrt 3) rounded up: the largest |s''| of the sigmoid
STEEPEST = 0.25  # its largest s'
MOST_CLASSES = 62  # the rivals of a letter are bits of one number
FAR = -1e30  # below all outputs


class Motion(NamedTuple):
    """What a block did to the networks.

    Attributes:
        rates: [n] alpha_j.
        q: [n, c] error vectors of the outputs.
        common: [n, c] (w_r * f) . v_j.
        gram: [n, n] v_j . v_k.
        lengths: [n] |v_j|.
        turned: [n, c, c] L |D_cr| after each sample.
        widest: [c, c] max |w_c - w_r|.
        omega: [n] Omega after each sample.
    """

    rates: np.ndarray
    q: np.ndarray
    common: np.ndarray
    gram: np.ndarray
    lengths: np.ndarray
    turned: np.ndarray
    widest: np.ndarray
    omega: np.ndarray


class Anchors(NamedTuple):
    """The test letters at their anchors, and what is known of their way since then.

    Attributes:
        since: [T] the sample of the block at which each was anchored.
        chosen: [T, 1 + K] the class at the anchor and its K closest rivals.
        g: [T, n] g_j.
        k: [T, n] h . h_j + beta.
        own: [T, K, n] (u * s') . v_j for the closest rivals.
        spread: [T, c] |w_c * (s' - f)| + |w_r * (s' - f)| for the class c at the anchor; 0 for the chosen.
        sizes: [T, 2] |h| and |z|.
        outputs: [T, c] estimates of the outputs (C2), with (w_r * f) . d; far below in the padding and for the chosen.
        leading: [T, 2 + K] the same for the chosen with (u * s') . d in place, relative to the first; (w_c * f) . d.
        squares: [T, 8] |d|^2, P, then with momentum or decay d . y, y . y, z . d, z . y, z . z and the bound of |y|.
        dots: [2, T, n] the steps of z; with momentum or decay d . v_j, and y . v_j.
        late: [T, n] z . v_j; with momentum or decay alone, as all that follows.
        x: [2, T, c] (C1) for the outputs at the anchor's activations, and their momentum.
        common: [2, T, c] (C1) for (w_r * f) . z(i), and its momentum.
        pairs: [2, T, K] (C1) for (u * s') . z(i), and its momentum.
        start: [T, c + K] `common` and `pairs` at the anchor.
    """

    since: np.ndarray
    chosen: np.ndarray
    g: np.ndarray
    k: np.ndarray
    own: np.ndarray
    spread: np.ndarray
    sizes: np.ndarray
    outputs: np.ndarray
    leading: np.ndarray
    squares: np.ndarray
    dots: np.ndarray
    late: np.ndarray
    x: np.ndarray
    common: np.ndarray
    pairs: np.ndarray
    start: np.ndarray


class Rounding(NamedTuple):
    """The terms of (C6) for one type of numbers.

    Attributes:
        product: (m + 12) u0.
        steps: 6 (n + 2) u0.
        slope: L.
        bend: S / 2.
        unit: u0.
        up: 1 and a little, for bounds that are rounded themselves.
    """

    product: float
    steps: float
    slope: float
    bend: float
    unit: float
    up: float


def make_rounding(dtype: np.dtype, m: int, n: int, sigmoid: bool) -> Rounding:
    """The terms of (C6) for m hidden units and blocks of n samples."""
    unit = float(np.finfo(dtype).eps) / 2
    slope, bend = (STEEPEST, SECOND_SLOPE / 2) if sigmoid else (1.0, 0.0)
    product = (m + 12) * unit
    return Rounding(product, 6 * (n + 2) * unit, slope, bend, unit, 1 + 2 * product + 100 * unit)


class Letter(NamedTuple):
    """The rows of `Anchors` of one letter."""

    chosen: np.ndarray
    g: np.ndarray
    k: np.ndarray
    own: np.ndarray
    spread: np.ndarray
    sizes: np.ndarray
    outputs: np.ndarray
    leading: np.ndarray
    squares: np.ndarray
    dots: np.ndarray


@compiled
def take_letter(t: int, anchors: Anchors) -> Letter:
    """The t-th letter."""
    return Letter(
        anchors.chosen[t],
        anchors.g[t],
        anchors.k[t],
        anchors.own[t],
        anchors.spread[t],
        anchors.sizes[t],
        anchors.outputs[t],
        anchors.leading[t],
        anchors.squares[t],
        anchors.dots[0, t],
    )


@inlined
def step_plain(i: int, letter: Letter, motion: Motion) -> None:
    """(C1) for a letter and sample i without momentum and decay."""
    steps, outputs, leading = letter.dots, letter.outputs, letter.leading
    gram, q, common, rate = motion.gram, motion.q, motion.common, motion.rates[i]
    delta, k = -rate * letter.g[i], -rate * letter.k[i]
    cross = delta * gram[i, i] / steps.dtype.type(2)
    for j in range(i):
        cross += steps[j] * gram[i, j]
    steps[i] = delta
    for r in range(outputs.shape[0]):
        outputs[r] += k * q[i, r] + delta * common[i, r]
    last = leading.shape[0] - 1
    for p in range(last):
        leading[p] += k * q[i, letter.chosen[p]]
        if p:
            leading[p] -= delta * letter.own[p - 1, i]
    leading[last] += delta * common[i, letter.chosen[0]]
    letter.squares[0] += 2 * delta * cross
    letter.squares[1] += abs(delta) * motion.lengths[i]


@compiled
def step_moving(t: int, i: int, anchors: Anchors, motion: Motion, s: Settings) -> None:
    """(C1) for letter t and sample i with momentum mu and weight decay lambda."""
    g, k, a = anchors.g[t, i], anchors.k[t, i], motion.rates[i]
    mu, decay = s.numbers[MOMENTUM], s.numbers[DECAY]
    x, common, pairs = anchors.x, anchors.common, anchors.pairs
    for r in range(x.shape[2]):
        x[1, t, r] = mu * x[1, t, r] + decay * x[0, t, r] + k * motion.q[i, r]
        x[0, t, r] -= a * x[1, t, r]
        common[1, t, r] = mu * common[1, t, r] + decay * common[0, t, r] + g * motion.common[i, r]
        common[0, t, r] -= a * common[1, t, r]
    for p in range(pairs.shape[2]):
        pairs[1, t, p] = mu * pairs[1, t, p] + decay * pairs[0, t, p] + g * anchors.own[t, p, i]
        pairs[0, t, p] -= a * pairs[1, t, p]
    _move_squares(t, i, anchors, motion, mu, decay)
    outputs, leading, chosen, start = anchors.outputs, anchors.leading, anchors.chosen, anchors.start
    classes = x.shape[2]
    for r in range(classes):
        outputs[t, r] = x[0, t, r] + (common[0, t, r] - start[t, r])
    for p in range(chosen.shape[1]):
        leading[t, p] = x[0, t, chosen[t, p]]
        if p:
            leading[t, p] -= pairs[0, t, p - 1] - start[t, classes + p - 1]
        outputs[t, chosen[t, p]] = FAR
    leading[t, chosen.shape[1]] = common[0, t, chosen[t, 0]] - start[t, chosen[t, 0]]


@compiled
def _move_squares(t: int, i: int, anchors: Anchors, motion: Motion, mu: np.floating, decay: np.floating) -> None:
    """|d|^2 and P after sample i, and the inner products that they need."""
    d, y, z, gram, state = anchors.dots[0, t], anchors.dots[1, t], anchors.late[t], motion.gram[i], anchors.squares[t]
    g, a = anchors.g[t, i], motion.rates[i]
    dd, path, dy, yy, zd, zy, zz, limit = state
    yy = (
        mu * mu * yy
        + decay * decay * (zz + 2 * zd + dd)
        + g * g * gram[i]
        + 2 * mu * decay * (zy + dy)
        + 2 * g * (mu * y[i] + decay * (z[i] + d[i]))
    )
    dy = mu * dy + decay * (zd + dd) + g * d[i]
    zy = mu * zy + decay * (zz + zd) + g * z[i]
    for j in range(d.shape[0]):
        y[j] = mu * y[j] + decay * (z[j] + d[j]) + g * gram[j]
        d[j] -= a * y[j]
    limit = mu * limit + decay * (anchors.sizes[t, 1] + path) + abs(g) * motion.lengths[i]
    state[0], state[1], state[2], state[3] = dd - 2 * a * dy + a * a * yy, path + a * limit, dy - a * yy, yy
    state[4], state[5], state[7] = zd - a * zy, zy, limit


@inlined
def compare_outputs(c: int, i: int, letter: Letter, motion: Motion, e: Rounding, gaps: np.ndarray) -> bool:
    """Gaps [c] <- by how much the output of class c is larger than each after sample i, at the least (C2-C6).

    Returns whether it is larger than all others; the gap to itself is infinite.
    """
    path, size, z = letter.squares[1], letter.sizes[0] + 1, letter.sizes[1]
    square = max(letter.squares[0], 0.0) + 2 * (e.product + e.steps) * path * path
    slack = 4 * motion.omega[i] * (e.product * (size + e.slope * path) + e.steps * (size + e.slope * (z + path)))
    outputs, spread, leading, chosen = letter.outputs, letter.spread, letter.leading, letter.chosen
    dtype = outputs.dtype.type
    d, bend = dtype(e.up * math.sqrt(square)), dtype(e.up * e.bend * square)
    own = leading[leading.shape[0] - 1]  # the chosen stand beside the others less this
    least = outputs[c] - own - spread[c] * d
    for p in range(chosen.shape[0]):
        least = leading[p] if chosen[p] == c else least
    least -= dtype(slack)
    turned, widest, one = motion.turned, motion.widest, dtype(1)
    kept, base = one - one, least + own
    for r in range(outputs.shape[0]):
        gap = base - outputs[r] - (spread[r] + turned[i, c, r]) * d - widest[c, r] * bend
        gaps[r] = gap
        kept += one if gap > 0 else one - one
    missing = outputs.shape[0] - int(kept) - (not gaps[c] > 0)
    for p in range(chosen.shape[0]):
        r = chosen[p]
        gaps[r] = least - leading[p] - turned[i, c, r] * d - widest[c, r] * bend
        missing += r != c and not gaps[r] > 0
    gaps[c] = np.inf
    return missing == 0


@compiled
def find_top(letter: Letter) -> int:
    """The class with the largest estimate."""
    last = letter.leading.shape[0] - 1
    c, top = letter.chosen[0], letter.leading[0]
    for p in range(1, last):
        if letter.leading[p] > top:
            c, top = letter.chosen[p], letter.leading[p]
    for r in range(letter.outputs.shape[0]):
        value = letter.outputs[r] - letter.leading[last]
        if value > top:
            c, top = r, value
    return c
