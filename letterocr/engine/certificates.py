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

import numpy as np

from letterocr.engine.kernels import DECAY, MOMENTUM, Settings, compiled

SECOND_SLOPE = 0.09622505  # 1/(6 sqrt 3) rounded up: the largest |s''| of the sigmoid
STEEPEST = 0.25  # its largest s'
MOST_CLASSES = 62  # the rivals of a letter are bits of one number


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
        spread: [T, c] |(w_c - w_r) * (s' - f)| or more for the class c at the anchor; 0 for the closest rivals.
        sizes: [T, 2] |h| and |z|.
        x: [2, T, c] (C1) for the outputs at the anchor's activations, and their momentum. The padding is far below.
        common: [2, T, c] (C1) for (w_r * f) . z(i), and its momentum.
        pairs: [2, T, K] (C1) for (u * s') . z(i), and its momentum.
        dots: [2, T, n] d . v_j and y . v_j. Without momentum and decay the first row has the steps of z instead.
        start: [T, c + K] the values of `common` and `pairs` at the anchor.
        squares: [T, 7] |d|^2, P, then d . y, y . y, z . d, z . y, z . z; after them comes the bound of |y|.
        late: [T, n] z . v_j with weight decay.
    """

    since: np.ndarray
    chosen: np.ndarray
    g: np.ndarray
    k: np.ndarray
    own: np.ndarray
    spread: np.ndarray
    sizes: np.ndarray
    x: np.ndarray
    common: np.ndarray
    pairs: np.ndarray
    dots: np.ndarray
    start: np.ndarray
    squares: np.ndarray
    late: np.ndarray


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


@compiled
def step_plain(t: int, i: int, anchors: Anchors, motion: Motion) -> None:
    """(C1) for letter t and sample i without momentum and decay."""
    g, a = anchors.g[t, i], motion.rates[i]
    delta, k = -a * g, -a * anchors.k[t, i]
    x, common, steps, gram = anchors.x[0, t], anchors.common[0, t], anchors.dots[0, t], motion.gram[i]
    cross = delta * gram[i] / 2
    for j in range(anchors.since[t], i):
        cross += steps[j] * gram[j]
    steps[i] = delta
    q, w = motion.q[i], motion.common[i]
    for r in range(x.shape[0]):
        x[r] += k * q[r]
    for r in range(x.shape[0]):
        common[r] += delta * w[r]
    for p in range(anchors.pairs.shape[2]):
        anchors.pairs[0, t, p] += delta * anchors.own[t, p, i]
    anchors.squares[t, 0] += 2 * delta * cross
    anchors.squares[t, 1] += abs(delta) * motion.lengths[i]


@compiled
def step_moving(t: int, i: int, anchors: Anchors, motion: Motion, s: Settings) -> None:
    """(C1) for letter t and sample i with momentum mu and weight decay lambda."""
    g, k, a = anchors.g[t, i], anchors.k[t, i], motion.rates[i]
    mu, decay = s.numbers[MOMENTUM], s.numbers[DECAY]
    x, y, q = anchors.x[0, t], anchors.x[1, t], motion.q[i]
    for r in range(x.shape[0]):
        y[r] = mu * y[r] + decay * x[r] + k * q[r]
        x[r] -= a * y[r]
    x, y, q = anchors.common[0, t], anchors.common[1, t], motion.common[i]
    for r in range(x.shape[0]):
        y[r] = mu * y[r] + decay * x[r] + g * q[r]
        x[r] -= a * y[r]
    for p in range(anchors.pairs.shape[2]):
        late = mu * anchors.pairs[1, t, p] + decay * anchors.pairs[0, t, p] + g * anchors.own[t, p, i]
        anchors.pairs[1, t, p] = late
        anchors.pairs[0, t, p] -= a * late
    d, y, z, gram = anchors.dots[0, t], anchors.dots[1, t], anchors.late[t], motion.gram[i]
    dd, path, dy, yy, zd, zy, zz = anchors.squares[t, :7]
    late = decay * z[i] + decay * d[i]
    yy = (
        mu * mu * yy
        + decay * decay * (zz + 2 * zd + dd)
        + g * g * gram[i]
        + 2 * mu * decay * (zy + dy)
        + 2 * g * (mu * y[i] + late)
    )
    dy = mu * dy + decay * (zd + dd) + g * d[i]
    zy = mu * zy + decay * (zz + zd) + g * z[i]
    for j in range(d.shape[0]):
        y[j] = mu * y[j] + decay * (z[j] + d[j]) + g * gram[j]
        d[j] -= a * y[j]
    limit = mu * anchors.squares[t, 7] + decay * (anchors.sizes[t, 1] + path) + abs(g) * motion.lengths[i]
    new = dd - 2 * a * dy + a * a * yy, path + a * limit, dy - a * yy, yy, zd - a * zy, zy
    for j in range(6):
        anchors.squares[t, j] = new[j]
    anchors.squares[t, 7] = limit


@compiled
def bound_margins(
    t: int, i: int, anchors: Anchors, motion: Motion, e: Rounding, estimate: np.ndarray, first: np.ndarray
) -> tuple[float, float]:
    """Estimate [c] <- the outputs (C2) of letter t after sample i up to a common number; what may be wrong of them.

    first [c] <- (C4) of each output against the class at the anchor. Returns |d| and the slack for rounding; (C3) and
    (C5) depend on the pair that is compared.
    """
    path = anchors.squares[t, 1]
    size, z = anchors.sizes[t, 0] + 1, anchors.sizes[t, 1]
    square = max(anchors.squares[t, 0], 0.0) + 2 * (e.product + e.steps) * path * path
    slack = 4 * motion.omega[i] * (e.product * (size + e.slope * path) + e.steps * (size + e.slope * (z + path)))
    x, common, spread, start = anchors.x[0, t], anchors.common[0, t], anchors.spread[t], anchors.start[t]
    c, d = anchors.chosen[t, 0], x.dtype.type(e.up * math.sqrt(square))
    base = common[c] - start[c]
    for r in range(x.shape[0]):
        estimate[r] = x[r] + (common[r] - start[r] - base)
    for r in range(x.shape[0]):
        first[r] = spread[r] * d
    for p in range(anchors.pairs.shape[2]):
        r = anchors.chosen[t, 1 + p]
        estimate[r] = x[r] - (anchors.pairs[0, t, p] - start[x.shape[0] + p])
    return d, slack


@compiled
def list_rivals(
    c: int,
    i: int,
    motion: Motion,
    e: Rounding,
    estimate: np.ndarray,
    first: np.ndarray,
    distance: float,
    slack: float,
) -> int:
    """How many outputs may be above that of class c by these estimates, c itself counted; NaN counts."""
    dtype = estimate.dtype.type
    d, bend = dtype(distance), dtype(e.up * e.bend * distance * distance)
    least = estimate[c] - first[c] - dtype(slack)
    widest, turned, count = motion.widest[c], motion.turned[i, c], 0
    for r in range(estimate.shape[0]):
        count += not (least - estimate[r] - first[r] - turned[r] * d - bend * widest[r] > 0)
    return count
