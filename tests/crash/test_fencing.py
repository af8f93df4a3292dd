"""An owner that is stopped for too long, at every moment: the run belongs to another machine when it wakes up.

The owner is stopped before each of its calls that change the disk, one after another, and another machine takes the
run over. When the owner wakes up, it may replace a file only if it was stopped in the window that `docs/promises.md`
states: between its look at the lock and the names that it gives after this look.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from fake_training import SPLIT, bits, fake_config, fake_run, faked, on_another_machine, quick_folder

from letterocr.base.errors import RunningError
from letterocr.base.heartbeat import DEAD_SECONDS
from letterocr.base.owner import read_uptime
from letterocr.run.folder import locate_folder
from letterocr.run.lock import Lock
from letterocr.run.side_by_side import QuietView
from letterocr.run.training import iterate_run

CHANGING = ("fsync", "replace", "unlink", "link", "mkdir")
EVERY = 1 if "LETTEROCR_CRASH" in os.environ else 7  # of so many moments, one is tried
OPENING = {"config.yaml", "environment.json"}  # written when a run begins, after one look at the lock


class Owner:
    """Calls of the owner; at the `stop_at`-th of them while it holds the lock, another machine takes the run over."""

    def __init__(self, lock: Path, stop_at: int, take_over: Callable[[], object]) -> None:
        self.lock, self.stop_at, self.take_over = lock, stop_at, take_over
        self.calls, self.stopped_before, self.asleep = 0, "", False
        self.late: list[str] = []  # files that it replaced after it woke up

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for name in CHANGING:
                stack.enter_context(mock.patch(f"os.{name}", functools.partial(self._call, name, getattr(os, name))))
            yield

    def _call(self, name: str, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        if not self.asleep:
            if not self.stopped_before and self.lock.exists():
                self.calls += 1
                if self.calls == self.stop_at:
                    self.asleep = True
                    contextvars.Context().run(self.take_over)  # in no `write_together` of the owner
                    self.asleep, self.stopped_before = False, name
            if self.stopped_before and name == "replace":
                self.late.append(Path(arguments[1]).name)
        return call(*arguments, **options)


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    root = quick_folder()
    with faked("here"):
        found = bits(fake_run(root).folder)
    shutil.rmtree(root)
    return found


@pytest.mark.parametrize("how", ["it is over", "it is being trained", "it was stopped again"])
def test_an_owner_that_was_stopped_at_any_moment_replaces_nothing(how: str, whole: dict[str, Any]) -> None:
    counts, stop_at = Counter[str](), 1 - EVERY
    while True:
        stop_at += EVERY
        root = quick_folder()
        try:
            owner, others = _train_and_stop(root, how, stop_at)
            if not owner.stopped_before:
                break
            with faked("here"), on_another_machine():
                for _ in others[0] if others else ():
                    pass
                assert bits(fake_run(root).folder) == whole
            assert not set(owner.late) - OPENING or owner.stopped_before == "replace", (stop_at, owner.late)
            assert len(owner.late) <= 3, owner.late
            counts[f"{len(owner.late)} replaced"] += 1
            assert not list(root.rglob("failure.json"))
        finally:
            shutil.rmtree(root)
    print(f"\n{how}: stopped at {counts.total()} moments: {dict(counts)}")
    assert counts["0 replaced"] > counts.total() / 2


def _train_and_stop(root: Path, how: str, stop_at: int) -> tuple[Owner, list[Generator[Any, None, None]]]:
    """Train until the owner has learned that the run is no longer its own, or is done."""
    config, others = fake_config(root), list[Generator[Any, None, None]]()
    folder = locate_folder(config)
    lock = folder / "lock.1.json"

    def take_over() -> None:
        silent = time.time() - DEAD_SECONDS - 80
        os.utime(lock, (silent, silent))
        with on_another_machine():
            if how == "it is over":
                assert fake_run(root).status == "finished"
            elif how == "it was stopped again":
                fake_run(root, watch=lambda curve: True)
            else:
                others.append(iterate_run(config, folder, SPLIT, QuietView(), every=4))
                for _, _ in zip(range(3), others[0], strict=False):
                    pass

    owner = Owner(lock, stop_at, take_over)
    with faked("here"), owner.watched():
        try:
            assert fake_run(root).status == "finished"
        except RunningError:
            assert owner.stopped_before
    return owner, others


def test_a_later_lock_of_the_same_number_is_not_its_own(tmp_path: Path) -> None:
    """The run was taken over and released; then a third process took it, whose lock has the first number again."""
    path = tmp_path / "lock.1.json"
    with Lock(tmp_path) as held:
        facts = json.loads(path.read_text())
        path.unlink()
        path.write_text(json.dumps(facts | {"pid": 2**22 + 1}))
        old = path.stat().st_mtime_ns
        with pytest.raises(RunningError, match="was taken over"):
            held.verify()
    assert path.stat().st_mtime_ns == old  # neither renewed nor removed


def test_a_machine_that_was_suspended_looks_at_its_lock_before_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its processes' own clock stood still meanwhile; the time since its start did not."""
    with Lock(tmp_path) as held:
        (tmp_path / "lock.1.json").unlink()
        held.verify_if_due()
        later = read_uptime() + DEAD_SECONDS
        monkeypatch.setattr("letterocr.run.lock.read_uptime", lambda: later)
        with pytest.raises(RunningError, match="was taken over"):
            held.verify_if_due()
