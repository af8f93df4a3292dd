"""The paper's pictures of linear algebra, drawn on given axes (Fig. 3, 4, 5; 9).

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

GAP = 4  # distance between two pictures, in pixels of a letter
SIGN = 14  # width of a sign between two pictures, in pixels of a letter

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
    """Convert a colour of `figures.pictures` for Matplotlib."""
    return tuple(c / 255 for c in colour)


def draw_singular_values(axes: Axes, values: ArrayLike, label: str) -> None:
    """Draw singular values [n] against their number, from 1, on a logarithmic axis (Fig. 5); calls can share axes."""
    drawn = np.asarray(values)
    axes.plot(np.arange(1, len(drawn) + 1), drawn, "o-", markersize=3, linewidth=1, label=label)
    axes.set(xlabel="number", ylabel="singular value", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend()


def draw_row(axes: Axes, pieces: Sequence[ArrayLike], captions: Sequence[str]) -> None:
    """Draw pictures [900] and signs (texts) side by side, each with a caption below.

    Args:
        axes: where to draw.
        pieces: pictures or texts, from left to right.
        captions: one text for each piece.
    """
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
    """Return the frame of a picture whose left edge is at x."""
    from matplotlib.patches import Rectangle

    return Rectangle((x, 0), SIDE, SIDE, fill=False, edgecolor=to_rgb(LINE), linewidth=0.8)


def draw_reconstructions(
    axes: Axes, A: Tensor, letter: str, ranks: Sequence[int], alphabet: str, from_mean: bool = False
) -> None:
    """Draw one letter rebuilt from the first r singular values of A, for several r, and the letter itself (13; Fig. 4).

    Args:
        axes: where to draw.
        A: [900, C] tensor.
        letter: one letter of the alphabet.
        ranks: the values of r, each 0 to C.
        alphabet: names of the C classes.
        from_mean: whether r counts the singular values of A minus the mean letter.
    """
    k = alphabet.index(letter)
    pieces, captions = [], []
    for r in ranks:
        approximation = reconstruct(A, r, from_mean)
        pieces.append(approximation[:, k])
        captions.append(f"r = {r}\n{100 * float(relative_errors(A, approximation)[k]):.0f} % off")
    draw_row(axes, [*pieces, A[:, k]], [*captions, letter])


def draw_outputs(axes: Axes, outputs: ArrayLike, truth: int, alphabet: str, image: ArrayLike | None = None) -> None:
    """Draw the outputs for one letter as bars, with its picture beside them (Fig. 3).

    Args:
        axes: where to draw.
        outputs: q [C].
        truth: index of the right letter in the alphabet; its bar is green, that of a wrong reading red.
        alphabet: names of the C classes.
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
    """Draw a relation between letters: its terms, their sum, and the letter that the sum approximates (9).

    Args:
        axes: where to draw.
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
    """Draw effective ranks of the hidden activations against the temperature; those of the pixels are dashed.

    All ranks are without the mean letter, which all letters share.

    Args:
        axes: where to draw.
        pixels: conditioning of the alphabet matrix.
        hidden: conditioning of its hidden activations, one for each temperature.
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
