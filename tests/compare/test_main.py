"""The protocol and the command: nothing of the test letters in tuning, equal trials, paired seeds, and resuming."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from forked import ForkedProcess
from helpers import random_letters

from letterocr.compare import __main__ as command
from letterocr.compare import problems, protocol, trial
from letterocr.compare.problems import Problem, Source
from letterocr.compare.protocol import TUNING_SEED, choose, enter, make_cost_table
from letterocr.compare.trial import TrialOutcome
from letterocr.compose.build import build_engine
from letterocr.data.letters import Letters, Split

INF = float("inf")
SPLIT = Split(random_letters(500, seed=1), random_letters(80, seed=2))
SMALL = ["model.hidden=8", "samples=128", "--trials", "3", "--seeds", "3", "--workers", "1"]
TWO = ["optimizer=vanilla,momentum", "model=two_layer,three_layer"]


def forget_letters() -> None:
    problems._load_cached.cache_clear()
    problems._compute_cached.cache_clear()


def give(monkeypatch: pytest.MonkeyPatch, split: Split) -> None:
    """These letters in place of the synthesiser's."""
    forget_letters()
    monkeypatch.setattr("letterocr.data.synthetic.load_once", lambda config: split)


@pytest.fixture(autouse=True)
def _letters(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    give(monkeypatch, SPLIT)
    yield
    forget_letters()


def main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The command in this process; its exit status."""
    monkeypatch.setattr(sys, "argv", ["compare", *arguments])
    try:
        command.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def results(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "results.json").read_text())


def stored(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((folder / "runs").glob("*.json"))]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small comparison, done once."""
    folder = tmp_path_factory.mktemp("compare")
    with pytest.MonkeyPatch.context() as monkeypatch:
        give(monkeypatch, SPLIT)
        assert main(monkeypatch, *SMALL, *TWO, f"output={folder}") == 0
    return folder


def test_every_contender_has_the_same_number_of_trials_and_seeds(done: Path) -> None:
    counts: Counter[Any] = Counter()
    seeds: dict[Any, set[int]] = {}
    for run in stored(done):
        config = run["config"]
        who = (config["model"]["name"], config["optimizer"]["momentum"] > 0, run["part"])
        counts[who] += 1
        seeds.setdefault(who, set()).add(config["seed"])
    trials = {who: n for who, n in counts.items() if who[2] == "trial"}
    assert set(trials.values()) == {3}
    assert len(trials) == 4
    assert all(s == ({TUNING_SEED} if who[2] == "trial" else {0, 1, 2}) for who, s in seeds.items())


def test_a_seed_gives_all_contenders_the_same_start_and_order() -> None:
    entrants = enter([Problem("three_layer", 8, Source("synthetic"), 100)], ["vanilla", "momentum"], 2)
    one, other = ([build_engine(task.config, SPLIT) for task in e.finals(e.values[1], 3)] for e in entrants)
    for a, b in zip(one, other, strict=True):
        for name, tensor in a.network.state().items():
            assert torch.equal(tensor, b.network.state()[name])
        assert torch.equal(a.orders[0].indices(0, 900), b.orders[0].indices(0, 900))
    assert not torch.equal(one[0].network.weights[0], one[1].network.weights[0])


def poisoned(letters: Letters) -> Letters:
    """Other pictures, and labels that are wrong."""
    return Letters(1 - letters.images, (letters.labels + 1) % 26)


def test_test_letters_play_no_part_in_choice_target_or_cost(done: Path, tmp_path: Path, monkeypatch) -> None:
    give(monkeypatch, Split(SPLIT.train, poisoned(SPLIT.test)))
    assert main(monkeypatch, *SMALL, *TWO, f"output={tmp_path}") == 0
    clean, changed = results(done)["problems"], results(tmp_path)["problems"]
    for name, problem in clean.items():
        assert problem["target"] == changed[name]["target"]
        for contender, figures in problem["tuned"].items():
            other = changed[name]["tuned"][contender]
            assert figures["hyperparameters"] == other["hyperparameters"]
            assert figures["to_target"]["samples"] == other["to_target"]["samples"]
            assert figures["final_error"] != other["final_error"]  # the poison works


def test_the_chosen_trial_is_the_best_on_the_validation_letters(done: Path) -> None:
    for name, problem in results(done)["problems"].items():
        runs = [r for r in stored(done) if r["part"] == "trial" and r["config"]["model"]["name"] == name.split("/")[0]]
        for contender, figures in problem["tuned"].items():
            own = [r for r in runs if (r["config"]["optimizer"]["momentum"] > 0) == (contender == "momentum")]
            finished = [r for r in own if r["diverged"] is None]
            best = min(finished, key=lambda r: (r["validation"][-1], np.trapezoid(r["validation"], r["samples"])))
            assert figures["hyperparameters"]["learning_rate"] == best["config"]["learning_rate"]
            assert problem["diverged_trials"][contender] == len(own) - len(finished)


def test_the_target_is_the_baselines_median_validation_error(done: Path) -> None:
    problem = results(done)["problems"]["three_layer/synthetic"]
    rate = problem["tuned"]["vanilla"]["hyperparameters"]["learning_rate"]
    errors = [
        r["validation"][-1]
        for r in stored(done)
        if r["part"] == "final"
        and (r["config"]["model"]["name"], r["config"]["optimizer"]["momentum"]) == ("three_layer", 0)
        and r["config"]["learning_rate"] == rate
    ]
    assert len(errors) == 3
    assert problem["target"] == np.median(errors)
    assert problem["tuned"]["vanilla"]["reached"] >= 2  # so half of the baseline's runs reach it at least


def outcome(*validation: float, diverged: int | None = None) -> TrialOutcome:
    samples = [0, 64, 128][: len(validation)]
    return TrialOutcome(samples, [0.0] * len(samples), list(validation), [], diverged)


def test_divergence_counts_as_infinite_and_ties_go_to_the_lower_curve_then_the_first() -> None:
    assert choose([outcome(0.9, 0.1, diverged=128), outcome(0.9, 0.8, 0.8)]) == 1
    assert choose([outcome(0.9, 0.8, 0.5), outcome(0.9, 0.6, 0.5), outcome(0.9, 0.6, 0.5)]) == 1
    assert choose([outcome(0.9, diverged=128), outcome(0.9, diverged=64)]) == 0


def test_who_does_not_take_part_in_a_problem_does_not_solve_it() -> None:
    standings = {}
    for network, names in (("two_layer", ["vanilla", "newton"]), ("three_layer", ["vanilla"])):
        standing = protocol.Standing()
        for name in names:
            standing.finals["tuned"][name] = protocol.Final({}, 2.0, [outcome(0.9, 0.5, 0.4), outcome(0.9, 0.5, 0.6)])
        standings[Problem(network, 8, Source("synthetic"), 128)] = standing
    assert standing.target == 0.5
    table = make_cost_table(standings, "tuned", "multiply-adds", ["vanilla", "newton"])
    np.testing.assert_array_equal(table, [[128, 128], [128, 128], [128, INF], [128, INF]])


def test_given_again_nothing_is_trained_and_the_tables_are_the_same(done: Path, monkeypatch, capsys) -> None:
    before = [(done / name).read_bytes() for name in ("results.md", "results.json")]
    monkeypatch.setattr(trial, "train", None)  # it would fail
    assert main(monkeypatch, *SMALL, *TWO, f"output={done}") == 0
    assert [(done / name).read_bytes() for name in ("results.md", "results.json")] == before


def test_a_stopped_comparison_goes_on_with_what_is_missing(done: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    calls, train = [], trial.train

    def train_few(task, *stopped):
        calls.append(task.key)
        if len(calls) == 10:
            signal.raise_signal(signal.SIGINT)
        return train(task, *stopped)

    monkeypatch.setattr(trial, "train", train_few)
    arguments = [*SMALL, *TWO, f"output={tmp_path}"]
    assert main(monkeypatch, *arguments) == 128 + signal.SIGINT
    assert capsys.readouterr().err.splitlines() == [
        "letterocr: stopped by SIGINT; what is done is kept: give the same command again."
    ]
    assert len(stored(tmp_path)) == 9
    assert main(monkeypatch, *arguments) == 0
    assert len(calls) == len(set(calls)) + 1  # only the run that was stopped is done twice
    assert {p.name for p in (tmp_path / "runs").iterdir()} == {p.name for p in (done / "runs").iterdir()}
    for run, other in zip(stored(tmp_path), stored(done), strict=True):
        assert (run["validation"], run["test"]) == (other["validation"], other["test"])


def test_tables_and_pictures_are_there(done: Path) -> None:
    text = (done / "results.md").read_text()
    for picture in ("errors-two_layer-synthetic.png", "profile-default.png", "profile-tuned.png"):
        assert f"({picture})" in text
        assert (done / picture).read_bytes().startswith(b"\x89PNG")
    rows = [line for line in text.splitlines() if line.startswith("| momentum |")]
    assert len(rows) == 1 + 4 + 2  # its space, two problems at two settings, two profiles
    assert not list(done.rglob(".*.tmp"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--trials", "0"], "letterocr: --trials 0: must be at least 1."),
        (["data=images", "data.path=/nowhere"], "letterocr: data.path=/nowhere does not exist: give a folder with"),
        (["data=synthetic,synthetic"], "letterocr: data=synthetic,synthetic: two sources have the same name"),
        (["output=/dev/null/x"], "letterocr: /dev/null/x/runs"),
    ],
)
def test_a_mistake_gets_one_sentence(arguments, sentence, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(monkeypatch, *SMALL, *TWO, *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(sentence)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Letters that processes of their own can read: 25 of each class."""
    path = tmp_path_factory.mktemp("letters") / "few.npz"
    letters = random_letters(26 * 25, seed=1)
    images = np.zeros((26 * 25, 12, 12), np.uint8)
    images[:, 1:11, 1:11] = 255 * (letters.images[:, :100].reshape(-1, 10, 10).numpy() > 0.5)
    np.savez(path, images=images, labels=np.arange(26 * 25) % 26)
    return path


def test_processes_come_to_the_same_and_stop_whole(file: Path, tmp_path: Path, monkeypatch) -> None:
    arguments = ["data=images", f"data.path={file}", "optimizer=vanilla", "model=two_layer"]
    arguments += [*SMALL, "--seeds", "1", "--trials", "60"]
    two = ["letterocr.compare", *arguments, f"output={tmp_path / 'two'}", "--workers", "2"]
    process = ForkedProcess(two, tmp_path, dict(os.environ), own_session=True)
    while not list((tmp_path / "two").glob("runs/*.json")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (
        128 + signal.SIGINT,
        "letterocr: stopped by SIGINT; what is done is kept: give the same command again.\n",
    )
    assert not list((tmp_path / "two").rglob(".*.tmp"))
    assert main(monkeypatch, *arguments, f"output={tmp_path / 'one'}") == 0
    for path in (tmp_path / "two" / "runs").iterdir():
        run, other = (json.loads(p.read_text()) for p in (path, tmp_path / "one" / "runs" / path.name))
        assert (run["config"], run["validation"], run["test"]) == (
            other["config"],
            other["validation"],
            other["test"],
        )
