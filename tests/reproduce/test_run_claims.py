"""Claims about training: their measures by hand, verdicts from stored curves, and small runs from beginning to end."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from letterocr.base.quartiles import compute_quartiles
from letterocr.base.signals import StoppedError
from letterocr.config.data import SyntheticConfig
from letterocr.config.train import TrainConfig
from letterocr.data.synthetic import load
from letterocr.engine.records import Records
from letterocr.reproduce import run_claims as claims
from letterocr.reproduce.finding import FAILS, HOLDS, Material
from letterocr.run.curve import Curve

SMALL = SyntheticConfig(train_per_letter=2, test_per_letter=1)


@pytest.fixture
def material(tmp_path: Path) -> Material:
    return Material(load(SMALL), SMALL, tmp_path / "runs", samples=60, replicas=2, every=5, threads=1)


def test_configs_are_those_of_the_presets(material):
    three = claims.make_config("paper/fig7", "three_layer", "printed", material)
    assert (three.model.hidden, three.model.temperature, three.learning_rate) == ([1800], 150, 0.02)
    assert (three.rule, three.samples, three.replicas, three.evaluate_every) == ("printed", 60, 2, "5")
    assert three.data is SMALL
    four = claims.make_config("paper/fig8", "four_layer", "gradient", material)
    assert (four.model.hidden, four.model.temperature, four.rule) == ([1800, 1800], 1, "gradient")
    two = claims.make_config("paper/fig7", "two_layer", "printed", material)
    assert (two.model.hidden, two.learning_rate) == ([], 0.0005)


def test_jumps_are_the_changes_of_the_second_half():
    errors = np.array([[1.0, 0.5], [0.0, 0.5], [0.2, 0.5], [0.5, 0.5], [0.1, 0.5]])
    np.testing.assert_allclose(claims.error_jumps(errors), [np.sqrt((0.3**2 + 0.4**2) / 2), 0])


def test_final_errors_are_those_where_the_curve_ends():
    assert claims.final_errors(np.arange(40.0).reshape(20, 2)).tolist() == [38, 39]


def test_the_first_sample_below_a_mark():
    errors = np.array([[0.9, 0.9], [0.5, 0.8], [0.6, 0.7], [0.1, 0.6]])
    assert claims.find_first_below(np.array([0, 10, 20, 30]), errors, 0.5).tolist() == [10, np.inf]


def test_quartiles_of_samples_that_were_never_reached():
    np.testing.assert_allclose(compute_quartiles(np.array([1.0, 2, 3, 4])), [1.75, 2.5, 3.25])
    assert compute_quartiles(np.array([10, 20, np.inf, np.inf, np.inf])) == (20, np.inf, np.inf)


@pytest.mark.parametrize(
    ("slower", "jumpier", "verdict"),
    [
        ([True, True], [2.5, 3.0], HOLDS),
        (
            [True, True],
            [1.5, 3.0],
            "holds only if much less stable means error jumps 1.5 times (printed rule) and 3.0 times (gradient rule) "
            "as large",
        ),
        ([True, True], [0.5, 1.0], "does not hold: four layers are slower, but not less stable"),
        ([True, False], [2.5, 3.0], "holds only if the printed rule trains it"),
        ([False, False], [2.5, 3.0], FAILS),
    ],
)
def test_the_verdict_on_four_layers(slower, jumpier, verdict):
    assert claims.judge_stability(slower, jumpier) == verdict


def stored(folder: Path, errors: np.ndarray) -> Path:
    """A run folder with the curve of two replicas that have the same errors."""
    curve = Curve(len(errors) - 1, 2)
    curve.test_error[0] = errors[0]
    both = np.stack([errors, errors], 1)[1:]
    curve.add(Records(np.ones_like(both), np.zeros(both.shape, bool), both))
    curve.save(folder / "curve.parquet")
    return folder


def test_verdicts_follow_the_curves(tmp_path, material):
    """Three layers end lower with the printed rule only; four are later and their error jumps."""
    calm, wild = np.linspace(0.9, 0.1, 40), np.linspace(0.95, 0.3, 40) + np.tile([0.0, 0.04], 20)
    curves = {
        ("two_layer", "printed"): np.linspace(0.9, 0.2, 40),
        ("three_layer", "printed"): calm,
        ("three_layer", "gradient"): np.minimum(calm + 0.15, 1),
        ("four_layer", "printed"): wild,
        ("four_layer", "gradient"): np.minimum(wild + 0.15, 1),
    }
    folders = {key: stored(tmp_path / "-".join(key), errors) for key, errors in curves.items()}
    with mock.patch.object(claims, "train_once", lambda experiment, model, rule, _: folders[model, rule]):
        two, four = claims.judge_two_against_three(material), claims.judge_four_layers(material)
    assert two.verdict == "holds only if the printed rule trains it"
    (table,) = two.tables
    assert table.rows[0] == ["printed rule, two layers", "20.0", "20.0", "20.0", "0 of 2"]
    assert "two layers is 20.0 %" in two.evidence  # the text and the curve end at the same number
    assert two.figures["fig7"].axes[0].get_legend_handles_labels()[1][0] == "two layers: 20.0 % at the end"
    assert four.verdict == HOLDS
    assert list(four.figures) == ["fig8"]
    assert len(four.figures["fig8"].axes) == 2


def small(experiment: str, model: str, rule: str, material: Material) -> TrainConfig:
    """The same run with thirty hidden values, in the plain engine."""
    config = config_of(experiment, model, rule, material)
    return replace(
        config, model=replace(config.model, hidden=[30 for _ in config.model.hidden]), engine="reference", device="cpu"
    )


config_of = claims.make_config


def test_runs_are_trained_once(material, capsys):
    with mock.patch.object(claims, "make_config", small):
        first = claims.judge_four_layers(material)
        folders = sorted(material.runs.iterdir())
        written = [(folder / "curve.parquet").stat().st_mtime_ns for folder in folders]
        again = claims.judge_four_layers(material)
    assert len(folders) == 4
    assert [(folder / "curve.parquet").stat().st_mtime_ns for folder in folders] == written
    assert first.tables == again.tables
    assert first.verdict == again.verdict


def test_a_stopped_run_stops_the_command(material, capsys):
    class Stop:
        signal, folder = signal.SIGTERM, Path()

    with mock.patch("letterocr.run.training.run", return_value=Stop()), pytest.raises(StoppedError) as stopped:
        claims.train_once("paper/fig7", "two_layer", "printed", material)
    assert stopped.value.number == signal.SIGTERM
