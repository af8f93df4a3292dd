"""Runs done side by side, with lines that tell how far they are and how long the rest will take."""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from letterocr.base.errors import UserError
from letterocr.base.signals import StopFile
from letterocr.compare.trial import TrialRun, perform
from letterocr.run.terminal import format_duration
from letterocr.sweep.processes import run_in_processes

LINE_SECONDS = 10.0  # between two lines


class Progress:
    """Tells how many runs are done, and estimates the time left from what each contender's runs took so far.

    Args:
        workers: how many run side by side.
    """

    def __init__(self, workers: int) -> None:
        self.workers, self.left, self.total = workers, Counter[str](), 0
        self.seconds: dict[str, list[float]] = {}
        self.next = 0.0

    def expect(self, name: str, count: int) -> None:
        """So many more runs of that contender; fewer where negative."""
        self.left[name] += count
        self.total += count

    def count_done(self, name: str, seconds: float) -> None:
        """One run of that contender is done."""
        self.left[name] -= 1
        self.seconds.setdefault(name, []).append(seconds)
        over = not sum(self.left.values())
        if time.monotonic() >= self.next or over:
            self.next = time.monotonic() + LINE_SECONDS
            count = self.total - sum(self.left.values())
            rest = "" if over else f"  about {format_duration(self.estimate_seconds_left())} left"
            print(f"{count:,} of {self.total:,} runs  {name}{rest}", flush=True)

    def estimate_seconds_left(self) -> float:
        """The seconds left; a contender without a run so far counts as the mean of the others."""
        means = {name: sum(took) / len(took) for name, took in self.seconds.items()}
        other = sum(means.values()) / max(len(means), 1)
        return sum(count * means.get(name, other) for name, count in self.left.items()) / self.workers


def perform_all(tasks: Sequence[tuple[str, TrialRun]], folder: Path, workers: int, progress: Progress) -> None:
    """Do the runs, each with its contender's name, in about that order; stopped, each ends between two stretches.

    Raises:
        UserError: the process of a run was ended from outside again and again, or a run could not be set up.
        StoppedError: a signal came.
    """
    work = functools.partial(_perform, folder=folder)
    done = set()
    with closing(run_in_processes(work, [task for _, task in tasks], workers)) as results:
        for place, seconds in results:
            progress.count_done(tasks[place][0], seconds)
            done.add(place)
    if len(done) < len(tasks):
        raise UserError("A worker was ended from outside: give the same command again, and it goes on.")


def _perform(task: TrialRun, stop: StopFile, folder: Path) -> float:
    return perform(task, folder, stop.is_there)
