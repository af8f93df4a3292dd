"""Draw `docs/synthetic.png`: capital letters of the handwriting synthesiser, one row for each writer.

    python scripts/contact_sheet.py [--out docs/synthetic.png] [--writers 12] [--seed 0]

Shapes: writers W, letters 26; images [W * 26, 900].
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image

from letterocr.base.files import replace_file
from letterocr.base.randomness import make_generator
from letterocr.data.letters import ALPHABET, SIDE
from letterocr.data.synthetic import invent, write

GREYS = 16  # of the picture, so that its file is small


def sheet(writers: int, seed: int) -> Image.Image:
    """Return the picture, dark ink on white: each row is a writer, each column a letter.

    Args:
        writers: number of writers, the first training writers of `data.seed=seed`.
        seed: seed of the writers.
    """
    hands = invent(writers, make_generator(seed, "synthetic", "train", "writers"))
    who = torch.arange(writers).repeat_interleave(len(ALPHABET))
    labels = torch.arange(len(ALPHABET)).repeat(writers)
    ink = write(hands, who, labels, make_generator(seed, "contact sheet")).view(writers, len(ALPHABET), SIDE, SIDE)
    rows = ink.permute(0, 2, 1, 3).reshape(writers * SIDE, len(ALPHABET) * SIDE)
    return Image.fromarray(((1 - rows) * 255).round().to(torch.uint8).numpy())


def main(arguments: list[str] | None = None) -> None:
    """Write the sheet to a file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/synthetic.png"), help="the file to write")
    parser.add_argument("--writers", type=int, default=12, help="number of writers (rows)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the writers")
    options = parser.parse_args(arguments)
    with replace_file(options.out) as file:
        sheet(options.writers, options.seed).quantize(GREYS).save(file, "PNG", optimize=True)
    print(f"{options.out}: {len(ALPHABET)} letters by {options.writers} writers")


if __name__ == "__main__":
    main()
