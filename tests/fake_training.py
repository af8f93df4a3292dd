"""Training that takes no time: the real files of a run, with letters and an engine that cost nothing."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import torch
from helpers import small_config
from torch import Tensor

from letterocr.config.train import TrainConfig
from letterocr.data.letters import Letters, Split
from letterocr.engine.records import Records
from letterocr.run.folder import locate_folder
from letterocr.run.outcome import Outcome
from letterocr.run.training import run
from letterocr.search.plan import Plan, store_plan
from letterocr.search.space import read_space
from letterocr.search.trial_queue import is_counted, open_study
from letterocr.search.worker import work
from letterocr.sweep.attempt import train_attempt
from letterocr.sweep.ledger import clear_records

ONE_STRETCH = 30
UPTIME = 20.0  # seconds since the machine was started


class FakeEngine:
    """An engine whose weight is a walk that depends on every step before; samples are learned one by one."""

    name, block, certified, shared_seconds = "reference", 1, False, 0.0
    images = SimpleNamespace(device=torch.device("cpu"), is_cuda=False)
    begun_at: int = 0  # samples at the latest resumption

    def __init__(self, config: TrainConfig, split: Split, rates: list[float], **_: Any) -> None:
        self.sample, self._weight = 0, torch.full((1, 3, 4), 0.5, dtype=torch.float64)
        self._rate = rates[0]
        self.network = SimpleNamespace(weights=[self._weight], state=self.state)

    def state(self) -> dict[str, Tensor]:
        return {"weight": self._weight}

    def load_state(self, sample: int, tensors: dict[str, Tensor]) -> None:
        self.sample = FakeEngine.begun_at = sample
        self._weight.copy_(tensors["weight"])

    def test_error(self) -> Tensor:
        return self._weight[:, 0, 0].abs().clamp(max=1)

    def advance(self, count: int) -> Records:
        errors = np.empty((count, 1))
        for row in range(count):
            self._weight.mul_(3.7).mul_(1 - self._weight / 3.7).mul_(0.9 + self._rate).remainder_(1)
            errors[row] = self.test_error().numpy()
        self.sample += count
        return Records(errors + 1, errors > 0.5, errors)


def _letters(count: int) -> Letters:
    images = torch.rand(count, 900, generator=torch.Generator().manual_seed(1))
    return Letters(images, torch.arange(count) % 26)


SPLIT = Split(_letters(52), _letters(26))


@contextlib.contextmanager
def faked(boot: str) -> Iterator[None]:
    """Letters and engine are stand-ins, on a machine that was started as `boot` says; nothing waits for the disk."""
    FakeEngine.begun_at = 0
    with contextlib.ExitStack() as stack:
        for name, value in {
            "letterocr.run.training.load_letters": lambda config, tell: SPLIT,
            "letterocr.run.learning.build_engine": FakeEngine,
            "letterocr.run.learning.STRETCH_SECONDS": 1e6,  # each stretch is twice as long as the one before
            "letterocr.compose.learning_rates.compute_bound": lambda *_, **__: None,
            "letterocr.run.display.Display._show_pictures": lambda self, board: None,
            "letterocr.base.owner._identify_system": lambda: boot,
            "letterocr.base.owner.read_uptime": lambda: UPTIME,
            "letterocr.base.files._named": set(),
            "letterocr.base.files._threads": lambda: SimpleNamespace(map=map),
            "os.fsync": lambda number: None,
        }.items():
            stack.enter_context(mock.patch(name, value))
        stack.enter_context(open(os.devnull, "w"))
        stack.enter_context(contextlib.redirect_stdout(stack.enter_context(open(os.devnull, "w"))))
        yield


@contextlib.contextmanager
def on_another_machine() -> Iterator[None]:
    """What happens inside the block happens on a machine whose processes this one does not see."""
    named = mock.patch("letterocr.base.owner.socket", SimpleNamespace(gethostname=lambda: "far"))
    with named, mock.patch("letterocr.base.owner._identify_system", return_value="another machine"):
        yield


def fake_config(output: Path, **fields: Any) -> TrainConfig:
    own = {"samples": ONE_STRETCH, "checkpoint_seconds": 0.0, "engine": "reference", "device": "cpu"}
    own |= {"learning_rate": 0.01, "tensorboard": False, "resume": "true", "threads": 1}
    return small_config(**own | {"output": str(output)} | fields)


def fake_run(output: Path, watch: Any = None, **fields: Any) -> Outcome:
    return run(fake_config(output, **fields), live=False, watch=watch)


def fake_sweep(root: Path, **fields: Any) -> list[Outcome]:
    """Two runs and the records of their outcomes."""
    sweep = root / "sweep"
    clear_records(sweep)
    configs = [fake_config(root / "out", seed=seed, samples=7, **fields) for seed in (1, 2)]
    reads = [lambda config=config: (config, locate_folder(config)) for config in configs]
    return [train_attempt(read, [f"seed={seed}"], sweep) for seed, read in enumerate(reads, 1)]


def fake_search(study: Path) -> list[str]:
    """A study of three trials by one worker: what each trial came to."""
    fields = ["samples=7", "checkpoint_seconds=0", "tensorboard=false", "engine=reference", "device=cpu", "threads=1"]
    store_plan(study, Plan(read_space("learning_rate"), fields, 0))
    with mock.patch("letterocr.search.study_page.write_report"):
        assert work(study, 3, say=lambda line: None) == 0
    trials = [trial for trial in open_study(study).get_trials(deepcopy=False) if is_counted(trial)]
    return sorted(f"{trial.params} {trial.state.name} {trial.value!r}" for trial in trials)


def quick_folder() -> Path:
    """A new folder in memory, if this machine has such a place."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    return Path(tempfile.mkdtemp(dir=place)).resolve()


def bits(folder: Path) -> dict[str, Any]:
    """What a run came to."""
    result = json.loads((folder / "result.json").read_text())
    del result["seconds"]
    newest = max(folder.glob("checkpoints/*.safetensors"))
    return {"result": result, "curve": (folder / "curve.parquet").read_bytes(), newest.name: newest.read_bytes()}
