"""Measure microseconds per sample: this project's engines beside other ways to train one sample at a time.

    python scripts/bench.py                       # everything; about fifteen minutes on two cores
    python scripts/bench.py --networks three_layer --rounds 3
    python scripts/bench.py --device cuda         # on a GPU: see bench_gpu.py; about eight minutes

All peers train the same network by the gradient rule on the same letters, on the CPU, in float32, in one process, in
turn; the median over the rounds counts. `with error` adds the error on the 520 test letters after every sample. Its
cost for this project's engine changes along a run, because certificates are used; so it is measured over whole runs of
20,000 samples, with the printed rule (paper/fig7) and the gradient (the default). Four layers, with the gradient, take
their errors only in stretches at eight places of a run. What does not change is measured over 64 to 16,384 samples.

The lower limit, "the products alone", is the time of the matrix products that this way of training cannot avoid, at
this machine's measured speed: W A and V A^T for each block, and with error A X^T, H h^T for each hidden layer, and the
anchors: once for each block the products of the 520 letters with the other weight matrices.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import multiprocessing
import statistics
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peers import RATE, Peer, jax_scan, sklearn_partial_fit, torch_autograd, torch_by_hand

from letterocr.compose.build import build_engine
from letterocr.config.data import SyntheticConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Split
from letterocr.data.synthetic import load
from letterocr.engine.blocked import choose_block
from letterocr.engine.engine import Engine

NETWORKS = {"two_layer": [], "three_layer": [1800], "four_layer": [1800, 1800]}
RULES = {"printed": (150.0, 0.02), "gradient": (1.0, 0.05)}  # temperature and learning rate, as in conf/rule/
LINEAR_RATE = 0.0005  # of the network without hidden layer, as in conf/model/two_layer.yaml
WHOLE, STRETCH = 19968, 512  # samples of a whole run, and of one turn
APART, FEW = 2560, 96  # four layers: samples from one place that is measured to the next, and samples measured there
FULL, CERTIFIED = "letterocr blocked, full evaluation", "letterocr blocked"
WIDTHS = [450, 900, 1800, 3600, 7200]


def config(hidden: list[int], engine: str, error: bool) -> TrainConfig:
    """Return the config of the run that every peer does."""
    activation = "sigmoid" if hidden else "linear"
    model = ChainConfig(name="bench", hidden=hidden, activation=activation, init_scale=1.0)
    every = "1" if error else str(10**9)
    fields: dict[str, Any] = {"samples": 10**9, "learning_rate": RATE, "evaluate_every": every, "device": "cpu"}
    fields |= {"engine": engine, "evaluation": "full"}
    return TrainConfig(model=model, data=SyntheticConfig(), optimizer=VanillaConfig(), **fields)


def ours(engine: str) -> Callable[[list[int], Split, bool], Peer]:
    """Return a function that makes one of the project's engines."""

    def make(hidden: list[int], split: Split, error: bool) -> Peer:
        built = build_engine(config(hidden, engine, error), split)
        return lambda count: built.advance(-(-count // built.block) * built.block)

    return make


PEERS: dict[str, tuple[str, Callable[[list[int], Split, bool], Peer]]] = {
    "PyTorch autograd": ("torch", torch_autograd),
    "PyTorch by hand": ("torch", torch_by_hand),
    "JAX scan": ("jax", jax_scan),
    "scikit-learn": ("sklearn", sklearn_partial_fit),
    "letterocr reference": ("torch", ours("reference")),
    "letterocr blocked": ("numba", ours("blocked")),
}


def seconds(work: Callable[[], Any]) -> float:
    """Return how long the work takes once, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def limit(hidden: list[int], classes: int, test: int, error: bool) -> float:
    """Return the microseconds per sample of the unavoidable matrix products at this machine's speed."""
    m, k, block = (hidden or [classes])[0], 64, choose_block(len(hidden) + 1, torch.device("cpu"))
    w, a, v = torch.randn(m, 900), torch.randn(k, 900), torch.randn(k, m)
    work = [(1 / k, partial(torch.matmul, a, w.T)), (1 / k, partial(w.addmm_, v.T, a, alpha=-1e-9))]
    if error:
        work.append((1 / k, partial(torch.matmul, a, torch.randn(900, test))))
    for fan_in, out in pairwise([*hidden, classes]):
        u, column, h = torch.randn(out, fan_in), torch.randn(fan_in), torch.randn(fan_in, test)
        if out != classes:  # the middle matrix is read twice for every sample, and updated once for every block
            factors = torch.randn(out, k), torch.randn(k, fan_in)
            work += [(2.0, partial(u.mv, column)), (1 / k, partial(u.addmm_, *factors, alpha=-1e-9))]
        if error:
            work += [
                (1 / k, partial(torch.matmul, torch.randn(k, fan_in), h)),
                (1 / block, partial(torch.matmul, u, h)),
            ]
    return 1e6 * sum(share * min(seconds(job) for _ in range(30)) for share, job in work)


def measure(hidden: list[int], split: Split, error: bool, rounds: int, only: list[str]) -> dict[str, float]:
    """Return the median microseconds per sample of every peer that is installed; they are measured in turn."""
    trainers, counts = {}, {}
    for name, (package, make) in PEERS.items():
        if name in only and importlib.util.find_spec(package) and not (package == "sklearn" and not hidden):
            train = make(hidden, split, error)
            train(64)  # compile and warm up
            once = seconds(partial(train, 64)) / 64
            counts[name] = max(64, min(16384, int(1.0 / once) // 64 * 64))
            train(counts[name])
            trainers[name] = train
    times: dict[str, list[float]] = {name: [] for name in trainers}
    for _ in range(rounds):
        for name, train in trainers.items():
            times[name].append(1e6 * seconds(partial(train, counts[name])) / counts[name])
    return {name: statistics.median(t) for name, t in times.items()}


def build_pair(network: str, rule: str, split: Split) -> tuple[Engine, Engine]:
    """Two engines of one run: train only, and with error."""
    hidden, (temperature, rate) = NETWORKS[network], RULES[rule]
    model = ChainConfig(name=network, hidden=hidden, temperature=temperature)
    if not hidden:  # as in conf/model/two_layer.yaml
        model.activation, model.bias, model.init_scale = "linear", False, 0.1
    fields: dict[str, Any] = {"learning_rate": rate if hidden else LINEAR_RATE, "rule": rule, "device": "cpu"}
    fields |= {"model": model, "data": SyntheticConfig(), "optimizer": VanillaConfig(), "samples": WHOLE + STRETCH}
    train, error = (build_engine(TrainConfig(evaluate_every=e, **fields), split) for e in (str(10**9), "1"))
    return train, error


def whole_run(network: str, rule: str, split: Split) -> tuple[float, float]:
    """Microseconds a sample of a whole run, train only and with error, in turn."""
    train, error = build_pair(network, rule, split)
    sparse = len(NETWORKS[network]) > 1
    few, apart = (FEW, APART) if sparse else (STRETCH, STRETCH)
    train.advance(STRETCH)  # compile
    error.advance(few)
    times: tuple[list[float], list[float]] = [], []
    for start in range(0, WHOLE, STRETCH):
        if start % apart == 0:
            if sparse:
                error.load_state(train.sample, error.state() | train.state())
                for follower in error.followers:  # type: ignore[attr-defined]
                    follower.refresh()
            times[1].append(seconds(partial(error.advance, few)) / few)
        times[0].append(seconds(partial(train.advance, STRETCH)) / STRETCH)
    return 1e6 * statistics.mean(times[0]), 1e6 * statistics.mean(times[1])


def whole_runs(networks: list[str], split: Split) -> tuple[list[str], dict[str, float]]:
    """The table's rows of whole runs, and what a sample costs with error by the gradient."""
    lines = ["", f"Whole runs of {WHOLE:,} samples:", "", "| network | rule | train only | with error | ratio |"]
    lines.append("|---|---|---|---|---|")
    costs = {}
    for network in networks:
        for rule in RULES if len(NETWORKS[network]) < 2 else ("gradient",):
            train, error = whole_run(network, rule, split)
            lines.append(f"| {network} | {rule} | {train:,.0f} | {error:,.0f} | {error / train:.1f} |")
            print(lines[-1], flush=True)
            costs[network] = error
    return lines, costs


MEMORY_HEAD = (
    "weights | largest matrix | letters | other arrays | largest other array | largest temporary array | peak growth"
)


def peak_memory(hidden: list[int], split: Split, error: bool) -> list[float]:
    """Return the megabytes in the columns of `MEMORY_HEAD`, while an engine trains in its own process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_memory, (hidden, split.train.images.numpy(), split.train.labels.numpy(), error))


def _memory(hidden: list[int], images: np.ndarray, labels: np.ndarray, error: bool) -> list[float]:
    from torch.profiler import ProfilerActivity, profile

    from letterocr.data.letters import Letters

    letters = Letters(torch.from_numpy(images), torch.from_numpy(labels))
    split = Split(letters, letters.select(torch.arange(520)))
    build_engine(config([8] * len(hidden), "blocked", error), split).advance(256)  # compiled code and thread pools
    before, there = _peak(), set(_arrays())
    engine = build_engine(config(hidden, "blocked", error), split)
    engine.advance(256)
    growth = _peak() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
        engine.advance(256)
    temporary = max(event.self_cpu_memory_usage for event in found.events())
    weights = [w.nbytes for w in engine.network.weights]
    own = {w.untyped_storage().data_ptr() for w in engine.network.weights}
    data = (engine.images, engine.test_images, engine.inked, engine.test_inked, engine.targets)  # type: ignore[attr-defined]
    given = {x.untyped_storage().data_ptr() for x in data}
    arrays = {place: size for place, size in _arrays().items() if place not in there | own | given}
    sizes = [sum(weights), max(weights), sum(x.nbytes for x in data), sum(arrays.values()), max(arrays.values())]
    return [*(size / 2**20 for size in (*sizes, temporary)), growth]


def _peak() -> float:
    """Return the largest memory that this process has held so far, in megabytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def _arrays() -> dict[int, int]:
    """Return the bytes of every existing array by its address: tensors, and arrays that NumPy owns."""
    living = gc.get_objects()
    sizes = {x.ctypes.data: x.nbytes for x in living if issubclass(type(x), np.ndarray) and x.base is None}
    storages = [x.untyped_storage() for x in living if issubclass(type(x), torch.Tensor)]
    return sizes | {storage.data_ptr(): storage.nbytes() for storage in storages}


def rows(title: str, hidden: list[int], split: Split, rounds: int, only: list[str], cost: float | None) -> list[str]:
    """Return the table's rows for one network; `cost` is that of a sample with error in a whole run, if it changes."""
    lines = []
    for error in (False, True):
        times = measure(hidden, split, error, rounds, only)
        least = limit(hidden, split.test.classes, len(split.test), error)
        if error and cost:
            times[FULL], times[CERTIFIED] = times.pop(CERTIFIED), cost
        what, fast = "with error" if error else "train only", times.get(CERTIFIED, float("nan"))
        for name, t in [*times.items(), ("the products alone", least)]:
            lines.append(f"| {title} | {what} | {name} | {t:,.0f} | {t / fast:.2f} |")
        print("\n".join(lines[-len(times) - 1 :]), flush=True)
    return lines


def plot(widths: list[int], times: dict[str, list[float]], path: Path) -> None:
    """Draw the time per sample against the hidden width."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    for name, values in times.items():
        axis.loglog(widths, values, marker="o", label=name)
    axis.set(xlabel="hidden width", ylabel="microseconds per sample", title="three layers, train only", xticks=widths)
    axis.set_xticklabels([str(w) for w in widths])
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, print, and write the table and the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument(
        "--widths", nargs="*", type=int, default=WIDTHS, help="hidden widths in the plot; give none for no plot"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--output", type=Path, default=Path("docs"))
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    arguments = parser.parse_args()
    if arguments.device == "cuda":
        import bench_gpu

        bench_gpu.main(arguments.output)
        return
    split = load(SyntheticConfig())
    head = ["| network | what | by | µs per sample | times as long as blocked |", "|---|---|---|---|---|"]
    print("\n".join(head))
    lines = list(head)
    whole, costs = whole_runs(arguments.networks, split)
    for name in arguments.networks:
        lines += rows(name, NETWORKS[name], split, arguments.rounds, arguments.only, costs.get(name))
    memory = ["", "Megabytes:", "", f"| network | what | {MEMORY_HEAD} |", "|---" * 9 + "|"]
    for name in arguments.networks:
        for error in (False, True):
            sizes = " | ".join(f"{size:.1f}" for size in peak_memory(NETWORKS[name], split, error))
            memory.append(f"| {name} | {'with error' if error else 'train only'} | {sizes} |")
    print("\n".join(memory), flush=True)
    arguments.output.mkdir(exist_ok=True)
    (arguments.output / "bench.md").write_text("\n".join(lines + whole + memory) + "\n")
    if arguments.widths:
        names = [n for n in arguments.only if n != "scikit-learn"]
        found = [measure([width], split, False, 3, names) for width in arguments.widths]
        times = {name: [f[name] for f in found] for name in found[0]}
        for name, values in times.items():
            print(f"{name}: " + ", ".join(f"{w}: {v:,.0f}" for w, v in zip(arguments.widths, values, strict=True)))
        plot(arguments.widths, times, arguments.output / "bench.png")


if __name__ == "__main__":
    main()
