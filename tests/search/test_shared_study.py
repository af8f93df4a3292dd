"""Workers share a study: processes of their own, stopped, killed and taken up."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

from cut_runs import EVERY_STRETCH
from forked import ForkedProcess
from held import GO
from studies import QUICK, runs_of, search, trials_of
from tiny import at_checkpoint, checkpoints, tiny, wait_until

from letterocr.base.heartbeat import Presence
from letterocr.search.plan import WORKERS, read_plan
from letterocr.search.trial_queue import TrialQueue, is_counted


def start_worker(folder: Path, trials: int, go: Path) -> ForkedProcess:
    """A worker whose runs wait until that file exists."""
    command = ["letterocr.search", "worker", str(folder), "--trials", str(trials)]
    return ForkedProcess(command, Path(__file__).parents[2], {**os.environ, GO: str(go)})


def start_search(folder: Path, *arguments: str, trials: int) -> ForkedProcess:
    """The command with two workers, as a process of its own."""
    given = ["search=learning_rate", *tiny(*QUICK), f"output={folder}", "--trials", str(trials), "--workers", "2"]
    return ForkedProcess(["letterocr.search", *given, *arguments], Path(__file__).parents[2], dict(os.environ))


def test_two_workers_share_a_study_and_train_each_trial_once(tmp_path):
    process = start_search(tmp_path / "s", trials=4)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    trials = trials_of(tmp_path / "s")
    assert [t.state.name for t in trials] == ["COMPLETE"] * 4
    assert {t.user_attrs["run"] for t in trials} == set(runs_of(tmp_path / "s"))
    assert sorted(re.findall(r"trial (\d+):", out)) == list("0123")
    assert (tmp_path / "s" / "report.html").exists()
    assert not list((tmp_path / "s" / "workers").glob("*.json"))


def test_a_signal_stops_all_workers_with_checkpoints_and_the_study_goes_on(tmp_path):
    folder = tmp_path / "s"
    long = ("samples=200000", "checkpoint_seconds=1000", "evaluate_every=1000")
    process = start_search(folder, *long, trials=2)
    wait_until(lambda: len(list(folder.glob("runs/*/lock.*.json"))) == 2, process)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate()
    assert (process.returncode, err) == (
        128 + signal.SIGTERM,
        "letterocr: stopped by SIGTERM; the same command continues the study.\n",
    )
    assert not list((folder / "workers").glob("*.json"))
    assert not list(folder.glob("runs/*/lock.*"))
    stopped = [t for t in trials_of(folder) if t.state.name == "FAIL"]
    assert all(t.user_attrs["given_back"] for t in stopped)
    assert len(stopped) == 2


def test_a_killed_workers_trial_is_taken_up_where_it_stopped(tmp_path):
    folder = tmp_path / "s"
    assert search(folder, EVERY_STRETCH, trials=1) == 0
    (done,) = runs_of(folder)
    victim = start_worker(folder, 2, tmp_path / "go")
    wait_until(lambda: len([path for path in checkpoints(folder / "runs") if done not in str(path)]) == 2, victim)
    victim.kill()
    victim.communicate()
    assert search(folder, EVERY_STRETCH, trials=2) == 0
    first, lost, again = trials_of(folder)
    assert (first.state.name, lost.state.name) == ("COMPLETE", "FAIL")
    assert lost.user_attrs["reason"] == "its worker died"
    assert again.params == lost.params
    assert again.user_attrs["run"] == lost.user_attrs["run"]
    assert [is_counted(t) for t in (first, lost, again)] == [True, False, True]
    (log,) = [p for p in folder.glob("workers/*.log") if "trial 2" in p.read_text()]
    assert "resumed at" in log.read_text()


def test_a_trial_that_kills_its_workers_is_given_up(tmp_path):
    folder = tmp_path / "s"
    assert search(folder, trials=1) == 0
    with Presence(folder / WORKERS) as present:
        queue = TrialQueue(folder, read_plan(folder), present, 60)
        for _ in range(4):
            trial = queue.take(2)
            assert trial is not None
            queue.note(trial, "worker", "one that is dead")
        assert queue.take(2) is None
    lost = trials_of(folder)[1:]
    assert len({json.dumps(t.params) for t in lost}) == 1
    assert [t.user_attrs["given_back"] for t in lost] == [True, True, True, False]
    assert "4 times" in lost[-1].user_attrs["reason"]


def test_a_signal_leaves_a_trial_that_goes_on(tmp_path):
    folder = tmp_path / "s"
    more = ("samples=300", EVERY_STRETCH)
    with at_checkpoint(1):
        assert search(folder, *more, trials=1) == 128 + signal.SIGTERM
    assert not runs_of(folder)
    assert search(folder, *more, trials=1) == 0
    stopped, again = trials_of(folder)
    assert (stopped.user_attrs["reason"], stopped.user_attrs["given_back"]) == ("stopped by a signal", True)
    assert (again.state.name, again.params, again.user_attrs["retries"]) == ("COMPLETE", stopped.params, 0)
