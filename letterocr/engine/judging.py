"""The test letters of a block that has been learned: which are proved to keep their class, and the others evaluated.

Shapes: as in `certificates`; a share of the letters is what one thread judges.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import prange

from letterocr.engine.certificate_arrays import Anchors, Letter, Motion, Rounding, take_letter
from letterocr.engine.certificates import (
    compare_known,
    compare_outputs,
    find_known_top,
    find_top,
    remember,
    start_again,
    step_moving,
    step_plain,
    step_spanned,
)
from letterocr.engine.kernels import DECAY, MOMENTUM, Settings, compiled, squash
from letterocr.engine.replay import Followers, catch_up, find_share
from letterocr.engine.threaded import threaded

GUARD = 32.0  # unit roundoffs of |w| |h|: outputs that are closer are compared by the very product of full evaluation
MOST_TIES = 64  # such letters of a share in a block; more would be compared as they are


class Verdicts(NamedTuple):
    """What becomes of the letters in a block.

    Attributes:
        labels: [T].
        due: [n] whether the error is measured after each sample.
        read: [T] the class that each letter is read as, by the estimates.
        short: [T] by how much its bound missed at the last sample that was due; 0: it was proved.
        margin: [T] between its two largest outputs when it was evaluated last.
        misread: [shares, n] how many letters are misread after each sample.
        evaluated: [shares] how many were evaluated.
        ties: [shares, most, 2] sample and letter where outputs are too close.
        tied: [shares] how many.
        inputs: [shares, most, m] their activations.
    """

    labels: np.ndarray
    due: np.ndarray
    read: np.ndarray
    short: np.ndarray
    margin: np.ndarray
    misread: np.ndarray
    evaluated: np.ndarray
    ties: np.ndarray
    tied: np.ndarray
    inputs: np.ndarray


class Sources(NamedTuple):
    """What an evaluation is made from.

    Attributes:
        U: [samples + 1, c, m] the last weights at the start of a stretch and after each of its samples.
        b: [samples + 1, c] their biases.
        guard: `GUARD` times u0.
    """

    U: np.ndarray
    b: np.ndarray
    guard: float


@compiled
def _multiply(w: np.ndarray, h: np.ndarray) -> np.floating:
    total = w.dtype.type(0)
    for u in range(w.shape[0]):
        total += w[u] * h[u]
    return total


@compiled
def _evaluate(
    t: int,
    i: int,
    first: int,
    bits: int,
    letter: Letter,
    sources: Sources,
    letters: Followers,
    s: Settings,
    h: np.ndarray,
) -> tuple[int, float]:
    """The class of letter t with the largest output among those in `bits`, and how far the next is below; h <- s(z)."""
    catch_up(t, i + 1, letters, s)
    if s.sigmoid:
        squash(letters.z[t], h.dtype.type(1), h)
    else:
        h[:] = letters.z[t]
    c, top, second, place = -1, -np.inf, -np.inf, i + 1 - first
    for r in range(sources.U.shape[1]):
        if bits >> r & 1:
            value = _multiply(sources.U[place, r], h) + sources.b[place, r]
            remember(r, value, letter)
            if value > top:
                c, top, second = r, value, top
            elif value > second:
                second = value
    return c, top - second


@compiled
def _compare(c: int, i: int, letter: Letter, motion: Motion, e: Rounding, gaps: np.ndarray) -> bool:
    return compare_outputs(c, i, letter, motion, e, gaps)


@compiled
def _prove(c: int, i: int, letter: Letter, motion: Motion, e: Rounding, gaps: np.ndarray) -> tuple[int, bool]:
    """A class that may be proved where c is not, and whether it is; the gaps are its own."""
    if letter.known[0]:
        c = find_known_top(letter)
        if _compare(c, i, letter, motion, e, gaps) or compare_known(c, i, letter, motion, e, gaps):
            return c, True
    c = find_top(letter)
    return c, _compare(c, i, letter, motion, e, gaps)


@compiled
def _judge_letter(
    t: int,
    share: int,
    stretch: tuple[int, int],
    anchors: Anchors,
    motion: Motion,
    verdicts: Verdicts,
    sources: Sources,
    letters: Followers,
    s: Settings,
    e: Rounding,
    scratch: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """Letter t through a stretch: proved, or evaluated."""
    gaps, product, h = scratch
    moving, c = s.numbers[MOMENTUM] != 0 or s.numbers[DECAY] != 0, verdicts.read[t]
    letter = take_letter(t, anchors)
    for i in range(stretch[0], stretch[1]):
        if moving:
            step_moving(t, i, anchors, motion, s)
        else:
            step_plain(i, letter, motion)
            if motion.rest.shape[0]:
                step_spanned(t, i, letter, anchors, motion, product)
        if not verdicts.due[i]:
            continue
        proved = compare_outputs(c, i, letter, motion, e, gaps)
        if not proved:
            c, proved = _prove(c, i, letter, motion, e, gaps)
        verdicts.short[t] = 0
        if not proved:
            verdicts.short[t] = -gaps.min()
            bits = 1 << c
            for r in range(gaps.shape[0]):
                bits |= (not gaps[r] > 0) << r
            c, verdicts.margin[t] = _evaluate(t, i, stretch[0], bits, letter, sources, letters, s, h)
            verdicts.evaluated[share] += 1
            if not moving:
                start_again(i, bits, letter, motion, e)
            place = verdicts.tied[share]
            close = not verdicts.margin[t] > sources.guard * motion.omega[i] * math.sqrt(_multiply(h, h))
            if close and place < MOST_TIES:
                verdicts.ties[share, place, 0], verdicts.ties[share, place, 1] = i, t
                verdicts.inputs[share, place] = h
                verdicts.tied[share] += 1
                continue
        verdicts.misread[share, i] += c != verdicts.labels[t]
    verdicts.read[t] = c


@compiled
def _judge_share(
    share: int,
    stretch: tuple[int, int],
    anchors: Anchors,
    motion: Motion,
    verdicts: Verdicts,
    sources: Sources,
    letters: Followers,
    s: Settings,
    e: Rounding,
) -> None:
    count, c, dtype = letters.z.shape[0], motion.common.shape[1], letters.z.dtype
    shares = len(verdicts.tied)
    scratch = np.zeros(c, dtype), np.zeros(c, dtype), np.zeros(letters.z.shape[1], dtype)
    for t in range(find_share(count, shares, share), find_share(count, shares, share + 1)):
        _judge_letter(t, share, stretch, anchors, motion, verdicts, sources, letters, s, e, scratch)


@threaded
def judge(
    stretch: tuple[int, int],
    anchors: Anchors,
    motion: Motion,
    verdicts: Verdicts,
    sources: Sources,
    letters: Followers,
    s: Settings,
    e: Rounding,
) -> None:
    """Judge all letters after the samples of a stretch of the block."""
    for share in prange(len(verdicts.tied)):
        _judge_share(share, stretch, anchors, motion, verdicts, sources, letters, s, e)
