"""What NFS may answer to the lock of a run, modelled; `test_two_machines.py` can also run over a real export.

A request that was done may be reported as failed, because it was sent twice; a file that another machine removed may
be a stale handle; a folder may be listed as it was up to a minute ago; clocks differ.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from letterocr.base.errors import RunningError
from letterocr.base.files import read_json, write_json
from letterocr.base.heartbeat import DEAD_SECONDS
from letterocr.base.owner import describe_this_process
from letterocr.run.lock import Lock


def leave(folder: Path, number: int, silent: float) -> Path:
    """The lock of another machine."""
    path = folder / f"lock.{number}.json"
    path.write_text(json.dumps(asdict(replace(describe_this_process(), host="far", system="other"))))
    os.utime(path, (time.time() - silent,) * 2)
    return path


def locks(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*lock*"))


@pytest.mark.parametrize("number", [errno.EEXIST, errno.EIO, errno.ETIMEDOUT])
def test_a_link_that_was_made_and_reported_as_failed_is_a_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    link = os.link

    def link_twice(source: Any, target: Any) -> None:
        link(source, target)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.link", link_twice)
    with Lock(tmp_path) as held:
        held.verify()
        assert locks(tmp_path) == ["lock.1.json"]
    assert locks(tmp_path) == []


def test_a_link_that_failed_because_another_was_faster_is_none(tmp_path: Path) -> None:
    leave(tmp_path, 1, silent=0)
    with pytest.raises(RunningError, match="on far"):
        Lock(tmp_path).__enter__()


def test_a_stale_handle_is_a_lock_that_was_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, stat = leave(tmp_path, 1, silent=0), Path.stat

    def stat_stale(self: Path, **options: Any) -> os.stat_result:
        if self == gone:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return stat(self, **options)

    monkeypatch.setattr(Path, "stat", stat_stale)
    Lock(tmp_path).refuse()


def test_an_owner_whose_lock_is_a_stale_handle_has_lost_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_stale(self: Path, **options: Any) -> str:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    with Lock(tmp_path) as held:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_text", read_stale)
            with pytest.raises(RunningError, match="was taken over"):
                held.verify()
        held.verify()


@pytest.mark.parametrize("late", [1, 5])
def test_a_folder_that_is_listed_late_gives_no_second_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: int
) -> None:
    """The first looks find no lock, although another machine holds one: of the same number, or of a higher one."""
    glob, looks = Path.glob, iter(range(100))

    def glob_late(self: Path, pattern: str) -> Iterator[Path]:
        return iter(()) if next(looks) < late else glob(self, pattern)

    for number in (1, 2):
        other = leave(tmp_path, number, silent=0)
        monkeypatch.setattr(Path, "glob", glob_late)
        with pytest.raises(RunningError, match="on far"):
            Lock(tmp_path).__enter__()
        monkeypatch.undo()
        assert locks(tmp_path) == [other.name]
        other.unlink()
        if late > 1:
            break  # NFS lists a folder anew after one's own change of it, so that no lock of a higher number is missed


@pytest.mark.parametrize("ahead", [-60.0, 60.0])
def test_a_clock_that_is_a_minute_off_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    """Times of files are compared with each other, as the server gave them; the sentence before is told by own time."""
    now = time.time
    alive, dead = leave(tmp_path, 1, silent=20), DEAD_SECONDS + 20
    monkeypatch.setattr("time.time", lambda: now() + ahead)
    for ask in (Lock(tmp_path).refuse, Lock(tmp_path).__enter__):
        with pytest.raises(RunningError, match="on far"):
            ask()
    os.utime(alive, (now() - dead,) * 2)
    with Lock(tmp_path):
        assert locks(tmp_path) == ["lock.2.json"]


def test_a_file_that_was_replaced_while_it_was_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_json(tmp_path / "record.json", {"status": "finished"})
    read_text, reads = Path.read_text, iter(range(100))

    def read_stale(self: Path, **options: Any) -> str:
        if next(reads) < 2:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return read_text(self, **options)

    monkeypatch.setattr(Path, "read_text", read_stale)
    assert read_json(tmp_path / "record.json") == {"status": "finished"}
