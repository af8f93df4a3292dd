"""What a network saw in pictures: each picture with its ink, the letters as its inputs, and its outputs.

For one weight matrix the share of each pixel in the output, W . a, is drawn too: red pixels speak for the letter, blue
ones against it; the sum over all pixels and the bias is the output before the activation (2).

Shapes: image [30, 30]; weights [26, 900] of the first network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from letterocr.data.ink import BlankError, find_ink
from letterocr.data.letters import SIDE
from letterocr.data.picture_files import read
from letterocr.figures.png import make_figure, save_png
from letterocr.models.chain import Network

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS = 60  # letters and pictures without a letter
SHOWN = 8  # outputs


class SeenLetter(Protocol):
    """One letter that was read: what it was taken for, the share of each class, its place and the network's input."""

    @property
    def letter(self) -> str: ...  # noqa: D102
    @property
    def outputs(self) -> dict[str, float]: ...  # noqa: D102
    @property
    def box(self) -> tuple[int, int, int, int]: ...  # noqa: D102
    @property
    def image(self) -> np.ndarray: ...  # noqa: D102


def draw_seen(network: Network, seen: Sequence[tuple[Path, Sequence[SeenLetter]]], path: Path) -> None:
    """Draw one row for each letter, and for each picture without one, into a PNG file.

    Args:
        network: the networks; the first one has read.
        seen: each picture file with the letters that were read in it.
        path: the file to write.
    """
    rows = [(file, letters, part) for file, letters in seen for part in letters or (None,)][:MOST_ROWS]
    linear = len(network.weights) == 1
    figure = make_figure(3.0 * (3 + linear), 2.4 * len(rows) + 0.4)
    axes = figure.subplots(len(rows), 3 + linear, squeeze=False)
    for own, (file, letters, part) in zip(axes, rows, strict=True):
        _draw_picture(own[0], file, letters, part)
        if part is None:
            for axis in own[1:]:
                axis.set_axis_off()
            continue
        _draw_image(own[1], 1 - part.image, f"read as {part.letter}", cmap="gray", vmin=0, vmax=1)
        _draw_outputs(own[2], part)
        if linear:
            weights = network.weights[0][0].double().numpy()[list(part.outputs).index(part.letter)]
            shares = weights.reshape(SIDE, SIDE) * part.image
            largest = max(float(np.abs(shares).max()), 1e-12)
            title = f"W . a for {part.letter}: {shares.sum():.2f}"
            _draw_image(own[3], shares, title, cmap="RdBu_r", vmin=-largest, vmax=largest)
    save_png(figure, path)


def _draw_picture(axis: Axes, file: Path, letters: Sequence[SeenLetter], part: SeenLetter | None) -> None:
    """Draw a picture, its ink in red, and the boxes of its letters."""
    from matplotlib.patches import Rectangle

    levels = read(file)
    step = max(1, max(levels.shape) // 600)
    extent = (0, levels.shape[1], levels.shape[0], 0)
    _draw_image(axis, levels[::step, ::step], file.name, cmap="gray", vmin=0, vmax=1, extent=extent)
    try:
        ink = find_ink(levels, str(file)).draw_in_picture(levels.shape)[::step, ::step]
    except BlankError:
        ink = np.zeros((1, 1), bool)
    red = np.dstack([np.ones(ink.shape), np.zeros(ink.shape), np.zeros(ink.shape), 0.6 * ink])
    axis.imshow(red, interpolation="nearest", extent=extent)
    for one in letters:
        left, top, right, bottom = one.box
        colour = "tab:red" if one is part else "tab:blue"
        axis.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, color=colour, linewidth=1.5))
    if part is None:
        axis.set_xlabel("nothing like a letter", fontsize=9)


def _draw_image(axis: Axes, image: np.ndarray, title: str, **how: object) -> None:
    axis.imshow(image, interpolation="nearest", **how)  # type: ignore[arg-type]
    axis.set_title(title, fontsize=9, parse_math=False)
    axis.set_xticks([])
    axis.set_yticks([])


def _draw_outputs(axis: Axes, part: SeenLetter) -> None:
    best = sorted(part.outputs.items(), key=lambda pair: -pair[1])[:SHOWN]
    axis.bar([letter for letter, _ in best], [share for _, share in best], color="tab:gray")
    axis.set_ylim(0, 1)
    axis.set_title("share of the outputs", fontsize=9)
