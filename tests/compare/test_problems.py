"""What tuning may see: fitting and validation letters are parts of the training letters, apart by writer or class."""

from __future__ import annotations

import pytest
import torch
from helpers import one_sentence, random_letters

from letterocr.base.errors import UserError
from letterocr.compare.problems import Problem, Source, make_sources, split_for_tuning
from letterocr.data.letters import Letters


def numbered(writers: torch.Tensor | None, per_class: int = 20) -> Letters:
    """Letters whose first pixel tells them apart."""
    count = 26 * per_class
    images = torch.zeros(count, 900)
    images[:, 0] = torch.arange(count)
    return Letters(images, torch.arange(count) % 26, writers)


def names(letters: Letters) -> set[int]:
    return set(letters.images[:, 0].int().tolist())


def test_a_fifth_of_each_class_where_writers_are_not_known() -> None:
    whole = numbered(None)
    parts = split_for_tuning(whole)
    assert torch.bincount(parts.test.labels).tolist() == [4] * 26
    assert torch.bincount(parts.train.labels).tolist() == [16] * 26
    assert names(parts.train) | names(parts.test) == names(whole)
    assert not names(parts.train) & names(parts.test)


def test_validation_is_balanced_where_training_is_not() -> None:
    labels = torch.cat([torch.arange(26).repeat(10), torch.full((500,), 14)])
    parts = split_for_tuning(Letters(torch.rand(len(labels), 900), labels))
    assert torch.bincount(parts.test.labels).tolist() == [5] * 26  # half of the rare classes at most


def test_writers_are_in_one_part_only() -> None:
    parts = split_for_tuning(numbered((torch.arange(26 * 20) // 26) % 10))  # ten writers, each letter twice
    assert parts.train.writers is not None
    assert parts.test.writers is not None
    assert not set(parts.train.writers.tolist()) & set(parts.test.writers.tolist())
    assert torch.bincount(parts.test.labels).tolist() == [4] * 26
    assert torch.bincount(parts.train.labels).tolist() == [16] * 26


def test_the_split_is_the_same_at_every_call() -> None:
    letters = random_letters(400, seed=1)
    one, other = split_for_tuning(letters), split_for_tuning(letters)
    assert torch.equal(one.train.images, other.train.images)
    assert torch.equal(one.test.images, other.test.images)


def test_a_problem_makes_the_train_commands_config() -> None:
    problem = Problem("four_layer", 20, Source("images", "/some where/a=b.npz"), 300)
    config = problem.config(("optimizer=vanilla",))
    assert problem.name == "four_layer/a=b"
    assert (config.model.hidden, config.samples, config.data.path) == ([20, 20], 300, "/some where/a=b.npz")
    assert Problem("two_layer", 20, Source("synthetic"), 300).config(()).model.hidden == []


@pytest.mark.parametrize(
    ("kinds", "paths", "parts"),
    [
        (["images"], [], ("data=images", "data.path=FOLDER")),
        (["synthetic"], ["a"], ("data.path=a", "no files")),
        (["emnist", "images"], ["a"], ("data.path=a", "1 values", "one for each source")),
    ],
)
def test_a_source_that_is_none_gets_one_sentence(kinds: list[str], paths: list[str], parts: tuple[str, ...]) -> None:
    with pytest.raises(UserError) as refused:
        make_sources(kinds, paths)
    one_sentence(refused.value, *parts)


def test_a_source_is_called_after_its_file(tmp_path) -> None:
    source, made = make_sources(["emnist", "synthetic"], [f"{tmp_path}/mine.zip", "null"])
    assert (source.kind, source.path, source.name) == ("emnist", f"{tmp_path.resolve()}/mine.zip", "mine")
    assert (made.path, made.name) == ("", "synthetic")
    assert [one.name for one in make_sources(["emnist"], [])] == ["emnist"]
