"""What is like the training letters is told from what is not; the measures against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from letterocr.config.data import SyntheticConfig
from letterocr.data import synthetic
from letterocr.data.letters import Split
from letterocr.matrix.familiarity import Familiarity, learn_familiarity, load_familiarity, measure_strokes


@pytest.fixture(scope="module")
def split() -> Split:
    return synthetic.load(SyntheticConfig(train_per_letter=60, test_per_letter=10))


@pytest.fixture(scope="module")
def familiarity(split) -> Familiarity:
    return learn_familiarity(split.train)


def test_letters_of_other_writers_are_familiar_and_noise_and_blocks_are_not(split, familiarity):
    assert (familiarity.measure(split.test.images, split.test.labels) > 1).float().mean() < 0.03
    noise = torch.rand(30, 900, generator=torch.Generator().manual_seed(0))
    block = torch.zeros(30, 30)
    block[4:26, 4:26] = 1
    others = torch.cat([noise, block.view(1, 900)])
    for c in range(26):
        assert (familiarity.measure(others, torch.full((31,), c)) > 1).all()


def test_the_basis_is_that_of_the_singular_value_decomposition(familiarity):
    gram = familiarity.basis @ familiarity.basis.T
    torch.testing.assert_close(gram, torch.eye(len(gram)), atol=1e-4, rtol=0)


def test_a_training_letter_is_nearer_as_its_own_class(split, familiarity):
    image, label = split.train.images[:1], split.train.labels[:1]
    own = familiarity._measure_each(image, label)[0, 0]
    other = familiarity._measure_each(image, (label + 1) % 26)[0, 0]
    assert own < other


def test_what_is_stored_measures_the_same(split, familiarity, tmp_path):
    familiarity.save(tmp_path / "familiarity.npz")
    again = load_familiarity(tmp_path / "familiarity.npz")
    args = split.test.images, split.test.labels
    torch.testing.assert_close(again.measure(*args), familiarity.measure(*args), atol=0.01, rtol=0)
    assert (tmp_path / "familiarity.npz").stat().st_size < 300_000


def test_the_strokes_of_a_bar():
    image = np.zeros((30, 30), np.float32)
    image[5:25, 13:17] = 1  # 4 wide, 20 long
    thickness, largest, length, uneven, crossed, corners = measure_strokes(image.ravel())
    assert thickness == pytest.approx(4, abs=0.6)
    assert largest == pytest.approx(4, abs=0.6)
    assert length == pytest.approx(20, rel=0.2)
    assert uneven < 0.1
    assert (crossed, corners) == (2, 4)


def test_one_letter_of_each_class_is_enough(split):
    few = split.train.select(torch.stack([torch.nonzero(split.train.labels == c)[0, 0] for c in range(26)]))
    assert (learn_familiarity(few).measure(few.images, few.labels) <= 1).all()
