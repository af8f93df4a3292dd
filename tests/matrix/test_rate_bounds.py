"""The rates of the two-layer network: closed forms, NumPy, and real runs just below and just above each bound."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from helpers import make_engine, random_letters
from torch import Tensor

from letterocr.config.model.chain import ChainConfig
from letterocr.data.letters import PIXELS, Letters, Split
from letterocr.matrix import rate_bounds

BELOW, ABOVE = 0.98, 1.02


def model(bias: bool = False) -> ChainConfig:
    return ChainConfig(name="two_layer", hidden=[], activation="linear", bias=bias, init_scale=0.1)


def vectors(count: int, width: int, seed: int = 0) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def drawn(rows: list[list[float]]) -> Letters:
    """Letters of these first pixels, all others empty."""
    images = torch.zeros(len(rows), PIXELS)
    images[:, : len(rows[0])] = torch.tensor(rows)
    return Letters(images, torch.arange(len(rows)))


def losses(letters: Letters, rate: float, epochs: int, bias: bool = False, **fields) -> np.ndarray:
    """The sum of the letters' losses, as each is met, in every epoch of a real run in float64."""
    fields = {"order": "cyclic", "evaluate_every": "log"} | fields
    samples = epochs * len(letters)
    engine = make_engine(Split(letters, random_letters(5, seed=9)), model(bias), rate=rate, samples=samples, **fields)
    return engine.advance(samples).loss[:, 0].reshape(epochs, -1).sum(1)


@pytest.fixture
def letters() -> Letters:
    """Seven letters that some weights read without error."""
    return random_letters(7, seed=3)


# Eigenvalues


def test_the_eigenvalues_of_two_orthogonal_letters_are_their_squares_over_n():
    a = drawn([[2, 0], [0, 1]]).images.double()
    np.testing.assert_allclose(rate_bounds.correlation(a)[:2, :2], [[2, 0], [0, 0.5]])
    np.testing.assert_allclose(rate_bounds.eigenvalues(a), [2, 0.5], rtol=1e-14)


@pytest.mark.parametrize(("count", "width", "rank"), [(5, 12, 5), (40, 12, 12), (40, 12, 4), (9, 30, 4)])
def test_the_eigenvalues_are_numpys_squared_singular_values_over_n(count, width, rank):
    a = vectors(count, rank) @ vectors(rank, width, seed=1)
    expected = np.linalg.svd(a.numpy(), compute_uv=False)[:rank] ** 2 / count
    np.testing.assert_allclose(rate_bounds.eigenvalues(a), expected[: min(rank, count)], rtol=1e-9)
    np.testing.assert_allclose(rate_bounds.correlation(a), np.cov(a.numpy().T, bias=True) + _mean_square(a), atol=1e-12)


def _mean_square(a: Tensor) -> np.ndarray:
    mean = a.numpy().mean(0)
    return np.outer(mean, mean)


def test_the_bias_is_one_more_input():
    letters = random_letters(3, seed=1)
    assert rate_bounds.with_bias(letters.images, False).shape == (3, PIXELS)
    extended = rate_bounds.with_bias(letters.images, True)
    assert extended.dtype == torch.float64
    assert torch.equal(extended[:, :PIXELS], letters.images.double())
    assert torch.equal(extended[:, PIXELS], torch.ones(3, dtype=torch.float64))
    assert rate_bounds.sample_limit(extended, 0.5) == pytest.approx(
        2 / (letters.images.double().square().sum(1).max() + 1)
    )


# Full batch


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("loss_factor", [0.5, 1.0])
def test_full_batch_descent_converges_just_below_the_stability_limit_and_diverges_above(letters, bias, loss_factor):
    curvature = 2 * loss_factor * float(rate_bounds.eigenvalues(rate_bounds.with_bias(letters.images, bias))[0])
    limit = rate_bounds.stability_limit(curvature)
    below, above = (
        losses(letters, factor * limit, 400, bias, loss_factor=loss_factor, batch="all") for factor in (BELOW, ABOVE)
    )
    assert below[-1] < 1e-3 * below[0]  # in 400 steps 0.96^800 of the first direction is left, less of the others
    assert above[-1] > 1e3 * above[0]  # and 1.04^800 of it here
    np.testing.assert_allclose(above[-1] / above[-2], (2 * ABOVE - 1) ** 2, rtol=1e-9)


def test_with_the_factor_two_of_the_paper_lecuns_rate_is_twice_too_large():
    """1/lambda_max is half the limit for the half-loss, and the limit itself for the loss of (4)."""
    largest = float(rate_bounds.eigenvalues(drawn([[2, 0], [0, 1]]).images.double())[0])
    assert 1 / largest == rate_bounds.lecun_rate(2 * 0.5 * largest) == rate_bounds.stability_limit(2 * 1.0 * largest)


def test_the_best_fixed_rate_shrinks_the_error_by_the_ratio_of_the_eigenvalues():
    """Eigenvalues 2 and 1/2: (4 - 1)/(4 + 1) a step at 2/(2 + 1/2), more on either side of it."""
    letters = drawn([[2, 0], [0, 1]])
    best = rate_bounds.best_fixed_rate(2, 0.5)
    assert best == 0.8

    def factor(rate: float) -> float:
        of_epochs = losses(letters, rate, 30, batch="all")
        return math.sqrt(of_epochs[-1] / of_epochs[-2])

    assert factor(best) == pytest.approx(0.6, rel=1e-9)
    assert factor(BELOW * best) > 0.605
    assert factor(ABOVE * best) > 0.605


def test_lecuns_rate_removes_the_first_eigenvectors_error_in_one_step():
    of_epochs = losses(drawn([[2.0]]), rate_bounds.lecun_rate(4.0), 2, batch="all")
    assert of_epochs[1] < 1e-30


# One sample at a time


@pytest.mark.parametrize("order", ["cyclic", "shuffled", "replacement"])
@pytest.mark.parametrize("loss_factor", [0.5, 1.0])
def test_orthogonal_letters_diverge_just_above_the_sample_limit(order, loss_factor):
    """Their errors don't mix: the bound is sharp, the largest letter grows alone."""
    letters = drawn([[1, 0, 0], [0, 2, 0], [0, 0, 0.5]])
    limit = rate_bounds.sample_limit(letters.images.double(), loss_factor)
    assert limit == pytest.approx(1 / loss_factor / 4)
    fields = {"order": order, "loss_factor": loss_factor}
    below, above = (losses(letters, factor * limit, 150, **fields) for factor in (BELOW, ABOVE))
    assert below[-1] < 1e-3 * below[0]
    assert above[-1] > 1e3 * above[0]


@pytest.mark.parametrize(("order", "batch"), [("shuffled", "1"), ("replacement", "1"), ("shuffled", "3")])
def test_up_to_the_sample_limit_no_update_ever_lengthens_the_error(letters, order, batch):
    limit = rate_bounds.sample_limit(letters.images.double(), 0.5)
    engine = make_engine(
        Split(letters, random_letters(5, seed=9)), model(), rate=limit, order=order, batch=batch, samples=210
    )
    a, c = engine.images, engine.targets
    best = (torch.linalg.pinv(a) @ c).mT  # one of the weights that read every letter without error

    def error() -> float:
        return float((engine.network.weights[0][0] - best).norm())

    lengths = [error()]
    for _ in range(210 // int(batch)):
        engine.advance(int(batch))
        lengths.append(error())
    assert np.diff(lengths).max() < 1e-12
    assert lengths[-1] < lengths[0]


# The epoch operator


@pytest.mark.parametrize("chunk", [1, 4, 1000])
def test_the_epoch_operator_is_the_dense_product(monkeypatch, chunk):
    monkeypatch.setattr(rate_bounds, "CHUNK", chunk)
    a = vectors(30, 8)
    alpha, f = 0.05, 0.7
    expected = np.eye(8)
    for letter in a.numpy():
        expected = (np.eye(8) - 2 * f * alpha * np.outer(letter, letter)) @ expected
    np.testing.assert_allclose(rate_bounds.epoch_operator(a, alpha, f), expected, atol=1e-12)


@pytest.mark.parametrize("factor", [0.3, 1.0, 1.3])
def test_the_radius_is_that_of_the_dense_product_in_the_span(factor):
    """Outside the span the dense product is 1: those eigenvalues are left out."""
    a = vectors(6, 10)
    alpha = factor * rate_bounds.sample_limit(a, 0.5)
    product = rate_bounds.epoch_operator(a, alpha, 0.5).numpy()
    sizes = np.abs(np.linalg.eigvals(product))
    outside = np.argsort(np.abs(np.linalg.eigvals(product) - 1))[:4]
    np.testing.assert_allclose(sizes[outside], 1, atol=1e-9)
    assert rate_bounds.epoch_radius(rate_bounds.coordinates(a), alpha, 0.5) == pytest.approx(
        np.delete(sizes, outside).max()
    )


def test_two_unit_letters_at_rate_one_leave_the_squared_cosine_of_their_angle():
    """Two projections in turn (Kaczmarz 1937): the radius is cos^2."""
    angle = 0.7
    a = torch.tensor([[1.0, 0.0], [math.cos(angle), math.sin(angle)]], dtype=torch.float64)
    assert rate_bounds.epoch_radius(a, 1.0, 0.5) == pytest.approx(math.cos(angle) ** 2, rel=1e-12)
    assert rate_bounds.epoch_radius(a, 0.0, 0.5) == 1


def test_coordinates_keep_every_product_of_letters():
    a = vectors(9, 4) @ vectors(4, 30, seed=1)
    coordinates = rate_bounds.coordinates(a)
    assert coordinates.shape == (9, 4)
    np.testing.assert_allclose(coordinates @ coordinates.mT, a @ a.mT, atol=1e-11)


def test_an_epoch_shrinks_the_error_of_a_real_run_by_the_radius():
    letters = drawn([[1, 0], [0.8, 0.6]])
    a = letters.images.double()
    alpha = 0.5
    radius = rate_bounds.epoch_radius(rate_bounds.coordinates(a), alpha, 0.5)
    of_epochs = losses(letters, alpha, 40)
    assert math.sqrt(of_epochs[-1] / of_epochs[-2]) == pytest.approx(radius, rel=1e-6)  # float32 pixels


@pytest.mark.parametrize("bias", [False, True])
def test_cyclic_descent_converges_just_below_the_epoch_limit_and_diverges_above(letters, bias):
    a = rate_bounds.with_bias(letters.images, bias)
    limit = rate_bounds.epoch_limit(rate_bounds.coordinates(a), 0.5)
    assert limit > 1.05 * rate_bounds.sample_limit(a, 0.5)  # the other letters undo what the largest one adds
    below, above = (losses(letters, factor * limit, 250, bias) for factor in (BELOW, ABOVE))
    assert below[-1] < 1e-3 * below[0]
    assert above[-1] > 1e3 * above[0]


def test_the_epoch_limit_is_where_the_radius_passes_one():
    coordinates = rate_bounds.coordinates(vectors(12, 5))
    limit = rate_bounds.epoch_limit(coordinates, 1.0, tolerance=1e-6)
    assert (
        rate_bounds.epoch_radius(coordinates, limit, 1.0)
        < 1
        < rate_bounds.epoch_radius(coordinates, limit * (1 + 2e-6), 1.0)
    )
    assert rate_bounds.epoch_limit(coordinates, 0.5, tolerance=1e-6) == pytest.approx(2 * limit, rel=1e-5)


def test_the_epoch_limit_of_orthogonal_letters_is_their_sample_limit():
    a = torch.diag(torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64))
    assert rate_bounds.epoch_limit(a, 0.5) == pytest.approx(rate_bounds.sample_limit(a, 0.5), rel=1e-3)


def test_a_product_that_overflows_has_an_infinite_radius():
    assert rate_bounds.epoch_radius(vectors(400, 5), 1e3, 0.5) == math.inf
