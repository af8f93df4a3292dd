"""The arrays that certificates read: what a block did, and what is known of each test letter.

Shapes: as in `certificates`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from letterocr.engine.kernels import expanded

SECOND_SLOPE = 0.09622505  # 1/(6 sqrt 3) rounded up: the largest |s''| of the sigmoid
STEEPEST = 0.25  # its largest s'
MOST_CLASSES = 62  # the rivals of a letter are bits of one number
CERTAIN = 8.0  # standard deviations of a sum of roundings that are allowed for
FAR = -3e38  # below all outputs


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
        rest: [n] |v_j - W^T q_j / T| where (C7) is used; else empty, as the others that follow.
        largest: [c] max |w_r|.
        bends: [c, c, c] N_r (C8).
    """

    rates: np.ndarray
    q: np.ndarray
    common: np.ndarray
    gram: np.ndarray
    lengths: np.ndarray
    turned: np.ndarray
    widest: np.ndarray
    omega: np.ndarray
    rest: np.ndarray
    largest: np.ndarray
    bends: np.ndarray


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
        curved: [T, c, c] M (C7); one of no meaning where it is not used.
        span: [T, c] p (C8), in the same way.
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
    curved: np.ndarray
    span: np.ndarray
    late: np.ndarray
    x: np.ndarray
    common: np.ndarray
    pairs: np.ndarray
    start: np.ndarray


class Rounding(NamedTuple):
    """The terms of (C6) for one type of numbers.

    Attributes:
        product: (M + 12) u0 with M = min(m, 8 sqrt(m)).
        steps: 6 (n + 2) u0, or 2 (n + 2) u0 without momentum and weight decay.
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


def make_rounding(dtype: np.dtype, m: int, n: int, sigmoid: bool, moving: bool) -> Rounding:
    """The terms of (C6) for m hidden units and blocks of n samples."""
    unit = float(np.finfo(dtype).eps) / 2
    slope, bend = (STEEPEST, SECOND_SLOPE / 2) if sigmoid else (1.0, 0.0)
    product = (min(m, CERTAIN * math.sqrt(m)) + 12) * unit
    return Rounding(product, (6 if moving else 2) * (n + 2) * unit, slope, bend, unit, 1 + 2 * product + 100 * unit)


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


@expanded
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
