"""Parallel runs, with lines that tell how many are done and how long the rest will take."""

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

LINE_SECONDS = 10.0  # least time between two lines


class Progress:
    """Prints how many runs are done, and estimates the time left from each contender's runs so far.

    Args:
        workers: number of runs at once.
    """

    def __init__(self, workers: int) -> None:
        self.workers, self.left, self.total = workers, Counter[str](), 0
        self.seconds: dict[str, list[float]] = {}
        self.next = 0.0

    def expect(self, name: str, count: int) -> None:
        """Add `count` expected runs of that contender; a negative number removes some."""
        self.left[name] += count
        self.total += count

    def count_done(self, name: str, seconds: float) -> None:
        """Count one finished run of that contender, which took that many seconds."""
        self.left[name] -= 1
        self.seconds.setdefault(name, []).append(seconds)
        over = not sum(self.left.values())
        if time.monotonic() >= self.next or over:
            self.next = time.monotonic() + LINE_SECONDS
            count = self.total - sum(self.left.values())
            rest = "" if over else f"  about {format_duration(self.estimate_seconds_left())} left"
            print(f"{count:,} of {self.total:,} runs  {name}{rest}", flush=True)

    def estimate_seconds_left(self) -> float:
        """Return the estimated seconds left; a contender without a finished run counts as the mean of the others."""
        means = {name: sum(took) / len(took) for name, took in self.seconds.items()}
        other = sum(means.values()) / max(len(means), 1)
        return sum(count * means.get(name, other) for name, count in self.left.items()) / self.workers


def perform_all(tasks: Sequence[tuple[str, TrialRun]], folder: Path, workers: int, progress: Progress) -> None:
    """Do the runs, roughly in order; when stopped, each run ends between two stretches of samples.

    Args:
        tasks: the name of the contender and the run, for each.
        folder: folder of the comparison.
        workers: number of runs at once.
        progress: counts the finished runs.

    Raises:
        UserError: the process of a run was killed again and again, or a run could not be set up.
        StoppedError: a signal came.
    """
    work = functools.partial(_perform, folder=folder)
    done = set()
    with closing(run_in_processes(work, [task for _, task in tasks], workers)) as results:
        for place, seconds in results:
            progress.count_done(tasks[place][0], seconds)
            done.add(place)
    if len(done) < len(tasks):
        raise UserError("The process of a run was killed (out of memory?): give the same command again to continue.")


def _perform(task: TrialRun, stop: StopFile, folder: Path) -> float:
    return perform(task, folder, stop.is_there)
