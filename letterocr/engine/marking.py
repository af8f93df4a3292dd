"""Which test letters keep their class for certain after each sample of a block, and which classes the others may have.

There is one function for each way in which the bounds move, so that only the one that a run needs is compiled.

Shapes: as in `certificates`; a share of the letters is what one thread marks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from letterocr.engine.certificate_arrays import Anchors, Letter, Motion, Rounding, take_letter
from letterocr.engine.certificates import (
    compare_outputs,
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


@expanded
def _look(t: int, i: int, letter: Letter, motion: Motion, verdicts: Verdicts, e: Rounding, gaps: np.ndarray) -> bool:
    """Find the class that letter t most probably has after sample i, and the gaps [c]; return whether it is proved."""
    proved = compare_outputs(verdicts.read[t], i, letter, motion, e, gaps)
    if not proved:
        verdicts.read[t] = find_top(letter)
        proved = compare_outputs(verdicts.read[t], i, letter, motion, e, gaps)
    return proved


@expanded
def _write(t: int, i: int, proved: bool, verdicts: Verdicts, gaps: np.ndarray) -> None:
    """Write which classes letter t may have after sample i."""
    c, bits, least = verdicts.read[t], 0, 0.0
    if not proved:
        bits = 1 << c
        for r in range(gaps.shape[0]):
            bits |= (not gaps[r] > 0) << r
            least = min(least, gaps[r])
    verdicts.reads[t, i], verdicts.rivals[t, i], verdicts.short[t] = c, bits, -least


@compiled
def mark_plain(
    own: tuple[int, int],
    stretch: tuple[int, int],
    anchors: Anchors,
    motion: Motion,
    verdicts: Verdicts,
    s: Settings,
    e: Rounding,
    scratch: tuple[np.ndarray, np.ndarray],
) -> None:
    """Mark the letters own[0] .. own[1] - 1 after each sample of a stretch, without momentum and weight decay."""
    for t in range(own[0], own[1]):
        letter = take_letter(t, anchors)
        for i in range(stretch[0], stretch[1]):
            step_plain(i, letter, motion)
            if verdicts.due[i]:
                proved = _look(t, i, letter, motion, verdicts, e, scratch[0])
                _write(t, i, proved, verdicts, scratch[0])


@compiled
def mark_spanned(
    own: tuple[int, int],
    stretch: tuple[int, int],
    anchors: Anchors,
    motion: Motion,
    verdicts: Verdicts,
    s: Settings,
    e: Rounding,
    scratch: tuple[np.ndarray, np.ndarray],
) -> None:
    """Do the same with (C7) and (C8)."""
    for t in range(own[0], own[1]):
        letter = take_letter(t, anchors)
        for i in range(stretch[0], stretch[1]):
            step_plain(i, letter, motion)
            step_spanned(t, i, letter, anchors, motion)
            if verdicts.due[i]:
                proved = _look(t, i, letter, motion, verdicts, e, scratch[0])
                if not proved:
                    proved = narrow_gaps(verdicts.read[t], letter, anchors.span[t], motion, e, scratch)
                _write(t, i, proved, verdicts, scratch[0])


@compiled
def mark_moving(
    own: tuple[int, int],
    stretch: tuple[int, int],
    anchors: Anchors,
    motion: Motion,
    verdicts: Verdicts,
    s: Settings,
    e: Rounding,
    scratch: tuple[np.ndarray, np.ndarray],
) -> None:
    """Do the same with momentum or weight decay."""
    for t in range(own[0], own[1]):
        letter = take_letter(t, anchors)
        for i in range(stretch[0], stretch[1]):
            step_moving(t, i, anchors, motion, s)
            if verdicts.due[i]:
                proved = _look(t, i, letter, motion, verdicts, e, scratch[0])
                _write(t, i, proved, verdicts, scratch[0])
