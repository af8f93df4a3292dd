"""`fit` and `iterate`: the command's names and bits, nothing written, safe in threads, signals and notebooks."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from fitted import TINY, assert_same_curves
from helpers import one_sentence, random_letters
from tiny import command, letters, result_of, run_folder, tiny

import letterocr
from letterocr.compose.from_overrides import compose_config
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Split

ENGINE = {"engine": "reference"}  # as `tiny`


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_the_defaults_are_those_of_the_command() -> None:
    assert compose_config([]) == TrainConfig()


def test_a_run_has_the_commands_bits_and_writes_nothing(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = letterocr.fit(**TINY, **ENGINE)
    assert not list(empty.iterdir())
    assert capsys.readouterr() == ("", "")
    assert (run.status, run.sample, run.folder) == ("finished", 300, None)
    assert command(*tiny(f"output={empty}")).status == 0
    folder = run_folder(empty)
    curve = pq.read_table(folder / "curve.parquet")
    np.testing.assert_array_equal(run.curve.test_error[:, 0], curve["test_error"].to_numpy())
    np.testing.assert_array_equal(run.curve.loss[1:, 0], curve["loss"].to_numpy()[1:])
    assert run.test_error == result_of(folder)["error"]
    assert_same_curves(run, letterocr.load(str(folder)))


def test_with_output_the_run_is_kept_and_loaded_again(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = letterocr.fit(**TINY, output=empty)
    assert run.folder == run_folder(empty)
    assert result_of(run.folder)["status"] == "finished"
    before = (run.folder / "result.json").stat().st_mtime_ns
    again = letterocr.fit(**TINY, output=str(empty))
    assert (again.folder, again.status) == (run.folder, "finished")
    assert (run.folder / "result.json").stat().st_mtime_ns == before
    assert_same_curves(run, again)
    assert capsys.readouterr() == ("", "")


def test_a_run_that_is_left_goes_on_with_the_same_bits(empty: Path) -> None:
    whole = letterocr.fit(**TINY, block=8)
    seen = []
    for part in letterocr.iterate(**TINY, block=8, output=empty, every=50):
        seen += part.samples.tolist()
        if part.samples[-1] >= 100:
            break
    del part
    assert seen == list(range(1, 113))  # 50 is rounded up to 56
    unfinished = letterocr.load(run_folder(empty))
    assert (unfinished.status, unfinished.sample) == ("unfinished", 112)
    rest = [part.samples for part in letterocr.iterate(**TINY, block=8, output=empty, every=50)]
    assert np.concatenate(rest).tolist() == list(range(113, 301))
    assert_same_curves(whole, letterocr.load(run_folder(empty)))


def test_an_error_in_the_loop_leaves_a_run_that_can_be_taken_up(empty: Path) -> None:
    """As in a notebook, whose last traceback keeps the frames, and with them the loop, alive."""
    kept = None
    try:
        for part in letterocr.iterate(**TINY, output=empty, every=50):
            raise ValueError(part.samples[-1])
    except ValueError as error:
        kept = error.__traceback__
    assert kept is not None
    assert letterocr.fit(**TINY, output=empty).sample == 300


def test_in_memory_a_part_has_the_samples_that_were_asked_for() -> None:
    assert [len(part.samples) for part in letterocr.iterate(**TINY, every=45)] == [45] * 6 + [30]


def test_an_earlier_part_stays_what_it_was() -> None:
    first, *_, last = letterocr.iterate(**TINY, every=100)
    assert (first.run.sample, len(first.run.curve), first.run.status) == (100, 101, "unfinished")
    assert (last.run.sample, len(last.run.curve), last.run.status) == (300, 301, "finished")
    assert first.run.test_error == first.test_error[-1, 0]
    assert repr(first).startswith("<Part: samples 1 to 100 of <Run: three layers")


def test_a_run_that_is_over_comes_as_one_part(empty: Path) -> None:
    run = letterocr.fit(**TINY, output=empty)
    (part,) = letterocr.iterate(**TINY, output=empty)
    np.testing.assert_array_equal(part.samples, np.arange(1, 301))
    np.testing.assert_array_equal(part.test_error, run.curve.test_error[1:])


def test_force_trains_anew(empty: Path) -> None:
    finished = letterocr.fit(**TINY, output=empty)
    assert finished.folder is not None
    before = (finished.folder / "result.json").stat().st_mtime_ns
    assert_same_curves(finished, letterocr.fit(**TINY, output=empty, force=True))
    assert (finished.folder / "result.json").stat().st_mtime_ns > before
    for part in letterocr.iterate(**TINY, output=empty, force=True, every=100):
        assert part.samples[0] == 1
        break
    del part
    again = list(letterocr.iterate(**TINY, output=empty, force=True, every=100))
    assert again[0].samples[0] == 1


def test_stretches_are_the_curve_cut_in_pieces() -> None:
    parts = list(letterocr.iterate(**TINY, replicas=2, every=128))
    run = letterocr.fit(**TINY, replicas=2)
    assert [len(part.samples) for part in parts[:-1]] == [128] * (len(parts) - 1)
    np.testing.assert_array_equal(np.concatenate([part.loss for part in parts]), run.curve.loss[1:])
    np.testing.assert_array_equal(np.concatenate([part.test_error for part in parts]), run.curve.test_error[1:])
    assert_same_curves(parts[-1].run, run)


def test_single_samples_can_be_watched() -> None:
    weights = []
    for part in letterocr.iterate(**TINY, block=1, every=1):
        weights.append(part.run.network.weights[1][0].clone())
        if part.samples[-1] == 3:
            break
    steps = [torch.linalg.matrix_rank(after - before) for before, after in itertools.pairwise(weights)]
    assert steps == [1, 1]  # the gradient of one sample is an outer product (6)


def some_arrays(count: int = 260) -> tuple[np.ndarray, np.ndarray]:
    some = random_letters(count, seed=1)
    return some.images.numpy(), some.labels.numpy()


def test_arrays_of_ones_own(empty: Path) -> None:
    images, labels = some_arrays()
    small = {"model": "two_layer", "samples": 40, "threads": 1}
    by_share = letterocr.fit(**small, data=(images, labels), test=0.1)
    assert not list(empty.iterdir())
    given = letterocr.fit(**small, data=(images[:200], labels[:200]), test=(images[200:], labels[200:]))
    assert (by_share.alphabet, given.alphabet) == ("ABCDEFGHIJKLMNOPQRSTUVWXYZ",) * 2
    kept = letterocr.fit(**small, data=(images, labels), test=0.1, output=empty)
    assert_same_curves(by_share, kept)
    assert_same_curves(by_share, letterocr.fit(**small, data=(images, labels), test=0.1, output=empty))
    assert len(list(empty.glob("two_layer-*"))) == 1
    other = letterocr.fit(**small, data=(1 - images, labels), test=0.1, output=empty)
    assert len(list(empty.glob("two_layer-*"))) == 2
    assert not np.array_equal(other.curve.loss, kept.curve.loss, equal_nan=True)
    assert command(f"resume={kept.folder}", "force=true").status == 0  # the command finds the letters too
    assert_same_curves(kept, letterocr.load(kept.folder))


def test_three_classes_train_three_outputs() -> None:
    images, _ = some_arrays(30)
    run = letterocr.fit(model="two_layer", samples=10, data=(images, np.array(list("xyz" * 10))), threads=1)
    assert run.alphabet == "xyz"
    assert run.network.weights[0].shape == (1, 3, 900)
    assert set(run.read(images[0]).letters[0].outputs) == set("xyz")


def test_loaded_letters_are_taken_as_they_are() -> None:
    split = letterocr.letters("images", path=letters(), test_per_letter=1)
    assert isinstance(split, Split)
    named = letterocr.fit(**TINY)
    rest = {name: value for name, value in TINY.items() if not name.startswith("data")}
    own = letterocr.fit(**rest, data=split)
    assert_same_curves(named, own)
    assert own.config == named.config  # the letters of a source are called by its name
    split.train.images.mul_(0.5)
    assert letterocr.fit(**rest | {"samples": 1}, data=split).config.data.name == "arrays"


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"sample": 3}, ["sample=3", "did you mean samples?"]),
        ({"data": "emnits"}, ["emnits", "did you mean emnist?"]),
        ({"samples": -1}, ["samples=-1", "at least 0"]),
        ({"samples": "many"}, ["samples=many", "must be a whole number"]),
        ({"seed": 1.5}, ["seed=1.5", "must be a whole number"]),
        ({"model__hidden": 64}, ["model.hidden=64", "a list, as in [64]"]),
        ({"data__foo": 1}, ["there is no field data.foo", "--help lists every field"]),
        ({"tensorboard": "maybe"}, ["tensorboard=maybe", "true or false"]),
        ({"samples": object()}, ["samples=<object", "is a object", "give a number"]),
        ({"resume": True}, ["resume=True", "leave it out"]),
        ({"force": True}, ["force=True", "output="]),
        ({"diagnostics": "rank"}, ["diagnostics=rank", "output="]),
        ({"test": 0.2}, ["test=0.2", "arrays"]),
        ({"launcher": "local"}, ["launcher=local", "sweeps"]),
        ({"data": some_arrays(), "test": 1.5}, ["test=1.5", "between 0 and 1"]),
        ({"data": some_arrays(), "data__seed": 1}, ["data__seed=1", "leave it out"]),
        ({"data": 3}, ["data=int", "(images, labels)"]),
        ({"data": "images", "data__path": "/no/such"}, ["/no/such does not exist"]),
    ],
)
def test_a_mistake_is_a_user_error_with_one_sentence(fields: dict[str, Any], parts: list[str], empty: Path) -> None:
    with pytest.raises(letterocr.UserError) as refused:
        letterocr.fit(**fields)
    one_sentence(refused.value, *parts)
    assert not list(empty.iterdir())


def test_every_must_be_a_sample_at_least() -> None:
    with pytest.raises(letterocr.UserError, match="every=0: must be at least 1"):
        next(letterocr.iterate(**TINY, every=0))


def test_a_run_that_diverges_says_so() -> None:
    run = letterocr.fit(
        model="two_layer",
        samples=400,
        learning_rate=10,
        **{k: TINY[k] for k in ("data", "data__path")},
        data__test_per_letter=1,
        threads=1,
    )
    assert (run.status, run.test_error) == ("diverged", 1.0)
    assert any("may diverge" in note for note in run.notes)
    assert any("diverged at sample" in note for note in run.notes)
    with pytest.raises(letterocr.UserError, match="diverged"):
        run.read(np.eye(20))


def test_the_average_of_an_optimizer_is_what_counts() -> None:
    run = letterocr.fit(**TINY, optimizer="asgd")
    split = letterocr.letters("images", path=letters(), test_per_letter=1)
    outputs = run.network.forward(split.test.images)[-1][0]
    misread = (outputs.argmax(1) != split.test.labels).double().mean()
    assert float(misread) == run.curve.test_error[-1, 0]
