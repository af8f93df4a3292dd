"""What is like the training letters is told from what is not."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from letterocr.config.data import SyntheticConfig
from letterocr.data import synthetic
from letterocr.data.letters import Letters, Split
from letterocr.data.non_letters import draw_non_letters
from letterocr.matrix.familiarity import (
    Familiarity,
    _find_space,
    _fit_logistic,
    _soften,
    learn_familiarity,
    load_familiarity,
)
from letterocr.matrix.pen_strokes import count_directions


@pytest.fixture(scope="module")
def split() -> Split:
    return synthetic.load(SyntheticConfig(train_per_letter=60, test_per_letter=10))


@pytest.fixture(scope="module")
def familiarity(split) -> Familiarity:
    return learn_familiarity(split.train)


def test_letters_of_other_writers_are_familiar_also_if_soft_and_noise_and_blocks_are_not(split, familiarity):
    for letters in (split.test.images, _soften(split.test.images)):
        assert (familiarity.measure(letters) > 1).float().mean() < 0.03
    noise = torch.rand(30, 900, generator=torch.Generator().manual_seed(0))
    block = torch.zeros(30, 30)
    block[4:26, 4:26] = 1
    others = torch.cat([noise, block.view(1, 900), torch.zeros(1, 900)])
    assert (familiarity.measure(others) > 1).all()


def test_most_drawn_things_are_unlike_letters(split, familiarity):
    things = draw_non_letters(split.train, 60, seed=1)
    assert (familiarity.measure(things) > 1).float().mean() > 0.6


def test_letters_of_one_class_differ_alike_in_all_directions_of_the_space(split):
    directions = count_directions(split.train.images)
    mean, space = _find_space(directions, split.train.labels)
    places = ((directions - mean) @ space).double().numpy()
    labels = split.train.labels.numpy()
    within = sum(np.cov(places[labels == c].T, bias=True) * (labels == c).mean() for c in range(26))
    values = np.linalg.eigvalsh(within)
    assert 0.3 < values[0] <= values[-1] < 1.0001  # 1 but for what keeps small values from being enlarged without end


def test_the_regression_is_where_its_slope_is_zero():
    rng = np.random.default_rng(0)
    letters, others = rng.normal(0, 1, (50, 3)), rng.normal(1, 1, (40, 3))
    weights = _fit_logistic(torch.from_numpy(letters), torch.from_numpy(others)).double().numpy()

    def cost(w: np.ndarray) -> float:
        with_letters, with_others = np.logaddexp(0, letters @ w).mean(), np.logaddexp(0, -others @ w).mean()
        return float(300 * (10 * with_letters + with_others) + 0.5 * (w[:-1] ** 2).sum())

    for k in range(3):
        step = np.eye(3)[k] * 1e-4
        assert abs(cost(weights + step) - cost(weights - step)) / 2e-4 < 0.01


def test_what_is_stored_measures_the_same(split, familiarity, tmp_path):
    familiarity.save(tmp_path / "familiarity.npz")
    again = load_familiarity(tmp_path / "familiarity.npz")
    images = split.test.images
    torch.testing.assert_close(again.measure(images), familiarity.measure(images), atol=0.02, rtol=0)
    assert (tmp_path / "familiarity.npz").stat().st_size < 300_000


def test_one_letter_of_each_class_is_enough(split):
    few = split.train.select(torch.stack([torch.nonzero(split.train.labels == c)[0, 0] for c in range(26)]))
    assert (learn_familiarity(few).measure(few.images) <= 1).all()


@pytest.mark.parametrize("of", ["ones", "single pixels", "pale ink", "no ink", "one letter"])
def test_any_images_can_be_learned(of: str) -> None:
    """A run may learn pictures that are like no letters; its familiarity must not end it."""
    letters = synthetic.load(SyntheticConfig(train_per_letter=2, test_per_letter=1)).train
    pixels, pale = torch.eye(900)[: len(letters)], letters.images / 100
    images = {"ones": torch.ones(len(letters), 900), "single pixels": pixels, "pale ink": pale, "no ink": 0 * pale}.get(
        of, letters.images[:1]
    )
    assert math.isfinite(learn_familiarity(Letters(images, letters.labels[: len(images)])).limit)
