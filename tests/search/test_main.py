"""Searches on tiny runs: shared, killed, taken up, gone on with, reused."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path
from unittest import mock

import optuna
import pytest
from tiny import at_checkpoint, checkpoints, tiny, wait_until

from letterocr.base.heartbeat import Presence
from letterocr.run.training import run
from letterocr.search import worker
from letterocr.search.__main__ import main
from letterocr.search.plan import WORKERS, read_plan
from letterocr.search.trial_queue import TrialQueue, is_counted, open_study
from letterocr.search.worker import list_rungs

QUICK = ("tensorboard=false", "samples=60")


def search(folder: Path, *arguments: str, space: str = "learning_rate", trials: int = 3, page: bool = False) -> int:
    """The command in this process, without the second that its page takes; its exit status."""
    given = [f"search={space}", *tiny(*QUICK), "--output", str(folder), "--trials", str(trials), *arguments]
    without = contextlib.nullcontext() if page else mock.patch("letterocr.search.study_page.write_report")
    with without, pytest.raises(SystemExit) as end:
        main(given)
    return int(end.value.code or 0)


def trials_of(folder: Path) -> list[optuna.trial.FrozenTrial]:
    return open_study(folder).get_trials()


def runs_of(folder: Path) -> dict[str, int]:
    """When each run of the study was over, by its folder's name."""
    return {path.parent.name: path.stat().st_mtime_ns for path in folder.glob("runs/*/result.json")}


def space_file(tmp_path: Path, text: str) -> str:
    (tmp_path / "own.yaml").write_text(text)
    return str(tmp_path / "own.yaml")


# Workers


def start_worker(folder: Path, trials: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "letterocr.search", "worker", str(folder), "--trials", str(trials)]
    return subprocess.Popen(
        command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def start_search(folder: Path, *arguments: str, trials: int) -> subprocess.Popen[str]:
    """The command with two workers, as a process of its own."""
    given = ["search=learning_rate", *tiny(*QUICK), "--output", str(folder), "--trials", str(trials), "--workers", "2"]
    command = [sys.executable, "-m", "letterocr.search", *given, *arguments]
    return subprocess.Popen(
        command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


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
        "letterocr: stopped by SIGTERM; the same command goes on with the study.\n",
    )
    assert not list((folder / "workers").glob("*.json"))
    assert not list(folder.glob("runs/*/lock.*"))
    stopped = [t for t in trials_of(folder) if t.state.name == "FAIL"]
    assert all(t.user_attrs["given_back"] for t in stopped)
    assert len(stopped) == 2


def test_a_killed_workers_trial_is_taken_up_where_it_stopped(tmp_path):
    folder = tmp_path / "s"
    assert search(folder, "samples=4000", "checkpoint_seconds=0.3", trials=1) == 0
    (done,) = runs_of(folder)
    victim = start_worker(folder, 2)

    def stopped() -> bool:
        """Stopped with a checkpoint, and without a lock that others would wait 30 seconds for."""
        if all(done in str(path) for path in checkpoints(folder / "runs")):
            return False
        victim.send_signal(signal.SIGSTOP)
        if list(folder.glob("*.lock")):
            victim.send_signal(signal.SIGCONT)
            return False
        return True

    try:
        wait_until(stopped, victim)
    finally:
        victim.kill()
        victim.communicate()
    assert search(folder, "samples=4000", "checkpoint_seconds=0.3", trials=2) == 0
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
    more = ("samples=2000", "checkpoint_seconds=0")
    with at_checkpoint(1):
        assert search(folder, *more, trials=1) == 128 + signal.SIGTERM
    assert not runs_of(folder)
    assert search(folder, *more, trials=1) == 0
    stopped, again = trials_of(folder)
    assert (stopped.user_attrs["reason"], stopped.user_attrs["given_back"]) == ("stopped by a signal", True)
    assert (again.state.name, again.params, again.user_attrs["retries"]) == ("COMPLETE", stopped.params, 0)


# Going on


def test_a_study_goes_on_with_what_is_missing(tmp_path):
    assert search(tmp_path / "s", trials=2) == 0
    before = runs_of(tmp_path / "s")
    assert search(tmp_path / "s", trials=2) == 0
    assert runs_of(tmp_path / "s") == before
    assert search(tmp_path / "s", trials=3) == 0
    after = runs_of(tmp_path / "s")
    assert len(after) == 3
    assert before.items() <= after.items()


def test_one_worker_draws_the_same_trials_in_one_go(tmp_path):
    for trials in (1, 3):
        assert search(tmp_path / "parts", trials=trials) == 0
    assert search(tmp_path / "whole", trials=3) == 0
    parts, whole = ([(t.params, t.value) for t in trials_of(tmp_path / name)] for name in ("parts", "whole"))
    assert parts == whole


def test_the_same_run_is_not_trained_twice(tmp_path):
    space = space_file(tmp_path, "learning_rate: {choices: [0.01, 0.1]}")
    assert search(tmp_path / "s", space=space, trials=5) == 0
    trials = trials_of(tmp_path / "s")
    assert len(trials) == 5
    assert len(runs_of(tmp_path / "s")) == 2
    for rate in (0.01, 0.1):
        assert len({t.value for t in trials if t.params["learning_rate"] == rate}) == 1
    assert {tuple(t.intermediate_values) for t in trials} == {tuple(list_rungs(60))}


# Ending early


def test_a_search_prunes(tmp_path):
    """Every rate but the first is hopeless; the runs are watched after every stretch."""
    space = space_file(tmp_path, "learning_rate: {low: 1e-9, high: 2e-9}")
    folder = tmp_path / "s"
    with (
        mock.patch("letterocr.search.trial_queue.STARTUP", 1),
        mock.patch("letterocr.run.session.STRETCH_SECONDS", 0.0),
    ):
        assert search(folder, space=space, trials=1) == 0
        with mock.patch.object(worker.Reporter, "__call__", return_value=True):
            assert search(folder, space=space, trials=2) == 0
        assert search(folder, space=space, trials=3, page=True) == 0
    assert [t.state.name for t in trials_of(folder)] == ["COMPLETE", "PRUNED", "COMPLETE"]
    assert "1 stopped early" in (folder / "report.html").read_text()


# Mistakes, failures


def test_a_crash_fails_its_trial_and_no_other(tmp_path, capsys):
    calls = []

    def crash(*arguments, **named):
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError("nothing\nto share")
        return run(*arguments, **named)

    with mock.patch("letterocr.search.worker.run", crash):
        assert search(tmp_path / "s", trials=3, page=True) == 0
    assert [t.state.name for t in trials_of(tmp_path / "s")] == ["COMPLETE", "FAIL", "COMPLETE"]
    (failure,) = (tmp_path / "s").glob("runs/*/failure.json")
    assert json.loads(failure.read_text())["reason"].startswith("ZeroDivisionError")
    assert "Failed trials" in (tmp_path / "s" / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--trials", "3"], "name one search space"),
        (["search=learning_rate", "--trials", "0"], "--trials=0"),
        (["search=learning_rate", "--workers", "0"], "--workers=0"),
        (["search=learning_rate", "output=x"], "output=x: a search decides this"),
        (["search=learning_rate", "-m", "sample=3"], ""),
        (["search=learning_rate", "sample=3"], "did you mean samples?"),
        (["search=learning_rate", "--sbatch=--time=1"], "for --launcher slurm only"),
        (["report", "nowhere"], "no study's folder"),
    ],
)
def test_a_mistake_gets_one_sentence_and_status_2(arguments, parts, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert parts in said
    if parts:
        assert len(said.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_study_of_other_settings_is_refused(tmp_path, capsys):
    assert search(tmp_path / "s", trials=1) == 0
    capsys.readouterr()
    assert search(tmp_path / "s", "seed=1", trials=1) == 2
    assert "holds a study of other settings" in capsys.readouterr().err


# The page, SLURM


def test_the_page_holds_everything_itself(tmp_path):
    space = space_file(tmp_path, "learning_rate: {low: 0.001, high: 0.1, log: true}\nrule: {choices: [printed, eq18]}")
    with mock.patch("letterocr.search.trial_queue.STARTUP", 10):
        assert search(tmp_path / "s", space=space, trials=10, page=True) == 0
    page = (tmp_path / "s" / "report.html").read_text()
    sources = re.findall(r'(?:src|href)="([^"]{0,30})', page)
    assert len(sources) == 6  # history, curves, importance, a slice for each field, parallel coordinates
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    best = min(trials_of(tmp_path / "s"), key=lambda t: (t.value, t.number))
    first = page.partition("Best trials")[2].partition("<tr><td>")[2]
    assert first.startswith(f"{best.number}</td><td>{100 * best.value:.1f} %")


def fake_sbatch(folder: Path, text: str, monkeypatch) -> None:
    path = folder / "sbatch"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_slurm_gets_an_array_of_workers(tmp_path, monkeypatch, capsys):
    fake_sbatch(tmp_path, f'printf "%s\\n" "$@" > {tmp_path}/got; echo 42', monkeypatch)
    assert search(tmp_path / "s", "--launcher", "slurm", "--workers", "7", "--sbatch=--time=1:00") == 0
    got = (tmp_path / "got").read_text().splitlines()
    assert {"--array=0-6", "--time=1:00", "--parsable"} <= set(got)
    assert got[-1].endswith(f"-m letterocr.search worker {tmp_path / 's'} --trials 3")
    assert "Job 42" in capsys.readouterr().out


def test_what_sbatch_refuses_is_told(tmp_path, monkeypatch, capsys):
    fake_sbatch(tmp_path, "echo 'no such\npartition' >&2; exit 1", monkeypatch)
    assert search(tmp_path / "s", "--launcher", "slurm") == 2
    assert "sbatch refuses: no such partition." in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert search(tmp_path / "s", "--launcher", "slurm") == 2
    assert "no sbatch on this machine" in capsys.readouterr().err
