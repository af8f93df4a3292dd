"""`fit` and `iterate` beside other threads, inside each other, and where a signal comes."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from fitted import TINY, assert_same_curves
from helpers import one_sentence
from tiny import handler

import letterocr
from letterocr.api import fitting


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_two_threads_learn_at_once_and_get_the_same_bits() -> None:
    runs: list[letterocr.Run] = []
    threads = [threading.Thread(target=lambda: runs.append(letterocr.fit(**TINY))) for _ in range(2)]
    before = torch.get_num_threads()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.get_num_threads() == before
    assert_same_curves(*runs)


def test_the_same_run_twice_at_once_is_refused(empty: Path) -> None:
    stretches = letterocr.iterate(**TINY, output=empty, every=50)
    next(stretches)
    refused: list[Exception] = []

    def again() -> None:
        try:
            fitting._open.clear()  # as another process, which knows nothing of this one
            letterocr.fit(**TINY, output=empty)
        except letterocr.UserError as error:
            refused.append(error)

    thread = threading.Thread(target=again)
    thread.start()
    thread.join()
    one_sentence(refused[0], "is being trained by")
    stretches.close()


def test_a_run_inside_the_loop_of_another() -> None:
    plain = letterocr.fit(**TINY)
    stretches = letterocr.iterate(**TINY, every=128)
    first = next(stretches)
    inner = letterocr.fit(**TINY)
    *_, last = stretches
    assert len(first.samples) == 128
    assert_same_curves(last.run, plain)
    assert_same_curves(inner, plain)


def test_a_signal_is_obeyed_after_a_whole_stretch(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learn = fitting.Learning.learn_stretch
    calls = []

    def interrupted(self: Any, limit: int | None = None) -> Any:
        calls.append(1)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return learn(self, limit)

    monkeypatch.setattr(fitting.Learning, "learn_stretch", interrupted)
    handled = []
    with handler(signal.SIGINT, lambda *_: handled.append(1)):
        seen = [part.samples[-1] for part in letterocr.iterate(**TINY, block=8, output=empty, every=50)]
    assert handled == [1]
    assert seen == [56, 112, 168, 224, 280, 300]
    calls.clear()
    with handler(signal.SIGINT, signal.default_int_handler), pytest.raises(KeyboardInterrupt):
        letterocr.fit(**TINY, block=8, output=empty, seed=1)
    (unfinished,) = [path.parent for path in empty.glob("*/config.yaml") if not (path.parent / "result.json").exists()]
    assert letterocr.load(unfinished).sample > 0
