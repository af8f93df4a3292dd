"""Pictures of a run while it trains: uint8 arrays [H, W, 3], drawn with Pillow in milliseconds."""

from __future__ import annotations

import functools

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont
from PIL.ImageFont import ImageFont as BitmapFont

from letterocr.data.letters import SIDE

Colour = tuple[int, int, int]

PAPER: Colour = (255, 255, 255)
TEXT: Colour = (38, 40, 46)
FAINT: Colour = (128, 132, 140)
LINE: Colour = (222, 224, 228)
RIGHT: Colour = (24, 128, 92)
WRONG: Colour = (200, 60, 48)
BAR: Colour = (164, 170, 180)
BAR_WIDTH = 9  # width of one output's bar, in pixels

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


def weight_images(weight: np.ndarray, alphabet: str, count: int = 64) -> np.ndarray:
    """Draw rows of the first layer's weights as 30x30 images: blue below zero, red above, one scale for all.

    If there is one row for each class, it stands under its letter; of more than `count` rows, `count` evenly spaced
    ones are drawn.

    Args:
        weight: [out, 900].
        alphabet: names of the classes.
        count: the largest number of images.

    Returns:
        [H, W, 3] uint8.
    """
    weight = np.asarray(weight, dtype=np.float32)
    lettered = len(weight) == len(alphabet)
    rows = np.arange(len(weight))
    if not lettered and len(rows) > count:
        rows = np.linspace(0, len(weight) - 1, count).round().astype(int)
    chosen = np.nan_to_num(weight[rows], nan=0.0, posinf=0.0, neginf=0.0)
    # A few extreme weights would make all others pale.
    scale = float(np.quantile(np.abs(chosen), 0.998)) or float(np.abs(chosen).max()) or 1.0
    colours = _WEIGHT_COLOURS[np.rint(127.5 + 127.5 * np.clip(chosen / scale, -1, 1)).astype(np.uint8)]

    columns = 7 if lettered else min(8, len(rows))
    zoom, gap, label = (4, 10, 20) if lettered else (3, 6, 0)
    cell = SIDE * zoom
    lines = -(-len(rows) // columns)
    margin, head = 14, 46
    image, draw = _make_canvas(
        max(2 * margin + columns * (cell + gap) - gap, 320), head + lines * (cell + gap + label) - gap + margin
    )
    draw.text((margin, 23), "First-layer weights", TEXT, _load_font(16), anchor="lm")
    if len(rows) < len(weight):
        start = margin + draw.textlength("First-layer weights", _load_font(16)) + 10
        draw.text((start, 24), f"{len(rows)} of {len(weight):,} neurons", FAINT, _load_font(13), anchor="lm")
    _draw_scale_bar(image, draw, scale, margin)
    for place, square in enumerate(colours.reshape(len(rows), SIDE, SIDE, 3)):
        x = margin + place % columns * (cell + gap)
        y = head + place // columns * (cell + gap + label)
        if lettered:
            draw.text((x + cell // 2, y + label // 2), alphabet[place], TEXT, _load_font(15), anchor="mm")
            y += label
        draw.rectangle((x - 1, y - 1, x + cell, y + cell), outline=LINE)
        image.paste(Image.fromarray(square).resize((cell, cell), Image.Resampling.NEAREST), (x, y))
    return np.asarray(image)


def _draw_scale_bar(image: Image.Image, draw: ImageDraw.ImageDraw, scale: float, margin: int) -> None:
    """Draw the colours and their numbers at the top right."""
    width, height, top = 120, 10, 12
    x = image.width - margin - width
    strip = Image.fromarray(_WEIGHT_COLOURS[None]).resize((width, height))
    image.paste(strip, (x, top))
    draw.rectangle((x - 1, top - 1, x + width, top + height), outline=LINE)
    for place, value, anchor in ((x, -scale, "lt"), (x + width // 2, 0.0, "mt"), (x + width, scale, "rt")):
        draw.text((place, top + height + 4), f"{value:.2g}", FAINT, _load_font(11), anchor=anchor)


def confusion_matrix(truth: np.ndarray, predicted: np.ndarray, alphabet: str) -> np.ndarray:
    """Draw which letter (row) is read as which (column): counts, the right ones green, the wrong ones red.

    The shade of a cell is its share of the row. The error of each letter stands at the right.

    Args:
        truth: [N], right letters as indices in the alphabet.
        predicted: [N], readings as indices in the alphabet.
        alphabet: names of the classes.

    Returns:
        [H, W, 3] uint8.
    """
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    classes = len(alphabet)
    counts = np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cell, left, top, right, bottom = 26, 62, 84, 62, 16
    side = classes * cell
    image, draw = _make_canvas(left + side + right, top + side + bottom)

    wrong = int((truth != predicted).sum())
    title = f"{100 * (wrong / max(len(truth), 1)):.1f} % read wrongly"
    draw.text((left, 22), title, TEXT, _load_font(17), anchor="lm")
    start = left + draw.textlength(title, _load_font(17)) + 10
    draw.text((start, 23), f"{wrong:,} of {len(truth):,} letters", FAINT, _load_font(13), anchor="lm")
    draw.text((left + side // 2, 50), "read as", FAINT, _load_font(13), anchor="mm")
    draw.text((left + side + 30, 50), "wrong", FAINT, _load_font(12), anchor="mm")
    _paste_sideways(image, "truth", (20, top + side // 2))

    for place, letter in enumerate(alphabet):
        middle = place * cell + cell // 2
        draw.text((left + middle, top - 13), letter, TEXT, _load_font(15), anchor="mm")
        draw.text((left - 15, top + middle), letter, TEXT, _load_font(15), anchor="mm")
        if counts[place].sum():
            error = 1 - shares[place, place]
            colour = TEXT if error else FAINT
            draw.text((left + side + 44, top + middle), f"{100 * error:.0f} %", colour, _load_font(12), anchor="rm")
    least = max(2, counts[~np.eye(classes, dtype=bool)].max() // 5)  # smaller wrong counts are shown by shade alone
    for row in range(classes):
        for column in range(classes):
            x, y, number = left + column * cell, top + row * cell, int(counts[row, column])
            if number:
                hue = RIGHT if row == column else WRONG
                # The square root makes a single wrong letter visible.
                strength = float(shares[row, column]) ** (1.0 if row == column else 0.5)
                shade = tuple(round(255 + (c - 255) * strength) for c in hue)
                draw.rectangle((x, y, x + cell - 1, y + cell - 1), fill=shade)
                if row == column or number >= least:
                    ink = PAPER if strength > 0.55 else TEXT
                    draw.text((x + cell // 2, y + cell // 2), str(number), ink, _load_font(13), anchor="mm")
    for place in range(classes + 1):
        draw.line((left + place * cell, top, left + place * cell, top + side), fill=LINE)
        draw.line((left, top + place * cell, left + side, top + place * cell), fill=LINE)
    return np.asarray(image)


def _paste_sideways(image: Image.Image, text: str, centre: tuple[int, int]) -> None:
    """Write the title of a vertical axis, to be read from below."""
    label, draw = _make_canvas(60, 20)
    draw.text((30, 10), text, FAINT, _load_font(13), anchor="mm")
    image.paste(label.rotate(90, expand=True), (centre[0] - 10, centre[1] - 30))


def worst_letters(
    images: np.ndarray, labels: np.ndarray, outputs: np.ndarray, alphabet: str, count: int = 12
) -> np.ndarray:
    """Draw the letters with the largest loss: picture, right letter, reading and outputs of each.

    The loss is half the squared distance between the outputs and the letter's unit vector. The bar of the right
    letter is green, that of a wrong reading red; the dashed line is 1.

    Args:
        images: [N, 900] in 0..1, where ink is 1.
        labels: [N], right letters as indices in the alphabet.
        outputs: [N, classes].
        alphabet: names of the classes.
        count: the largest number of letters.

    Returns:
        [H, W, 3] uint8.
    """
    images, labels = np.asarray(images, dtype=np.float32), np.asarray(labels)
    outputs = np.nan_to_num(np.asarray(outputs, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    losses = 0.5 * np.square(outputs - np.eye(len(alphabet))[labels]).sum(axis=1)
    worst = np.argsort(-losses, kind="stable")[:count]
    columns, card_width, card_height, margin, head = 3, 162 + BAR_WIDTH * len(alphabet), 134, 14, 44
    lines = -(-len(worst) // columns)
    image, draw = _make_canvas(columns * card_width + 2 * margin, head + lines * card_height + margin)
    draw.text((margin + 6, 23), "Worst letters", TEXT, _load_font(17), anchor="lm")
    start = margin + 16 + draw.textlength("Worst letters", _load_font(17))
    draw.text((start, 24), f"largest loss of {len(labels):,}", FAINT, _load_font(13), anchor="lm")
    for place, index in enumerate(worst):
        x, y = margin + place % columns * card_width, head + place // columns * card_height
        card = (x + 6, y + 4), images[index], int(labels[index]), outputs[index], losses[index]
        _draw_letter_card(image, draw, *card, alphabet)
    return np.asarray(image)


def _draw_letter_card(
    image: Image.Image,
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    pixels: np.ndarray,
    label: int,
    outputs: np.ndarray,
    loss: float,
    alphabet: str,
) -> None:
    x, y = corner
    ink = np.uint8(255 - np.rint(255 * np.clip(pixels, 0, 1))).reshape(SIDE, SIDE)
    size = SIDE * 4
    image.paste(Image.fromarray(ink).resize((size, size), Image.Resampling.BICUBIC), (x, y))
    draw.rectangle((x - 1, y - 1, x + size, y + size), outline=LINE)

    read = int(outputs.argmax())
    left, bar, base, tall = x + size + 12, BAR_WIDTH, y + size - 14, 68
    verdict = f"{alphabet[label]}  read as  {alphabet[read]}"
    draw.text((left, y + 8), verdict, TEXT if read == label else WRONG, _load_font(16), anchor="lm")
    draw.text((left + len(alphabet) * bar, y + 8), f"loss {loss:.2f}", FAINT, _load_font(12), anchor="rm")
    best = np.argsort(-outputs, kind="stable")[:3]
    readings = "   ".join(f"{alphabet[letter]} {outputs[letter]:.2f}" for letter in best)
    draw.text((left, y + 26), readings, FAINT, _load_font(12), anchor="lm")

    low, high = min(0.0, float(outputs.min())), max(1.0, float(outputs.max()))
    zero, one = (round(base - tall * (level - low) / (high - low)) for level in (0.0, 1.0))
    for dash in range(left, left + len(alphabet) * bar, 6):
        draw.line((dash, one, dash + 2, one), fill=BAR)
    for letter, output in enumerate(outputs):
        end = round(base - tall * (output - low) / (high - low))
        colour = RIGHT if letter == label else WRONG if letter == read else BAR
        start = left + letter * bar
        draw.rectangle((start + 1, min(zero, end), start + bar - 2, max(zero, end)), fill=colour)
        name_colour = colour if letter in (label, read) else FAINT
        draw.text((start + bar // 2, base + 9), alphabet[letter], name_colour, _load_font(10), anchor="mm")
    draw.line((left, zero, left + len(alphabet) * bar, zero), fill=BAR)
