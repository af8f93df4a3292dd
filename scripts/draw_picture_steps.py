"""Draw docs/pictures.png: what each step of finding the ink does, on a photo that needs it.

python scripts/draw_picture_steps.py ../shared/data/writers25.npz
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image, ImageDraw

from letterocr.data import ink, lighting, pieces
from letterocr.data.letters import SIDE

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from composed_pictures import KINDS

# Each step in the order of `find_letter`: where it is called, and a kind of picture that needs it.
STEPS: tuple[tuple[ModuleType, str, str], ...] = (
    (ink, "estimate_paper", "gradient"),
    (ink, "set_upright", "turned sheet on a table"),
    (lighting, "is_light_on_dark", "chalk on a board"),
    (lighting, "flatten", "hard shadow"),
    (lighting, "part_ink", "glare"),
    (ink, "remove_rulings", "dark squares"),
    (ink, "remove_hairs", "fold"),
    (lighting, "even_out", "glare"),
    (ink, "find_pieces", "specks"),
    (ink, "drop_faint", "hard shadow"),
    (pieces, "drop_frames", "form cell inside the picture"),
    (pieces, "drop_cut", "pieces of two neighbours"),
    (pieces, "drop_blobs", "punch holes"),
    (pieces, "drop_underlines", "two underlines"),
    (ink, "drop_apart", "staple"),
    (ink, "cut_letter", "plain paper"),
)
TILE, GAP, TEXT, ACROSS = 72, 4, 14, 4  # pixels, and steps beside each other


def watch(module: ModuleType, name: str, photo: np.ndarray) -> tuple[Any, Any] | None:
    """Find the letter in a photo; return what a function got and what it made of it; None if it changed nothing."""
    seen: list[tuple[Any, Any]] = []
    original = getattr(module, name)

    def call(first: Any, *rest: Any, **named: Any) -> Any:
        result = original(first, *rest, **named)
        seen.append((first, result))
        return result

    with mock.patch.object(module, name, call):
        ink.find_letter(photo, name)
    if not seen or seen[-1][1] is None or isinstance(seen[-1][1], float):
        return None
    before, after = seen[-1]
    return None if isinstance(before, pieces.Pieces) and len(before) == len(after) else (before, after)


def find_example(module: ModuleType, name: str, kind: str, glyph: np.ndarray) -> tuple[Any, Any]:
    """Return what a function does in a picture of a kind, or of the first kind in which it does anything."""
    for other in (kind, *KINDS):
        if example := watch(module, name, KINDS[other](np.random.default_rng(1), glyph, 1.0)):
            return example
    raise ValueError(f"{name} does nothing in any picture")


def make_tile(value: Any) -> Image.Image:
    """Return levels, ink, pieces or a letter as a tile; ink is black."""
    if isinstance(value, tuple):
        value = value[0]
    if isinstance(value, ink.FoundLetter):
        value = 1 - value.letter.view(SIDE, SIDE).numpy()
    elif isinstance(value, ink.Ink):
        value = 1 - value.contrast
    elif isinstance(value, pieces.Pieces):
        value = ~value.ink()
    elif value.dtype == bool:
        value = ~value
    return Image.fromarray(np.uint8(255 * np.clip(value, 0, 1))).resize((TILE, TILE), Image.Resampling.BOX)


def main() -> None:
    """Draw each step: the picture before it and after it, and its name."""
    with np.load(sys.argv[1]) as file:
        glyph = file["images"][np.flatnonzero(file["labels"] == 17)[3]]
    rows = -(-len(STEPS) // ACROSS)
    wide, high = 2 * TILE + 4 * GAP, TILE + TEXT + GAP
    picture = Image.new("L", (ACROSS * wide, rows * high), 255)
    for k, (module, name, kind) in enumerate(STEPS):
        before, after = find_example(module, name, kind, glyph)
        if isinstance(after, bool):
            after = 1 - before if after else before
        if name in ("flatten", "even_out"):  # they return contrast, in which ink is high
            before, after = before if name == "flatten" else 1 - before, 1 - (after[0] if name == "flatten" else after)
        elif name == "part_ink":
            before = 1 - before
        x, y = k % ACROSS * wide, k // ACROSS * high
        ImageDraw.Draw(picture).text((x, y), f"{k + 1} {name}", fill=0)
        for place, value in ((x, before), (x + TILE + GAP, after)):
            picture.paste(make_tile(value), (place, y + TEXT))
            ImageDraw.Draw(picture).rectangle((place, y + TEXT, place + TILE - 1, y + TEXT + TILE - 1), outline=190)
    picture.quantize(16).save(Path(__file__).resolve().parents[1] / "docs" / "pictures.png", optimize=True)


if __name__ == "__main__":
    main()
