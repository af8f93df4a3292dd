"""One run: measured at the same samples as all, equal to the engine's own run, infinite once it diverged."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import one_sentence, random_letters, small_config

from letterocr.base.errors import UserError
from letterocr.compare import problems
from letterocr.compare.trial import TrialOutcome, list_measured_samples, make_trial_run, perform, read_outcome, train
from letterocr.compose.build import build_engine
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Split

LINEAR = ChainConfig("two_layer", [], "linear", bias=False, init_scale=0.1)
SPLIT = Split(random_letters(400, seed=1), random_letters(60, seed=2))


def forget_letters() -> None:
    problems._load_cached.cache_clear()
    problems._compute_cached.cache_clear()


@pytest.fixture(autouse=True)
def _letters(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Random letters in place of the synthesiser's."""
    forget_letters()
    monkeypatch.setattr("letterocr.data.synthetic.load_once", lambda config: SPLIT)
    yield
    forget_letters()


def config(rate: float = 0.001, **fields) -> TrainConfig:
    return small_config(
        **{"model": LINEAR, "learning_rate": rate, "samples": 300, "device": "cpu", "threads": 1} | fields
    )


@pytest.mark.parametrize("samples", [1, 64, 65, 1000, 5000])
def test_measured_samples_start_at_none_end_at_all_and_grow_by_a_tenth(samples: int) -> None:
    places = np.array(list_measured_samples(samples))
    assert (places[0], places[-1]) == (0, samples)
    steps = np.diff(places)
    assert (steps > 0).all()
    assert (places[1:-1] % 64 == 0).all()
    assert (steps <= np.maximum(64, 0.1 * places[:-1] + 64)).all()


def test_a_run_is_the_engines_own() -> None:
    outcome = train(make_trial_run(config(), "final", 3))
    assert outcome is not None
    fitting, validation = problems.split_for_tuning(SPLIT.train).train, problems.split_for_tuning(SPLIT.train).test
    for letters, errors in ((validation, outcome.validation), (SPLIT.test, outcome.test)):
        engine = build_engine(config(seed=3), Split(fitting, letters))
        expected = [float(engine.test_error()[0])]
        for start, stop in zip(outcome.samples, outcome.samples[1:], strict=False):
            engine.advance(stop - start)
            expected.append(float(engine.test_error()[0]))
        assert errors == expected
    assert outcome.seconds == sorted(outcome.seconds)
    assert outcome.diverged is None


def test_a_trial_has_no_test_error() -> None:
    outcome = train(make_trial_run(config(), "trial", 0))
    assert outcome is not None
    assert outcome.test == []
    assert len(outcome.validation) == len(outcome.samples)


def test_a_run_that_diverges_is_infinite_and_ends() -> None:
    outcome = train(make_trial_run(config(rate=1.0, samples=5000), "final", 0))
    assert outcome is not None
    assert outcome.diverged is not None
    assert outcome.diverged < 5000
    assert outcome.final(outcome.test) == outcome.mean(outcome.test) == math.inf
    assert outcome.first_at(1.0) is None


def test_figures_of_an_outcome_worked_by_hand() -> None:
    outcome = TrialOutcome([0, 10, 40], [0.0, 1.0, 2.0], [1.0, 0.5, 0.25], [1.0, 0.6, 0.2])
    assert outcome.final(outcome.test) == 0.2
    assert outcome.mean(outcome.test) == pytest.approx((0.8 * 10 + 0.4 * 30) / 40)
    assert [outcome.first_at(t) for t in (1.0, 0.5, 0.3, 0.2)] == [0, 1, 2, None]


def test_a_run_is_named_by_what_it_is() -> None:
    keys = {
        make_trial_run(c, part, seed).key
        for c, part, seed in [
            (config(), "trial", 0),
            (config(), "final", 0),
            (config(), "trial", 1),
            (config(rate=0.002), "trial", 0),
            (config(samples=301), "trial", 0),
            (config(optimizer=VanillaConfig(momentum=0.5)), "trial", 0),
        ]
    }
    assert len(keys) == 6
    same = make_trial_run(replace(config(), threads=2, output="elsewhere"), "trial", 0)
    assert same.key == make_trial_run(config(), "trial", 0).key


def test_runs_that_timed_more_than_the_training_are_not_taken_for_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to commit 7b812a8, which gave these keys, the following of validation letters was timed too."""
    monkeypatch.setattr("letterocr.compare.trial.compute_fingerprint", lambda config, part: "the letters")
    assert make_trial_run(config(), "trial", 0).key != "d528b649ef05"
    assert make_trial_run(config(rate=0.002, threads=2), "final", 3).key != "145771b9e474"


def test_only_a_final_run_is_named_by_the_test_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [make_trial_run(config(), part, 0).key for part in ("trial", "final")]
    forget_letters()
    monkeypatch.setattr("letterocr.data.synthetic.load_once", lambda c: Split(SPLIT.train, random_letters(60, seed=3)))
    after = [make_trial_run(config(), part, 0).key for part in ("trial", "final")]
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)


def test_an_outcome_is_kept_and_read_back(tmp_path: Path) -> None:
    task = make_trial_run(config(samples=100), "final", 0)
    assert read_outcome(task, tmp_path) is None
    perform(task, tmp_path)
    outcome = read_outcome(task, tmp_path)
    assert outcome is not None
    assert outcome.samples == list_measured_samples(100)
    stored = json.loads(task.path(tmp_path).read_text())
    assert stored["config"]["learning_rate"] == 0.001
    task.path(tmp_path).write_text("{}")
    with pytest.raises(UserError) as refused:
        read_outcome(task, tmp_path)
    one_sentence(refused.value, "is damaged", str(tmp_path))


def test_a_run_that_is_stopped_keeps_nothing(tmp_path: Path) -> None:
    task = make_trial_run(config(), "trial", 0)
    perform(task, tmp_path, stopped=lambda: True)
    assert read_outcome(task, tmp_path) is None
    assert not task.path(tmp_path).exists()
