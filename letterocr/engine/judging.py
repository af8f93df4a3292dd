"""The test letters of a block that has been learned: those that are not known to be misread or not are evaluated.

Shapes: as in `certificates`; a share of the letters is what one thread judges.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from letterocr.engine.certificate_arrays import Motion
from letterocr.engine.kernels import LastLayer, Settings, compiled, expanded, squash
from letterocr.engine.marking import Verdicts
from letterocr.engine.replay import Followers, catch_up, replay_last

GUARD = 32.0  # unit roundoffs of |w| |h|: outputs that are closer are compared by the very product of full evaluation
MOST_TIES = 64  # such letters of a share in a block; more would be compared as they are


class LearnedBlock(NamedTuple):
    """A block that was learned.

    Attributes:
        q: [n, c] error vectors of the outputs.
        h: [n, m] inputs of the last weight matrix.
    """

    q: np.ndarray
    h: np.ndarray


@expanded
def _multiply(w: np.ndarray, h: np.ndarray) -> np.floating:
    total = w.dtype.type(0)
    for u in range(w.shape[0]):
        total += w[u] * h[u]
    return total


@expanded
def _evaluate(bits: int, label: int, last: LastLayer, h: np.ndarray, guard: float) -> tuple[bool, float]:
    """Whether a class in `bits` has a larger output than the label's, and by how much, at least as far as `guard`."""
    own, most, misread = _multiply(last.U[label], h) + last.b[label], -np.inf, False
    for r in range(last.U.shape[0]):
        if bits >> r & 1 and r != label:
            more = _multiply(last.U[r], h) + last.b[r] - own
            misread |= more > 0 or (more == 0 and r < label)
            most = max(most, more)
            if most > guard:
                break
    return misread, most


@compiled
def judge(
    share: int,
    own: tuple[int, int],
    stretch: tuple[int, int],
    motion: Motion,
    verdicts: Verdicts,
    letters: Followers,
    block: LearnedBlock,
    last: LastLayer,
    s: Settings,
    guard: float,
    h: np.ndarray,
) -> None:
    """Count the misread ones of a share's letters after each sample of a stretch; evaluate those marked as open.

    `last` are the last weights where the share's letters are; h [m] is scratch.
    """
    one, evaluated, place = h.dtype.type(1), 0, verdicts.tied[share]
    for i in range(stretch[0], stretch[1]):
        replay_last(last, block.q[i], block.h[i], motion.rates[i], s)
        if not verdicts.due[i]:
            continue
        wrong = 0
        for t in range(own[0], own[1]):
            misread = verdicts.reads[t, i] != verdicts.labels[t]
            if verdicts.rivals[t, i]:
                catch_up(t, i + 1, letters, s)
                if s.sigmoid:
                    squash(letters.z[t], one, h)
                else:
                    for u in range(h.shape[0]):
                        h[u] = letters.z[t, u]
                near = guard * motion.omega[i] * math.sqrt(_multiply(h, h))
                misread, more = _evaluate(verdicts.rivals[t, i], verdicts.labels[t], last, h, near)
                verdicts.margin[t] = abs(more)
                evaluated += 1
                if not abs(more) > near and place < MOST_TIES:
                    verdicts.ties[share, place, 0], verdicts.ties[share, place, 1] = i, t
                    for u in range(h.shape[0]):
                        verdicts.inputs[share, place, u] = h[u]
                    place += 1
                    continue
            wrong += misread
        verdicts.misread[share, i] = wrong
    verdicts.evaluated[share] += evaluated
    verdicts.tied[share] = place
