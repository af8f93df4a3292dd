"""Pictures of a run while it trains: uint8 arrays [H, W, 3], drawn with Pillow in milliseconds.

They are 350 pixels wide or a little more, as TensorBoard shows them at first, so that their texts are legible there.
"""

from __future__ import annotations

import functools

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont
from PIL.ImageFont import ImageFont as BitmapFont

from letterocr.data.letters import SIDE
from letterocr.figures.learned_weights import compute_leading_triplets, find_scale, list_largest

Colour = tuple[int, int, int]

PAPER: Colour = (255, 255, 255)
TEXT: Colour = (38, 40, 46)
FAINT: Colour = (128, 132, 140)
LINE: Colour = (222, 224, 228)
RIGHT: Colour = (24, 128, 92)
WRONG: Colour = (200, 60, 48)
BAR: Colour = (164, 170, 180)
WIDTH, MARGIN = 350, 10  # pixels
COLUMNS, UNITS, CELL, GAP, LABEL = 5, 20, 60, 7, 18  # images of weights: in a row, in all, and their pixels
LEFT, TOP = 34, 76  # pixels beside and above a confusion matrix
CARDS, LETTER = 3, 90  # worst letters in a row, and their pixels

# Dark blue, blue, neutral, red, dark red: equally dark on both sides of zero, and safe for colour-blind readers.
_DIVERGING = np.array([(5, 48, 97), (67, 147, 195), (247, 247, 247), (214, 96, 77), (103, 0, 31)], dtype=float)


@functools.cache
def _load_font(size: int) -> FreeTypeFont | BitmapFont:
    return ImageFont.load_default(size)  # Pillow's own font is the same on every machine


def _make_canvas(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (width, height), PAPER)
    return image, ImageDraw.Draw(image)


def _interpolate_colours(stops: np.ndarray) -> np.ndarray:
    """Return 256 colours [256, 3] uint8, interpolated between the stops [n, 3]."""
    places = np.linspace(0, len(stops) - 1, 256)
    return np.stack([np.interp(places, np.arange(len(stops)), stops[:, c]) for c in range(3)], axis=1).astype(np.uint8)


_WEIGHT_COLOURS = _interpolate_colours(_DIVERGING)


def colour_weights(weights: np.ndarray, scale: float) -> np.ndarray:
    """Return the colours [..., 3] uint8 of weights [...]: blue below zero, red above, the full colour at `scale`."""
    finite = np.nan_to_num(np.asarray(weights, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    return _WEIGHT_COLOURS[np.rint(127.5 + 127.5 * np.clip(finite / scale, -1, 1)).astype(np.uint8)]


def draw_learned(change: np.ndarray, alphabet: str, which: str = "") -> np.ndarray:
    """Draw what the first layer learned: the units with the largest change, and the leading singular vectors.

    If there is one unit for each class, all of them are drawn, each under its letter.

    Args:
        change: [out, 900], weights minus initial weights.
        alphabet: names of the classes; empty if the units are hidden ones.
        which: which of several networks it is, or empty.

    Returns:
        [H, W, 3] uint8.
    """
    change = np.nan_to_num(np.asarray(change, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    lettered = len(change) == len(alphabet)
    rows = np.arange(len(change)) if lettered else list_largest(change, UNITS)
    _, values, vectors = compute_leading_triplets(change, COLUMNS)
    scale = find_scale(change[rows])
    names = list(alphabet) if lettered else [f"{row + 1:,}" for row in rows]
    step, lines = CELL + LABEL, -(-len(rows) // COLUMNS)
    image, draw = _make_canvas(WIDTH, 66 + lines * step + 30 + step + MARGIN)
    draw.text((MARGIN, 16), "Learned by the first layer: W - W0", TEXT, _load_font(15), anchor="lm")
    said = "one unit a letter" if lettered else f"largest of {len(change):,} units"
    draw.text((MARGIN, 36), f"{said}{which}; full colour {scale:.2g}", FAINT, _load_font(13), anchor="lm")
    _paste_tiles(image, draw, colour_weights(change[rows], scale), names, 48)
    top = 48 + lines * step + 12
    draw.text((MARGIN, top + 6), "leading singular vectors, with singular values", FAINT, _load_font(13), anchor="lm")
    shown = [colour_weights(v, find_scale(v)) for v in vectors]
    _paste_tiles(image, draw, np.array(shown), [f"{v:.2g}" for v in values], top + 18)
    return np.asarray(image)


def _paste_tiles(image: Image.Image, draw: ImageDraw.ImageDraw, tiles: np.ndarray, names: list[str], top: int) -> None:
    """Paste images [n, 900, 3] in rows of five, each with its name below."""
    for place, (tile, name) in enumerate(zip(tiles, names, strict=True)):
        x, y = MARGIN + place % COLUMNS * (CELL + GAP), top + place // COLUMNS * (CELL + LABEL)
        square = Image.fromarray(tile.reshape(SIDE, SIDE, 3)).resize((CELL, CELL), Image.Resampling.NEAREST)
        draw.rectangle((x - 1, y - 1, x + CELL, y + CELL), outline=LINE)
        image.paste(square, (x, y))
        draw.text((x + CELL // 2, y + CELL + LABEL // 2), name, TEXT, _load_font(12), anchor="mm")


def confusion_matrix(truth: np.ndarray, predicted: np.ndarray, alphabet: str, which: str = "") -> np.ndarray:
    """Draw which letter (row) is read as which (column): the right ones green, the wrong ones red.

    The shade of a cell is its share of the row.

    Args:
        truth: [N], right letters as indices in the alphabet.
        predicted: [N], readings as indices in the alphabet.
        alphabet: names of the classes.
        which: which of several networks it is, or empty.

    Returns:
        [H, W, 3] uint8.
    """
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    classes = len(alphabet)
    counts = np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cell = max((WIDTH - LEFT - MARGIN) // classes, 9)
    side = classes * cell
    image, draw = _make_canvas(LEFT + side + MARGIN, TOP + side + MARGIN)
    wrong = int((truth != predicted).sum())
    title = f"{100 * (wrong / max(len(truth), 1)):.1f} % read wrongly"
    draw.text((MARGIN, 16), title, TEXT, _load_font(15), anchor="lm")
    draw.text((MARGIN, 36), f"{wrong:,} of {len(truth):,} letters{which}", FAINT, _load_font(13), anchor="lm")
    draw.text((LEFT + side // 2, 54), "read as", FAINT, _load_font(12), anchor="mm")
    _paste_sideways(image, "right letter", (9, TOP + side // 2))
    for row, column in np.argwhere(counts):
        right, share = row == column, float(shares[row, column])
        strength = share if right else share**0.5  # the square root makes a single wrong letter visible
        shade = tuple(round(255 + (c - 255) * strength) for c in (RIGHT if right else WRONG))
        x, y = LEFT + int(column) * cell, TOP + int(row) * cell
        draw.rectangle((x, y, x + cell - 1, y + cell - 1), fill=shade)
    for place in range(classes + 1):
        draw.line((LEFT + place * cell, TOP, LEFT + place * cell, TOP + side), fill=LINE)
        draw.line((LEFT, TOP + place * cell, LEFT + side, TOP + place * cell), fill=LINE)
    for place, letter in enumerate(alphabet):
        middle = place * cell + cell // 2
        draw.text((LEFT + middle, TOP - 8), letter, TEXT, _load_font(11), anchor="mm")
        draw.text((LEFT - 8, TOP + middle), letter, TEXT, _load_font(11), anchor="mm")
    return np.asarray(image)


def _paste_sideways(image: Image.Image, text: str, centre: tuple[int, int]) -> None:
    """Write the title of a vertical axis, to be read from below."""
    label, draw = _make_canvas(90, 16)
    draw.text((45, 8), text, FAINT, _load_font(12), anchor="mm")
    image.paste(label.rotate(90, expand=True), (centre[0] - 8, centre[1] - 45))


def list_worst(outputs: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Return the indices of the letters with the largest loss, the largest first.

    The loss is half the squared distance between the outputs and the letter's unit vector.

    Args:
        outputs: [N, classes].
        labels: [N], right letters as indices in the alphabet.
        count: the largest number of letters.
    """
    losses = 0.5 * np.square(outputs - np.eye(outputs.shape[1])[labels]).sum(axis=1)
    return np.argsort(-losses, kind="stable")[:count]


def worst_letters(
    images: np.ndarray, labels: np.ndarray, outputs: np.ndarray, alphabet: str, which: str = "", count: int = 9
) -> np.ndarray:
    """Draw the letters with the largest loss, each with its right letter, its reading and its two largest outputs.

    Args:
        images: [N, 900] in 0..1, where ink is 1.
        labels: [N], right letters as indices in the alphabet.
        outputs: [N, classes].
        alphabet: names of the classes.
        which: which of several networks it is, or empty.
        count: the largest number of letters.

    Returns:
        [H, W, 3] uint8.
    """
    images, labels = np.asarray(images, dtype=np.float32), np.asarray(labels)
    outputs = np.nan_to_num(np.asarray(outputs, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    worst = list_worst(outputs, labels, count)
    wide, tall = (WIDTH - 2 * MARGIN) // CARDS, LETTER + 42
    image, draw = _make_canvas(WIDTH, 50 + -(-len(worst) // CARDS) * tall + MARGIN)
    draw.text((MARGIN, 16), "Letters with the largest loss", TEXT, _load_font(15), anchor="lm")
    draw.text((MARGIN, 36), f"of {len(labels):,}{which}", FAINT, _load_font(13), anchor="lm")
    for place, index in enumerate(worst):
        x, y = MARGIN + place % CARDS * wide, 50 + place // CARDS * tall
        ink = np.uint8(255 - np.rint(255 * np.clip(images[index], 0, 1))).reshape(SIDE, SIDE)
        draw.rectangle((x - 1, y - 1, x + LETTER, y + LETTER), outline=LINE)
        image.paste(Image.fromarray(ink).resize((LETTER, LETTER), Image.Resampling.BICUBIC), (x, y))
        best = np.argsort(-outputs[index], kind="stable")[:2]
        right = best[0] == labels[index]
        said = f"{alphabet[labels[index]]} read as {alphabet[best[0]]}"
        draw.text((x, y + LETTER + 10), said, RIGHT if right else WRONG, _load_font(14), anchor="lm")
        ranked = "  ".join(f"{alphabet[k]} {outputs[index, k]:.2f}" for k in best)
        draw.text((x, y + LETTER + 27), ranked, FAINT, _load_font(12), anchor="lm")
    return np.asarray(image)
