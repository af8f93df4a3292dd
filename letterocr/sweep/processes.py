"""Parallel tasks in processes of this machine, by joblib's loky; no other module starts such processes.

A signal to this process stops all of them: after the first signal each task ends at a point where nothing is lost; a
second signal ends them at once. If a process is killed, loky ends all processes, and the interrupted tasks are tried
again. The processes end with this one, however it ends.
"""

from __future__ import annotations

import functools
import os
import pickle
import shutil
import signal
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from letterocr.base.signals import OURS, PassedSignals, StopFile, StoppedError

TRIES = 2  # how often a task is started if its process is killed
LOOK_SECONDS = 0.5  # interval at which a process checks that its parent is alive

Task = TypeVar("Task")
Result = TypeVar("Result")
Work = Callable[[Task, StopFile], Result]


@dataclass(frozen=True)
class _Raised:
    """The result of a task that raised an exception.

    Attributes:
        error: the exception, with its traceback as a note.
    """

    error: BaseException


def count_processes(asked: int) -> int:
    """Return the number of processes; -1 stands for the number of cores that this process may use."""
    if asked != -1:
        return asked
    from joblib import effective_n_jobs

    return int(effective_n_jobs(-1))


def run_in_processes(
    work: Work[Task, Result],
    tasks: Sequence[Task],
    processes: int,
    *,
    noun: str = "runs",
    are_alike: bool = False,
    tries: int = TRIES,
) -> Generator[tuple[int, Result], None, None]:
    """Do the tasks, roughly in order; yield the index and the result of each as soon as it is done.

    A task whose process was killed `tries` times has no result. A task that raises an exception ends all others.

    Args:
        work: does one task; it ends early once the stop file exists. Work, tasks and results can be pickled.
        tasks: what is to be done.
        processes: number of processes; 1 does the tasks in this process, one after another.
        noun: name of the tasks in the message about a killed process.
        are_alike: whether all tasks are the same work, so that no single one is suspected of causing the kill; each
            kill then counts for all tasks that were running.
        tries: how often a task is started at most if its process is killed.

    Raises:
        StoppedError: a signal came, and all running tasks have ended; nothing more is yielded after the signal.
    """
    with tempfile.TemporaryDirectory(prefix="letterocr-", ignore_cleanup_errors=True) as name:
        stop = StopFile(Path(name) / "stop")
        with PassedSignals(stop):
            if processes == 1:
                yield from _run_here(work, tasks, stop)
            else:
                yield from _Crew(work, tasks, processes, Path(name), noun, are_alike, tries).run()
        if stop.is_there():
            raise StoppedError(stop.read_signal())


def _run_here(work: Work[Task, Result], tasks: Sequence[Task], stop: StopFile) -> Iterator[tuple[int, Result]]:
    for place, task in enumerate(tasks):
        result = work(task, stop)
        if stop.is_there():
            return
        yield place, result


class _Crew(Generic[Task, Result]):
    """Several processes and their tasks.

    The folder holds a file for each task that was started, named by its index: empty while the task runs, then its
    result. So it is known what was running and what was done even if all processes are killed.
    """

    def __init__(
        self,
        work: Work[Task, Result],
        tasks: Sequence[Task],
        processes: int,
        folder: Path,
        noun: str,
        are_alike: bool,
        tries: int,
    ) -> None:
        self.work, self.tasks, self.processes, self.folder = work, tasks, processes, folder
        self.noun, self.are_alike, self.tries = noun, are_alike, tries
        self.stop = StopFile(folder / "stop")
        self.left = set(range(len(tasks)))
        self.killed = Counter[int]()

    def run(self) -> Iterator[tuple[int, Result]]:
        """Do all tasks, and repeat those whose process was killed."""
        while self.left and not self.stop.is_there():
            now = sorted(self.left)
            if not self.are_alike:  # a task whose process was killed runs alone, so that no other is killed with it
                suspect = min(now, key=lambda place: self.killed[place])
                now = [place for place in now if not self.killed[place]] or [suspect]
            yield from self._run_round(now)

    def _run_round(self, now: Sequence[int]) -> Iterator[tuple[int, Result]]:
        from concurrent.futures import BrokenExecutor

        try:
            with closing(self._start(now)) as places:
                for place in places:
                    yield from self._take(place)
        except BrokenExecutor:
            began = [place for place in now if self._locate(place).exists()]
            for place in began:
                yield from self._take(place)
            waiting = self.left & set(now)
            self.killed.update(waiting & set(began) or waiting)
            self.left = {place for place in self.left if self.killed[place] < self.tries}
            for place in waiting:
                self._locate(place).unlink(missing_ok=True)
            if not self.stop.is_there():
                print(f"A process was killed; {len(self.left)} {self.noun} go on.", flush=True)

    def _start(self, now: Sequence[int]) -> Generator[int, None, None]:
        """Yield the indices of these tasks as they are done; end all of them if the generator is closed early."""
        from joblib import Parallel, delayed

        perform = delayed(_perform)
        calls = (
            perform(self.work, self.tasks[n], n, self.folder, os.getpid()) for n in now if not self.stop.is_there()
        )
        places = Parallel(self.processes, batch_size=1, return_as="generator_unordered")(calls)
        try:
            for place in places:  # noqa: UP028 - with `yield from` joblib would kill them when this is closed
                yield place
        except GeneratorExit:
            self.stop.make(signal.SIGTERM)
            for _ in places:
                pass
            raise

    def _locate(self, place: int) -> Path:
        return self.folder / str(place)

    def _take(self, place: int) -> Iterator[tuple[int, Result]]:
        """Yield the result of a task, if it has one."""
        path = self._locate(place)
        stored = path.read_bytes() if path.exists() else b""
        if not stored:  # the task did not start, because all were told to stop, or it was killed
            return
        self.left.remove(place)
        path.unlink()
        result: Any = pickle.loads(stored)
        if isinstance(result, _Raised):
            raise result.error
        if not self.stop.is_there():
            yield place, result


# Code that runs in the processes


def _perform(work: Work[Task, Result], task: Task, place: int, folder: Path, parent: int) -> int:
    """Do one task and write its result into the folder; return its index."""
    _become_worker(parent)
    _folders.add(folder)
    stop, path = StopFile(folder / "stop"), folder / str(place)
    if stop.is_there():
        return place
    path.touch()
    result: Result | _Raised
    try:
        result = work(task, stop)
    except BaseException as error:
        error.add_note("".join(traceback.format_exception(error)))
        result = _Raised(error)
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(pickle.dumps(result))
    temporary.replace(path)
    return place


_folders: set[Path] = set()  # folders of the tasks that this process has done


@functools.cache
def _become_worker(parent: int) -> None:
    """Ignore signals, which the parent handles, and end this process when the parent ends."""
    for number in OURS:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True, name="parent").start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    for folder in _folders:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)
