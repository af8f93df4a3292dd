"""Searches on tiny runs: gone on with, reused, ended early, refused; the page, and SLURM's workers."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from unittest import mock

import optuna
import pytest
from studies import runs_of, search, space_file, trials_of

from letterocr.run.training import run
from letterocr.search import worker
from letterocr.search.__main__ import main
from letterocr.search.trial_queue import open_study
from letterocr.search.worker import list_rungs

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


def test_a_worker_whose_trial_another_has_ended_goes_on_with_the_next(tmp_path, capsys):
    folder, train = tmp_path / "s", worker.train_trial

    def lose(queue, trial, *rest):
        if trial.number == 0:
            open_study(folder).tell(0, state=optuna.trial.TrialState.FAIL)
            trial.report(0.5, 1)
        return train(queue, trial, *rest)

    with mock.patch("letterocr.search.worker.train_trial", lose):
        assert search(folder, trials=2) == 0
    assert "trial 0 was taken over by another worker" in capsys.readouterr().out
    assert [trial.state.name for trial in trials_of(folder)] == ["FAIL", "COMPLETE"]


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
        mock.patch("letterocr.run.learning.STRETCH_SECONDS", 0.0),
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
        (["search=learning_rate", "resume=x"], "resume=x: a search decides this"),
        (["search=learning_rate", "-m", "sample=3"], ""),
        (["search=learning_rate", "sample=3"], "did you mean samples?"),
        (["search=learning_rate", "--sbatch=--time=1"], "is only for --launcher slurm; leave it out"),
        (["report", "nowhere"], "nowhere is not the folder of a study"),
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
    page = re.sub(r"<script>.*?</script>", "", (tmp_path / "s" / "report.html").read_text(), flags=re.DOTALL)
    assert re.findall(r'(?:src|href)="([^"]*)', page) == ["data:,"]
    assert page.count('class="chart"') == 6  # history, curves, a slice for each field, parallel coordinates, importance
    best = min(trials_of(tmp_path / "s"), key=lambda t: (t.value, t.number))
    assert f"{100 * best.value:.1f} % of the test letters misread (trial {best.number})" in page
    assert page.index("Best so far") < page.index("letterocr train model=three_layer") < page.index("History")
    first = page.partition("All trials")[2].partition("<tbody>")[2]
    assert re.sub(r"<[^>]*>", " ", first).split()[:3] == [str(best.number), f"{100 * best.value:.1f}", "%"]


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
