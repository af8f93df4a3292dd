"""Which samples of a run TensorBoard shows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from letterocr.run.shown_samples import list_picture_samples, select_samples


@pytest.mark.parametrize("total", [0, 1, 50, 999, 1000, 1001, 20_000, 10_000_000])
def test_shown_is_few_dense_at_the_start_and_has_the_end(total):
    samples = select_samples(-1, total, total)
    assert len(samples) <= 1000
    assert len(samples) >= min(total + 1, 700)
    assert np.array_equal(samples[:101], np.arange(min(total, 100) + 1))
    assert samples[-1] == total
    assert (np.diff(samples) > 0).all()


def test_shown_is_independent_of_how_the_run_is_cut():
    total, cuts = 20_000, [0, 1, 64, 100, 777, 5000, 19_999, 20_000]
    pieces = [select_samples(first, last, total) for first, last in itertools.pairwise(cuts)]
    assert np.array_equal(np.concatenate(pieces), select_samples(0, total, total))
    assert select_samples(0, total, total)[0] == 1


@pytest.mark.parametrize(("total", "block"), [(0, 32), (1, 1), (300, 32), (20_000, 32), (20_000, 1)])
def test_pictures_fall_between_blocks_and_are_no_more_than_tensorboard_keeps(total, block):
    samples = list_picture_samples(total, block)
    assert len(samples) <= 10
    assert samples[-1] == total
    assert all(sample % block == 0 or sample == total for sample in samples)
