"""Notes before a run trains."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from letterocr.compose.learning_rates import LearningRatePlan
from letterocr.config.train import TrainConfig
from letterocr.engine.blocked import BlockedEngine
from letterocr.models.chain import Network
from letterocr.run.messages import collect_notes


def test_on_a_gpu_without_kernels_one_sentence_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (7, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "Some GPU")
    weight = SimpleNamespace(is_cuda=True, dtype=torch.float32, device=torch.device("cuda"))
    engine = BlockedEngine.__new__(BlockedEngine)
    engine._task = SimpleNamespace(network=Network([weight], [None], None))  # type: ignore[assignment,list-item]
    (note,) = collect_notes(TrainConfig(), engine, LearningRatePlan([0.05], None, ""))
    assert note.startswith("Some GPU (compute capability 7.0) is too old for the Triton kernels")
    weight.is_cuda = False
    assert collect_notes(TrainConfig(), engine, LearningRatePlan([0.05], None, "")) == []
