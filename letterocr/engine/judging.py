"""The test letters of a block that has been learned: which are proved to keep their class, and the others evaluated.

Shapes: as in `certificates`; a share of the letters is what one thread judges.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import prange

from letterocr.engine.certificate_arrays import Anchors, Motion, Rounding, take_letter
from letterocr.engine.certificates import compare_outputs, find_top, step_moving, step_plain, step_spanned
from letterocr.engine.kernels import DECAY, MOMENTUM, LastLayer, Settings, inlined, squash
from letterocr.engine.replay import Followers, catch_up, find_share, replay_last
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
        reads: [T, n] the same for every sample.
        rivals: [T, n] the classes, as bits, of which one is the letter's; 0: it is proved.
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
    reads: np.ndarray
    rivals: np.ndarray
    misread: np.ndarray
    evaluated: np.ndarray
    ties: np.ndarray
    tied: np.ndarray
    inputs: np.ndarray


class LearnedBlock(NamedTuple):
    """A block that was learned.

    Attributes:
        q: [n, c] error vectors of the outputs.
        h: [n, m] inputs of the last weight matrix.
        U: [shares, c, m] the last weights where each share's letters are; b, N, d as in `kernels.LastLayer`.
    """

    q: np.ndarray
    h: np.ndarray
    U: np.ndarray
    b: np.ndarray
    N: np.ndarray
    d: np.ndarray


@inlined
def _mark(
    t: int,
    stretch: tuple[int, int],
    anchors: Anchors,
    motion: Motion,
    verdicts: Verdicts,
    s: Settings,
    e: Rounding,
    scratch: tuple[np.ndarray, np.ndarray],
) -> None:
    """Find out after which samples of a stretch letter t is open, and which classes it may have then."""
    moving, c = s.numbers[MOMENTUM] != 0 or s.numbers[DECAY] != 0, verdicts.read[t]
    letter = take_letter(t, anchors)
    gaps, product = scratch
    for i in range(stretch[0], stretch[1]):
        if moving:
            step_moving(t, i, anchors, motion, s)
        else:
            step_plain(i, letter, motion)
            if motion.rest.shape[0]:
                step_spanned(t, i, letter, anchors, motion, product)
        if verdicts.due[i]:
            proved, bits = compare_outputs(c, i, letter, motion, e, gaps), 0
            if not proved:
                c = find_top(letter)
                proved = compare_outputs(c, i, letter, motion, e, gaps)
                if not proved:
                    bits = 1 << c
                    for r in range(gaps.shape[0]):
                        bits |= (not gaps[r] > 0) << r
            verdicts.reads[t, i], verdicts.rivals[t, i] = c, bits
            verdicts.short[t] = 0 if proved else -gaps.min()
    verdicts.read[t] = c


@inlined
def _multiply(w: np.ndarray, h: np.ndarray) -> np.floating:
    total = w.dtype.type(0)
    for u in range(w.shape[0]):
        total += w[u] * h[u]
    return total


@inlined
def _evaluate(bits: int, last: LastLayer, h: np.ndarray) -> tuple[int, float]:
    """The class with the largest output among those in `bits`, and how far the next is below."""
    c, top, second = -1, -np.inf, -np.inf
    for r in range(last.U.shape[0]):
        if bits >> r & 1:
            value = _multiply(last.U[r], h) + last.b[r]
            if value > top:
                c, top, second = r, value, top
            elif value > second:
                second = value
    return c, top - second


@inlined
def _judge_share(
    share: int,
    stretch: tuple[int, int],
    anchors: Anchors,
    motion: Motion,
    verdicts: Verdicts,
    letters: Followers,
    block: LearnedBlock,
    s: Settings,
    e: Rounding,
    guard: float,
) -> None:
    shares, count = block.U.shape[0], letters.z.shape[0]
    start, stop = find_share(count, shares, share), find_share(count, shares, share + 1)
    dtype, m = letters.z.dtype, letters.z.shape[1]
    c = motion.common.shape[1]
    scratch, h = (np.zeros(c, dtype), np.zeros(c, dtype)), np.zeros(m, dtype)
    for t in range(start, stop):
        _mark(t, stretch, anchors, motion, verdicts, s, e, scratch)
    last = LastLayer(block.U[share], block.b[share], block.N[share], block.d[share])
    for i in range(stretch[0], stretch[1]):
        replay_last(last, block.q[i], block.h[i], motion.rates[i], s)
        if not verdicts.due[i]:
            continue
        for t in range(start, stop):
            c = verdicts.reads[t, i]
            if verdicts.rivals[t, i]:
                catch_up(t, i + 1, letters, s)
                if s.sigmoid:
                    squash(letters.z[t], dtype.type(1), h)
                else:
                    for u in range(h.shape[0]):
                        h[u] = letters.z[t, u]
                c, margin = _evaluate(verdicts.rivals[t, i], last, h)
                close = not margin > guard * motion.omega[i] * math.sqrt(_multiply(h, h))
                verdicts.margin[t] = margin
                verdicts.evaluated[share] += 1
                place = verdicts.tied[share]
                if close and place < MOST_TIES:
                    verdicts.ties[share, place, 0], verdicts.ties[share, place, 1] = i, t
                    for u in range(h.shape[0]):
                        verdicts.inputs[share, place, u] = h[u]
                    verdicts.tied[share] += 1
                    continue
            verdicts.misread[share, i] += c != verdicts.labels[t]


@threaded
def judge(
    stretch: tuple[int, int],
    anchors: Anchors,
    motion: Motion,
    verdicts: Verdicts,
    letters: Followers,
    block: LearnedBlock,
    s: Settings,
    e: Rounding,
    guard: float,
) -> None:
    """Judge all letters after the samples of a stretch of the block."""
    for share in prange(block.U.shape[0]):
        _judge_share(share, stretch, anchors, motion, verdicts, letters, block, s, e, guard)
