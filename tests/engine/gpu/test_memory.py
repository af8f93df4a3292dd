"""The estimate of a GPU's memory: it counts the tensors that an engine really holds, and how many networks fit."""

from __future__ import annotations

import gc
from typing import Any

import pytest
import torch
from engine.gpu.gpu_cases import NETWORKS, SPLIT, make_config

from letterocr.compose.build import build_engine
from letterocr.compose.devices import describe_memory
from letterocr.engine.gpu.gpu_engine import GpuEngine
from letterocr.engine.gpu.launch_plan import MANY
from letterocr.engine.gpu.memory import COMMON_BYTES, SHARE, NetworkMemory


def count_held(thing: Any, seen: set[int]) -> int:
    """Bytes of all tensors that can be reached from an object of the package."""
    if id(thing) in seen:
        return 0
    seen.add(id(thing))
    if isinstance(thing, torch.Tensor):
        storage = thing.untyped_storage()
        return 0 if storage.data_ptr() in seen else (seen.add(storage.data_ptr()) or storage.nbytes())
    inner = vars(thing) if type(thing).__module__.startswith("letterocr") else thing
    if isinstance(inner, dict):
        inner = inner.values()
    return sum(count_held(x, seen) for x in inner) if isinstance(inner, list | tuple | type({}.values())) else 0


@pytest.mark.parametrize("step", ["plain", "both"])
@pytest.mark.parametrize("network", NETWORKS)
def test_it_covers_what_an_engine_holds_for_each_network(network: str, step: str) -> None:
    held = []
    for replicas in (1, 3):
        config = make_config(network, step, replicas=replicas, dtype="float32", block=0)
        engine = GpuEngine(build_engine(config, SPLIT).task)
        held.append(count_held(engine, set()))
        gc.collect()
    each = (held[1] - held[0]) / 2
    estimate = describe_memory(config, SPLIT).count_bytes(1)
    assert each < estimate < 2 * each + 3e6  # products of a block need room for a moment


def test_what_fits_has_room() -> None:
    memory = NetworkMemory([900, 1800, 26], letters=520, follows=True, momentum=False)
    for free in (0.5e9, 2e9, 80e9):
        fits = memory.count_fitting(free)
        assert fits * memory.count_bytes(max(fits, 1)) <= max(SHARE * free - COMMON_BYTES, 0)
    assert memory.count_fitting(0.5e9) == 0
    assert MANY <= memory.count_fitting(2e9) < memory.count_fitting(80e9)


def test_a_thousand_networks_need_little_beside_their_weights_and_letters() -> None:
    memory = NetworkMemory([900, 1800, 26], letters=520, follows=True, momentum=False)
    necessary = 4 * (1800 * 901 + 26 * 1801 + 520 * 1800)
    assert memory.count_bytes(1056) <= 1.6 * necessary
