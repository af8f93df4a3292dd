r"""Which test letters can be misread, or be so no longer: bounds from the factors of a block of updates.

The test error needs only whether each letter is misread, and that seldom changes. A block of n samples is learned
first; then each letter is judged from its activations at its *anchor*, a sample of this block. A letter is read right
where its label is proved to have the largest output, and it is misread where any class is proved to have a larger
output than the label, whichever class has the largest. Either costs a few scalars. The other letters are *open* and
are evaluated.

Notation, for one network of two weight matrices and one test letter: z [m] its first pre-activations divided by T at
the anchor, h = s(z), s' and s'' the derivatives of s at unit temperature, w_r the rows of the last weight matrix at the
block's start; beta = 1 with biases, else 0; v_j, h_j, q_j the block's error vectors of the first layer divided by T,
its hidden activations and its error vectors of the outputs; g_j = a . a_j + beta for the letter's pixels a; c and r two
classes, u = w_c - w_r. Each quantity below moves as the weights do, with momentum mu and weight decay lambda,

    Y <- mu Y + lambda X + (what sample j adds),    X <- X - alpha_j Y                                             (C1)

with X = z (adds g_j v_j), X = the outputs w_r(i) . h + b_r(i) at the anchor's activations (adds q_jr (h_j . h + beta)),
or a fixed vector f times z (adds g_j f . v_j). With d = z(i) - z and e = s(z(i)) - h, *exactly*

    x_c(i) - x_r(i)  =  [w_c(i) - w_r(i)] . h + b_c(i) - b_r(i)  +  u . e  +  D_cr(i) . e                          (C2)

where D_cr(i) = [w_c(i) - w_r(i)] - u is what the block has added to u. Let L and S bound |s'| and |s''|: 1/4 and
1/(6 sqrt 3) for the sigmoid, 1 and 0 for the identity. Then

    | u . e - (u * s') . d |  <=  (S/2) max|u| |d|^2                                                               (C3)
    | (u * s') . d - (u * f) . d |  <=  ( |w_c * (s' - f)| + |w_r * (s' - f)| ) |d|        for any vector f        (C4)
    | D_cr(i) . e |  <=  L |D_cr(i)| |d|                                                                           (C5)

Proof. By Taylor e_k = s'_k d_k + R_k with |R_k| <= (S/2) d_k^2, and sum |u_k| (S/2) d_k^2 <= max|u| (S/2) |d|^2: (C3).
Cauchy-Schwarz and the triangle inequality: (C4). Cauchy-Schwarz with |e| <= L |d|: (C5).

(u * s') . d is exact for one product of m numbers a letter, sample and rival: it is taken for the label where the
letter is misread at the anchor, else for the closest rival. For the others (u * f) . d is exact, and one small product
serves all letters: f is the mean slope of the block's own samples. |d|^2, and |D_cr|^2 for all pairs, are quadratic
forms in the Gram matrices of v_j and h_j.

Rules without s' in the hidden layer send back v_j = W_j^T q_j / T, where the last weights W_j have hardly moved since
the block's start: v_j = W^T q_j / T + (a small rest). With M_rp = w_r . ((s' - f) * w_p) / T, of the letter alone, all
pairs are exact to first order but for the rest. Letters that (C4) leaves open in a stretch of samples are anchored with
M at its start:

    (w_r * (s' - f)) . d  =  - sum_j alpha_j g_j (M q_j)_r,  off by at most  L |w_r| sum_j alpha_j g_j |rest_j|    (C7)

There d = W^T p / T + (a rest rho), too, where p = - sum_j alpha_j g_j q_j. With N_c = W diag|w_c| W^T / T^2, of the
block alone,

    sum |u_k| d_k^2  <=  [ (p^T (N_c + N_r) p)^(1/2) + (max|u|)^(1/2) |rho| ]^2                                    (C8)

by |u| <= |w_c| + |w_r| and the triangle inequality of the norm with the weights |u|. It takes the place of max|u| |d|^2
in (C3) for a letter that is not proved otherwise: that term is the largest of these bounds.

Rounding. Let u0 be the unit roundoff. A sum of k products, in any order, has an error of at most k u0 |a| |b| to first
order. Roundings are independent of each other and on average zero, as far as can be seen; then an error above
8 sqrt(k) u0 |a| |b| has a probability below 3e-14 for each of the k terms (Higham and Mary, 2019, "A new approach to
probabilistic rounding error analysis"; the largest of 81,120 measured errors, k = 600 to 7200, is 1.3 u0 |a| |b|). M is
the smaller of m and 8 sqrt(m). Omega(i) and Z(i) are (C1) with norms in place of vectors and + in place of -: they
bound the last weights' rows with their biases, and |z|; P, Z less |z| at the anchor, is the length of the path since;
H = |h| + 1. What follows the letters sample by sample makes at most 6 roundings a sample in each element, and 2 without
momentum and weight decay (2 then stands for 6 below); so the *full evaluation* of an output is wrong by at most

    (M + 12) u0 Omega (H + L P)  +  6 (n + 2) u0 Omega (H + L Z)                                                   (C6)

(the last product, 7 u0 h for the sigmoid, and the followed z and w), and the estimates above by as much again, as each
is a sum of as many terms or fewer with the same majorants. A margin has two outputs and two sides: the slack is four
times (C6). |d|^2 is wrong by at most 2 [(M + 12) + 6 (n + 2)] u0 P^2, which is added to it, and p^T N_c p by at most
max|w_c| times as much.

What each step buys for three layers around sample 4,200: open letters of 520, and microseconds of one thread for each
sample, on a machine that had other work, so that only the two numbers of a row are to be compared.

    rule      step                                           open       evaluating   all of the test error
    gradient  M in place of m in (C6)                        90 -> 70   340 -> 232     928 -> 694
    gradient  anchors anew after 32 samples, not 16          70 -> 78   232 -> 246     694 -> 637
    gradient  a second exact rival: not used                 70 -> 55   232 -> 188     694 -> 698
    printed   M, and (C8)                                   149 -> 76   490 -> 231   1,466 -> 1,117
    gradient  letters anchored by their evaluation for
              their rivals, which takes products of m
              numbers for each sample: not used              93 -> 53   314 -> 360     848 -> 937

Shapes: T letters, n samples, c classes (padded to a multiple of 8), m hidden units, K closest rivals.
"""

from __future__ import annotations

import math

import numpy as np

from letterocr.engine.certificate_arrays import FAR, Anchors, Letter, Motion, Rounding
from letterocr.engine.kernels import DECAY, MOMENTUM, Settings, expanded


@expanded
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


@expanded
def step_spanned(t: int, i: int, letter: Letter, anchors: Anchors, motion: Motion) -> None:
    """(C7) for letter t and sample i: what (u * (s' - f)) . d gains."""
    curved, span, q, outputs = anchors.curved[t], anchors.span[t], motion.q[i], letter.outputs
    delta, last = -motion.rates[i] * letter.g[i], letter.leading.shape[0] - 1
    for r in range(q.shape[0]):
        gained, row = q.dtype.type(0), curved[r]
        for p in range(q.shape[0]):
            gained += row[p] * q[p]
        outputs[r] += delta * gained
        if r == letter.chosen[0]:
            letter.leading[last] += delta * gained
    for r in range(q.shape[0]):
        span[r] += delta * q[r]
    letter.squares[2] += abs(delta) * motion.rest[i]


@expanded
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


@expanded
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


@expanded
def _measure(c: int, i: int, letter: Letter, motion: Motion, e: Rounding) -> tuple[np.floating, ...]:
    """The estimated output of class c less the slack, what a class's spread and width are multiplied by, and |d|."""
    path, size, z = letter.squares[1], letter.sizes[0] + 1, letter.sizes[1]
    square = max(letter.squares[0], 0.0) + 2 * (e.product + e.steps) * path * path
    slack = 4 * motion.omega[i] * (e.product * (size + e.slope * path) + e.steps * (size + e.slope * (z + path)))
    outputs, leading, chosen = letter.outputs, letter.leading, letter.chosen
    dtype = outputs.dtype.type
    d, bend = dtype(e.up * math.sqrt(square)), dtype(e.up * e.bend * square)
    near = d if motion.rest.shape[0] == 0 else dtype(e.up * letter.squares[2])
    least = outputs[c] - leading[leading.shape[0] - 1] - letter.spread[c] * near
    for p in range(chosen.shape[0]):
        least = leading[p] if chosen[p] == c else least
    return least - dtype(slack), near, bend, d


@expanded
def compare_pair(c: int, r: int, i: int, letter: Letter, motion: Motion, e: Rounding) -> np.floating:
    """By how much the output of class c is larger than that of class r after sample i, at the least (C2-C6)."""
    least, near, bend, d = _measure(c, i, letter, motion, e)
    leading, chosen = letter.leading, letter.chosen
    other = letter.outputs[r] - leading[leading.shape[0] - 1] + letter.spread[r] * near
    for p in range(chosen.shape[0]):
        other = leading[p] if chosen[p] == r else other
    return least - other - motion.turned[i, c, r] * d - motion.widest[c, r] * bend


@expanded
def compare_outputs(c: int, i: int, letter: Letter, motion: Motion, e: Rounding, gaps: np.ndarray) -> bool:
    """Gaps [c] <- `compare_pair` for all classes r; return whether the output of class c is larger than all others.

    The gap to itself is infinite.
    """
    least, near, bend, d = _measure(c, i, letter, motion, e)
    outputs, spread, leading, chosen = letter.outputs, letter.spread, letter.leading, letter.chosen
    turned, widest, one = motion.turned, motion.widest, outputs.dtype.type(1)
    base = least + leading[leading.shape[0] - 1]  # the chosen stand beside the others less this
    kept = one - one
    for r in range(outputs.shape[0]):
        gap = base - outputs[r] - spread[r] * near - turned[i, c, r] * d - widest[c, r] * bend
        gaps[r] = gap
        kept += one if gap > 0 else one - one
    missing = outputs.shape[0] - int(kept) - (not gaps[c] > 0)
    for p in range(chosen.shape[0]):
        r = chosen[p]
        gaps[r] = least - leading[p] - turned[i, c, r] * d - widest[c, r] * bend
        missing += r != c and not gaps[r] > 0
    gaps[c] = np.inf
    return missing == 0


@expanded
def _bend(c: int, p: np.ndarray, motion: Motion, product: np.ndarray) -> float:
    """p^T N_c p (C8); product [c] is scratch."""
    total, matrix = p.dtype.type(0), motion.bends[c]
    for k in range(p.shape[0]):
        product[k] = 0
    for r in range(p.shape[0]):
        row, factor = matrix[r], p[r]
        for k in range(p.shape[0]):
            product[k] += factor * row[k]
    for k in range(p.shape[0]):
        total += product[k] * p[k]
    return max(total, 0.0)


@expanded
def narrow_gaps(
    c: int,
    label: int,
    letter: Letter,
    span: np.ndarray,
    motion: Motion,
    e: Rounding,
    scratch: tuple[np.ndarray, np.ndarray],
) -> bool:
    """Raise the gaps [c] that `compare_outputs` found too small, by (C8); return whether all are positive now.

    Where c is not the label's class, only the gap to that one. `scratch` holds the gaps, and room for as many numbers.
    """
    gaps, product = scratch
    rounding = 2 * (e.product + e.steps) * letter.squares[1] * letter.squares[1]
    square, own, missing = max(letter.squares[0], 0.0) + rounding, 0.0, 0
    for k in range(-1, gaps.shape[0]):  # c itself first
        r = k if k >= 0 else c
        most = e.bend * motion.widest[c, r] * square * (1 - 8 * e.unit)
        if k >= 0 and (gaps[r] > 0 or (c != label and r != label)):
            continue
        if k >= 0 and not gaps[r] + most > 0:
            missing += 1
            continue
        bend = _bend(r, span, motion, product) + rounding * motion.largest[r]
        if k < 0:
            own = bend
            continue
        norm = math.sqrt(own + bend) + math.sqrt(motion.widest[c, r]) * letter.squares[2]
        gaps[r] += max(0.0, most - e.up * e.up * e.bend * norm * norm)
        missing += not gaps[r] > 0
    return missing == 0


@expanded
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
