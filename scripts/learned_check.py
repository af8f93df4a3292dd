"""Compare the learned optimizers with SGD, momentum and Adam at tuned learning rates, on new networks and new letters.

    python scripts/learned_check.py ../shared/data/writers25.npz

Every method learns the same letters from the same weights, and every learning rate of a grid is tried, for the rivals
and for the learned optimizers (whose default alpha has its own row). Rates are chosen on the runs that are shown, which
favours the rivals: first by the mean loss over all updates, then by the loss after the last update. Losses and errors
are those of the test letters, medians over the seeds.

Shapes: R = rates x seeds networks side by side, T updates of n letters.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from letterocr.compose import registry
from letterocr.compose.from_overrides import compose_config
from letterocr.config.data import ImagesConfig, SyntheticConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.rule import GRADIENT
from letterocr.data import images, synthetic
from letterocr.data.letters import Letters, Split
from letterocr.data.order import Order
from letterocr.models.batch import Batch
from letterocr.models.chain import Network, initialise
from letterocr.models.error_vectors import error_vectors, loss
from letterocr.optimizers.rate_schedule import LearningRate

Step = Callable[[int, Network, Batch], None]  # changes the weights
GRID = 13  # learning rates that each rival tries
GRIDS = {"SGD": (0.03, 30.0), "momentum 0.5": (0.03, 30.0), "momentum 0.9": (0.003, 3.0), "Adam": (3e-4, 0.3)}
ALPHAS = (0.1, 10.0)  # range of the learned optimizers' learning rates


@dataclass
class Trial:
    """The conditions that are the same for every method.

    Attributes:
        split: letters to learn, and letters for the test.
        hidden: widths of the hidden layers.
        seeds: seeds of the weights and of the order of letters.
        batch: number n of letters in an update.
        updates: number T of updates.
    """

    split: Split
    hidden: list[int]
    seeds: list[int]
    batch: int
    updates: int

    def start(self, rates: int) -> Network:
        """Return the networks at the start: all seeds for the first rate, then all seeds for the next."""
        model = ChainConfig(hidden=self.hidden)
        return initialise(model, self.seeds * rates, torch.float32, torch.device("cpu"), self.split.train.classes)

    def learn(self, rates: int, step_for: Callable[[Network], Step]) -> tuple[Tensor, Tensor]:
        """Return loss and error of the test letters after every update, [T, rates, seeds] each."""
        network = self.start(rates)
        step, train, test = step_for(network), self.split.train, self.split.test
        orders = [Order("shuffled", len(train), seed).indices(0, self.batch * self.updates) for seed in self.seeds]
        places = torch.stack(orders).repeat(rates, 1)
        losses, errors = [], []
        for t in range(self.updates):
            p = places[:, t * self.batch : (t + 1) * self.batch]
            activations, c = network.forward(train.images[p]), one_hot(train.labels[p], train.classes).float()
            v = error_vectors(network, activations, c, GRADIENT)
            step(t * self.batch, network, Batch(activations, v, c, GRADIENT, 0.5))
            q = network.forward(test.images)[-1]
            losses.append(loss(q, one_hot(test.labels, test.classes).float()).mean(-1))
            errors.append((q.argmax(-1) != test.labels).float().mean(-1))
        return tuple(torch.stack(x).unflatten(1, (rates, -1)) for x in (losses, errors))


def rival(name: str, rates: list[float]) -> Callable[[Network], Step]:
    """Return SGD, momentum or Adam for all networks at once; the i-th part of the networks learns with rates[i]."""

    def step_for(network: Network) -> Step:
        tensors = [t for pair in zip(network.weights, network.biases, strict=True) for t in pair if t is not None]
        first, second = [torch.zeros_like(t) for t in tensors], [torch.zeros_like(t) for t in tensors]
        alpha = torch.tensor(rates).repeat_interleave(network.replicas // len(rates))
        mu = float(name.split()[1]) if name.startswith("momentum") else 0.0
        count = 0

        def step(sample: int, network: Network, batch: Batch) -> None:
            nonlocal count
            count += 1
            n = batch.targets.shape[1]
            gradients = []
            for v, h in zip(batch.errors, batch.inputs, strict=True):
                gradients += [v.mT @ h / n, v.mean(1)]
            for w, g, m, s in zip(tensors, gradients, first, second, strict=True):
                a = alpha.view(-1, *[1] * (w.ndim - 1))
                if name == "Adam":
                    m.mul_(0.9).add_(g, alpha=0.1)
                    s.mul_(0.999).addcmul_(g, g, value=0.001)
                    w.sub_(a * (m / (1 - 0.9**count)) / ((s / (1 - 0.999**count)).sqrt() + 1e-8))
                else:
                    w.sub_(a * m.mul_(mu).add_(g))

        return step

    return step_for


def learned(name: str, path: str | None, rates: list[float]) -> Callable[[Network], Step]:
    """Return the package's own optimizer, with one object for each network."""
    entry = registry.OPTIMIZERS[name]
    schema: Any = entry.schema
    config = schema(path=path)

    def step_for(network: Network) -> Step:
        replicas = [network.replica(r) for r in range(network.replicas)]
        each = network.replicas // len(rates)
        optimizers = [
            entry.load()(config, LearningRate("constant", rates[r // each], 1), replica, r)
            for r, replica in enumerate(replicas)
        ]

        def step(sample: int, network: Network, batch: Batch) -> None:
            for r, (optimizer, replica) in enumerate(zip(optimizers, replicas, strict=True)):
                activations, errors = ([x[r] for x in part] for part in (batch.activations, batch.errors))
                own = Batch(activations, errors, batch.targets[r], batch.rule, batch.loss_factor)
                updates = optimizer.step(sample, replica, own)
                for update, w, b in zip(updates or [], replica.weights, replica.biases, strict=False):
                    update.apply(w, b)

        return step

    return step_for


def log_spaced(low: float, high: float, count: int) -> list[float]:
    """Return `count` numbers from low to high, evenly spaced in their logarithms."""
    return torch.logspace(math.log10(low), math.log10(high), count).tolist()


def row(name: str, rate: float, losses: Tensor, errors: Tensor, note: str = "") -> str:
    """Format medians over the seeds of losses and errors [T, seeds]."""
    mean, last, wrong = losses.mean(0).median(), losses[-1].median(), errors[-1].median()
    return f"| {name:<22} | {rate:8.4g} | {mean:9.4f} | {last:10.4f} | {wrong:11.1%} | {note}"


def report(name: str, rates: list[float], losses: Tensor, errors: Tensor) -> None:
    """Print the rows of one method: its rate chosen by the mean loss, then by the last loss."""
    choices = {"mean loss": losses.mean(0).median(-1).values, "last loss": losses[-1].median(-1).values}
    for by, value in choices.items():
        i = int(value.nan_to_num(math.inf).argmin())
        edge = "at the grid's edge" if len(rates) > 1 and i in (0, len(rates) - 1) else ""
        print(row(f"{name}, {by}" if len(rates) > 1 else name, rates[i], losses[:, i], errors[:, i], edge), flush=True)
        if len(rates) == 1:
            return


def letters_of(path: str | None) -> Split:
    """Load real letters, or synthetic letters with a seed that meta-training never used."""
    if path:
        return images.load(ImagesConfig(path=path))
    return synthetic.load(SyntheticConfig(seed=7))


def shortened(split: Split, tested: int) -> Split:
    """Keep fewer test letters, evenly spread."""
    kept = torch.linspace(0, len(split.test) - 1, min(tested, len(split.test))).long()
    test = split.test.select(kept)
    return Split(split.train, Letters(test.images, test.labels))


def main() -> None:
    """Print one table for each batch size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("path", nargs="?", help="an .npz file or a folder of A/ ... Z/; by default synthetic letters")
    parser.add_argument("--hidden", default="32", help="widths of the hidden layers, separated by commas")
    parser.add_argument("--batches", default="1,16", help="numbers of letters in an update, separated by commas")
    parser.add_argument("--seeds", type=int, default=10, help="number of seeds")
    parser.add_argument("--updates", type=int, default=100, help="number of updates of each network")
    parser.add_argument("--tested", type=int, default=520, help="number of test letters")
    parser.add_argument(
        "--methods", default=",".join([*GRIDS, "learned", "learned_factored"]), help="methods, separated by commas"
    )
    parser.add_argument("--tune-learned", type=int, default=5, help="learning rates that learned optimizers try")
    parser.add_argument("--learned", help="a file of letterocr.meta_train; by default the one in the package")
    parser.add_argument("--learned-factored", help="the same for learned_factored")
    args = parser.parse_args()
    torch.set_num_threads(1)
    split = shortened(letters_of(args.path), args.tested)
    hidden = [int(width) for width in args.hidden.split(",") if width]
    for batch in map(int, args.batches.split(",")):
        trial = Trial(split, hidden, list(range(1000, 1000 + args.seeds)), batch, args.updates)
        sizes = "-".join(map(str, [900, *hidden, split.train.classes]))
        print(f"\n{sizes}, {args.updates} updates of {batch}, {args.seeds} seeds, {len(split.test)} test letters")
        print("| method, rate chosen by   |    alpha | mean loss | final loss | final error |\n|---|---|---|---|---|")
        for name in args.methods.split(","):
            start = time.perf_counter()
            if name in GRIDS:
                rates = log_spaced(*GRIDS[name], GRID)
                report(name, rates, *trial.learn(len(rates), rival(name, rates)))
            elif name == "learned" or batch == 1:
                path = getattr(args, name)
                alpha = [float(compose_config([f"optimizer={name}"]).learning_rate)]
                report(f"{name}, default", alpha, *trial.learn(1, learned(name, path, alpha)))
                if args.tune_learned > 1:
                    rates = log_spaced(*ALPHAS, args.tune_learned)
                    report(name, rates, *trial.learn(len(rates), learned(name, path, rates)))
            print(f"  {name}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
