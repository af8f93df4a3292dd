"""What a first run waits for: its loops are compiled before its first sample, its letters are read meanwhile."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from filelock import FileLock, Timeout
from helpers import random_split
from numba.core.dispatcher import Dispatcher

from letterocr.base.errors import UserError
from letterocr.compose.from_overrides import compose_config
from letterocr.config.train import TrainConfig
from letterocr.run import rehearsal
from letterocr.run.learning import Learning
from letterocr.run.rehearsal import COMPILING, compile_loops, load_letters, take_turns

SPLIT = random_split()
SMALL = ["threads=1", "samples=40", "block=8"]
CHAINS = {"two_layer": "[]", "three_layer": "[9]", "four_layer": "[9,7]"}


@pytest.mark.parametrize("model", CHAINS)
@pytest.mark.parametrize(
    "more", [[], ["rule=printed", "optimizer.momentum=0.5"], ["evaluate_every=log", "dtype=float64"]]
)
def test_the_first_stretch_compiles_nothing_more(model: str, more: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    config = compose_config([f"model={model}", f"model.hidden={CHAINS[model]}", *SMALL, *more])
    compile_loops(config, lambda text: None)
    compiled: list[str] = []
    compile_one = Dispatcher.compile

    def compile_and_note(self: Dispatcher, signature: object) -> object:
        known = set(self.overloads)
        result = compile_one(self, signature)
        compiled.extend([self.py_func.__name__] if set(self.overloads) != known else [])
        return result

    monkeypatch.setattr(Dispatcher, "compile", compile_and_note)
    learning = Learning(config, SPLIT, every=40)
    learning.measure_start()
    while not learning.is_over():
        learning.learn_stretch()
    assert compiled == []


@pytest.mark.parametrize("field", [{"engine": "reference"}, {"batch": "all"}])
def test_a_run_without_compiled_loops_waits_for_nothing(field: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "build_engine", lambda *_: pytest.fail("an engine is built"))
    compile_loops(replace(TrainConfig(), **field), lambda text: pytest.fail(text))


def test_a_long_wait_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    said, told = [], threading.Event()

    def build_slowly(*arguments: object) -> object:
        assert told.wait(10)
        return build(*arguments)

    build = rehearsal.build_engine
    monkeypatch.setattr(rehearsal, "TELL_SECONDS", 0.01)
    monkeypatch.setattr(rehearsal, "build_engine", build_slowly)
    compile_loops(compose_config(SMALL), lambda text: (said.append(text), told.set()))
    assert said == [COMPILING]


def test_the_letters_are_those_of_the_config_and_a_mistake_in_them_is_told() -> None:
    config = compose_config([*SMALL, "data.train_per_letter=2", "data.test_per_letter=1"])
    split = load_letters(config, lambda text: None)
    assert (len(split.train), len(split.test)) == (52, 26)
    assert torch.equal(split.train.images, load_letters(config, lambda text: None).train.images)
    with pytest.raises(UserError, match="does not exist"):
        load_letters(compose_config([*SMALL, "data=images", "data.path=/nowhere"]), lambda text: None)


def test_processes_compile_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(rehearsal, "PATIENCE", 0.2)
    other = FileLock(tmp_path / "letterocr" / "compiling.lock")  # a lock of its own, as another process has it
    with take_turns():
        with pytest.raises(Timeout):
            other.acquire(timeout=0)
        with take_turns():  # in the same process it does not wait for itself
            pass
    with other:
        started = time.monotonic()
        with take_turns():  # it waits, but not for ever
            assert time.monotonic() - started >= 0.2
    other.acquire(timeout=0)
    other.release()


def test_without_a_folder_for_the_lock_it_compiles_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "letterocr").write_text("a file, where the folder would be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    done = []
    with take_turns():
        done.append(True)
    assert done
