"""Train on synthetic digits only, then read real ones: how well the synthetic digits stand for real ones.

    python scripts/real_digits.py digits.npz

The file has `images` and `labels` 0..9, as `data=images` takes them. None of its digits is learned.
"""

from __future__ import annotations

import argparse

import torch

import letterocr


def load_all(path: str) -> letterocr.Letters:
    """Load every digit of a file or a folder; the split is undone."""
    split = letterocr.letters("images", path=path, classes="digits", test_per_letter=1)
    train, test = split.train, split.test
    both = torch.cat([train.images, test.images]), torch.cat([train.labels, test.labels])
    return letterocr.Letters(*both, alphabet=train.alphabet)


def list_confusions(real: letterocr.Letters, read: torch.Tensor) -> list[str]:
    """Return one line for each digit: its error, and the digits that it is most often read as."""
    lines = []
    for c, digit in enumerate(real.alphabet):
        counts = torch.bincount(read[real.labels == c], minlength=real.classes)
        total, counts[c] = int(counts.sum()), 0
        worst = [f"{real.alphabet[k]} {int(counts[k])}" for k in counts.argsort(descending=True)[:3] if counts[k]]
        lines.append(f"  {digit} {float(counts.sum()) / total:6.1%}  {', '.join(worst)}")
    return lines


def main() -> None:
    """Print one line for each rule and seed; with --confusions also one for each digit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("path", help="real digits: an .npz file with images and labels, or a folder of 0/ ... 9/")
    parser.add_argument("--rules", default="printed,eq18,gradient", help="rules, separated by commas")
    parser.add_argument("--seeds", default="0,1", help="seeds of run and synthetic digits, separated by commas")
    parser.add_argument("--samples", type=int, default=20_000, help="synthetic digits learned, one update each")
    parser.add_argument("--confusions", action="store_true", help="print what each digit is read as")
    args = parser.parse_args()
    real = load_all(args.path)
    for rule in args.rules.split(","):
        for seed in map(int, args.seeds.split(",")):
            own = {"data__classes": "digits", "data__seed": seed, "seed": seed, "samples": args.samples}
            run = letterocr.fit(rule=rule, evaluate_every="log", **own)
            read = run.network.replica(0).forward(real.images)[-1].argmax(-1)
            error = float((read != real.labels).double().mean())
            print(f"{rule}, seed {seed}: {error:.1%} of {len(real):,} real digits are misread", end=", ")
            print(f"{run.test_error:.1%} of the synthetic test digits", flush=True)
            if args.confusions:
                print("\n".join(list_confusions(real, read)))


if __name__ == "__main__":
    main()
