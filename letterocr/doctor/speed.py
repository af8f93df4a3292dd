"""Check of `letterocr doctor --measure`: how many samples this machine learns in a second."""

from __future__ import annotations

import time

from letterocr.compose.build import build_engine
from letterocr.compose.devices import choose_device
from letterocr.config.data import SyntheticConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Split
from letterocr.data.synthetic import load
from letterocr.doctor.checks import OK

SECONDS = 1.0  # of each measurement, after as much to compile and warm up
MANY = 128  # networks that train together on a GPU


def check_speed() -> tuple[str, str]:
    """Measure 900-1800-26 on the device of device=auto: one network, and on a GPU many, without and with error."""
    split = load(SyntheticConfig())
    one = choose_device(_make_config(1, "1")).device.type
    parts = [_describe(1, split)]
    if choose_device(_make_config(MANY, "1")).device.type == "cuda":
        parts.append(_describe(MANY, split))
    return OK, f"one network on the {'GPU' if one == 'cuda' else 'CPU'}: {'; '.join(parts)}"


def _describe(replicas: int, split: Split) -> str:
    train, error = (_measure(_make_config(replicas, every), split) * replicas for every in (str(10**9), "1"))
    of = "" if replicas == 1 else f"{replicas} networks on the GPU: "
    return f"{of}{train:,.0f} samples/s, and {error:,.0f} with the error on {len(split.test)} letters after each"


def _make_config(replicas: int, every: str) -> TrainConfig:
    model = ChainConfig(name="three_layer", hidden=[1800])
    fields = {"samples": 10**9, "replicas": replicas, "evaluate_every": every}
    return TrainConfig(model=model, data=SyntheticConfig(), optimizer=VanillaConfig(), **fields)  # type: ignore[arg-type]


def _measure(config: TrainConfig, split: Split) -> float:
    """Return the samples that each network of a config learns in a second."""
    engine = build_engine(config, split)
    for _ in range(2):  # compile; capture graphs
        engine.advance(2 * engine.block)
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        count += len(engine.advance(4 * engine.block).loss)
    return count / (time.perf_counter() - start)
