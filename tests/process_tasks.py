"""Tasks for processes of their own, which import them by the name of this module."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from letterocr.base.signals import StopFile
from letterocr.run.outcome import Outcome
from letterocr.sweep.ledger import write_record

if TYPE_CHECKING:  # it imports PyTorch, which takes each process seconds
    from letterocr.sweep.missing import MissingRun


def note(folder: Path, name: str) -> None:
    """Leave a file that tells that a task began, and in which process."""
    (folder / f"{name}.{time.monotonic_ns()}").write_text(str(os.getpid()))


def count_notes(folder: Path, name: str) -> int:
    return len(list(folder.glob(f"{name}.*")))


def square(task: int, stop: StopFile) -> int:
    return task**2


def fail_at_two(task: int, stop: StopFile) -> int:
    if task == 2:
        raise ValueError("two is too many")
    return task


def note_or_die(task: str, stop: StopFile, folder: Path) -> str:
    """The task `dies` kills its process each time, `once` only at first."""
    note(folder, task)
    if task == "dies" or (task == "once" and count_notes(folder, task) == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def wait_for_stop(task: int, stop: StopFile, folder: Path) -> int:
    """Ends only once it is told to."""
    note(folder, str(task))
    while not stop.is_there():
        time.sleep(0.01)
    return task


def heed_nothing(task: int, stop: StopFile, folder: Path) -> int:
    note(folder, str(task))
    time.sleep(600)
    return task


def record_or_die(run: MissingRun, stop: StopFile, sweep: Path) -> None:
    """As a run that is over at once; that of `b` kills its process."""
    if run.overrides == ["b"]:
        os.kill(os.getpid(), signal.SIGKILL)
    write_record(sweep, run.overrides, Outcome("finished", run.folder, 0.5))
