"""Text that someone else may have written, damaged in every way: presets, search spaces, plans, journals, overrides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fuzzed import INPUTS, TOKENS, Damage, Refused, attempt, damage, damages, tries
from hypothesis import given
from hypothesis import strategies as st

from letterocr.base.heartbeat import Presence, format_owner, is_alive, read_owner
from letterocr.compare.trial import TrialRun, read_outcome
from letterocr.compose.from_overrides import compose_config
from letterocr.compose.presets import find_conf_folder
from letterocr.config.train import TrainConfig
from letterocr.search.plan import Plan, read_plan
from letterocr.search.space import SearchedField, read_space
from letterocr.search.trial_queue import JOURNAL, TrialQueue
from letterocr.sweep.ledger import read_record

PRESET = b"""# @package _global_
defaults:
  - override /optimizer: sgd
seed: &seed 3
model:
  hidden: [40, 30]
learning_rate: 0.1
hydra:
  job: {name: "x", chdir: false}
"""
KEYS = ["seed", "model", "model.hidden", "optimizer", "hydra.searchpath", "hydra.job.name", "experiment", "data.path"]


@pytest.mark.skipif(not INPUTS, reason="only make fuzz tries this")
@tries(12, 0.1)
@given(done=damages())
def test_presets(tmp_path: Path, done: list[Damage]) -> None:
    folder = tmp_path / "presets"
    (folder / "experiment").mkdir(parents=True, exist_ok=True)
    (folder / "experiment" / "mine.yaml").write_bytes(damage(PRESET, done))
    attempt(lambda: compose_config([f"hydra.searchpath=[{folder}]", "experiment=mine"]), "")


@pytest.mark.skipif(not INPUTS, reason="only make fuzz tries this")
@tries(25, 0.1)
@given(
    key=st.sampled_from(KEYS) | st.text(max_size=8),
    value=st.sampled_from([t.decode("latin-1") for t in TOKENS]) | st.text(max_size=12),
    sign=st.sampled_from(["", "", "", "+", "++", "~"]),
)
def test_overrides(key: str, value: str, sign: str) -> None:
    found = attempt(lambda: compose_config([f"{sign}{key}={value}"]), "")
    assert isinstance(found, (Refused, TrainConfig))


@tries(30, 1)
@given(done=damages())
def test_search_spaces(tmp_path: Path, done: list[Damage]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(damage((find_conf_folder() / "search" / "vanilla.yaml").read_bytes(), done))
    attempt(lambda: read_space(str(path)), "mine.yaml")


@tries(30, 1)
@given(done=damages())
def test_plans_of_studies(tmp_path: Path, done: list[Damage]) -> None:
    field = {"choices": [], "low": 0.1, "high": 1.0, "log": True, "whole": False}
    plan = json.dumps({"space": {"learning_rate": field}, "overrides": ["seed=1"], "seed": 0}).encode()
    (tmp_path / "study.json").write_bytes(damage(plan, done))
    found = attempt(lambda: read_plan(tmp_path), tmp_path.name)
    assert isinstance(found, (Refused, Plan))


@pytest.mark.skipif(not INPUTS, reason="only make fuzz tries this")
@tries(30, 1)
@given(done=damages())
def test_records_of_sweeps_and_comparisons(tmp_path: Path, done: list[Damage]) -> None:
    record = {"overrides": ["seed=1"], "folder": "x", "status": "running", "error": None, "reason": ""}
    (tmp_path / "record.json").write_bytes(damage(json.dumps(record).encode(), done))
    attempt(lambda: read_record(tmp_path / "record.json"), "record.json")
    task = TrialRun(TrainConfig(), "trial", "0" * 12)
    task.path(tmp_path).parent.mkdir(exist_ok=True)
    task.path(tmp_path).write_bytes((tmp_path / "record.json").read_bytes())
    attempt(lambda: read_outcome(task, tmp_path), task.key)


@tries(30, 1)
@given(done=damages())
def test_owners_of_locks(tmp_path: Path, done: list[Damage]) -> None:
    (tmp_path / "lock.1.json").write_bytes(damage(format_owner().encode(), done))
    owner = read_owner(tmp_path / "lock.1.json")
    attempt(lambda: is_alive(owner, 10.0), "")


@pytest.mark.skipif(not INPUTS, reason="only make fuzz tries this")
@tries(12, 0.05)
@given(done=damages())
def test_journals_of_searches(tmp_path_factory: pytest.TempPathFactory, done: list[Damage]) -> None:
    folder = tmp_path_factory.mktemp("study")
    plan = Plan({"learning_rate": SearchedField(low=0.1, high=1.0)}, [])
    with Presence(folder / "workers") as presence:
        queue = TrialQueue(folder, plan, presence, 10)
        queue.study.tell(queue.take(2), 0.5)
        journal = folder / JOURNAL
        journal.write_bytes(damage(journal.read_bytes(), done))

        def go_on() -> int:
            again = TrialQueue(folder, plan, presence, 10)
            again.take(3)
            return len(again.study.get_trials())

        attempt(go_on, folder.name)
