"""Runs done side by side in processes, with lines that tell how far they are and how long the rest will take.

A worker that is told to stop ends between two stretches of a run; one whose parent died ends at once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

from letterocr.base.errors import UserError
from letterocr.compare.trial import TrialRun, perform
from letterocr.run.terminal import format_duration

LINE_SECONDS = 10.0  # between two lines

_stop: Any = None  # in a worker: the event that tells it to stop


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

    def done(self, name: str, seconds: float) -> None:
        """One run of that contender is done."""
        self.left[name] -= 1
        self.seconds.setdefault(name, []).append(seconds)
        over = not sum(self.left.values())
        if time.monotonic() >= self.next or over:
            self.next = time.monotonic() + LINE_SECONDS
            count = self.total - sum(self.left.values())
            rest = "" if over else f"  about {format_duration(self.time_left())} left"
            print(f"{count:,} of {self.total:,} runs  {name}{rest}", flush=True)

    def time_left(self) -> float:
        """Seconds; a contender without a run so far counts as the mean of the others."""
        means = {name: sum(took) / len(took) for name, took in self.seconds.items()}
        other = sum(means.values()) / max(len(means), 1)
        return sum(count * means.get(name, other) for name, count in self.left.items()) / self.workers


def perform_all(tasks: list[tuple[str, TrialRun]], folder: Path, workers: int, progress: Progress) -> None:
    """Do the runs, each with its contender's name, in about that order.

    Raises:
        UserError: a worker was ended from outside, or a run could not be set up.
    """
    if workers == 1:
        for name, task in tasks:
            progress.done(name, perform(task, folder))
        return
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    executor = ProcessPoolExecutor(min(workers, max(len(tasks), 1)), context, _begin, (stop,))
    try:
        names = {executor.submit(_work, task, folder): name for name, task in tasks}
        waiting = set(names)
        while waiting:
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                progress.done(names[future], future.result())
    except BrokenProcessPool as error:
        raise UserError("A worker was ended from outside: give the same command again, and it goes on.") from error
    finally:
        stop.set()
        executor.shutdown(cancel_futures=True)


def _begin(stop: Any) -> None:
    """In a new worker: signals are the parent's business, and its end is ours."""
    global _stop
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=partial(_end_with, multiprocessing.parent_process()), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _work(task: TrialRun, folder: Path) -> float:
    return perform(task, folder, _stop.is_set)
