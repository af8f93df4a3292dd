"""`learning_rate=auto`: the number it stands for, what it refuses, and runs that go on with it to the same bits."""

from __future__ import annotations

import json
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from helpers import one_sentence, random_letters, random_split, small_config
from tiny import assert_same_bits, at_checkpoint, command, letters, result_of, run_folder, tiny

from letterocr.base.errors import UserError
from letterocr.base.files import read_json
from letterocr.compose.build import build_engine, list_replica_seeds
from letterocr.compose.learning_rates import (
    compute_bound,
    estimate_initial_curvatures,
    format_rates,
    make_initial_network,
    resolve_learning_rates,
    warn_of_last_batch,
)
from letterocr.config.check import check_config
from letterocr.config.data import ImagesConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.model.spectral import SpectralConfig
from letterocr.config.optimizer.asgd import AsgdConfig
from letterocr.config.optimizer.kfac import KfacConfig
from letterocr.config.optimizer.newton import NewtonConfig
from letterocr.config.optimizer.sgd import SgdConfig
from letterocr.config.optimizer.torch import TorchConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Letters
from letterocr.models.chain import initialise
from letterocr.run.training import run

LETTERS = random_letters(60, seed=1)


def two_layer(**fields) -> TrainConfig:
    model = ChainConfig(name="two_layer", hidden=[], activation="linear", bias=False, init_scale=0.1)
    return small_config(**{"model": model, "learning_rate": "auto"} | fields)


def deeper(**fields) -> TrainConfig:
    return small_config(**{"model": ChainConfig(hidden=[20]), "learning_rate": "auto"} | fields)


# The number


def test_numbers_stay_what_they_are():
    assert resolve_learning_rates(two_layer(learning_rate=0.3, replicas=2), LETTERS) == [0.3, 0.3]
    assert resolve_learning_rates(two_layer(learning_rate=[0.3, 1], replicas=2), LETTERS) == [0.3, 1.0]


@pytest.mark.parametrize("batch", ["1", "7"])
@pytest.mark.parametrize("loss_factor", [0.5, 1.0])
def test_per_sample_and_in_batches_it_is_the_safe_bound(batch, loss_factor):
    config = two_layer(batch=batch, loss_factor=loss_factor, replicas=2)
    expected = 1 / loss_factor / float(LETTERS.images.double().square().sum(1).max())
    assert resolve_learning_rates(config, LETTERS) == pytest.approx([expected, expected], rel=1e-12)
    assert compute_bound(config, LETTERS).value == pytest.approx(expected)


@pytest.mark.parametrize("loss_factor", [0.5, 1.0])
def test_for_the_full_batch_it_is_the_best_fixed_rate(loss_factor):
    config = two_layer(batch="all", loss_factor=loss_factor)
    squares = np.linalg.svd(LETTERS.images.double().numpy(), compute_uv=False) ** 2 / 60
    expected = 1 / loss_factor / (squares[0] + squares[-1])
    assert resolve_learning_rates(config, LETTERS) == pytest.approx([expected], rel=1e-9)
    limit = compute_bound(config, LETTERS)
    assert limit.value == pytest.approx(1 / loss_factor / squares[0])
    assert str(limit).startswith(f"The safe bound {1 / loss_factor:g}/lambda_max is ")


def test_all_letters_drawn_with_replacement_are_a_batch_like_any_other():
    config = two_layer(batch="all", order="replacement")
    assert resolve_learning_rates(config, LETTERS) == resolve_learning_rates(two_layer(), LETTERS)


def test_sgd_that_divides_by_keep_gets_that_much_less():
    plain, rescaled = (two_layer(optimizer=SgdConfig(keep=0.25, rescale=rescale)) for rescale in (False, True))
    assert resolve_learning_rates(plain, LETTERS) == resolve_learning_rates(two_layer(), LETTERS)
    assert resolve_learning_rates(rescaled, LETTERS)[0] == 0.25 * resolve_learning_rates(plain, LETTERS)[0]


@pytest.mark.parametrize("factor", [0.98, 1.02])
def test_the_mean_square_of_a_masked_error_shrinks_below_its_bound_and_grows_above(factor):
    """The mean over all 16 masks of four weights, each kept with probability 1/4, of one letter's own error."""
    a = torch.tensor([0.5, 1.0, 2.0, 0.3], dtype=torch.float64)
    masks = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 4).double()
    chances = (0.25 * masks + 0.75 * (1 - masks)).prod(1)
    alpha = factor * 0.25 * 2 / float(a @ a)
    after = a - alpha / 0.25 * (a @ a) * masks * a  # of the error a itself
    assert (float(chances @ after.square().sum(1)) < float(a @ a)) == (factor < 1)


def test_deeper_networks_get_one_over_their_own_curvature():
    config = deeper(replicas=2, seed=3)
    curvatures = estimate_initial_curvatures(config, LETTERS)
    assert curvatures[0] != curvatures[1]
    assert resolve_learning_rates(config, LETTERS) == [1 / c for c in curvatures]
    assert compute_bound(config, LETTERS) is None
    assert (
        estimate_initial_curvatures(deeper(seed=4), LETTERS) == curvatures[1:]
    )  # the second replica is the run of seed 4


def test_each_replica_has_its_own_temperature():
    model = ChainConfig(hidden=[20], temperature=[1.0, 10.0])
    one, ten = resolve_learning_rates(deeper(model=model, replicas=2), LETTERS)
    # the same weights in units of T: every second derivative is T^2 times less
    assert ten == pytest.approx(100 * one, rel=1e-3)


def test_the_initial_network_is_the_runs():
    config = deeper(model=ChainConfig(hidden=[20], init_scale=[1.0, 2.0]), replicas=2, dtype="float64")
    whole = initialise(config.model, list_replica_seeds(config), torch.float64, torch.device("cpu"), 26)
    for r in range(2):
        for name, tensor in make_initial_network(config, r, 26).state().items():
            assert torch.equal(tensor, whole.replica(r).state()[name])


def test_replicas_in_a_few_characters():
    assert format_rates([0.00781234]) == "0.007812"
    assert format_rates([0.25, 0.125, 0.25]) == "0.125 to 0.25"


# What it refuses


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"optimizer": KfacConfig()}, "no bound is known for the learning rate of optimizer=kfac; give a number"),
        ({"optimizer": NewtonConfig()}, "no bound is known for the learning rate of optimizer=newton; give a number"),
        ({"optimizer": TorchConfig()}, "no bound is known for the learning rate of optimizer=Adam; give a number"),
        ({"optimizer": VanillaConfig(momentum=0.9)}, "without momentum and weight decay"),
        ({"optimizer": VanillaConfig(weight_decay=0.1)}, "without momentum and weight decay"),
        ({"model": SpectralConfig(hidden=[20])}, "model=spectral is not a chain of weight matrices"),
        ({"loss_factor": 0}, "loss_factor=0 leaves nothing to learn"),
    ],
)
def test_what_has_no_bound_is_refused_before_any_letter_is_read(fields, parts):
    with pytest.raises(UserError) as error:
        check_config(two_layer(**fields))
    one_sentence(error.value, "learning_rate=auto: ", parts)
    check_config(two_layer(**fields | {"learning_rate": 0.1}))
    assert compute_bound(two_layer(**fields), LETTERS) is None


@pytest.mark.parametrize("optimizer", [VanillaConfig(), SgdConfig(), AsgdConfig()])
def test_plain_descent_is_not_refused(optimizer):
    check_config(two_layer(optimizer=optimizer))


def test_empty_letters_and_flat_losses_get_one_sentence():
    empty = Letters(torch.zeros(5, 900), torch.arange(5))
    with pytest.raises(UserError) as error:
        resolve_learning_rates(two_layer(), empty)
    one_sentence(error.value, "learning_rate=auto", "are empty")
    with pytest.raises(UserError) as error:
        resolve_learning_rates(deeper(model=ChainConfig(hidden=[20], init_scale=1e9)), LETTERS)  # every s' rounds to 0
    one_sentence(error.value, "learning_rate=auto", "the curvature at the start is 0")


# Runs


def facts_of(folder: Path) -> list[float]:
    return json.loads((folder / "environment.json").read_text())["learning_rates"]


@pytest.mark.parametrize("model", ["two_layer", "three_layer"])
def test_a_run_shows_and_stores_the_number_and_equals_the_run_with_it(tmp_path, model):
    answer = command(*tiny("learning_rate=auto", f"output={tmp_path / 'auto'}", model=model))
    assert answer.status == 0, answer.err
    folder = run_folder(tmp_path / "auto")
    (alpha,) = facts_of(folder)
    assert f"learning rate auto = {alpha:.4g}" in answer.out
    assert "may diverge" not in answer.out
    assert "learning_rate: auto" in (folder / "config.yaml").read_text()
    command(*tiny(f"learning_rate={alpha!r}", f"output={tmp_path / 'number'}", model=model))
    assert_same_bits(folder, run_folder(tmp_path / "number"))
    assert facts_of(run_folder(tmp_path / "number")) == [alpha]
    assert result_of(folder)["status"] == "finished"


def test_a_stopped_run_goes_on_with_the_stored_number_to_the_same_bits(tmp_path):
    overrides = tiny("learning_rate=auto", "replicas=2")
    command(*overrides, f"output={tmp_path / 'whole'}")
    cut = [*overrides, f"output={tmp_path / 'cut'}"]
    with at_checkpoint(3):
        command("checkpoint_seconds=0", *cut)
    stored = AssertionError("it is stored")
    with mock.patch("letterocr.compose.learning_rates.resolve_learning_rates", side_effect=stored):
        answer = command(*cut, "resume=true")
    assert answer.status == 0, answer.err
    whole, folder = run_folder(tmp_path / "whole"), run_folder(tmp_path / "cut")
    assert_same_bits(whole, folder)
    assert facts_of(whole) == facts_of(folder)
    low, high = sorted(facts_of(folder))
    assert f"learning rate auto = {low:.4g} to {high:.4g}" in answer.out


@pytest.mark.parametrize("stored", [None, "fast", [], [0.1, 0.2], ["0.1"]])
def test_a_number_that_was_lost_gets_one_sentence(tmp_path, stored):
    overrides = tiny("learning_rate=auto", f"output={tmp_path}", model="two_layer")
    with at_checkpoint(2):
        command("checkpoint_seconds=0", *overrides)
    path = run_folder(tmp_path) / "environment.json"
    path.write_text(json.dumps(read_json(path) | {"learning_rates": stored}))
    answer = command(*overrides, "resume=true")
    assert answer.status == 2
    assert answer.sentence == f"{path} lacks the learning_rates of the run: start again with force=true."


def test_the_full_batch_at_its_best_rate_is_not_held_against_the_bound_of_single_samples(tmp_path):
    overrides = tiny("learning_rate=auto", "batch=all", "samples=3120", f"output={tmp_path}", model="two_layer")
    answer = command(*overrides)
    assert answer.status == 0, answer.err
    assert "diverge" not in answer.out
    error = result_of(run_folder(tmp_path))["error"]
    assert error < 0.2  # of the tiny alphabet; at the start it is near 25/26


@pytest.mark.parametrize(("samples", "better"), [(121, 120), (40, 60)])
def test_a_smaller_last_batch_is_told_before_training(samples, better):
    config = two_layer(batch="all", samples=samples)
    alphas = resolve_learning_rates(config, LETTERS)
    assert warn_of_last_batch(config, LETTERS, alphas) == (
        f"samples={samples} is not a multiple of the 60 training letters: the last update takes {samples % 60} of "
        f"them, for which the learning rate may be too large; take samples={better}."
    )
    for fields in ({"samples": 120}, {"batch": "7"}, {"order": "replacement"}, {"batch": "1"}):
        assert warn_of_last_batch(two_layer(**{"batch": "all", "samples": samples} | fields), LETTERS, alphas) is None
    assert (
        warn_of_last_batch(config, LETTERS, resolve_learning_rates(two_layer(), LETTERS)) is None
    )  # safe for every batch


def test_a_run_says_so(tmp_path):
    out = command(*tiny("learning_rate=auto", "batch=all", f"output={tmp_path}", model="two_layer")).out
    assert "samples=300 is not a multiple of the 104 training letters: the last update takes 92 of them" in out


def test_the_command_refuses_it_for_other_optimizers():
    answer = command(*tiny("learning_rate=auto", "optimizer=smd"))
    assert answer.status == 2
    assert answer.sentence == (
        "learning_rate=auto: no bound is known for the learning rate of optimizer=smd; give a number."
    )


def test_auto_works_from_python_too(tmp_path):
    model = ChainConfig(name="two_layer", hidden=[], activation="linear", bias=True, init_scale=0.1)
    data = ImagesConfig(path=str(letters()), test_per_letter=1)
    fields = {"engine": "reference", "threads": 1, "tensorboard": False, "output": str(tmp_path)}
    config = small_config(model=model, data=data, learning_rate="auto", samples=30, **fields)
    outcome = run(config, live=False)
    assert outcome.status == "finished"
    assert len(facts_of(outcome.folder)) == 1


def test_an_engine_takes_given_rates_before_the_configs():
    engine = build_engine(two_layer(replicas=2, samples=5), random_split(), [0.25, 0.5])
    assert [float(o.rate.at(0, 1)[0]) for o in engine.optimizers] == [0.25, 0.5]
