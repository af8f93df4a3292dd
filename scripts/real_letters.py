"""Train on synthetic letters only, then read real ones: how well the synthesiser represents handwriting.

    python scripts/real_letters.py ../shared/data/writers25.npz

Every letter of the file is a test letter, and none is learned. They are read once, after the last sample.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import torch

from letterocr.compose.build import build_engine
from letterocr.config.data import ImagesConfig, SyntheticConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.train import TrainConfig
from letterocr.data import images, synthetic
from letterocr.data.letters import ALPHABET, Letters

RULES = {"gradient": (1.0, 0.05), "printed": (150.0, 0.02)}  # temperature and learning rate, as in conf/rule/


def all_letters(path: str) -> Letters:
    """Load every letter of an .npz file or a folder, normalised as for training; the split is undone."""
    split = images.load(ImagesConfig(path=path, test_per_letter=1))
    parts = split.train, split.test
    return Letters(torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts]))


def train(
    rule: str, data: SyntheticConfig, real: Letters, samples: int, seed: int
) -> tuple[float, float, torch.Tensor]:
    """Train the three-layer network once on synthetic letters.

    Args:
        rule: gradient or printed.
        data: config of the synthetic letters.
        real: the real letters [N].
        samples: number of samples to learn.
        seed: seed of the run.

    Returns:
        The error on real letters, the error on synthetic test letters, and the reading [N] of each real letter.
    """
    temperature, rate = RULES[rule]
    config = TrainConfig(
        model=ChainConfig(temperature=temperature),
        data=data,
        optimizer=VanillaConfig(),
        rule=rule,
        learning_rate=rate,
        samples=samples,
        evaluate_every="log",
        seed=seed,
        engine="reference",
    )
    split = synthetic.load(data)
    engine = build_engine(config, split)
    own = float(engine.advance(samples).test_error[-1, 0])
    network = engine.network.replica(0)
    read = network.forward(real.images.to(network.weights[0]))[-1].argmax(-1).cpu()
    return float((read != real.labels).double().mean()), own, read


def confusions(labels: torch.Tensor, read: torch.Tensor) -> list[str]:
    """Return one line for each letter: its error, and the letters that it is most often read as."""
    lines = []
    for c, letter in enumerate(ALPHABET):
        counts = torch.bincount(read[labels == c], minlength=len(ALPHABET))
        total, counts[c] = int(counts.sum()), 0
        worst = [(int(counts[k]), ALPHABET[k]) for k in counts.argsort(descending=True)[:3] if counts[k]]
        lines.append(f"  {letter} {float(counts.sum()) / total:6.1%}  " + " ".join(f"{k} {n}" for n, k in worst))
    return lines


def main() -> None:
    """Print one line for each rule and seed; with --confusions also one for each letter."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("path", help="real letters: an .npz file with images and labels, or a folder of A/ ... Z/")
    parser.add_argument("--rules", default="gradient,printed", help="rules, separated by commas")
    parser.add_argument("--seeds", default="0", help="seeds of run and synthetic letters, separated by commas")
    parser.add_argument("--samples", type=int, default=20_000, help="synthetic letters learned, one update each")
    parser.add_argument("--confusions", action="store_true", help="print what each letter is read as")
    args = parser.parse_args()
    real = all_letters(args.path)
    print(f"{len(real)} real letters; a 900-1800-26 network, {args.samples} synthetic letters learned")
    for rule in args.rules.split(","):
        for seed in map(int, args.seeds.split(",")):
            start = time.perf_counter()
            error, own, read = train(rule, replace(SyntheticConfig(), seed=seed), real, args.samples, seed)
            seconds = time.perf_counter() - start
            print(
                f"{rule:<9} seed {seed}: {error:6.1%} of the real letters misread, "
                f"{own:6.1%} of the synthetic test letters ({seconds:.0f} s)",
                flush=True,
            )
            if args.confusions:
                print("\n".join(confusions(real.labels, read)))


if __name__ == "__main__":
    main()
