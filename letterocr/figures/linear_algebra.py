"""The paper's pictures of linear algebra, each drawn on axes that are given (Fig. 3, 4, 5; 9).

Ink is dark, as in `figures.pictures`; the right letter is green, a wrong reading red.
Shapes: C classes; A [900, C], images [900], outputs q [C].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from letterocr.data.letters import SIDE
from letterocr.figures.pictures import BAR, FAINT, LINE, RIGHT, TEXT, WRONG, Colour
from letterocr.matrix.arithmetic import Relation
from letterocr.matrix.conditioning import Conditioning
from letterocr.matrix.spectrum import reconstruct, relative_errors

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle

GAP = 4  # pixels of a letter between two pictures
SIGN = 14  # pixels for a sign between two pictures

RANK_NAMES = {
    "energy_90": "90 % of the energy",
    "energy_95": "95 % of the energy",
    "energy_99": "99 % of the energy",
    "entropy": "entropy",
    "stable": "stable rank",
    "numerical": "numerical rank",
    "optimal": "optimal threshold",
}


def to_rgb(colour: Colour) -> tuple[float, ...]:
    """A colour of `figures.pictures` for matplotlib."""
    return tuple(c / 255 for c in colour)


def draw_singular_values(axes: Axes, values: ArrayLike, label: str) -> None:
    """Singular values [n] against their number, from 1 (Fig. 5); several calls share an axes."""
    drawn = np.asarray(values)
    axes.plot(np.arange(1, len(drawn) + 1), drawn, "o-", markersize=3, linewidth=1, label=label)
    axes.set(xlabel="number", ylabel="singular value", ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()


def draw_row(axes: Axes, pieces: Sequence[ArrayLike], captions: Sequence[str]) -> None:
    """Pictures [900] and signs (texts) side by side, each with a caption below."""
    x = 0
    for piece, caption in zip(pieces, captions, strict=True):
        width = SIGN if isinstance(piece, str) else SIDE
        if isinstance(piece, str):
            axes.text(x + width / 2, SIDE / 2, piece, ha="center", va="center", color=to_rgb(TEXT), fontsize=14)
        else:
            picture = np.clip(np.asarray(piece, dtype=float), 0, 1).reshape(SIDE, SIDE)
            axes.imshow(picture, cmap="gray_r", vmin=0, vmax=1, extent=(x, x + SIDE, SIDE, 0))
            axes.add_patch(_frame_picture(x))
        axes.text(x + width / 2, SIDE + 2, caption, ha="center", va="top", color=to_rgb(FAINT), fontsize=8)
        x += width + GAP
    axes.set(xlim=(-1, x - GAP + 1), ylim=(SIDE + 10, -1), aspect="equal")
    axes.axis("off")


def _frame_picture(x: float) -> Rectangle:
    """The frame of a picture whose left edge is at x."""
    from matplotlib.patches import Rectangle

    return Rectangle((x, 0), SIDE, SIDE, fill=False, edgecolor=to_rgb(LINE), linewidth=0.8)


def draw_reconstructions(
    axes: Axes, A: Tensor, letter: str, ranks: Sequence[int], alphabet: str, from_mean: bool = False
) -> None:
    """One letter from the first r singular values of A, for several r, and as it is (13; Fig. 4).

    Args:
        axes: to draw on.
        A: [900, C] tensor.
        letter: one of the alphabet.
        ranks: the r, each 0 to C.
        alphabet: the names of the C classes.
        from_mean: whether r counts from the mean letter.
    """
    k = alphabet.index(letter)
    pieces, captions = [], []
    for r in ranks:
        approximation = reconstruct(A, r, from_mean)
        pieces.append(approximation[:, k])
        captions.append(f"r = {r}\n{100 * float(relative_errors(A, approximation)[k]):.0f} % off")
    draw_row(axes, [*pieces, A[:, k]], [*captions, letter])


def draw_outputs(axes: Axes, outputs: ArrayLike, truth: int, alphabet: str, image: ArrayLike | None = None) -> None:
    """The outputs of one letter as bars, its picture beside them (Fig. 3).

    Args:
        axes: to draw on.
        outputs: q [C].
        truth: the place in the alphabet of what was written: green; what is read instead is red.
        alphabet: the names of the C classes.
        image: [900], or None.
    """
    q = np.asarray(outputs, dtype=float)
    read = int(q.argmax())
    colours = [to_rgb(BAR)] * len(q)
    colours[read] = to_rgb(WRONG)
    colours[truth] = to_rgb(RIGHT)
    axes.bar(np.arange(len(q)), q, color=colours)
    axes.axhline(1, color=to_rgb(BAR), linestyle="--", linewidth=0.8)
    axes.axhline(0, color=to_rgb(TEXT), linewidth=0.8)
    axes.set_xticks(np.arange(len(q)), list(alphabet))
    axes.set(ylabel="output", title=f"{alphabet[truth]} read as {alphabet[read]}")
    if image is not None:
        axes.set_xlim(-8.5, len(q) - 0.5)
        draw_row(axes.inset_axes((0.01, 0.2, 0.2, 0.7)), [image], ["written"])


def draw_relation(axes: Axes, A: Tensor, relation: Relation) -> None:
    """A relation among letters in pictures: terms, their sum, and the letter that it comes near to (9).

    Args:
        axes: to draw on.
        A: [900, C] tensor.
        relation: the letters and coefficients.
    """
    pieces: list[ArrayLike] = []
    captions: list[str] = []
    total = np.zeros(SIDE * SIDE)
    for coefficient, k in sorted(relation.terms, key=lambda term: term[0] < 0):
        sign = ("−" if coefficient < 0 else "+" if pieces else "") + (
            "" if abs(coefficient) == 1 else str(abs(coefficient))
        )
        if sign:
            pieces.append(sign)
            captions.append("")
        letter = np.asarray(A[:, k], dtype=float)
        total += coefficient * letter
        pieces.append(letter)
        captions.append(relation.alphabet[k])
    target = relation.alphabet[relation.target]
    pieces += ["=", total, "≈", np.asarray(A[:, relation.target])]
    draw_row(axes, pieces, [*captions, "", f"{100 * relation.residual:.0f} % off", "", target])


def draw_conditioning(
    axes: Axes, pixels: Conditioning, hidden: Sequence[Conditioning], names: Sequence[str] = ("energy_90", "entropy")
) -> None:
    """Effective ranks behind the hidden layer against the temperature; those of the pixels dashed.

    The mean letter is taken away: ranks of what tells the letters apart.

    Args:
        axes: to draw on.
        pixels: of the alphabet matrix itself.
        hidden: of its hidden activations, one a temperature.
        names: fields of `EffectiveRanks`.
    """
    temperatures = np.array([c.temperature for c in hidden], dtype=float)
    for name in names:
        ranks = [asdict(c.centred_ranks)[name] for c in hidden]
        (line,) = axes.plot(temperatures, ranks, "o-", markersize=3, linewidth=1, label=RANK_NAMES[name])
        axes.axhline(asdict(pixels.centred_ranks)[name], color=line.get_color(), linestyle="--", linewidth=0.8)
    axes.set(xscale="log", xlabel="temperature", ylabel="effective rank (pixels: dashed)")
    axes.grid(alpha=0.3)
    axes.legend()
