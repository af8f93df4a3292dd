r"""Which test letters can have changed their class in a network of three weight matrices.

The first pre-activations of the letters take every update, which is cheap; so their first activations h are exact. What
is dear is the product of h with the second weight matrix. It is taken once a block, and bounded in between.

Notation, for one test letter: A the second weight matrix divided by T at the block's start and b its biases, likewise
divided; h_j and v_j the inputs of A and its error vectors divided by T for the block's samples, c_j = -alpha_j,
and beta = 1 with biases, else 0; w_r and b_r the rows and biases of the last weight matrix after sample i, w_r0 its
rows at the block's start; L = 1/4 and S = 1/(6 sqrt 3) the largest |s'| and |s''|. After sample i the second
pre-activations and the outputs are *exactly*

    z = A h + b + sum_{j<=i} c_j (h_j . h + beta) v_j,        x_r = w_r . s(z) + b_r                               (D1)

Let k be the letter's activations at the block's start, e = h - k, g any estimate of h, rho = h - g, and

    y = A g + b + sum_{j<=i} c_j (h_j . k + beta) v_j,        D = sum_{j<=i} c_j v_j h_j^T.                        (D2)

Then z - y = A rho + D e. With s' the slopes at y, and f and u_r = A^T (f * w_r0) the same for all letters,

    x_c - x_r  =  w_c . s(y) + b_c + u_c . rho  -  w_r . s(y) - b_r - u_r . rho  +  (an error of at most)
                  ( |s' * w_c - f * w_c0| + |s' * w_r - f * w_r0| ) |A| |rho|  +  L |w_c - w_r| |D| |e|
                  + (S/2) max|w_c - w_r| ( |A| |rho| + |D| |e| )^2                                                 (D3)

Proof. By Taylor s(z) = s(y) + s' * (z - y) + R with |R_k| <= (S/2) (z - y)_k^2. Of w_r . (s' * A rho) the part
(f * w_r0) . A rho = u_r . rho is exact, and the other is bounded by Cauchy-Schwarz and the triangle inequality, as is
w . (s' * D e). At last sum |w_k| R_k <= max|w| (S/2) |z - y|^2.

g follows h to first order with the slopes f' that the letters have on average: g = k + sum_j c_j a_j (f' * p_j) with
a_j = a . a_j + beta and p_j the first error vectors divided by T. All A g together are one product for the block's
samples, A (f' * p_j), and one for the letters, A k. |e| <= |rho| + |g - k|, and |g - k| and the Frobenius norm of D,
which bounds |D|, are quadratic forms in Gram matrices. |A| is bounded by (D4).

    |X|  <=  (|X X^T| + e)^(1/2)  <=  ((|X X^T X X^T| + e')^(1/2) + e)^(1/2)  <=  ...  with the Frobenius norm at last;
    e = (m + 2) u0 |X|_F^2 for the rounding of a product of m columns                                              (D4)

Rounding. u0 is the unit roundoff, M = 8 sqrt(m) with m the larger of m1 and m2. Let G = sum |c_j| |v_j| (|h_j| + beta),
F = |A|_F + |b| + G, N = |A| + |b| + G, R = (the largest norm of a row of A) + |b| + G, and B = 1 + |k| + sum |c_j a_j|
|f' * p_j|. Roundings are independent of each other and on average zero, as far as can be seen (`certificates`). An
element of A g is a sum of m1 numbers, whose m1 roundings are at most u0 R B each; so (s' * w) . (their errors) is a sum
of independent roundings whose squares add up to at most m1 (u0 R B |s' * w|)^2, and by Azuma's inequality it is above
M u0 R B |s' * w| with a probability below 3e-14. What is added up sample by sample makes at most eight roundings in
elements of y and of g, whose norms are at most N B; these are bounded without the help of chance. The full evaluation
of z is off by as much with |h| + 1 <= B + |rho| in place of B. Thus for the errors of z - y together, with C = 2 B +
|rho|, each class adds

    u0 (M + 12) R C |s' * w_r|  +  8 (n + 2) u0 N C L |w_r|

to (D3), where |s' * w_r| <= |s' * w_r - f * w_r0| + |f * w_r0|, and u0 [(M + 12) F + 8 (n + 2) N] C is added to |z - y|
in its last term. For W = max over r of |w_r| + |b_r|, at the start and now, the two outputs of a margin, each once as
evaluated and once as estimated, and u_r . rho are off by at most 4 (M + 20) u0 [W (sqrt(m2) + 1) + L W F |rho|].

Measured shares of the letters certified, for 900-1800-1800-26 on letters of 25 writers, from the block's start (32
samples, gradient rule) without the terms of rounding: 0.974 to 0.995 at samples 200 to 19,900; with slopes that are
means over the letters of a class instead of all: 0.976 to 0.996, not used. Without s' in the error vectors (the printed
rule) none: there |rho| is as large as |e|, because single steps turn a hundred hidden units and more from 0 to 1.

Shapes: T letters, n samples, c classes, m1 and m2 hidden units.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from letterocr.engine.certificate_arrays import CERTAIN, SECOND_SLOPE, STEEPEST

UP = 1.001  # for bounds that are rounded themselves
SQUARINGS = 3
TIE = 32.0  # standard deviations of the rounding of an output: see `bound_tie`


class DeepBlock(NamedTuple):
    """What a block of samples did to the networks.

    Attributes:
        first: [n, m1] p_j, the first error vectors divided by T.
        h: [n, m1] inputs of the second weight matrix.
        v: [n, m2] its error vectors divided by T.
        rates: [n] alpha_j.
        a: [T, n] the samples' Gram matrix with the letters, a . a_j + beta.
        A: [m2, m1] the second weight matrix divided by T at the block's start.
        b: [m2] its biases divided by T; zero where there are none.
        beta: 1 with biases, else 0.
        norm: an upper bound of |A|.
        last: [c, m2] the last weight matrix at the block's start.
    """

    first: Tensor
    h: Tensor
    v: Tensor
    rates: Tensor
    a: Tensor
    A: Tensor
    b: Tensor
    beta: float
    norm: float
    last: Tensor


class Rounded(NamedTuple):
    """The roundings of z - y, for each letter [T].

    Attributes:
        independent: (M + 12) u0 R C, of the products.
        steps: 8 (n + 2) u0 N C, of what is added up.
        all: their norm.
    """

    independent: Tensor
    steps: Tensor
    all: Tensor


def bound_norm(x: Tensor, squarings: int = SQUARINGS) -> float:
    """An upper bound of the largest singular value of x [out, in] (D4)."""
    frobenius = float(torch.linalg.vector_norm(x.double()))
    if not squarings:
        return frobenius
    rounding = (x.shape[1] + 2) * torch.finfo(x.dtype).eps / 2 * (frobenius * frobenius)
    return math.sqrt(bound_norm(x @ x.mT, squarings - 1) + rounding)


def bound_sums(block: DeepBlock) -> Tensor:
    """|D|_F after each sample of the block: [n] float64."""
    v, h, rates = block.v.double(), block.h.double(), block.rates.double()
    products = (rates * v.mT).mT @ (rates * v.mT) * (h @ h.mT)
    square = products.cumsum(0).cumsum(1).diagonal().clamp_min(0)
    size = (rates.abs() * v.norm(dim=1) * h.norm(dim=1)).cumsum(0)
    return (square + len(v) ** 2 * 1e-13 * size**2).sqrt() * UP


class DeepCertificates:
    """The test letters in a block that has been learned; samples are taken in order.

    Args:
        block: what the samples did.
        k: [T, m1] the letters' first activations at the block's start; it becomes g.
    """

    def __init__(self, block: DeepBlock, k: Tensor) -> None:
        self.block, self.g, self.taken = block, k, 0
        self.unit = torch.finfo(k.dtype).eps / 2
        self.y = torch.addmm(block.b, k, block.A.mT)
        h = torch.sigmoid(self.y)
        self.f = (h * (1 - h)).mean(0)
        self.u = (self.f * block.last) @ block.A
        self._factors = -block.rates * block.a
        self._inner = -block.rates * (k @ block.h.mT + block.beta)
        self._first = (k * (1 - k)).mean(0) * block.first
        self._second = self._first @ block.A.mT
        self._path = (self._factors.abs() * self._first.norm(dim=1)).cumsum(1)
        self._far = _measure_sums(self._factors, self._first)
        self._size = 1 + k.norm(dim=1)
        self._sums = bound_sums(block).tolist()
        sizes = block.rates.abs() * block.v.norm(dim=1) * (block.h.norm(dim=1) + block.beta)
        self._gathered = (sizes.double().cumsum(0) + block.b.double().norm()).tolist()
        self._row = float(block.A.norm(dim=1).max()) * UP
        self._frobenius = float(torch.linalg.vector_norm(block.A.double()))
        self._starting, self._slopes = block.last.norm(dim=1), (self.f * block.last).norm(dim=1)
        self._products = CERTAIN * math.sqrt(max(block.A.shape)) + 12

    def take(self, stop: int) -> None:
        """Let the estimates g and y take the samples before `stop`."""
        own, self.taken = slice(self.taken, stop), stop
        self.g.addmm_(self._factors[:, own], self._first[own])
        self.y.addmm_(self._factors[:, own], self._second[own]).addmm_(self._inner[:, own], self.block.v[own])

    def bound_margins(self, h: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """The class with the largest output, and by how much it is larger than each other at the least (D3).

        Args:
            h: [T, m1] the letters' first activations after the last sample taken.
            weight: [c, m2] the last weight matrix then.
            bias: [c] its biases.

        Returns:
            The classes [T], and the margins [T, c], which are infinite for the class itself.
        """
        i, block = self.taken - 1, self.block
        hidden = torch.sigmoid(self.y)
        rho = h - self.g
        outputs = torch.addmm(bias, hidden, weight.mT).addmm_(rho, self.u.mT)
        off = (hidden * (1 - hidden)).sub_(self.f).square_() @ weight.square().mT
        c, sizes = outputs.argmax(1), weight.norm(dim=1)
        largest = float((torch.maximum(sizes, self._starting) + bias.abs()).max())
        moved = ((weight - block.last) * self.f).norm(dim=1)
        off = off.sqrt_().add_(moved).mul_(UP).add_(16 * self.unit * largest)
        far, path = rho.norm(dim=1).mul_(UP), self._path[:, i] * UP
        turned, moving = block.norm * far, self._sums[i] * (far + self._far[:, i])
        rounding = self._bound_rounding(i, far, path)
        # what each class adds to the bound of its margins: [T, c]
        own = off * (turned + rounding.independent)[:, None] + torch.outer(rounding.independent, self._slopes)
        own += torch.outer(rounding.steps, STEEPEST * sizes)
        bend = SECOND_SLOPE / 2 * (turned + moving + rounding.all).square()
        own += torch.outer(bend, weight.abs().amax(1))
        slack = 4 * (self._products + 8) * self.unit * largest
        slack = slack * (math.sqrt(len(self.f)) + 1) + slack * STEEPEST * (self._frobenius + self._gathered[i]) * far
        place = c[:, None]
        apart = _measure_apart(weight, sizes, self._products * self.unit)[c] * (STEEPEST * moving)[:, None]
        bound = UP * (own + own.gather(1, place) + apart) + slack[:, None]
        margins = outputs.gather(1, place) - outputs - bound
        return c, margins.scatter_(1, place, math.inf)

    def _bound_rounding(self, i: int, far: Tensor, path: Tensor) -> Rounded:
        many, steps = self._gathered[i], 8 * (len(self.block.rates) + 2) * self.unit
        scale = 2 * (self._size + path) + far
        products = self._products * self.unit
        added = steps * (self.block.norm + many) * scale
        return Rounded(
            products * (self._row + many) * scale, added, products * (self._frobenius + many) * scale + added
        )

    def bound_tie(self, h: Tensor, hidden: Tensor, weight: Tensor) -> Tensor:
        """How close two outputs may be, so that a product of other letters beside them could exchange them: [letters].

        Roundings of the elements of z are independent: an output's error has the size of |s' * w_r| times one of them.
        A product of m numbers was off by 1.3 u0 |a| |b| at most (`certificates`).
        """
        slopes = (hidden * (1 - hidden)).square() @ weight.square().mT
        row = self._row + self._gathered[-1]
        size = slopes.amax(1).sqrt() * row * (h.norm(dim=1) + 1) + weight.norm(dim=1).max() * hidden.norm(dim=1)
        return TIE * self.unit * size


def _measure_sums(factors: Tensor, v: Tensor) -> Tensor:
    """|sum_{j<=i} factors_j v_j| for each letter and sample, from above: [T, n]."""
    c, x = factors.double(), v.double()
    gram, lengths = x @ x.mT, x.norm(dim=1)
    squares = (2 * c * (c @ gram.triu(1)) + c.square() * gram.diagonal()).cumsum(1).clamp_min_(0)
    size = (c.abs() * lengths).cumsum(1)
    return (squares + len(v) * len(v[0]) * 1e-15 * size.square()).sqrt_().mul_(UP).to(factors.dtype)


def _measure_apart(weight: Tensor, sizes: Tensor, rounding: float) -> Tensor:
    """|w_c - w_r| for all pairs, from above: [c, c]."""
    squares = sizes.square()
    both = squares[:, None] + squares
    return (both - 2 * (weight @ weight.mT) + 4 * rounding * both).clamp_min_(0).sqrt_().mul_(UP)
