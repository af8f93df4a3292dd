"""The random streams: the same in every process, and each a stranger to the others."""

import pytest
import torch

from letterocr.base.randomness import make_generator


@pytest.mark.parametrize(
    ("name", "seed"),
    # half of the first eight bytes, little end first, of what `printf 0/weights/0 | sha256sum` prints
    [((0, "weights", 0), 4362053507750869513), ((7, "order", "shuffled", 3), 808123522113585594)],
)
def test_streams_are_those_of_earlier_versions(name, seed):
    assert make_generator(*name).initial_seed() == seed


def test_the_same_name_gives_the_same_numbers():
    assert torch.equal(
        torch.randn(9, generator=make_generator(5, "masks")), torch.randn(9, generator=make_generator(5, "masks"))
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((0, "weights"), (1, "weights")),
        ((0, "weights"), (0, "order")),
        ((0, "weights", 0), (0, "weights", 1)),
        ((1, "weights", 11), (1, "weights", 1)),
        ((1, "weights", 1), (11, "weights", 1)),
    ],
    ids=str,
)
def test_streams_of_other_names_are_uncorrelated(one, other):
    x, y = torch.randn(10_000, generator=make_generator(*one)), torch.randn(10_000, generator=make_generator(*other))
    assert abs((x * y).mean().item()) < 0.05  # five deviations


def test_drawing_from_one_stream_leaves_the_others():
    untouched = torch.randn(9, generator=make_generator(5, "order"))
    weights, order = make_generator(5, "weights"), make_generator(5, "order")
    torch.randn(100, generator=weights)
    assert torch.equal(torch.randn(9, generator=order), untouched)


def test_pytorchs_own_generator_is_left_alone():
    before = torch.get_rng_state()
    torch.randn(9, generator=make_generator(5, "order"))
    assert torch.equal(torch.get_rng_state(), before)
