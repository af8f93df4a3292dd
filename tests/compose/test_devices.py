"""device=auto takes the CPU or the GPU by its rule; the rule is tested where there is no GPU, with a stand-in."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from helpers import random_letters

from letterocr.base.errors import UserError
from letterocr.compose import build
from letterocr.compose.build import choose_blocked_engine
from letterocr.compose.devices import choose_device, explain_full_memory
from letterocr.config.model.chain import ChainConfig
from letterocr.config.model.spectral import SpectralConfig
from letterocr.config.optimizer.kfac import KfacConfig
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Split
from letterocr.engine.gpu.requirements import explain_missing_kernels
from letterocr.models.chain import Network

THREE = ChainConfig(name="three_layer", hidden=[1800])
SMALL = ChainConfig(name="three_layer", hidden=[24])
TWO = ChainConfig(name="two_layer", hidden=[], activation="linear")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Pretend that there is an H100."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (9, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "Some GPU")
    return monkeypatch


@pytest.mark.parametrize(
    ("expected", "fields"),
    [
        ("cuda", {"model": THREE}),
        ("cuda", {"model": THREE, "replicas": 1056}),
        ("cuda", {"model": TWO, "replicas": 16}),
        ("cpu", {"model": TWO, "replicas": 15}),
        ("cpu", {"model": SMALL}),
        ("cpu", {"model": THREE, "dtype": "float64"}),
        ("cuda", {"model": THREE, "dtype": "float64", "replicas": 64}),
        ("cpu", {"model": THREE, "engine": "reference"}),
        ("cpu", {"model": THREE, "optimizer": KfacConfig()}),
        ("cpu", {"model": SpectralConfig(name="spectral", hidden=[20])}),
        ("cpu", {"model": THREE, "batch": "5"}),
        ("cuda", {"model": THREE, "batch": "all"}),
    ],
)
def test_auto_takes_what_is_faster(gpu: pytest.MonkeyPatch, expected: str, fields: dict[str, Any]) -> None:
    choice = choose_device(TrainConfig(**fields))
    assert choice.device.type == expected
    assert choice.reason


def test_a_slow_gpu_is_taken_for_many_networks_only(gpu: pytest.MonkeyPatch) -> None:
    gpu.setattr(torch.cuda, "get_device_capability", lambda *_: (7, 0))
    assert choose_device(TrainConfig(model=THREE)).device.type == "cpu"
    assert choose_device(TrainConfig(model=THREE, replicas=16)).device.type == "cuda"
    gpu.setattr(torch.cuda, "get_device_capability", lambda *_: (8, 0))
    gpu.setattr(importlib.util, "find_spec", lambda name: None)
    assert choose_device(TrainConfig(model=THREE)).device.type == "cpu"


def test_a_resumed_run_stays_where_it_began(gpu: pytest.MonkeyPatch) -> None:
    assert choose_device(TrainConfig(model=THREE), began="cpu").device.type == "cpu"
    assert choose_device(TrainConfig(model=SMALL), began="cuda:0").device.type == "cuda"
    assert choose_device(TrainConfig(model=THREE, device="cuda"), began="cpu").device.type == "cuda"
    gpu.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device(TrainConfig(model=THREE), began="cuda:0").device.type == "cpu"


def test_without_a_gpu_asking_for_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="finds no CUDA GPU here"):
        choose_device(TrainConfig(model=THREE, device="cuda"))


def make_network(matrices: int, dtype: torch.dtype = torch.float32) -> Network:
    return Network([torch.zeros(1, 2, 2, dtype=dtype)] * matrices, [None] * matrices, None)


def test_what_the_kernels_lack_is_one_sentence(gpu: pytest.MonkeyPatch) -> None:
    assert explain_missing_kernels(make_network(3)) == ""
    assert "up to 3 weight matrices" in explain_missing_kernels(make_network(4))
    assert "float64 has no Triton kernels" in explain_missing_kernels(make_network(2, torch.float64))
    gpu.setattr(torch.cuda, "get_device_capability", lambda *_: (7, 5))
    assert "Some GPU (compute capability 7.5) is too old" in explain_missing_kernels(make_network(2))
    gpu.setattr(importlib.util, "find_spec", lambda name: None)
    assert "Triton is not installed" in explain_missing_kernels(make_network(2))


def test_without_kernels_the_path_of_before_is_taken(gpu: pytest.MonkeyPatch) -> None:
    weight = SimpleNamespace(is_cuda=True, dtype=torch.float32, device=torch.device("cuda"))
    network = Network([weight, weight], [None, None], None)  # type: ignore[list-item]
    assert choose_blocked_engine(network).__name__ == "GpuEngine"
    gpu.setattr(torch.cuda, "get_device_capability", lambda *_: (7, 5))
    assert choose_blocked_engine(network).__name__ == "BlockedEngine"
    weight.is_cuda = False
    assert choose_blocked_engine(network).__name__ == "BlockedEngine"


def test_memory_that_is_too_small_is_a_mistake_of_the_user(gpu: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise torch.cuda.OutOfMemoryError

    split = Split(random_letters(30, seed=1), random_letters(52, seed=2))
    gpu.setattr(build, "_build_engine", fail)
    gpu.setattr(torch.cuda, "get_device_properties", lambda *_: SimpleNamespace(total_memory=80e9))
    with pytest.raises(UserError, match="does not fit into the memory of Some GPU: about"):
        build.build_engine(TrainConfig(model=THREE, replicas=10**5, device="cuda"), split)


def test_full_memory_says_how_many_networks_would_fit(gpu: pytest.MonkeyPatch) -> None:
    gpu.setattr(torch.cuda, "get_device_properties", lambda *_: SimpleNamespace(total_memory=80e9))
    split = Split(random_letters(30, seed=1), random_letters(520, seed=2))
    sentence = explain_full_memory(TrainConfig(model=THREE, replicas=50_000), split, torch.device("cuda"))
    assert sentence.startswith("replicas=50000 does not fit into the memory of Some GPU: about ")
    assert 3000 < int(sentence.split("about ")[1].split()[0]) < 6000
