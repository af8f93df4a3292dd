"""Draw docs/pictures.png: photos, the ink that is found in each, and the letter that a network gets.

python scripts/draw_picture_steps.py ../shared/data/writers25.npz
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from letterocr.data.ink import cut_letter, find_ink
from letterocr.data.letters import BOX, SIDE
from letterocr.data.pieces import drop_apart

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from composed_pictures import KINDS

SHOWN = ("glare", "hard shadow", "turned sheet on a table", "dark squares", "form cell", "pieces of two neighbours")
TILE, GAP = 90, 4  # pixels


def main() -> None:
    """Draw one column for each kind: the photo, its ink, and the letter."""
    with np.load(sys.argv[1]) as file:
        glyph = file["images"][np.flatnonzero(file["labels"] == 17)[3]]
    columns = []
    for kind in SHOWN:
        photo = KINDS[kind](np.random.default_rng(1), glyph, 1.0)
        ink = find_ink(photo, kind)
        letter = cut_letter(replace(ink, pieces=drop_apart(ink.pieces)), BOX).letter.view(SIDE, SIDE).numpy()
        black = np.uint8(255 - 255 * ink.pieces.ink())
        tiles = [Image.fromarray(photo), Image.fromarray(black), Image.fromarray(np.uint8(255 - 255 * letter))]
        resized = [np.asarray(tile.convert("RGB").resize((TILE, TILE))) for tile in tiles]
        padded = [np.pad(tile, ((0, GAP), (0, GAP), (0, 0)), constant_values=255) for tile in resized]
        columns.append(np.concatenate(padded))
    picture = Image.fromarray(np.concatenate(columns, 1)).quantize(32)
    picture.save(Path(__file__).resolve().parents[1] / "docs" / "pictures.png", optimize=True)


if __name__ == "__main__":
    main()
