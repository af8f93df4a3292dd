"""Which test letters are misread or not for certain after each sample of a block, and which classes others may have.

There is one function for each way in which the bounds move, so that only the one that a run needs is compiled.

Shapes: as in `certificates`; a share of the letters is what one thread marks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from letterocr.engine.certificate_arrays import Anchors, Letter, Motion, Rounding, take_letter
from letterocr.engine.certificates import (
    compare_outputs,
    compare_pair,
    find_top,
    narrow_gaps,
    step_moving,
    step_plain,
    step_spanned,
)
from letterocr.engine.kernels import Settings, compiled, expanded


class Verdicts(NamedTuple):
    """What becomes of the letters in a block.

    Attributes:
        labels: [T].
        due: [n] whether the error is measured after each sample.
        read: [T] the class that each letter is read as, by the estimates.
        short: [T] by how much its bound missed at the last sample that was due; 0: it was known.
        margin: [T] between the output of its label and the largest other when it was evaluated last.
        reads: [T, n] a class with a larger output than the label's, or the label, where that is known.
        rivals: [T, n] the classes, as bits, of which one is the letter's; 0: it is known whether it is misread.
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


@expanded
def _look(t: int, i: int, letter: Letter, motion: Motion, verdicts: Verdicts, e: Rounding, gaps: np.ndarray) -> bool:
    """Find the class that letter t most probably has after sample i; return whether it is known if it is misread.

    A class that is proved to stand before the label's suffices. If it is not known, the gaps [c] are written.
    """
    label, known, c = verdicts.labels[t], False, -1
    for attempt in range(2):
        top = verdicts.read[t] if attempt == 0 else find_top(letter)
        if known or top == c:
            break
        c = top
        if c != label:
            known = compare_pair(c, label, i, letter, motion, e) > 0
        if not known:
            known = compare_outputs(c, i, letter, motion, e, gaps)
    verdicts.read[t] = c
    return known


@expanded
def _write(t: int, i: int, known: bool, verdicts: Verdicts, gaps: np.ndarray) -> None:
    """Write which classes letter t may have after sample i."""
    c, label, bits, least = verdicts.read[t], verdicts.labels[t], 0, 0.0
    if not known:
        bits = 1 << c
        for r in range(gaps.shape[0]):
            bits |= (not gaps[r] > 0) << r
            least = min(least, gaps[r])
        least = least if c == label else gaps[label]
    verdicts.reads[t, i], verdicts.rivals[t, i], verdicts.short[t] = c, bits, -least


@compiled
def mark_plain(
    chosen: np.ndarray,
    stretch: tuple[int, int],
    anchors: Anchors,
    motion: Motion,
    verdicts: Verdicts,
    s: Settings,
    e: Rounding,
    scratch: tuple[np.ndarray, np.ndarray],
) -> None:
    """Mark the chosen letters after each sample of a stretch, without momentum and weight decay."""
    for k in range(len(chosen)):
        t = chosen[k]
        letter = take_letter(t, anchors)
        for i in range(stretch[0], stretch[1]):
            step_plain(i, letter, motion)
            if verdicts.due[i]:
                known = _look(t, i, letter, motion, verdicts, e, scratch[0])
                _write(t, i, known, verdicts, scratch[0])


@compiled
def mark_spanned(
    chosen: np.ndarray,
    stretch: tuple[int, int],
    anchors: Anchors,
    motion: Motion,
    verdicts: Verdicts,
    s: Settings,
    e: Rounding,
    scratch: tuple[np.ndarray, np.ndarray],
) -> None:
    """Do the same, with (C7) and (C8) where the motion has what they need."""
    spanned = motion.rest.shape[0] > 0
    for k in range(len(chosen)):
        t = chosen[k]
        letter = take_letter(t, anchors)
        for i in range(stretch[0], stretch[1]):
            step_plain(i, letter, motion)
            if spanned:
                step_spanned(t, i, letter, anchors, motion)
            if verdicts.due[i]:
                known = _look(t, i, letter, motion, verdicts, e, scratch[0])
                if spanned and not known:
                    c, label = verdicts.read[t], verdicts.labels[t]
                    known = narrow_gaps(c, label, letter, anchors.span[t], motion, e, scratch)
                _write(t, i, known, verdicts, scratch[0])


@compiled
def mark_moving(
    chosen: np.ndarray,
    stretch: tuple[int, int],
    anchors: Anchors,
    motion: Motion,
    verdicts: Verdicts,
    s: Settings,
    e: Rounding,
    scratch: tuple[np.ndarray, np.ndarray],
) -> None:
    """Do the same with momentum or weight decay."""
    for k in range(len(chosen)):
        t = chosen[k]
        letter = take_letter(t, anchors)
        for i in range(stretch[0], stretch[1]):
            step_moving(t, i, anchors, motion, s)
            if verdicts.due[i]:
                known = _look(t, i, letter, motion, verdicts, e, scratch[0])
                _write(t, i, known, verdicts, scratch[0])
