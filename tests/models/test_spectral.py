"""The spectral network against a plain NumPy and SciPy reading of its definition; its runs, cut and refused."""

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg
import torch
from helpers import make_engine, one_sentence, random_split, small_config
from tiny import assert_same_bits, at_checkpoint, command, letters, result_of, run_folder

from letterocr.api.reading import rank_outputs
from letterocr.api.trained_run import load
from letterocr.base.errors import UserError
from letterocr.config.check import check_config
from letterocr.config.model.spectral import SpectralConfig
from letterocr.config.optimizer.kfac import KfacConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.data.letters import ALPHABET
from letterocr.engine.autograd import SpectralEngine
from letterocr.models import spectral
from letterocr.run.curve import read_curve

SPLIT = random_split()
MODEL = SpectralConfig(hidden=[6], init_scale=0.1)


def engine(**fields) -> SpectralEngine:
    return make_engine(SPLIT, MODEL, engine="auto", **fields)


def numpy_output(network, a: np.ndarray) -> np.ndarray:
    """Q of one letter, patch by patch as the module's docstring defines it."""
    image, rows = a.reshape(30, 30), []
    for top in range(0, 26, 2):
        for left in range(0, 26, 2):
            patch = image[top : top + 5, left : left + 5]
            cells = [
                2 * math.exp(-((top + 2 - 4.5 - 10 * i) ** 2 + (left + 2 - 4.5 - 10 * j) ** 2) / 100)
                for i in range(3)
                for j in range(3)
            ]
            rows.append([*patch.ravel(), *(np.array(cells) * patch.any())])
    F, W, b = network.weights[0][0].numpy(), network.weights[1][0].numpy(), network.biases[1][0].numpy()
    M = np.cov(F @ np.array(rows).T, bias=True)
    Y = scipy.linalg.logm((M + 0.01 * np.eye(len(M))) / 0.3)
    y = [Y[i, j] * (1 if i == j else math.sqrt(2)) for i in range(len(M)) for j in range(i, len(M))]
    return 1 / (1 + np.exp(-(W @ y + b)))


def test_it_is_what_its_definition_says():
    trained = engine()
    trained.advance(5)
    a = SPLIT.test.images[:4].double().clone()
    a[:, :300] = 0  # patches without ink too
    outputs = trained.network.replica(0).forward(a)[-1]
    np.testing.assert_allclose(outputs.detach(), [numpy_output(trained.network, x) for x in a.numpy()], rtol=1e-9)


def test_the_steps_are_descent_along_central_differences():
    trained = engine(rate=0.5)
    start = {name: t.clone() for name, t in trained.state().items()}
    (place,) = trained.orders[0].indices(0, 1).tolist()
    trained.advance(1)
    network, target = spectral.initialise(MODEL, [0], torch.float64, torch.device("cpu"), 26), trained.targets[place]
    a = trained.images[place : place + 1]

    def loss() -> float:
        return 0.5 * float((network.replica(0).forward(a)[-1][0] - target).square().sum())

    for name, tensor in network.state().items():
        assert torch.equal(tensor, start[name])
        flat, step = tensor.view(-1), (trained.state()[name] - start[name]).view(-1)
        for i in range(0, len(flat), 1 + len(flat) // 20):
            kept, h = flat[i].item(), 1e-6
            sides = []
            for moved in (kept + h, kept - h):
                flat[i] = moved
                sides.append(loss())
            flat[i] = kept
            assert step[i].item() == pytest.approx(-0.5 * (sides[0] - sides[1]) / (2 * h), rel=1e-5, abs=1e-9)


def test_an_empty_image_and_equal_eigenvalues_do_no_harm():
    blank = replace(SPLIT.train, images=torch.zeros_like(SPLIT.train.images))  # F M F^T = 0: equal eigenvalues
    trained = make_engine(replace(SPLIT, train=blank), MODEL, engine="auto", dtype=torch.float32)
    records = trained.advance(10)
    assert np.isfinite(records.loss).all()
    assert all(t.isfinite().all() for t in trained.state().values())


def test_initial_filters_are_orthonormal_and_every_seed_has_its_own():
    network = spectral.initialise(MODEL, [0, 1], torch.float64, torch.device("cpu"), 26)
    for F in network.weights[0]:
        torch.testing.assert_close(F @ F.T, 9 * torch.eye(6, dtype=torch.float64))
    assert not torch.equal(*network.weights[0])
    more = spectral.initialise(SpectralConfig(hidden=[40]), [0], torch.float64, torch.device("cpu"), 26)
    torch.testing.assert_close(more.weights[0][0].norm(dim=1), torch.full((40,), 3.0, dtype=torch.float64))


def test_replicas_learn_as_each_alone():
    both, second = engine(replicas=2, rate=[0.1, 0.2], evaluate_every="10"), engine(rate=0.2, evaluate_every="10")
    one, other = both.advance(20), second.advance(20)
    np.testing.assert_array_equal(one.loss[:, 1], other.loss[:, 0])
    np.testing.assert_array_equal(one.test_error[:, 1], other.test_error[:, 0])
    assert np.isnan(one.test_error[:9]).all()
    assert one.test_error[-1, 1] == both.test_error()[1]


def test_a_rate_without_bounds_ends_in_numbers_that_are_not_finite():
    """The run then says that it diverged; no eigenvalue routine may raise before."""
    model = SpectralConfig(hidden=[6], activation="linear")
    assert np.isnan(make_engine(SPLIT, model, engine="auto", rate=1e100).advance(9).loss[-1])


@pytest.mark.parametrize("linear", [False, True])
def test_it_learns(linear):
    model = SpectralConfig(hidden=[12], init_scale=0.1, activation="linear" if linear else "sigmoid", bias=not linear)
    trained = make_engine(SPLIT, model, engine="auto", rate=0.03 if linear else 1.0, evaluate_every="log")
    assert trained.advance(800).wrong[-100:].mean() < 0.6  # 0.96 by chance


# The command


def overrides(*more: str) -> list[str]:
    own = ["model=spectral", "model.hidden=[6]", "threads=1", "samples=60", "checkpoint_seconds=0"]
    return [*own, "data=images", f"data.path={letters()}", "data.test_per_letter=1", *more]


def test_a_run_that_was_cut_goes_on_to_the_same_bits_and_predicts(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    answer = command(*overrides(f"output={whole}", "replicas=2"))
    assert answer.status == 0, answer.err
    assert "spectral 34-21-26" in answer.out
    with at_checkpoint(3):
        assert command(*overrides(f"output={cut}", "replicas=2")).status == 143
    assert command(*overrides(f"output={cut}", "replicas=2", "resume=true")).status == 0
    folder = run_folder(whole)
    assert_same_bits(folder, run_folder(cut))
    assert np.median(read_curve(folder)[1][-1]) == result_of(folder)["error"]
    _, _, outputs = rank_outputs(load(folder).network, torch.rand(900), ALPHABET)
    assert sum(outputs.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"rule": "printed"}, "rule=printed"),
        ({"batch": "5"}, "batch=5"),
        ({"engine": "blocked"}, "engine=blocked"),
        ({"optimizer": KfacConfig()}, "optimizer=kfac"),
        ({"optimizer": VanillaConfig(momentum=0.5)}, "optimizer.momentum=0.5"),
        ({"optimizer": VanillaConfig(weight_decay=0.5)}, "optimizer.weight_decay=0.5"),
        ({"diagnostics": "rank"}, "diagnostics=rank"),
        ({"model": SpectralConfig(hidden=[6, 5])}, "model.hidden=[6, 5]"),
    ],
)
def test_what_it_can_not_do_is_refused_in_one_sentence(fields, place):
    with pytest.raises(UserError) as caught:
        check_config(small_config(**({"model": MODEL} | fields)))
    one_sentence(caught.value, place, "model=spectral")
