"""What NFS may answer to a run, a sweep and a search, modelled: the lost reply of each request, and late views.

A client whose request has no reply sends it again. If the server had done it, and does not remember, the second answer
is an error: what was renamed is not there any more, what was made is there already. Each such request of a program is
answered so, one after another, and the program must end as if nothing had happened.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from fake_training import bits, fake_config, fake_run, fake_search, fake_sweep, faked, on_another_machine

from letterocr.run.folder import locate_folder

ALL = "LETTEROCR_CRASH" in os.environ
EVERY = 1 if ALL else 9  # of so many requests, one reply is lost
LOST = {"replace": errno.ENOENT, "rename": errno.ENOENT, "unlink": errno.ENOENT, "rmdir": errno.ENOENT}
LOST |= {"mkdir": errno.EEXIST, "link": errno.EEXIST, "open": errno.EEXIST}


@contextlib.contextmanager
def lost_reply(number: int) -> Iterator[list[str]]:
    """The reply of the request of that number is lost; yields the names of all requests."""
    requests = list[str]()

    def wrap(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def request(*arguments: Any, **options: Any) -> Any:
            if name == "open" and not (len(arguments) > 1 and arguments[1] & os.O_EXCL):
                return call(*arguments, **options)
            answer = call(*arguments, **options)
            requests.append(name)
            if len(requests) == number:
                if name == "open":
                    os.close(answer)
                raise OSError(LOST[name], os.strerror(LOST[name]), *map(str, arguments[:1]))
            return answer

        return request

    with contextlib.ExitStack() as stack:
        for name in LOST:
            stack.enter_context(mock.patch(f"os.{name}", wrap(name, getattr(os, name))))
        yield requests


def lose_each_reply(root: Path, act: Callable[[Path], object], every: int = EVERY) -> None:
    """Act once for each request, whose reply is lost, each time in an empty folder; it must come to the same."""
    whole, number = None, 1 - every
    while True:
        number += every
        with faked("here"), lost_reply(number) as requests:
            came = act(root)
        whole = whole or came
        assert came == whole, (number, requests[number - 1])
        for path in root.iterdir():
            shutil.rmtree(path)
        if number > len(requests):
            print(f"\n{len(requests)} requests, of which {len(range(1, number, every))} lost their reply")
            return


def test_a_run_goes_on_when_a_reply_is_lost(root: Path) -> None:
    lose_each_reply(root, lambda root: bits(fake_run(root).folder))


def test_a_sweep_goes_on_when_a_reply_is_lost(root: Path) -> None:
    lose_each_reply(root, lambda root: [bits(outcome.folder) for outcome in fake_sweep(root)])


@pytest.mark.skipif(not ALL, reason="only with LETTEROCR_CRASH, as it takes minutes")
def test_a_search_goes_on_when_a_reply_is_lost(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock of Optuna that was made and reported as another's is waited for: 30 seconds, which pass quickly here."""
    quick = SimpleNamespace(monotonic=lambda: 300 * time.monotonic(), sleep=lambda seconds: time.sleep(seconds / 300))
    monkeypatch.setattr("optuna.storages.journal._file.time", quick)
    monkeypatch.setattr("optuna.storages.journal._file._logger", mock.Mock())
    lose_each_reply(root, lambda root: fake_search(root / "study"), every=5)


@contextlib.contextmanager
def late_view(output: Path) -> Iterator[None]:
    """What is in a run folder is seen only after this machine has made a file there, its lock, as NFS has it."""
    fresh, lexists, glob, link = set[Path](), os.path.lexists, Path.glob, os.link

    def is_hidden(path: Path) -> bool:
        return path.is_relative_to(output) and not any(path.is_relative_to(folder) for folder in fresh)

    def link_and_see(source: Any, target: Any) -> None:
        fresh.add(Path(target).parent)
        link(source, target)

    with (
        mock.patch("os.path.lexists", lambda path: not is_hidden(Path(path)) and lexists(path)),
        mock.patch.object(Path, "glob", lambda self, pattern: iter(()) if is_hidden(self) else glob(self, pattern)),
        mock.patch("os.link", link_and_see),
    ):
        yield


def test_a_run_whose_end_is_seen_late_is_not_trained_again(root: Path) -> None:
    with faked("here"):
        before = bits(fake_run(root).folder)
        with on_another_machine(), late_view(root):
            outcome = fake_run(root)
        assert outcome.existed
        assert bits(outcome.folder) == before


def test_checkpoints_that_are_seen_late_are_still_gone_on_from(root: Path) -> None:
    with faked("here"):
        whole = bits(fake_run(root / "whole").folder)
        assert fake_run(root / "cut", watch=lambda curve: curve.sample > 6).status == "pruned"
        with on_another_machine(), late_view(root / "cut"):
            assert fake_run(root / "cut").status == "finished"
        assert bits(locate_folder(fake_config(root / "cut"))) == whole


def test_runs_of_a_sweep_whose_end_is_seen_late_are_not_trained_again(root: Path) -> None:
    with faked("here"):
        fake_sweep(root)
        with on_another_machine(), late_view(root / "out"):
            assert [outcome.existed for outcome in fake_sweep(root)] == [True, True]
