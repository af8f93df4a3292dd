"""Tasks done side by side in processes of this machine, by joblib's loky; the one place that starts such processes.

A signal to this process stops all of them: at the first, each ends what it does at a place where nothing is lost; the
second is obeyed at once. Where a process is killed, loky ends them all; what was under way then is tried again. The
processes end with this one, however it ends.
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

TRIES = 2  # of a task whose process is killed
LOOK_SECONDS = 0.5  # between two looks whether the parent is still there

Task = TypeVar("Task")
Result = TypeVar("Result")
Work = Callable[[Task, StopFile], Result]


@dataclass(frozen=True)
class _Raised:
    """The result of a task that raised.

    Attributes:
        error: with its traceback as a note.
    """

    error: BaseException


def count_processes(asked: int) -> int:
    """The number of processes that is meant; -1 means as many as this process may use cores."""
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
    """Do the tasks, in about their order; yields the place of each and its result as soon as it is done.

    A task whose process was killed `tries` times has no result. One that raises ends all the others.

    Args:
        work: does one task; it ends early once the stop file is there. It, the tasks and the results can be pickled.
        tasks: what is to be done.
        processes: how many; 1: in this process, one after the other.
        noun: what the tasks are called where a process was killed.
        are_alike: the tasks are the same work, so that none of them is suspected of having its process killed;
            each kill counts for all that were under way.
        tries: how often a task whose process is killed is begun at most.

    Raises:
        StoppedError: a signal came, and all that was under way has ended; nothing more is yielded once it came.
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

    The folder holds a file for each task that was begun, by its place: empty while it is done, then its result. So
    what was under way, and what was done, is known also where all processes were killed.
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
        """Do all tasks, each again where its process was killed."""
        while self.left and not self.stop.is_there():
            now = sorted(self.left)
            if not self.are_alike:  # a suspect is alone, so that no other task is killed with it
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
        """The places of these tasks as they are done; ends all of them where it is left before its end."""
        from joblib import Parallel, delayed

        perform = delayed(_perform)
        calls = (
            perform(self.work, self.tasks[n], n, self.folder, os.getpid()) for n in now if not self.stop.is_there()
        )
        places = Parallel(self.processes, batch_size=1, return_as="generator_unordered")(calls)
        try:
            for place in places:  # noqa: UP028 - by `yield from` joblib would kill them where this is left
                yield place
        except GeneratorExit:
            self.stop.make(signal.SIGTERM)
            for _ in places:
                pass
            raise

    def _locate(self, place: int) -> Path:
        return self.folder / str(place)

    def _take(self, place: int) -> Iterator[tuple[int, Result]]:
        """The result of a task, if it has one."""
        path = self._locate(place)
        stored = path.read_bytes() if path.exists() else b""
        if not stored:  # it did not begin, as all were told to stop; or it was killed
            return
        self.left.remove(place)
        path.unlink()
        result: Any = pickle.loads(stored)
        if isinstance(result, _Raised):
            raise result.error
        if not self.stop.is_there():
            yield place, result


# In the processes


def _perform(work: Work[Task, Result], task: Task, place: int, folder: Path, parent: int) -> int:
    """Do one task, and leave its result in the folder; returns its place."""
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


_folders: set[Path] = set()  # of the tasks of this process


@functools.cache
def _become_worker(parent: int) -> None:
    """Signals are the parent's business, and its end is ours."""
    for number in OURS:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True, name="parent").start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    for folder in _folders:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)
