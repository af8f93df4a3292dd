"""Draw `docs/synthetic.png`: letters or digits of the handwriting synthesiser, one row for each writer.

    python scripts/contact_sheet.py [--out docs/synthetic.png] [--writers 12] [--seed 0] [--classes letters]

Shapes: writers W, letters C; images [W * C, 900].
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image

from letterocr.base.files import replace_file
from letterocr.config.data import ALPHABETS, SyntheticConfig
from letterocr.data.letters import SIDE
from letterocr.data.synthetic import load

GREYS = 16  # of the picture, so that its file is small


def sheet(writers: int, seed: int, classes: str) -> Image.Image:
    """Return the picture, dark ink on white: each row is a writer, each column a letter or digit.

    Args:
        writers: number of writers, the training writers of `data.seed=seed`; each one writes every letter once.
        seed: seed of the letters.
        classes: letters, digits or all.
    """
    letters = load(SyntheticConfig(train_per_letter=writers, test_per_letter=1, seed=seed, classes=classes)).train
    assert letters.writers is not None
    order = (letters.writers * letters.classes + letters.labels).argsort()
    ink = letters.images[order].view(writers, letters.classes, SIDE, SIDE)
    rows = ink.permute(0, 2, 1, 3).reshape(writers * SIDE, letters.classes * SIDE)
    return Image.fromarray(((1 - rows) * 255).round().to(torch.uint8).numpy())


def main(arguments: list[str] | None = None) -> None:
    """Write the sheet to a file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/synthetic.png"), help="the file to write")
    parser.add_argument("--writers", type=int, default=12, help="number of writers (rows)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the letters")
    parser.add_argument("--classes", default="letters", choices=ALPHABETS, help="letters, digits or both")
    options = parser.parse_args(arguments)
    with replace_file(options.out) as file:
        sheet(options.writers, options.seed, options.classes).quantize(GREYS).save(file, "PNG", optimize=True)
    print(f"{options.out}: {options.classes} by {options.writers} writers")


if __name__ == "__main__":
    main()
