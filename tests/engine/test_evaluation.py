"""When the test error is measured."""

import numpy as np
import pytest
import torch

from letterocr.engine.evaluation import EvaluationSchedule


def measured(every: str, samples: int) -> list[int]:
    schedule = EvaluationSchedule(every, samples)
    return np.flatnonzero(schedule.due_in(0, samples + 1)).tolist()


@pytest.mark.parametrize(
    ("every", "samples", "due"),
    [
        ("1", 5, [0, 1, 2, 3, 4, 5]),
        ("2", 5, [0, 2, 4, 5]),
        ("7", 20, [0, 7, 14, 20]),
        ("100", 5, [0, 5]),
        ("log", 0, [0]),
        ("log", 3, [0, 1, 2, 3]),
    ],
)
def test_measured_at_every_so_many_samples_and_at_both_ends(every, samples, due):
    assert measured(every, samples) == due


def test_log_measures_about_100_times_in_each_tenfold():
    due = measured("log", 100_000)
    for decade in (100, 1000, 10_000):
        assert sum(decade < n <= 10 * decade for n in due) == 100
    assert due[:41] == list(range(41))  # log spacing below one sample: every sample


def test_log_measures_at_even_ratios():
    due = torch.tensor(measured("log", 100_000), dtype=torch.float64)
    late = due[due > 1000]
    ratios = late[1:] / late[:-1]
    assert ratios.min().item() > 10**0.01 * 0.998  # whole samples: off by one in 1000 at most
    assert ratios.max().item() < 10**0.01 * 1.002


@pytest.mark.parametrize("samples", [1, 44, 99_999, 12_345])
def test_log_measures_at_the_end_wherever_it_is(samples):
    assert EvaluationSchedule("log", samples).due_in(samples, samples + 1)[0]


def test_a_longer_run_measures_at_the_same_samples():
    assert measured("log", 3000)[:-1] == [n for n in measured("log", 9000) if n < 3000]


@pytest.mark.parametrize(
    ("every", "follows"), [("1", True), ("64", True), ("65", False), ("1000", False), ("log", False)]
)
def test_the_test_letters_are_followed_where_that_is_cheaper(every, follows):
    assert EvaluationSchedule(every, 1000).follows is follows


def test_never_measures_not_even_at_the_start_and_the_end():
    schedule = EvaluationSchedule.never()
    assert not schedule.due_in(0, 1000).any()
    assert not schedule.follows
    assert not measured(schedule.every, 5)
