"""Runs of a sweep that can train side by side share a job; each has its own record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from letterocr.base.errors import UserError
from letterocr.config.data import SyntheticConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.train import TrainConfig
from letterocr.run.folder import locate_folder
from letterocr.sweep import launchers, shared_jobs
from letterocr.sweep.ledger import find_record
from letterocr.sweep.missing import MissingRun
from letterocr.sweep.shared_jobs import share_out, train_team


def make_run(output: Path, rule: str = "gradient", **fields: Any) -> MissingRun:
    config = TrainConfig(model=ChainConfig(name="three_layer", hidden=[6]), rule=rule, samples=10, **fields)
    data = SyntheticConfig(train_per_letter=1, test_per_letter=1)
    config = replace(config, data=data, output=str(output), tensorboard=False, device="cpu")
    return MissingRun([f"rule={rule}", *(f"{n}={v}" for n, v in fields.items())], config, locate_folder(config))


def test_runs_that_differ_in_seed_and_rate_share_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_jobs, "MOST_RUNS", 2)
    runs = [make_run(tmp_path, rule, seed=seed) for seed in range(3) for rule in ("gradient", "printed")]
    runs.append(make_run(tmp_path, learning_rate=0.1))
    assert share_out(runs) == [[0, 2], [4, 6], [1, 3], [5]]


def test_the_runs_of_a_job_are_recorded_and_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [make_run(tmp_path, seed=seed) for seed in range(2)]
    launchers.TeamWork()(runs, tmp_path / "sweep")
    records = [find_record(tmp_path / "sweep", run.overrides) for run in runs]
    assert [record.status for record in records if record] == ["finished"] * 2
    monkeypatch.setattr(launchers, "train_team", None)
    launchers.TeamWork()(runs, tmp_path / "sweep")


def test_runs_that_cannot_begin_together_train_one_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(runs: Any) -> None:
        raise UserError("They do not fit.")

    monkeypatch.setattr(shared_jobs, "train_side_by_side", refuse)
    runs = [make_run(tmp_path, seed=seed) for seed in range(2)]
    assert train_team(runs, tmp_path / "sweep") == 0
    assert "They do not fit. The runs are trained one after another." in capsys.readouterr().err
    assert all((run.folder / "result.json").exists() for run in runs)


def test_each_run_gets_the_reason_of_its_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Job:
        name, log = "7_0", tmp_path / "a" / "b" / "log"

    monkeypatch.setattr(launchers, "_submit", lambda params, shares, sweep: [Job] * len(shares))
    monkeypatch.setattr(launchers.slurm, "wait_for_array", lambda jobs: [f"job {i}" for i in range(len(jobs))])
    runs = [make_run(tmp_path, rule, seed=seed) for seed in range(2) for rule in ("gradient", "printed")]
    assert launchers.start_jobs({"runs_per_job": "auto"})(runs, tmp_path) == {
        0: "job 0",
        2: "job 0",
        1: "job 1",
        3: "job 1",
    }
    assert launchers.start_jobs({"runs_per_job": 3})(runs, tmp_path) == {0: "job 0", 1: "job 0", 2: "job 0", 3: "job 1"}
