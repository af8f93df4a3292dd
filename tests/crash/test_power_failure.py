"""A power failure at every moment of a run: from whatever the disk then holds, the same command ends at the same bits.

`make crash` lists the states that a run may leave, as far as `MOST` allows; without LETTEROCR_CRASH a sample of them.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from crash_states import RULES, State, list_crash_states
from disk_record import DiskRecord, Step
from fake_training import FakeEngine, bits, fake_config, fake_run, faked, quick_folder

from letterocr.base.errors import UserError
from letterocr.run.folder import locate_folder
from letterocr.run.outcome import Outcome
from letterocr.run.session import Session
from letterocr.search.plan import Plan, store_plan
from letterocr.search.space import read_space
from letterocr.search.trial_queue import is_counted, open_study
from letterocr.search.worker import work
from letterocr.sweep.attempt import train_attempt
from letterocr.sweep.ledger import clear_records, list_records, read_record

ALL = "LETTEROCR_CRASH" in os.environ
MOST = 1024 if ALL else 64  # states of one moment
SAMPLE = 60  # states of one scenario by one rule that are tried, unless all are


@pytest.fixture
def root() -> Iterator[Path]:
    folder = quick_folder()
    yield folder
    shutil.rmtree(folder)


def restore(root: Path, state: State) -> None:
    """Put a state in place; the machine was off for an hour."""
    for path in root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path, content in sorted(state, key=lambda item: item[0]):
        if content is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(content)
            os.utime(root / path, (time.time() - 3600,) * 2)


def record(root: Path, do: Callable[[Callable[[object], None]], None]) -> list[Step]:
    disk = DiskRecord(root)
    with faked("first boot"), disk.recording():
        do(disk.mark)
    return disk.steps


def try_all(steps: list[Step], check: Callable[[list[object], State], str], sample: int | None = None) -> None:
    """Check the states of each rule; print how many there are, and what came of them."""
    wrong = []
    print()
    for rule in RULES:
        states, counts = list(list_crash_states(steps, rule, 64 if sample else MOST)), Counter[str]()
        sampled = sum(not whole for _, whole, _ in states)
        tried = sample or (len(states) if ALL else SAMPLE)
        if len(states) > tried:
            states = random.Random(0).sample(states, tried)
        for told, _, state in states:
            try:
                counts[check(told, state)] += 1
            except (AssertionError, OSError, UserError) as error:
                counts["WRONG"] += 1
                if counts["WRONG"] < 4:
                    held = sorted(f"{path[-34:]}: {len(content or '')}" for path, content in state)
                    wrong.append(f"{rule}, told {told[-1:]}: {type(error).__name__} {error}\n  " + "\n  ".join(held))
        print(f"{rule}: {len(states)} states, {sampled} of sampled moments: {dict(counts)}")
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def note_saves(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[object], None]]:
    """Tell the first function in the list, if any, of each checkpoint that a session has written."""
    tell, save = [], Session._save

    def save_and_tell(self: Session) -> None:
        save(self)
        if tell and not self.learning.is_over():
            tell[0](self.learning.engine.sample)

    monkeypatch.setattr(Session, "_save", save_and_tell)
    return tell


def check_run(root: Path, whole: dict[str, Any], **fields: Any) -> Callable[[list[object], State], str]:
    """Return the check that the same command goes on from a state and ends at the same bits."""

    def check(told: list[object], state: State) -> str:
        told = told[len(told) - told[::-1].index("given up") :] if "given up" in told else told
        restore(root, state)
        with faked("second boot"):
            outcome = fake_run(root / "out" / "runs", **fields)
            assert outcome.status == "finished"
            assert bits(outcome.folder) == whole
            left = [path.name for path in outcome.folder.rglob("*") if path.name.startswith((".", "lock"))]
            assert outcome.existed or not left
        if "finished" in told:
            assert outcome.existed
        saved = [sample for sample in told if isinstance(sample, int)]
        assert outcome.existed or FakeEngine.begun_at >= max(saved, default=0), (FakeEngine.begun_at, saved)
        return "existed" if outcome.existed else "went on" if FakeEngine.begun_at else "began"

    return check


@pytest.mark.parametrize("fields", [{}, {"tensorboard": True}], ids=["plain", "tensorboard"])
def test_a_run(root: Path, note_saves: list[Callable[[object], None]], fields: dict[str, Any]) -> None:
    if fields and not ALL:
        pytest.skip("only with LETTEROCR_CRASH")

    def train(mark: Callable[[object], None]) -> None:
        note_saves.append(mark)
        assert fake_run(root / "out" / "runs", **fields).status == "finished"
        mark("finished")
        note_saves.clear()

    steps = record(root, train)
    whole = bits(locate_folder(fake_config(root / "out" / "runs")))
    try_all(steps, check_run(root, whole, **fields))


def test_a_run_that_is_resumed_and_then_trained_again(root: Path, note_saves: list[Callable[[object], None]]) -> None:
    """A run is stopped, goes on, is over, and is trained again with force=true: three commands, one record."""
    output = root / "out" / "runs"

    def train(mark: Callable[[object], None]) -> None:
        note_saves.append(mark)
        assert fake_run(output, watch=lambda curve: curve.sample > 6).status == "pruned"
        assert fake_run(output).status == "finished"
        mark("finished")
        mark("given up")  # from here on the user has asked to lose what there was
        assert fake_run(output, force=True).status == "finished"
        mark("finished")
        note_saves.clear()

    steps = record(root, train)
    try_all(steps, check_run(root, bits(locate_folder(fake_config(output)))))


def test_a_sweep(root: Path, note_saves: list[Callable[[object], None]]) -> None:
    """Two runs and the records of their outcomes."""
    overrides = [["seed=1"], ["seed=2"]]
    sweep = root / "sweep"

    def train() -> list[Outcome]:
        clear_records(sweep)
        configs = [fake_config(root / "out", seed=seed, samples=7) for seed in (1, 2)]
        reads = [lambda config=config: (config, locate_folder(config)) for config in configs]
        return [train_attempt(read, names, sweep) for read, names in zip(reads, overrides, strict=True)]

    def begin(mark: Callable[[object], None]) -> None:
        train()
        mark("finished")

    steps = record(root, begin)
    whole = [bits(path.parent) for path in sorted((root / "out").glob("*/result.json"))]

    def check(told: list[object], state: State) -> str:
        restore(root, state)
        with faked("second boot"):
            outcomes = train()
        assert [bits(path.parent) for path in sorted((root / "out").glob("*/result.json"))] == whole
        assert {read_record(path).status for path in list_records(sweep)} == {"finished"}
        existed = sum(outcome.existed for outcome in outcomes)
        assert existed == 2 or "finished" not in told
        return f"{existed} existed"

    try_all(steps, check)


def test_a_search(root: Path, note_saves: list[Callable[[object], None]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A study of three trials by one worker. Optuna's own locks are left out (`crash_states.LOCKS`)."""
    if not ALL:
        pytest.skip("only with LETTEROCR_CRASH, as it takes a minute")
    monkeypatch.setattr("letterocr.search.study_page.write_report", lambda folder: None)
    study = root / "study"
    fields = ["samples=7", "checkpoint_seconds=0", "tensorboard=false", "engine=reference", "device=cpu", "threads=1"]

    def search() -> list[str]:
        store_plan(study, Plan(read_space("learning_rate"), fields, 0))
        assert work(study, 3, say=lambda line: None) == 0
        trials = [trial for trial in open_study(study).get_trials(deepcopy=False) if is_counted(trial)]
        return sorted(f"{trial.params} {trial.state.name} {trial.value!r}" for trial in trials)

    def begin(mark: Callable[[object], None]) -> None:
        search()
        mark("finished")

    steps = record(root, begin)
    with faked("first boot"):
        whole = search()

    def check(told: list[object], state: State) -> str:
        restore(root, state)
        with faked("second boot"):
            began = len([1 for path, _ in state if path.endswith("result.json")])
            assert search() == whole
        return f"{began} runs were over"

    try_all(steps, check, sample=100)
