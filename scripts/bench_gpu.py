"""Measure microseconds per sample of R networks on a GPU: this project's engine beside other ways.

    python scripts/bench.py --device cuda        # writes docs/bench-gpu.md; at most 8 minutes

Every peer trains the same networks by the gradient rule on the same letters, in float32. `with error` adds the error on
the 520 test letters after every sample. JAX is measured in true float32 (`highest`) and as it comes, which is TF32 on
these GPUs: its counts of misread letters are then not those of float32. Without a CUDA GPU it says so and stops.
"""

from __future__ import annotations

import gc
import importlib.util
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from peers import RATE, Peer
from peers_gpu import autograd, by_hand_graph, jax_with

from letterocr.compose.build import build_engine
from letterocr.config.data import SyntheticConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Split
from letterocr.data.synthetic import load

NETWORKS = {"three_layer": [1800], "four_layer": [1800, 1800], "two_layer": []}
MOST = {"three_layer": 1056, "four_layer": 128, "two_layer": 1056}  # networks together
REPLICAS = (1, 128, 16, 1056)  # what matters most first, as the time may be up before the end
SECONDS = 1.0  # of one measurement
MINUTES = 8.0
OURS, BASE = "letterocr", "JAX, true float32"


def ours(device: str, hidden: list[int], split: Split, error: bool, replicas: int) -> Peer:
    """Train with the engine of this project."""
    model = ChainConfig(name="bench", hidden=hidden, activation="sigmoid", init_scale=1.0)
    config = TrainConfig(
        model=model,
        data=SyntheticConfig(),
        optimizer=VanillaConfig(),
        samples=10**9,
        learning_rate=RATE,
        evaluate_every="1" if error else str(10**9),
        replicas=replicas,
        device=device,
    )
    engine = build_engine(config, split)
    return lambda count: engine.advance(-(-count // engine.block) * engine.block)


PEERS: dict[str, tuple[str, int, Callable[[list[int], Split, bool, int], Peer]]] = {
    OURS: ("triton", 1056, partial(ours, "cuda")),
    "letterocr on the CPU": ("numba", 1, partial(ours, "cpu")),
    BASE: ("jax", 128, jax_with("highest")),
    "JAX as it comes (TF32)": ("jax", 128, jax_with("default")),
    "PyTorch by hand, CUDA graph": ("torch", 128, by_hand_graph),
    "PyTorch autograd": ("torch", 1, autograd),
}


def measure(train: Peer) -> float:
    """Return the microseconds per sample, the best of three stretches."""
    train(256)  # compile, capture
    train(256)
    start = time.perf_counter()
    train(256)
    count = max(256, int(SECONDS / 3 / (time.perf_counter() - start)) * 256)
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        train(count)
        best = min(best, (time.perf_counter() - start) / count)
    return 1e6 * best


def measure_all(split: Split) -> list[str]:
    """Measure every network, number of networks and peer until the time is up; return the table's rows."""
    end, lines = time.monotonic() + 60 * MINUTES, []
    for replicas in REPLICAS:
        for network, hidden in NETWORKS.items():
            for error in (False, True) if replicas <= MOST[network] else ():
                times: dict[str, float] = {}
                for name, (package, most, make) in PEERS.items():
                    if replicas > most or not importlib.util.find_spec(package) or time.monotonic() > end:
                        continue
                    torch.cuda.reset_peak_memory_stats()
                    try:
                        times[name] = measure(make(hidden, split, error, replicas))
                    except Exception as problem:  # out of memory, or a peer that this GPU does not run
                        print(f"{network} R={replicas} {name}: {type(problem).__name__}: {problem}"[:200], flush=True)
                        continue
                    gc.collect()
                    torch.cuda.empty_cache()
                    ratio = f"{times[BASE] / times[OURS]:.1f}" if {BASE, OURS} <= set(times) else ""
                    what, memory = "with error" if error else "train only", torch.cuda.max_memory_allocated() / 2**30
                    lines.append(f"| {network} | {replicas} | {what} | {name} | {times[name]:,.1f} | {memory:.2f} |")
                    print(lines[-1] + (f" letterocr {ratio} times as fast as {BASE}" if ratio else ""), flush=True)
    if time.monotonic() > end:
        lines.append(f"\nStopped after {MINUTES:g} minutes: what is missing was not measured.")
    return lines


def main(output: Path) -> None:
    """Measure, and write the table; where there is no CUDA GPU, say so."""
    if not torch.cuda.is_available():
        sys.exit("bench --device cuda: PyTorch finds no CUDA GPU here; docs/bench-gpu.md is left as it is.")
    name = torch.cuda.get_device_name()
    head = [f"# Speed on {name}", "", f"PyTorch {torch.__version__}; `python scripts/bench.py --device cuda`.", ""]
    head += ["| network | networks | what | by | µs per sample | GB of PyTorch at most |", "|---|---|---|---|---|---|"]
    (output / "bench-gpu.md").write_text("\n".join([*head, *measure_all(load(SyntheticConfig()))]) + "\n")
