"""The element by element part of anchoring test letters, compiled; `letter_anchors` has the products.

Shapes: as in `certificates`.
"""

from __future__ import annotations

import numpy as np

from letterocr.engine.certificate_arrays import FAR, Anchors
from letterocr.engine.kernels import Settings, compiled, expanded, squash


@expanded
def _norm(x: np.ndarray) -> float:
    total = x.dtype.type(0)
    for u in range(x.shape[0]):
        total += x[u] * x[u]
    return np.sqrt(total)


@expanded
def _take(z: np.ndarray, f: np.ndarray, rows: tuple[np.ndarray, np.ndarray], size: np.ndarray, s: Settings) -> None:
    """A letter's rows <- h and s' - f; size <- |h| and |z|."""
    h, off = rows
    one = h.dtype.type(1)
    if s.sigmoid:
        squash(z, one, h)
        for u in range(z.shape[0]):
            off[u] = h[u] * (one - h[u]) - f[u]
    else:
        for u in range(z.shape[0]):
            h[u], off[u] = z[u], 0
    size[0], size[1] = _norm(h), _norm(z)


@compiled
def take_activations(
    chosen: np.ndarray, z: np.ndarray, f: np.ndarray, out: tuple[np.ndarray, np.ndarray, np.ndarray], s: Settings
) -> None:
    """`_take` of each letter that is chosen."""
    for k in range(len(chosen)):
        _take(z[chosen[k]], f, (out[0][k], out[1][k]), out[2][chosen[k]], s)


@expanded
def _find_largest(x: np.ndarray, best: np.ndarray) -> None:
    """Best [K + 1] <- where x [c] is largest, and next to it."""
    for place in range(best.shape[0]):
        best[place] = -1
        for r in range(x.shape[0]):
            taken = False
            for earlier in range(place):
                taken |= best[earlier] == r
            if not taken and (best[place] < 0 or x[r] > x[best[place]]):
                best[place] = r


@expanded
def _settle(
    t: int,
    now: int,
    anchors: Anchors,
    found: tuple[np.ndarray, np.ndarray, np.ndarray],
    h: np.ndarray,
    W: np.ndarray,
    slopes: np.ndarray,
    label: int,
    s: Settings,
) -> None:
    """Write what was found of letter t: its outputs, h . h_j + beta and |w_r * (s' - f)|; slopes [K, m] <- u * s'.

    Where it is misread, the first rival of its class is that of its label.
    """
    x, k, spread = found
    one, best = h.dtype.type(1), anchors.chosen[t]
    anchors.since[t] = now
    for j in range(anchors.squares.shape[1]):  # loops, as Numba takes seconds to compile an assignment of arrays
        anchors.squares[t, j] = 0
    for j in range(anchors.leading.shape[1]):
        anchors.leading[t, j] = 0
    for r in range(anchors.span.shape[1]):
        anchors.span[t if anchors.span.shape[0] > 1 else 0, r] = 0
    for y in range(anchors.dots.shape[0]):
        for j in range(anchors.dots.shape[2]):
            anchors.dots[y, t, j] = 0
    for j in range(k.shape[0]):
        anchors.k[t, now + j] = k[j]
    for r in range(x.shape[0]):
        anchors.outputs[t, r] = x[r]
    _find_largest(x, best)
    for p in range(1, min(best.shape[0], 2)):
        best[p] = best[p] if best[0] == label else label
    for p in range(best.shape[0]):
        anchors.leading[t, p] = x[best[p]]
        anchors.outputs[t, best[p]] = FAR
    for r in range(x.shape[0]):
        anchors.spread[t, r] = spread[best[0]] + spread[r]
    anchors.spread[t, best[0]] = 0
    for p in range(slopes.shape[0]):
        anchors.spread[t, best[1 + p]] = 0
        row, top, rival = slopes[p], W[best[0]], W[best[1 + p]]
        for u in range(row.shape[0]):
            row[u] = (top[u] - rival[u]) * (h[u] * (one - h[u]) if s.sigmoid else one)


@compiled
def settle_letters(
    chosen: np.ndarray,
    now: int,
    anchors: Anchors,
    found: tuple[np.ndarray, np.ndarray, np.ndarray],
    h: np.ndarray,
    W: np.ndarray,
    slopes: np.ndarray,
    labels: np.ndarray,
    s: Settings,
) -> None:
    """`_settle` of each letter that is chosen."""
    for k in range(len(chosen)):
        t = chosen[k]
        _settle(t, now, anchors, (found[0][k], found[1][k], found[2][k]), h[k], W, slopes[k], labels[t], s)


@compiled
def scatter_pairs(chosen: np.ndarray, found: np.ndarray, classes: int, curved: np.ndarray) -> None:
    """Make curved[t], of shape [c, c], the symmetric matrix with this lower half, for each letter t that is chosen."""
    for k in range(len(chosen)):
        t, place = chosen[k], 0
        for r in range(classes):
            for p in range(r + 1):
                curved[t, r, p] = curved[t, p, r] = found[k, place]
                place += 1
