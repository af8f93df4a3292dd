"""The order of the samples: what each kind promises, and that it is a function of seed and position alone."""

import pytest
import torch

from letterocr.data.order import Order

KINDS = ["shuffled", "replacement", "cyclic"]


def test_shuffled_shows_every_letter_once_in_each_epoch():
    epochs = Order("shuffled", 50, seed=3).indices(0, 200).view(4, 50)
    for epoch in epochs:
        assert sorted(epoch.tolist()) == list(range(50))
    assert len({tuple(epoch.tolist()) for epoch in epochs}) == 4


def test_cyclic_shows_the_letters_as_stored():
    assert Order("cyclic", 5, seed=3).indices(3, 9).tolist() == [3, 4, 0, 1, 2, 3, 4, 0, 1]


def test_replacement_draws_every_letter_equally_often_in_the_long_run():
    draws = Order("replacement", 50, seed=3).indices(0, 50_000)
    counts = torch.bincount(draws, minlength=50)
    assert counts.sum() == 50_000
    assert len(counts) == 50
    assert (counts - 1000).abs().max() < 5 * 1000**0.5
    first = draws[:50].tolist()
    assert len(set(first)) < 45  # with replacement about 50 (1 - 1/e) = 32 of 50 are seen


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("first", "count"), [(0, 1), (6, 1), (7, 1), (5, 4), (13, 15), (20, 0), (0, 40)])
def test_any_stretch_is_that_part_of_the_whole_order(kind, first, count):
    whole = Order(kind, 7, seed=1).indices(0, 40)
    assert torch.equal(Order(kind, 7, seed=1).indices(first, count), whole[first : first + count])


@pytest.mark.parametrize("kind", KINDS)
def test_asking_backwards_gives_the_same_samples(kind):
    order = Order(kind, 7, seed=1)
    whole = order.indices(0, 40)
    assert torch.equal(torch.cat([order.indices(i, 1) for i in reversed(range(40))]).flip(0), whole)


@pytest.mark.parametrize("kind", ["shuffled", "replacement"])
def test_each_seed_has_an_order_of_its_own(kind):
    assert not torch.equal(Order(kind, 50, seed=0).indices(0, 50), Order(kind, 50, seed=1).indices(0, 50))


def test_pytorchs_own_generator_plays_no_part():
    torch.manual_seed(0)
    one = Order("shuffled", 50, seed=0).indices(0, 50)
    torch.manual_seed(1)
    assert torch.equal(Order("shuffled", 50, seed=0).indices(0, 50), one)
