"""The synthetic letters: what the pen draws has known widths, and writers, order and grey levels are as promised."""

import itertools
import math
from dataclasses import asdict, replace

import pytest
import torch
from helpers import small_config

from letterocr.base.randomness import make_generator
from letterocr.config.data import ALPHABETS, SyntheticConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.data import pen, skeletons, synthetic
from letterocr.run.training import run

SMALL = SyntheticConfig(train_per_letter=12, test_per_letter=4, repetitions=2)


@pytest.fixture(scope="module")
def small():
    return synthetic.load(SMALL)


def line(*points, radius):
    """One polyline as the pen takes it."""
    path = torch.tensor([points], dtype=torch.float64)
    return path, torch.full(path.shape[:2], radius, dtype=torch.float64), torch.ones(1, len(points) - 1, dtype=bool)


@pytest.mark.parametrize("radius", [0.6, 1.0, 1.7, 3.2])
@pytest.mark.parametrize("x", [15.0, 15.5, 14.8])
def test_a_straight_stroke_is_as_wide_as_its_pen(radius, x):
    drawn = pen.draw(*line((x, 5), (x, 25), radius=radius)).view(30, 30)
    middle_rows = drawn[8:22].sum(1)  # far from the round ends
    assert torch.allclose(middle_rows, torch.full((14,), 2 * radius), atol=8 / 255 / 2 + 1e-6)


def test_the_ink_of_a_round_ended_stroke_is_rectangle_plus_disc():
    radius, length = 2.0, 15.0
    drawn = pen.draw(*line((6.2, 7.3), (6.2 + 0.6 * length, 7.3 + 0.8 * length), radius=radius))
    # the rim falls from 1 to 0 between r - 1/2 and r + 1/2: a disc's ink is then pi (r^2 + 1/12)
    assert drawn.sum().item() == pytest.approx(2 * radius * length + math.pi * (radius**2 + 1 / 12), rel=0.01)


def test_a_tapering_stroke_has_the_pens_width_at_every_place():
    path, _, down = line((15, 3), (15, 27), radius=1.0)
    drawn = pen.draw(path, torch.tensor([[1.0, 3.0]], dtype=torch.float64), down).view(30, 30)
    rows = torch.arange(8, 22)
    expected = 2 * (1 + 2 * (rows + 0.5 - 3) / 24)
    assert torch.allclose(drawn[rows].sum(1), expected, atol=0.1)


def test_a_lifted_pen_draws_nothing_and_what_leaves_the_picture_is_cut():
    path, radius, down = line((5, 5), (25, 25), radius=1.5)
    assert not pen.draw(path, radius, ~down).any()
    across = pen.draw(*line((-40, 15), (70, 15), radius=1.0)).view(30, 30)
    assert torch.equal(across.sum(0), torch.full((30,), 2.0))


def test_crossing_strokes_do_not_add_up():
    path, radius, down = line((5, 15), (25, 15), (5, 15), radius=2.0)
    assert torch.equal(pen.draw(path, radius, down), pen.draw(*line((5, 15), (25, 15), radius=2.0)))


def test_a_path_is_read_as_bezier_curves():
    assert skeletons.parse("M0 0L3 6M1 1Q4 1 4 4") == [
        [((0, 0), (1, 2), (2, 4), (3, 6))],
        [((1, 1), (3, 1), (4, 2), (4, 4))],
    ]
    with pytest.raises(ValueError, match="no part of a skeleton"):
        skeletons.parse("M0 0H5")
    with pytest.raises(ValueError, match="no part of a skeleton"):
        skeletons.parse("M0 0C1 2 3 4")


def test_a_sampled_form_keeps_corners_length_and_strokes():
    points, owner = skeletons.sample("M35 0L0 100M35 0L70 100M12 62L58 62")
    kept = [p for p, o in zip(points, owner, strict=True) if o >= 0]
    assert {owner.count(o) > 5 for o in (0, 1, 2)} == {True}
    assert len(points) == skeletons.POINTS
    for corner in ((0.0, -0.5), (-0.35, 0.5), (0.35, 0.5), (-0.23, 0.12), (0.23, 0.12)):
        assert min(math.dist(corner, p) for p in kept) < 1e-12
    pairs = itertools.pairwise(zip(points, owner, strict=True))
    steps = [math.dist(a, b) for (a, s), (b, t) in pairs if s == t >= 0]
    assert sum(steps) == pytest.approx(2 * math.hypot(0.35, 1) + 0.46)
    assert max(steps) < 1.6 * sum(steps) / len(steps)


@pytest.mark.parametrize("alphabet", ALPHABETS.values(), ids=ALPHABETS)
def test_every_letter_has_several_forms(alphabet):
    forms = skeletons.load_skeletons(alphabet)
    counts = torch.diff(forms.first, append=torch.tensor([len(forms.points)]))
    assert counts.min() >= 3
    assert forms.stroke.max() < synthetic.STROKES
    assert torch.allclose(forms.chance[:, -1], torch.ones(len(alphabet), dtype=torch.float64))
    assert (forms.points.abs() <= 0.8).all()


def test_the_same_seed_gives_the_same_letters_and_another_seed_others(small):
    again = synthetic.load(SMALL)
    assert torch.equal(again.train.images, small.train.images)
    assert torch.equal(again.test.labels, small.test.labels)
    other = synthetic.load(SyntheticConfig(train_per_letter=12, test_per_letter=4, repetitions=2, seed=1))
    assert (other.train.images != small.train.images).any(1).all()


def test_threads_do_not_change_the_letters(small):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3 if threads != 3 else 1)
        changed = torch.get_num_threads()
        assert torch.equal(synthetic.load(SMALL).train.images, small.train.images)
        assert torch.get_num_threads() == changed
        writers = synthetic.invent(9, make_generator(0, "test"))
        who, labels = torch.arange(234) % 9, torch.arange(234) % 26
        many = synthetic.write(writers, who, labels, make_generator(1, "test"))
        torch.set_num_threads(1)
        one = synthetic.write(writers, who, labels, make_generator(1, "test"))
        assert ((many - one).abs() < 1.5 / 255).all()
    finally:
        torch.set_num_threads(threads)


def test_the_global_random_state_is_left_alone():
    before = torch.get_rng_state()
    synthetic.load(SMALL)
    assert torch.equal(torch.get_rng_state(), before)


def test_every_letter_is_there_equally_often_and_well_mixed(small):
    for letters, count in ((small.train, 12), (small.test, 4)):
        assert torch.equal(torch.bincount(letters.labels, minlength=26), torch.full((26,), count))
        alphabets = letters.labels.view(count, 26)
        assert torch.equal(alphabets.sort(1).values, torch.arange(26).expand(count, 26))
        assert (alphabets != torch.arange(26)).any(1).all()


def test_writers_are_disjoint_and_write_each_letter_as_often_as_asked(small):
    assert sorted(small.train.writers.unique().tolist()) == list(range(6))
    assert sorted(small.test.writers.unique().tolist()) == [6, 7]
    pairs = small.train.writers * 26 + small.train.labels
    assert torch.equal(torch.bincount(pairs), torch.full((6 * 26,), 2))


def test_a_writer_resembles_himself():
    writers = synthetic.invent(40, make_generator(0, "test"))
    who = torch.arange(40).repeat_interleave(2)
    images = synthetic.write(writers, who, torch.full((80,), 7), make_generator(1, "test")).view(40, 2, 900)
    own = (images[:, 0] - images[:, 1]).norm(dim=1)
    others = (images[:, 0] - images[:, 1].roll(1, 0)).norm(dim=1)
    assert own.gt(0).all()
    assert own.mean() < 0.9 * others.mean()


def test_more_writers_begin_with_the_same_ones():
    few, many = synthetic.invent(3, make_generator(0, "test")), synthetic.invent(20, make_generator(0, "test"))
    for name in ("habits", "taste", "proportions", "strokes"):
        assert torch.equal(getattr(few, name), getattr(many, name)[:3])


def test_drawn_numbers_are_standard_normal():
    drawn = synthetic.invent(200, make_generator(0, "test")).proportions.flatten()
    assert drawn.mean().abs() < 5 / math.sqrt(len(drawn))
    assert drawn.std().item() == pytest.approx(1, abs=0.01)
    assert (drawn.abs() > 1.96).double().mean().item() == pytest.approx(0.05, abs=0.003)


def test_letters_are_24_pixels_centred_in_whole_grey_levels(small):
    images = small.train.images
    assert images.dtype == torch.float32
    assert images.shape == (12 * 26, 900)
    assert torch.equal(images, (images * 255).round() / 255)
    assert images.min() == 0
    assert (images.amax(1) > 0.6).all()
    ink = images.view(-1, 30, 30) > 0
    for places in (ink.any(2).int(), ink.any(1).int()):  # rows, then columns
        first, last = places.argmax(1), 29 - places.flip(1).argmax(1)
        assert (first + last - 29).abs().max() <= 1
    sides = torch.stack([ink.any(2).sum(1), ink.any(1).sum(1)]).amax(0)
    assert ((sides == 24) | (sides == 23)).all()  # the tip of a thin stroke may be too faint for a grey level
    assert (sides == 24).double().mean() > 0.95


def rows(letters, shift=0):
    """Every letter with its class and writer, in an order of their own."""
    parts = (letters.labels - shift).tolist(), letters.writers.tolist(), letters.images.numpy()
    return sorted((c, w, image.tobytes()) for c, w, image in zip(*parts, strict=True))


def test_letters_and_digits_together_are_those_of_each_alone(small):
    both = synthetic.load(replace(SMALL, classes="all"))
    digits = synthetic.load(replace(SMALL, classes="digits"))
    for part in ("train", "test"):
        all_36, letters, ten = (getattr(split, part) for split in (both, small, digits))
        assert (all_36.alphabet, ten.alphabet) == (letters.alphabet + "0123456789", "0123456789")
        assert torch.equal(all_36.labels.view(-1, 36).sort(1).values, torch.arange(36).expand(len(ten) // 10, 36))
        for mine, kept, shift in ((letters, all_36.labels < 26, 0), (ten, all_36.labels >= 26, 26)):
            assert rows(all_36.select(kept), shift) == rows(mine)


def test_a_single_letter_and_an_odd_number_of_repetitions():
    split = synthetic.load(SyntheticConfig(train_per_letter=1, test_per_letter=3, repetitions=2))
    assert len(split.train) == 26
    assert split.train.writers.unique().tolist() == [0]
    assert torch.bincount(split.test.writers).tolist() == [0, 52, 26]


def test_letters_that_are_kept_are_those_and_no_run_changes_them(tmp_path):
    first = synthetic.load_once(SMALL)
    assert synthetic.load_once(SyntheticConfig(**asdict(SMALL))) is first
    model = ChainConfig(hidden=[5])
    config = small_config(data=SMALL, model=model, samples=50, output=str(tmp_path), tensorboard=False)
    run(config, live=False)
    fresh = synthetic.load(SMALL)
    for kept, new in ((first.train, fresh.train), (first.test, fresh.test)):
        assert kept.fingerprint() == new.fingerprint()
    assert synthetic.load_once(SyntheticConfig(train_per_letter=1, test_per_letter=1)) is not first
