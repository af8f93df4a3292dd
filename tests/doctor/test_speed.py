"""The doctor measures how many samples this machine learns in a second, for one network and for many on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from letterocr.compose.devices import DeviceChoice
from letterocr.config.train import TrainConfig
from letterocr.doctor import speed
from letterocr.engine.records import Records


class SlowEngine:
    """Learns 100 samples in a second of a clock that it moves."""

    block = 10
    now = 0.0

    def advance(self, count: int) -> Records:
        SlowEngine.now += count / 100
        return Records(*(np.zeros((count, 1)) for _ in range(3)))


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_it_counts_the_samples_of_a_second(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def choose(config: TrainConfig, began: Any = None) -> DeviceChoice:
        return DeviceChoice(torch.device(device), "")

    monkeypatch.setattr(speed, "choose_device", choose)
    monkeypatch.setattr(speed, "build_engine", lambda *_: SlowEngine())
    monkeypatch.setattr(speed, "load", lambda _: type("Split", (), {"test": range(520)}))
    monkeypatch.setattr(speed.time, "perf_counter", lambda: SlowEngine.now)
    state, text = speed.check_speed()
    assert state == "ok"
    name = {"cpu": "CPU", "cuda": "GPU"}[device]
    assert text.startswith(
        f"one network on the {name}: 100 samples/s, and 100 with the error on 520 letters after each"
    )
    assert ("128 networks on the GPU: 12,800 samples/s" in text) == (device == "cuda")
