"""A run that diverges ends with its sample, its bound and a whole curve."""

from __future__ import annotations

import signal

import numpy as np
import pyarrow.parquet as pq
import pytest
from cut_runs import stop_after
from linear_runs import find_first_broken_loss, make_linear_config, override_linear
from tiny import (
    assert_same_curve,
    command,
    result_of,
    run_folder,
)

from letterocr.data import images
from letterocr.run.curve import read_curve
from letterocr.run.learning import Learning


@pytest.mark.parametrize(("factor", "formula"), [(0.5, "2/max|a|^2"), (1.0, "1/max|a|^2")])
def test_divergence_ends_the_run_with_its_sample_its_bound_and_a_whole_curve(tmp_path, factor, formula):
    config = make_linear_config(0.1, loss_factor=factor)
    split = images.load(config.data)
    last = find_first_broken_loss(split, config) - 1
    answer = command(*override_linear(0.1, f"loss_factor={factor}", f"output={tmp_path}"))
    assert answer.status == 1
    bound = 1 / factor / float(split.train.images.double().square().sum(1).max())
    assert answer.out.count(f"The safe bound {formula} is {bound:.3g} for these letters.") == 2  # before and after
    assert f"The run diverged at sample {last:,}, after which" in answer.out
    assert "learning_rate=0.1 is too large." in answer.out
    folder = run_folder(tmp_path)
    result = result_of(folder)
    assert (result["status"], result["error"], result["diverged"]) == ("diverged", 1.0, {"0": last - 1})
    curve = pq.read_table(folder / "curve.parquet").to_pydict()
    assert curve["sample"] == list(range(last))
    assert np.isfinite(curve["loss"][1:]).all()
    again = command(*override_linear(0.1, f"loss_factor={factor}", f"output={tmp_path}"))
    assert (again.status, again.out.split(":")[0]) == (1, "This run exists already (diverged)")


def test_the_bias_is_an_input_more_in_the_bound(tmp_path):
    split = images.load(make_linear_config(0.1).data)
    bound = 2 / (float(split.train.images.double().square().sum(1).max()) + 1)
    out = command(*override_linear(0.1, "model.bias=true", f"output={tmp_path}")).out
    assert f"The safe bound 2/max(|a|^2 + 1) is {bound:.3g}" in out


def test_below_the_bound_it_does_not_diverge(tmp_path):
    config = make_linear_config(0.1)
    bound = 2 / float(images.load(config.data).train.images.double().square().sum(1).max())
    answer = command(*override_linear(0.99 * bound, "samples=3000", f"output={tmp_path}"))
    assert answer.status == 0
    assert "diverge" not in answer.out


def test_divergence_at_the_very_last_sample_is_found_too(tmp_path):
    answer = command(*override_linear(3e38, "model.init_scale=100", "samples=1", f"output={tmp_path}"))
    assert answer.status == 1
    assert "The run diverged at sample 1, after which" in answer.out
    assert np.isfinite(pq.read_table(run_folder(tmp_path) / "curve.parquet")["test_error"].to_numpy()).all()


@pytest.fixture(scope="module")
def diverged(tmp_path_factory):
    """The folder of a run that diverged; only to be read."""
    output = tmp_path_factory.mktemp("diverged")
    assert command(*override_linear(0.1, f"output={output}")).status == 1
    return run_folder(output)


@pytest.mark.parametrize("before_end", [0, 1, 3])
def test_divergence_in_a_later_session_is_the_same(tmp_path, monkeypatch, diverged, before_end):
    broken = result_of(diverged)["diverged"]["0"] + 2
    monkeypatch.setattr("letterocr.run.learning.STRETCH_SECONDS", 0)  # a checkpoint after every sample
    overrides = override_linear(0.1, f"output={tmp_path / 'cut'}")
    stop_after(broken - 1 - before_end, *overrides)
    answer = command(*overrides, "resume=true")
    assert answer.status == 1
    cut = run_folder(tmp_path / "cut")
    assert_same_curve(diverged, cut)
    assert result_of(cut)["diverged"] == result_of(diverged)["diverged"]


def test_a_signal_that_comes_with_the_divergence_leaves_a_result(tmp_path, monkeypatch):
    learn = Learning.learn_stretch

    def learn_and_signal(self, limit=None):
        learn(self, limit)
        if self.divergence.last_finite:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Learning, "learn_stretch", learn_and_signal)
    answer = command(*override_linear(0.1, f"output={tmp_path}"))
    assert answer.status == 128 + signal.SIGTERM
    assert result_of(run_folder(tmp_path))["status"] == "diverged"


PAIR = override_linear(0.001, "replicas=2", "learning_rate=[0.001,0.1]")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """What a run of two networks says, of which one diverges, and its folder; only to be read."""
    output = tmp_path_factory.mktemp("pair")
    return command(*PAIR, f"output={output}"), run_folder(output)


def test_of_networks_side_by_side_the_others_go_on(tmp_path, pair):
    answer, folder = pair
    assert answer.status == 0
    last = find_first_broken_loss(images.load(make_linear_config(0.1).data), make_linear_config(0.1)) - 1
    assert f"Network 2 of 2 diverged at sample {last:,}, after which" in answer.out
    assert "learning_rate=0.1 is too large" in answer.out
    command(*override_linear(0.001, f"output={tmp_path / 'one'}"))
    one, errors = (read_curve(path)[1].T for path in (run_folder(tmp_path / "one"), folder))
    assert errors.shape == (2, 301)
    np.testing.assert_array_equal(errors[0], one[0])
    assert (errors[1, last:] == 1).all()
    assert (errors[1, 1:last] < 1).any()
    result = result_of(folder)
    assert result["status"] == "finished"
    assert result["error"] == (errors[0, -1] + 1) / 2
    assert result["diverged"] == {"1": last - 1}


def test_a_diverged_network_among_others_is_remembered_by_a_later_session(tmp_path, pair):
    stop_after(7, *PAIR, f"output={tmp_path / 'cut'}")
    assert command(*PAIR, "resume=true", f"output={tmp_path / 'cut'}").status == 0
    (_, whole), cut = pair, run_folder(tmp_path / "cut")
    assert_same_curve(whole, cut)
    assert result_of(cut)["diverged"] == result_of(whole)["diverged"]
