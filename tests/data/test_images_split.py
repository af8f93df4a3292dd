"""Own pictures are parted into training and test letters, by writer where writers are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from own_letters import arrays, assert_are_glyphs, counts, glyph, load_path, make_npz, refused


def all_different(count: int) -> np.ndarray:
    """`count` pictures of every letter, each with one pixel of ink of its own shade of grey."""
    images = np.stack([glyph(c, 40) for _ in range(count) for c in range(26)])
    for i, image in enumerate(images):
        rows, columns = np.nonzero(image)
        image[rows[i % len(rows)], columns[i % len(rows)]] = 130 + i % 100
    return images


def test_pictures_without_writers_are_parted_at_random_by_the_seed(tmp_path):
    path = make_npz(tmp_path / "own.npz", 6, images=all_different(6), writers=None)
    first, again, other = (load_path(path, test_per_letter=2, seed=seed) for seed in (0, 0, 1))
    assert counts(first.train) == [4] * 26
    assert counts(first.test) == [2] * 26
    assert first.train.fingerprint() == again.train.fingerprint()
    assert first.train.fingerprint() != other.train.fingerprint()


def test_no_picture_is_in_both_parts_and_none_is_lost(tmp_path):
    split = load_path(make_npz(tmp_path / "own.npz", 4, images=all_different(4), writers=None))
    everything = torch.cat([split.train.images, split.test.images])
    assert len(everything) == 104
    assert len(everything.unique(dim=0)) == 104


def test_test_letters_are_of_writers_of_their_own(tmp_path):
    split = load_path(make_npz(tmp_path / "own.npz", 6), test_per_letter=2)
    train, test = split.train.writers.unique().tolist(), split.test.writers.unique().tolist()
    assert len(test) == 2
    assert sorted(train + test) == list(range(6))
    assert counts(split.test) == [2] * 26
    assert counts(split.train) == [4] * 26
    assert_are_glyphs(split.train)


def test_the_seed_draws_the_test_writers(tmp_path):
    path = make_npz(tmp_path / "own.npz", 6)
    drawn = [load_path(path, seed=seed).test.writers.unique().tolist() for seed in (0, 0, 1, 2, 3, 4)]
    assert drawn[0] == drawn[1]
    assert len({tuple(d) for d in drawn}) > 1


@pytest.mark.parametrize(
    "names", [np.array(["ann", "bob", "Cäsar"]), np.array([-5, 10**15, 7]), np.array([0.5, -0.5, 3.25]), None]
)
def test_writers_may_have_any_names(tmp_path, names):
    writers = np.zeros(78, dtype=np.int8) if names is None else names[np.arange(3).repeat(26)]
    split = load_path(make_npz(tmp_path / "own.npz", writers=writers))
    if names is None:  # one writer is in both parts: there is no other
        assert counts(split.train) == [2] * 26
    else:
        assert set(split.train.writers.tolist()).isdisjoint(split.test.writers.tolist())
        assert counts(split.train) == [2] * 26


@pytest.mark.parametrize("seed", range(6))
def test_writers_of_a_few_letters_each_are_drawn_so_that_both_parts_have_every_letter(tmp_path, seed):
    whole = arrays(6)  # writers 0 and 1 wrote A..M, 2 and 3 N..Z, 4 nothing but A, 5 everything
    wrote = [(0, 13), (0, 13), (13, 26), (13, 26), (0, 1), (0, 26)]
    first, last = np.array(wrote)[whole["writers"]].T
    kept = (first <= whole["labels"]) & (whole["labels"] < last)
    path = make_npz(tmp_path / "own.npz", **{name: array[kept] for name, array in whole.items()})
    split = load_path(path, test_per_letter=1, seed=seed)
    assert set(split.train.writers.tolist()).isdisjoint(split.test.writers.tolist())
    assert counts(split.test) == [1] * 26
    assert min(counts(split.train)) >= 1


def test_a_writer_whom_the_test_does_not_need_stays_in_training(tmp_path):
    whole = arrays(8)
    kept = (whole["writers"] < 2) | (whole["labels"] == 0)  # all but two writers wrote nothing but A
    path = make_npz(tmp_path / "own.npz", **{name: array[kept] for name, array in whole.items()})
    for seed in range(4):
        split = load_path(path, test_per_letter=1, seed=seed)
        assert counts(split.train)[0] >= 6
        assert counts(split.train)[1:] == [1] * 25


def test_the_suffix_may_be_upper_case_and_ink_as_light_as_paper_is_told_by_its_colour(tmp_path):
    expected = load_path(make_npz(tmp_path / "grey.npz")).train
    ink = arrays(3)["images"][..., None] > 0
    colours = np.where(ink, [200, 30, 70], [20, 115, 22]).astype(np.uint8)  # as light, by the luma of ITU-R 601
    given = load_path(make_npz(tmp_path / "own.npz", images=colours).rename(tmp_path / "OWN.NPZ")).train
    assert torch.equal(given.labels, expected.labels)
    assert (given.images - expected.images).abs().max() < 0.01


def test_at_most_so_many_training_letters(tmp_path):
    split = load_path(make_npz(tmp_path / "own.npz", 6), train_per_letter=3)
    assert counts(split.train) == [3] * 26


@pytest.mark.parametrize("writers", [True, False])
def test_too_few_letters_for_the_test(tmp_path, writers):
    changed = {} if writers else {"writers": None}
    path = make_npz(tmp_path / "own.npz", **changed)
    text = refused(path, "data.test_per_letter=3", "own.npz", "(3 in all", "add pictures", test_per_letter=3)
    assert ("no writer is in both" in text) == writers
    assert len(load_path(path, test_per_letter=2).train) == 26


def test_a_letter_that_only_one_writer_wrote(tmp_path):
    whole = arrays(3)
    kept = (whole["labels"] != 4) | (whole["writers"] == 1)
    path = make_npz(tmp_path / "own.npz", **{name: array[kept] for name, array in whole.items()})
    refused(path, "too few E (1 in all")
