"""The bounds of the test error are never below the true change, for random networks and steps of every size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from letterocr.engine.block_motion import MotionMaker
from letterocr.engine.certificate_arrays import make_rounding, take_letter
from letterocr.engine.certificates import (
    compare_outputs,
    compare_pair,
    find_top,
    narrow_gaps,
    step_moving,
    step_plain,
    step_spanned,
)
from letterocr.engine.kernels import Settings
from letterocr.engine.letter_anchors import BlockFactors, LetterAnchors, pad
from letterocr.engine.momentum import make_tables
from letterocr.engine.replay import Followers

LETTERS, CLASSES, SAMPLES, PIXELS = 12, 5, 9, 20


@dataclass
class Case:
    """A network, its step size and how it learns."""

    seed: int
    width: int
    temperature: float
    rate: float
    momentum: float
    decay: float
    rule: str
    bias: bool
    dtype: str
    sigmoid: bool = True
    spanned: bool = True


@dataclass
class Block:
    """What a block's samples did, and the outputs [n + 1, T, c] of the letters, all in the type of the network."""

    v: np.ndarray
    h: np.ndarray
    q: np.ndarray
    g: np.ndarray
    z: np.ndarray
    y: np.ndarray
    last: list[np.ndarray]
    rates: np.ndarray
    outputs: np.ndarray


def squash(x: np.ndarray, sigmoid: bool) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -87, 87))) if sigmoid else x


def learn(case: Case) -> Block:
    """One sample after the other, every letter evaluated after each: no block, no bound."""
    random, dtype = np.random.default_rng(case.seed), np.dtype(case.dtype)
    t, m, c = dtype.type(case.temperature), case.width, CLASSES

    def draw(*shape: int, scale: float) -> np.ndarray:
        return (random.normal(size=shape) * scale).astype(dtype)

    first = [draw(m, PIXELS, scale=case.temperature / 3), draw(m, scale=case.temperature * case.bias)]
    last = [draw(c, m, scale=3 * case.temperature / m**0.5), draw(c, scale=case.temperature * case.bias)]
    moves = case.momentum > 0
    late = [draw(*w.shape, scale=moves * np.abs(w).mean()) for w in (*first, *last)]
    late[1], late[3] = late[1] * case.bias, late[3] * case.bias
    a, letters = (random.random((count, PIXELS)).astype(dtype) for count in (SAMPLES, LETTERS))
    labels = random.integers(c, size=SAMPLES)
    rates = (case.rate * np.linspace(1, 0.5, SAMPLES)).astype(dtype)
    z, y = ((letters @ w.T + b) / t for w, b in (first, late[:2]))
    v, h, q = (np.empty((SAMPLES, k), dtype) for k in (m, m, c))
    g = a @ letters.T + dtype.type(case.bias)
    outputs = np.empty((SAMPLES + 1, LETTERS, c), dtype)
    found = Block(v, h, q, g, z, y, [x.copy() for x in (*last, *late[2:])], rates, outputs)
    found.outputs[0] = squash(z, case.sigmoid) @ last[0].T + last[1]
    z, y = z.copy(), y.copy()
    for i in range(SAMPLES):
        h = squash((first[0] @ a[i] + first[1]) / t, case.sigmoid)
        q = squash((last[0] @ h + last[1]) / t, case.sigmoid)
        error = q - (np.arange(c) == labels[i])
        if case.rule == "gradient" and case.sigmoid:
            error = error * q * (1 - q) / t
        v = last[0].T @ error
        if case.rule != "printed" and case.sigmoid:
            v = v * h * (1 - h) / t
        found.v[i], found.h[i], found.q[i] = v / t, h, error
        mu, decay, rate = (dtype.type(x) for x in (case.momentum, case.decay, rates[i]))
        steps = [np.outer(v, a[i]), v * case.bias, np.outer(error, h), error * case.bias]
        for weight, mean, step in zip((*first, *last), late, steps, strict=True):
            mean[:] = mu * mean + decay * weight + step
            weight -= rate * mean
        y = mu * y + decay * z + np.outer(found.g[i], found.v[i])
        z = z - rate * y
        found.outputs[i + 1] = squash(z, case.sigmoid) @ last[0].T + last[1]
    return found


def bound(case: Case, block: Block) -> tuple[np.ndarray, np.ndarray]:
    """Lower bounds [n, T, c] of the margins to each class of the class [n, T] with the largest estimate."""
    like = torch.from_numpy(block.v)
    moving, spanned = bool(case.momentum or case.decay), case.sigmoid and case.rule == "printed" and case.spanned
    spanned = spanned and not moving
    rounding = make_rounding(block.v.dtype, case.width, SAMPLES, case.sigmoid, moving)
    inverse = 1 / case.temperature if case.sigmoid else 1.0
    numbers = np.array([inverse, 1, case.momentum, case.decay], block.v.dtype)
    s = Settings(numbers, True, case.rule != "printed", case.sigmoid, case.bias, False)
    maker = MotionMaker((CLASSES, pad(CLASSES)), SAMPLES, like, case.momentum, case.decay, spanned)
    anchors = LetterAnchors(np.arange(LETTERS) % CLASSES, CLASSES, case.width, SAMPLES, like, moving, spanned)
    v, h, q = (torch.from_numpy(x) for x in (block.v, block.h, block.q))
    last = [torch.from_numpy(x) for x in block.last]
    slope = (h * (1 - h)).mean(0) if case.sigmoid else torch.ones_like(h[0])
    table = torch.from_numpy(make_tables(block.rates.astype(float), case.momentum, case.decay)[0])
    lower = torch.tril_indices(CLASSES, CLASSES)
    pairs = last[0][lower[0]] * last[0][lower[1]] * inverse
    motion = maker.make(
        torch.from_numpy(block.rates), (v, h, q), table, last, slope, rounding, float(case.bias), inverse, pairs
    )
    norms = last[0].norm(dim=1) * (rounding.slope * rounding.up)
    factors = BlockFactors(
        SAMPLES, v, h, last[0], last[0].square(), pairs, norms, slope, float(case.bias), moving, rounding
    )
    anchors.arrays.g[:] = block.g.T
    y = block.y if case.momentum else block.y[:1]
    letters = Followers(block.z, y, np.zeros(LETTERS, np.int64), anchors.arrays.g, block.v, block.rates)
    anchors.settle(np.arange(LETTERS), 0, factors, last, letters, s, spanned)
    gaps, scratch = (
        np.zeros((SAMPLES, LETTERS, pad(CLASSES)), like.numpy().dtype),
        np.zeros(pad(CLASSES), numbers.dtype),
    )
    tops = np.zeros((SAMPLES, LETTERS), int)
    for t in range(LETTERS):
        letter = take_letter.py_func(t, anchors.arrays)
        for i in range(SAMPLES):
            if moving:
                step_moving(t, i, anchors.arrays, motion, s)
            else:
                step_plain(i, letter, motion)
            if spanned:
                step_spanned(t, i, letter, anchors.arrays, motion)
            tops[i, t] = find_top(letter)
            compare_outputs(tops[i, t], i, letter, motion, rounding, gaps[i, t])
            other = (tops[i, t] + 1) % CLASSES
            pair = compare_pair(tops[i, t], other, i, letter, motion, rounding)
            outputs = block.outputs[i + 1, t].astype(float)
            assert not pair > outputs[tops[i, t]] - outputs[other]
            if spanned:
                narrow_gaps(
                    tops[i, t], tops[i, t], letter, anchors.arrays.span[t], motion, rounding, (gaps[i, t], scratch)
                )
    return gaps[..., :CLASSES], tops


def find_margins(block: Block, tops: np.ndarray) -> np.ndarray:
    """The true margins [n, T, c] of those classes."""
    outputs = block.outputs[1:].astype(float)
    return np.take_along_axis(outputs, tops[..., None], 2) - outputs


def list_cases(dtype: str) -> st.SearchStrategy[Case]:
    return st.builds(
        Case,
        seed=st.integers(0, 2**20),
        width=st.integers(3, 40),
        temperature=st.sampled_from([1.0, 3.0, 150.0]),
        rate=st.floats(-5, 1).map(lambda x: 10**x),
        momentum=st.sampled_from([0.0, 0.0, 0.5, 0.9]),
        decay=st.sampled_from([0.0, 0.0, 0.01]),
        rule=st.sampled_from(["printed", "eq18", "gradient"]),
        bias=st.booleans(),
        dtype=st.just(dtype),
        sigmoid=st.sampled_from([True, True, True, False]),
        spanned=st.booleans(),
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bounds_are_never_below_the_true_change(dtype: str) -> None:
    @settings(derandomize=True, max_examples=150, deadline=None, database=None)
    @given(list_cases(dtype))
    def check(case: Case) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            block = learn(case)
            if not all(np.isfinite(x).all() for x in (block.v, block.h, block.q)):
                return  # the engine evaluates such a block in full
            gaps, tops = bound(case, block)
            margins = find_margins(block, tops)
        other = np.arange(CLASSES) != tops[..., None]
        known = np.isfinite(margins) & other
        assert not (gaps[known] > margins[known]).any()
        assert not (gaps[other & ~known] > 0).any()

    check()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("momentum", "decay"), [(0.0, 0.0), (0.9, 0.0), (0.5, 0.01)])
@pytest.mark.parametrize(
    ("rule", "temperature", "rate"), [("printed", 150, 0.01), ("eq18", 1, 0.1), ("gradient", 1, 0.1)]
)
def test_bounds_miss_by_less_than_the_margins_change_on_average(
    rule: str, temperature: float, rate: float, momentum: float, decay: float, dtype: str
) -> None:
    missed, change = 0.0, 0.0
    for seed in range(8):
        case = Case(seed, 40, temperature, rate * (1 - momentum), momentum, decay, rule, True, dtype)
        block = learn(case)
        gaps, tops = bound(case, block)
        margins, start = find_margins(block, tops), np.broadcast_to(block.outputs[:1], block.outputs[1:].shape)
        before = np.take_along_axis(start, tops[..., None], 2) - start
        other = np.arange(CLASSES) != tops[..., None]
        missed += float((margins - gaps)[other].sum())
        change += float(np.abs(margins - before)[other].sum())
    assert 0 < missed < change


@pytest.mark.parametrize("width", [40, 1800])
def test_the_roundings_of_a_product_are_far_below_what_is_allowed_for(width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    h = torch.rand(200, width, generator=generator)
    w = torch.randn(26, width, generator=generator)
    errors = ((h @ w.mT).double() - h.double() @ w.double().mT).abs()
    allowed = make_rounding(np.dtype(np.float32), width, 128, sigmoid=True, moving=False).product
    assert (errors < allowed / 10 * h.norm(dim=1)[:, None] * w.norm(dim=1)).all()
