"""Runs that train side by side have the bits that they have alone, each in its own folder."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from letterocr.base.errors import UserError
from letterocr.base.files import read_json
from letterocr.config.data import SyntheticConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.sgd import SgdConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.train import TrainConfig
from letterocr.engine.engine_share import SharedEngine
from letterocr.run import checkpoint, side_by_side
from letterocr.run.folder import locate_folder
from letterocr.run.lock import Lock
from letterocr.run.playback import load_rows
from letterocr.run.side_by_side import TeamRun, can_join, describe_team, train_side_by_side
from letterocr.run.training import run

SAMPLES = 150


def make_runs(output: Path, **fields: Any) -> list[TeamRun]:
    """Runs that differ in what may differ."""
    model = ChainConfig(name="three_layer", hidden=[12])
    common: dict[str, Any] = {"data": SyntheticConfig(train_per_letter=2, test_per_letter=1), "samples": SAMPLES}
    common |= {"output": str(output), "tensorboard": False, "threads": 1, "resume": "true", "device": "cpu"}
    common |= {"optimizer": VanillaConfig(momentum=0.5, weight_decay=0.001)} | fields
    configs = [
        TrainConfig(model=model, seed=0, **common),
        TrainConfig(model=model, seed=1, learning_rate=0.01, **common),
        TrainConfig(model=replace(model, temperature=2.0, init_scale=1.0), replicas=2, seed=5, **common),
    ]
    return [TeamRun(config, locate_folder(config)) for config in configs]


def read_numbers(folder: Path) -> list[torch.Tensor]:
    """All numbers of a run: its curve and its last checkpoint."""
    table = pq.read_table(folder / "curve.parquet")
    _, tensors, _ = checkpoint.load(folder / "checkpoints", torch.device("cpu"))
    columns = [torch.from_numpy(table[name].to_numpy().copy()) for name in table.column_names]
    return [*columns, *(tensors[name] for name in sorted(tensors))]


def assert_as_alone(runs: list[TeamRun], output: Path) -> None:
    for team_run in runs:
        alone = replace(team_run.config, output=str(output))
        run(alone, live=False, folder=locate_folder(alone))
        pairs = zip(read_numbers(team_run.folder), read_numbers(locate_folder(alone)), strict=True)
        assert all(torch.equal(one.nan_to_num(-1), other.nan_to_num(-1)) for one, other in pairs)
        for row, other in zip(load_rows(team_run.folder), load_rows(locate_folder(alone)), strict=True):
            assert all(np.array_equal(value, other[name]) for name, value in row.items())


@pytest.mark.parametrize("optimizer", [VanillaConfig(momentum=0.5, weight_decay=0.001), SgdConfig()])
def test_each_run_has_the_numbers_that_it_has_alone(optimizer: Any, tmp_path: Path) -> None:
    runs = make_runs(tmp_path / "team", optimizer=optimizer, snapshots="log")
    outcomes = train_side_by_side(runs)
    assert [(o.status, o.folder) for o in outcomes] == [("finished", r.folder) for r in runs]
    seconds = [read_json(run.folder / "result.json")["seconds"] for run in runs]
    assert min(seconds) > 0.9 * max(seconds) > 0  # all of them learned all the time
    assert_as_alone(runs, tmp_path / "alone")
    assert all(load_rows(run.folder) for run in runs)
    assert [o.status for o in train_side_by_side(runs)] == ["finished"] * 3  # they are over, and not trained again


def test_a_signal_leaves_checkpoints_and_the_runs_continue_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "STRETCH", 10)
    runs, learn = make_runs(tmp_path / "team", block=48), SharedEngine.learn

    def learn_once(shared: SharedEngine, first: int, count: int) -> Any:
        signal.raise_signal(signal.SIGTERM)
        return learn(shared, first, count)

    with monkeypatch.context() as patched:
        patched.setattr(SharedEngine, "learn", learn_once)
        outcomes = train_side_by_side(runs)
    assert [(o.status, o.signal) for o in outcomes] == [("stopped", signal.SIGTERM)] * 3
    assert "after 48 samples" in outcomes[0].message
    assert [o.status for o in train_side_by_side(runs)] == ["finished"] * 3
    assert_as_alone(runs, tmp_path / "alone")


def test_a_run_that_another_process_trains_is_left_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = make_runs(tmp_path, samples=20)
    monkeypatch.setattr(side_by_side, "look_up_outcome", lambda *_: None)  # the lock is taken after this look
    with Lock(runs[1].folder):
        outcomes = train_side_by_side(runs)
    assert [o.status for o in outcomes] == ["finished", "running", "finished"]


def test_runs_at_other_samples_are_refused(tmp_path: Path) -> None:
    runs = make_runs(tmp_path, samples=60, block=30)
    train_side_by_side(runs)
    for path in (runs[0].folder / "result.json", runs[1].folder / "result.json", runs[2].folder / "result.json"):
        path.unlink()
    for path in (runs[1].folder / "checkpoints").iterdir():
        path.unlink()
    with pytest.raises(UserError, match="different samples: \\[0, 60\\]"):
        train_side_by_side(runs)


def test_only_what_networks_of_one_engine_can_have_may_differ(tmp_path: Path) -> None:
    first, second = make_runs(tmp_path)[:2]
    same = describe_team(first.config, first.folder)
    assert describe_team(second.config, second.folder) == same
    for other in (replace(first.config, rule="printed"), replace(first.config, samples=7)):
        assert describe_team(other, locate_folder(other)) != same
    assert can_join(first.config)
    assert not can_join(replace(first.config, diagnostics="rank"))
