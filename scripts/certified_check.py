"""The certified test error beside the full one, sample by sample: the counts must be the same.

    python scripts/certified_check.py ../shared/data/writers25.npz ../shared/data/emnist.zip
    python scripts/certified_check.py FILE --networks three_layer --rules gradient --samples 5000

Trains each network twice on each file, with the printed rule and with the gradient, and prints the table of
docs/certified.md; `open` is how many of the test letters had to be evaluated for one sample, on average.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from letterocr.compose.build import build_engine
from letterocr.config.data import EmnistConfig, ImagesConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.train import TrainConfig
from letterocr.data import emnist, images
from letterocr.data.letters import Split
from letterocr.engine.engine import Engine

NETWORKS = {"two_layer": [], "three_layer": [1800], "four_layer": [1800, 1800]}
RULES = {"printed": (150.0, 0.02), "gradient": (1.0, 0.05)}  # temperature and learning rate, as in conf/rule/
LINEAR_RATE = 0.0005  # of the network without hidden layer, as in conf/model/two_layer.yaml
STRETCH = 512


def load(path: str) -> Split:
    """The letters of a file: the EMNIST archive, or an .npz."""
    return emnist.load(EmnistConfig(path=path)) if path.endswith(".zip") else images.load(ImagesConfig(path=path))


def build(network: str, rule: str, samples: int, evaluation: str, split: Split) -> Engine:
    """An engine that trains by one of the two evaluations."""
    hidden, (temperature, rate) = NETWORKS[network], RULES[rule]
    config = TrainConfig(
        model=ChainConfig(
            name=network, hidden=hidden, activation="sigmoid" if hidden else "linear", temperature=temperature
        ),
        optimizer=VanillaConfig(),
        rule=rule,
        learning_rate=rate if hidden else LINEAR_RATE,
        samples=samples,
        evaluation=evaluation,
        device="cpu",
    )
    return build_engine(config, split)


def compare(network: str, rule: str, samples: int, split: Split) -> tuple[int, int, float, float]:
    """Both runs side by side.

    Returns:
        Samples whose counts differ, parts of the state whose bits differ, letters evaluated a sample, the final error.
    """
    full, certified = (build(network, rule, samples, evaluation, split) for evaluation in ("full", "certified"))
    differ, opened, blocks, last = 0, 0.0, 0, 1.0
    for start in range(0, samples, STRETCH):
        count = min(STRETCH, samples - start)
        expected, found = full.advance(count).test_error, certified.advance(count).test_error
        differ += int((expected != found).sum())
        last = float(found[-1, 0])
        if certified.certified:
            (follower,) = certified.followers  # type: ignore[attr-defined]
            opened, blocks = opened + float(follower.evaluated.sum()) / follower.stack.n, blocks + 1
    state = certified.state()
    bits = sum(not torch.equal(state[name], tensor) for name, tensor in full.state().items())
    return differ, bits, opened / blocks if blocks else float(len(split.test)), last


def main() -> None:
    """Compare, and print the table for the documentation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="letters: the EMNIST archive or an .npz")
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--rules", nargs="*", default=list(RULES), choices=list(RULES))
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    names, networks = (" ".join(words) for words in ([Path(f).name for f in arguments.files], arguments.networks))
    lines = [
        f"Certified and full evaluation after each of {arguments.samples:,} samples, float32, by",
        f"`python scripts/certified_check.py {names} --networks {networks}`:",
        "",
        "| letters | network | rule | samples whose counts differ | tensors whose bits differ | open | final error |",
        "|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    wrong = 0
    for file in arguments.files:
        split = load(file)
        for network in arguments.networks:
            for rule in arguments.rules:
                differ, bits, opened, error = compare(network, rule, arguments.samples, split)
                row = (
                    f"| {Path(file).name} | {network} | {rule} | {differ} | {bits} | {opened:.0f} of {len(split.test)} "
                )
                print(f"{row}| {error:.3f} |", flush=True)
                wrong += differ + bits
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    np.seterr(over="ignore")
    main()
