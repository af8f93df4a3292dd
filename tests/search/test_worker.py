"""What a trial's run reports, and how it ends early."""

from __future__ import annotations

import numpy as np
import optuna
from tiny import assert_same_curve, checkpoints, tiny

from letterocr.compose.from_overrides import compose_config
from letterocr.engine.records import Records
from letterocr.run.curve import Curve
from letterocr.run.training import run
from letterocr.search.worker import Reporter, list_rungs


def curve_of(errors: np.ndarray) -> Curve:
    curve = Curve(len(errors), 1)
    curve.test_error[0] = 1.0
    curve.add(Records(np.ones((len(errors), 1)), np.zeros((len(errors), 1), bool), errors[:, None]))
    return curve


def test_a_run_reports_at_samples_evenly_spaced_in_the_logarithm():
    assert list_rungs(1024)[-3:] == [512, 724, 1024]
    assert list_rungs(0) == [1]
    assert len(list_rungs(20_000)) == 14


def test_a_trial_behind_the_median_of_the_others_is_pruned():
    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=50))
    for end in (0.2, 0.1):
        trial = study.ask()
        assert not Reporter(trial, 100)(curve_of(np.linspace(1, end, 100)))
        study.tell(trial, end)
    behind, ahead, early = study.ask(), study.ask(), study.ask()
    assert Reporter(behind, 100)(curve_of(np.linspace(1, 0.6, 100)))
    assert list(study.trials[2].intermediate_values) == [s for s in list_rungs(100) if s <= 50]  # nothing after that
    assert not Reporter(ahead, 100)(curve_of(np.linspace(1, 0.05, 100)))
    assert not Reporter(early, 100)(curve_of(np.full(40, 1.0)))  # before the warm-up


def test_a_pruned_run_can_go_on_to_the_same_bits(tmp_path):
    config = compose_config(tiny("checkpoint_seconds=1000", "samples=400", f"output={tmp_path / 'a'}", "resume=true"))
    seen = []
    outcome = run(config, live=False, watch=lambda curve: seen.append(curve.sample) or len(seen) == 2)
    assert outcome.status == "pruned"
    assert not (outcome.folder / "result.json").exists()
    assert [path.stem for path in checkpoints(tmp_path / "a")] == [f"{seen[-1]:012d}"]
    assert run(config, live=False).status == "finished"
    whole = compose_config(tiny("samples=400", f"output={tmp_path / 'b'}"))
    assert_same_curve(outcome.folder, run(whole, live=False).folder)
