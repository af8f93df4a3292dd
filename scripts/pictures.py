"""Measure how many of 26 real letters are read in pictures of each kind, and what is refused that is no letter.

    python scripts/pictures.py ../shared/data/writers25.npz --nist ../shared/data/emnist.zip [--out docs/pictures.md]

A three-layer network learns the letters of four fifths of the writers. Those of the others, each read right on plain
paper, are put into the pictures of `tests/composed_pictures.py` and `tests/further_pictures.py`. What is refused is
measured on the pictures of `tests/no_letters.py` and on those of `tests/other_shapes.py`, which are drawn in other
ways, with this network, one that learns synthetic letters, and one that learns NIST's.
Last, two networks learn scans of 200x200 pixels, plain ones and the same with a dark strip at an edge.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

import letterocr
from letterocr.base.files import write_text
from letterocr.data.letters import ALPHABET, SIDE

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from composed_pictures import KINDS as COMPOSED
from further_pictures import FURTHER
from no_letters import NO_LETTERS
from other_shapes import OTHER_SHAPES

KINDS = COMPOSED | FURTHER
SAMPLES = 15_000
PICTURES = 50  # of each kind that is no letter
SCANS, PAGE, STRIP = 22, 200, 3  # of each class; pixels of a side, and of the strip's width


def train(images: np.ndarray, labels: np.ndarray, held: np.ndarray, samples: int = SAMPLES) -> letterocr.Run:
    """Train on all letters but those that are held back [N], which are the test letters."""
    texts = np.array(list(ALPHABET))[labels]
    return letterocr.fit(
        model="three_layer",
        rule="printed",
        data=(images[~held], texts[~held]),
        test=(images[held], texts[held]),
        samples=samples,
        evaluate_every="log",
    )


def choose(run: letterocr.Run, images: np.ndarray, labels: np.ndarray, seed: int) -> list[np.ndarray]:
    """Choose one letter of each class that is read right on plain paper."""
    chosen = []
    for c, letter in enumerate(ALPHABET):
        for place in np.random.default_rng([seed, c]).permutation(np.flatnonzero(labels == c)):
            picture = KINDS["plain paper"](np.random.default_rng([seed, c]), images[place], 0.3)
            if run.read(picture).text == letter:
                chosen.append(images[place])
                break
    return chosen


def count_right(run: letterocr.Run, kind: str, glyphs: list[np.ndarray], seed: int) -> int:
    """Count the letters that are read right in pictures of one kind, at full strength."""
    right = 0
    for c, glyph in enumerate(glyphs):
        picture = KINDS[kind](np.random.default_rng([seed, c, 100]), glyph, 1.0)
        right += run.read(picture).text == ALPHABET[c]
    return right


def list_rows(run: letterocr.Run, images: np.ndarray, labels: np.ndarray, seeds: list[int], only: str) -> Iterator[str]:
    """Yield the rows of the table of kinds."""
    yield f"| kind (test error of the network: {run.test_error:.1%}) | right of 26 |"
    yield "|---|---|"
    glyphs = {seed: choose(run, images, labels, seed) for seed in seeds}
    for kind in KINDS:
        if only in kind:
            counts = [count_right(run, kind, glyphs[seed], seed) for seed in seeds]
            yield f"| {kind} | {', '.join(map(str, counts))} |"


def train_others(nist: str) -> Iterator[tuple[str, letterocr.Run, np.ndarray]]:
    """Yield networks of other letters: what they learned, the run, and test letters [N, 30, 30] of the same source."""
    if not nist:
        return
    sources = {"synthetic letters": letterocr.letters("synthetic"), "NIST": letterocr.letters("emnist", path=nist)}
    for name, source in sources.items():
        run = letterocr.fit(
            model="three_layer", rule="printed", data=source, samples=SAMPLES, evaluate_every="log", progress=False
        )
        yield name, run, source.test.images.view(-1, SIDE, SIDE).numpy()


def list_refusals(networks: list[tuple[str, letterocr.Run, np.ndarray]]) -> Iterator[str]:
    """Yield the rows of the table of refusals, one column for each network; the four kinds of `no_letters` first."""
    yield "| picture | " + " | ".join(name for name, *_ in networks) + " |"
    yield "|---|" + "---|" * len(networks)
    together = np.zeros(len(networks), int)
    for kind, draw in (NO_LETTERS | OTHER_SHAPES).items():
        pictures = [draw(np.random.default_rng([7, k])) for k in range(PICTURES)]
        counts = np.array([sum(not run.read(picture).letters for picture in pictures) for _, run, _ in networks])
        yield f"| {PICTURES} {kind} | " + " | ".join(map(str, counts)) + " |"
        together += counts * (kind in NO_LETTERS)
        if kind == list(NO_LETTERS)[-1]:
            count = PICTURES * len(NO_LETTERS)
            yield f"| these {count} together | " + " | ".join(f"{n} ({n / count:.1%})" for n in together) + " |"
    refused = [np.mean([not run.read(image).letters for image in images]) for _, run, images in networks]
    shares = [f"{share:.1%} of {len(images):,}" for share, (_, _, images) in zip(refused, networks, strict=True)]
    yield "| letters that were not learned, of the same source | " + " | ".join(shares) + " |"


def measure_strips(images: np.ndarray, labels: np.ndarray) -> Iterator[str]:
    """Yield the test errors with plain scans, and with the same scans with a dark strip at a side."""
    places = np.concatenate([np.flatnonzero(labels == c)[::8][:SCANS] for c in range(len(ALPHABET))])
    plain = np.full((len(places), PAGE, PAGE), 225, np.uint8)
    low, high = PAGE // 4, PAGE - PAGE // 4
    for page, place in zip(plain, places, strict=True):
        page[low:high, low:high] -= (cv2.resize(images[place], (high - low, high - low)) * (185 / 255)).astype(np.uint8)
    striped = plain.copy()
    for k, page in enumerate(striped):
        np.rot90(page, k)[:STRIP] = 20
    held = np.arange(len(places)) % SCANS < 4
    yield f"| {len(places)} scans | test error |"
    yield "|---|---|"
    for name, scans in (("plain", plain), (f"with a dark strip of {STRIP} pixels at an edge", striped)):
        yield f"| {name} | {train(scans, labels[places], held, 4000).test_error:.1%} |"


def print_rows(rows: Iterable[str]) -> list[str]:
    """Print a table while it is measured; return its rows."""
    shown = []
    for row in rows:
        print(row, flush=True)
        shown.append(row)
    return shown


def replace_table(page: Path, name: str, rows: list[str]) -> None:
    """Replace a table of a page, which stands between <!-- NAME --> and <!-- end NAME -->."""
    before, rest = page.read_text(encoding="utf-8").split(f"<!-- {name} -->\n")
    after = rest.partition(f"<!-- end {name} -->")[2]
    write_text(page, f"{before}<!-- {name} -->\n" + "\n".join(rows) + f"\n<!-- end {name} -->{after}")


def main() -> None:
    """Print the tables, and put them into a page if one is given."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("path", help="real letters: an .npz file with images, labels and writers")
    parser.add_argument("--nist", default="", help="letters of NIST, as the official download; measured too if given")
    parser.add_argument("--out", type=Path, default=None, help="the page whose tables are replaced")
    parser.add_argument("--tables", default="kinds,refused,strips", help="tables to measure, separated by commas")
    parser.add_argument("--seeds", default="0", help="seeds of the letters and pictures, separated by commas")
    parser.add_argument("--only", default="", help="only kinds whose name has this text")
    args = parser.parse_args()
    with np.load(args.path) as file:
        images, labels, writers = file["images"], file["labels"], file["writers"]
    held = writers % 5 == 0
    learn = functools.cache(lambda: train(images, labels, held))
    seeds = [int(seed) for seed in args.seeds.split(",")]
    tables = {
        "kinds": lambda: list_rows(learn(), images[held], labels[held], seeds, args.only),
        "refused": lambda: list_refusals([("real writers", learn(), images[held]), *train_others(args.nist)]),
        "strips": lambda: measure_strips(images, labels),
    }
    for name in args.tables.split(","):
        rows = print_rows(tables[name]())
        if args.out:
            replace_table(args.out, name, rows)


if __name__ == "__main__":
    main()
