"""Check the GPU engine on a GPU, and time the choices of `engine/gpu/launch_plan.py`; about four minutes.

    python scripts/gpu_check.py             # correctness, then times
    python scripts/gpu_check.py --quick     # correctness alone, one minute

The tests check the same kernels in Triton's interpreter. Only a GPU shows whether programs that wait for each other do
so correctly, whether graphs and streams are right, and which sizes are fast. Status 1 if a check failed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from letterocr.compose.build import build_engine
from letterocr.config.data import SyntheticConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Split
from letterocr.data.synthetic import load
from letterocr.engine.engine import Engine

NETWORKS = {"two_layer": [], "three_layer": [1800], "four_layer": [900, 700]}
RULES = {"printed": (150.0, 0.02), "gradient": (1.0, 0.05)}
SAMPLES = 300  # blocks of 128, 64 and 32 do not divide it
PLANS: list[dict[str, Any]] = [
    {},
    {"MOST_PROGRAMS": 8},
    {"MOST_PROGRAMS": 32},
    {"MOST_PROGRAMS": 1},
    {"CHUNK": 64},
    {"STREAM_WARPS": 8},
    {"GROUP": 16},
    {"LETTER_TILE": 16},
    {"LETTER_TILE": 64, "LETTER_WARPS": 8},
    {"LETTER_CHUNK": 128, "LETTER_WARPS": 8},
    {"LETTER_TILE": 64, "LETTER_CHUNK": 128, "LETTER_WARPS": 8},
]


def make_config(network: str, rule: str, momentum: float, replicas: int, **fields: Any) -> TrainConfig:
    """Return the config of one check."""
    temperature, rate = RULES[rule]
    model = ChainConfig(name=network, hidden=NETWORKS[network], temperature=temperature)
    if not model.hidden:
        model.activation, model.init_scale, rate = "linear", 0.1, 0.0005
    optimizer = VanillaConfig(momentum=momentum, weight_decay=0.001 if momentum else 0.0)
    chosen: dict[str, Any] = {"samples": 10**6, "learning_rate": rate * (1 - momentum), "device": "cuda"} | fields
    return TrainConfig(model=model, data=SyntheticConfig(), optimizer=optimizer, rule=rule, replicas=replicas, **chosen)


def compare(config: TrainConfig, split: Split) -> str:
    """Return a row: how far the GPU's weights and counts are from those of the reference engine in float64."""
    exact = build_engine(replace(config, device="cpu", engine="reference", dtype="float64"), split)
    rounded = build_engine(replace(config, device="cpu", engine="blocked"), split)
    engine = build_engine(config, split)
    records = [each.advance(SAMPLES) for each in (exact, rounded, engine)]
    errors = [_compare_weights(exact, other) for other in (rounded, engine)]
    counts = [np.abs(records[0].test_error - other.test_error) * len(split.test) for other in records[1:]]
    good = errors[1] < 10 * errors[0] + 1e-6 and counts[1].sum() <= 3 * counts[0].sum() + 3
    text = f"weights off by {errors[1]:.1e} (CPU {errors[0]:.1e}), counts that differ {int((counts[1] > 0.5).sum())}"
    return f"{'ok' if good else 'WRONG'}: {text} (CPU {int((counts[0] > 0.5).sum())}) of {counts[1].size}"


def _compare_weights(exact: Engine, other: Engine) -> float:
    own = other.network.state()
    return max(
        float((own[name].cpu().double() - tensor).norm() / tensor.norm())
        for name, tensor in exact.network.state().items()
        if name.startswith("weight")
    )


def check_bits(config: TrainConfig, split: Split) -> str:
    """Return a row: whether the same run has the same bits, and a resumed one too."""
    whole, again, first, second = (build_engine(config, split) for _ in range(4))
    cut = 2 * whole.block
    expected, repeated = whole.advance(SAMPLES), again.advance(SAMPLES)
    first.advance(cut)
    second.load_state(cut, {name: tensor.clone() for name, tensor in first.state().items()})
    rest = second.advance(SAMPLES - cut)
    same = np.array_equal(expected.loss, repeated.loss) and np.array_equal(expected.test_error, repeated.test_error)
    resumed = all(torch.equal(second.state()[name], tensor) for name, tensor in whole.state().items())
    resumed &= np.array_equal(rest.test_error, expected.test_error[cut:])
    return f"{'ok' if same and resumed else 'WRONG'}: repeated {same}, resumed {resumed}"


def check_all(split: Split) -> Iterator[str]:
    """Yield a row for each check."""
    for network in NETWORKS:
        for rule in RULES:
            for momentum in (0.0, 0.9):
                for replicas in (1, 3, 40) if network == "three_layer" and rule == "gradient" else (1,):
                    config = make_config(network, rule, momentum, replicas)
                    yield f"{network} {rule} momentum {momentum} R={replicas}: {compare(config, split)}"
        for replicas in (1, 40):
            yield f"{network} bits R={replicas}: {check_bits(make_config(network, 'gradient', 0.9, replicas), split)}"


def time_engine(config: TrainConfig, split: Split) -> float:
    """Return the microseconds per sample of a few blocks."""
    engine = build_engine(config, split)
    count = 4 * engine.block
    for _ in range(2):
        engine.advance(count)  # compile, capture
    start = time.perf_counter()
    engine.advance(count)
    return 1e6 * (time.perf_counter() - start) / count


def time_plans(split: Split, replicas: tuple[int, ...]) -> Iterator[str]:
    """Yield a row for each choice of launch sizes: microseconds per sample, train only and with error."""
    from letterocr.engine.gpu import launch_plan, triton_follower, triton_stack

    for count in replicas:
        for changes in PLANS:
            before = {name: getattr(launch_plan, name) for name in changes}
            modules = [m for m in (launch_plan, triton_follower, triton_stack) if set(changes) <= set(vars(m))]
            for module in modules:
                vars(module).update(changes)
            times = []
            for every in (str(10**9), "1"):
                config = make_config("three_layer", "gradient", 0.0, count, evaluate_every=every)
                try:
                    times.append(f"{time_engine(config, split):,.1f}")
                except Exception as error:  # a size that this GPU does not allow
                    times.append(f"{type(error).__name__}: {str(error).splitlines()[0][:80]}")
            for module in modules:
                vars(module).update(before)
            yield f"three_layer R={count} {changes or 'as it is'}: train only {times[0]}, with error {times[1]} µs"


def main() -> None:
    """Print a row for each check and time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="check, without times")
    parser.add_argument("--replicas", nargs="*", type=int, default=[1, 16, 128, 1056])
    given = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("gpu_check: PyTorch finds no CUDA GPU here; the tests check the kernels in Triton's interpreter.")
    print(torch.cuda.get_device_name(), torch.__version__, flush=True)
    failed = False
    for row in check_all(load(SyntheticConfig(train_per_letter=8))):
        failed |= "WRONG" in row
        print(row, flush=True)
    if not given.quick:
        for row in time_plans(load(SyntheticConfig()), tuple(given.replicas)):
            print(row, flush=True)
        print(f"memory at most {torch.cuda.max_memory_allocated() / 2**30:.2f} GB", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
