"""Processes side by side: results as they are done, stopped whole, killed ones tried again, none left behind."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import process_tasks
import pytest

from letterocr.base.owner import read_start_time
from letterocr.base.signals import OURS, StoppedError
from letterocr.sweep import processes
from letterocr.sweep.processes import count_processes, run_in_processes

TESTS = Path(__file__).resolve().parents[1]
PATIENCE = 120.0  # seconds, for what takes a few on an idle machine


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.01)


def send(number: int, when: Callable[[], object], times: int = 1) -> threading.Thread:
    """Send this process a signal, so often, each time once the condition holds anew."""

    def wait_and_send() -> None:
        for _ in range(times):
            until(when, "the moment of the signal")
            os.kill(os.getpid(), number)
            time.sleep(0.2)  # else the two are one

    thread = threading.Thread(target=wait_and_send, daemon=True)
    thread.start()
    return thread


@pytest.fixture(autouse=True)
def _signals_come_back() -> Iterator[None]:
    before = [signal.getsignal(number) for number in OURS]
    yield
    assert [signal.getsignal(number) for number in OURS] == before


@pytest.mark.parametrize("count", [1, 2])
def test_every_task_has_its_result(count: int) -> None:
    results = dict(run_in_processes(process_tasks.square, range(20), count))
    assert results == {n: n**2 for n in range(20)}


def test_one_process_is_this_one() -> None:
    own = []
    list(run_in_processes(lambda task, stop: own.append(os.getpid()), range(3), 1))
    assert own == [os.getpid()] * 3


def test_as_many_processes_as_cores_are_meant_by_minus_one() -> None:
    assert count_processes(3) == 3
    assert count_processes(-1) == len(os.sched_getaffinity(0))


@pytest.mark.parametrize("count", [1, 2])
def test_a_task_that_raises_ends_the_others_with_its_own_words(count: int) -> None:
    with pytest.raises(ValueError, match="two is too many"):
        list(run_in_processes(process_tasks.fail_at_two, range(50), count))


def test_what_died_with_another_is_done_and_what_dies_alone_is_given_up(tmp_path: Path, capsys) -> None:
    work = functools.partial(process_tasks.note_or_die, folder=tmp_path)
    tasks = ["a", "dies", "once", "b", "c"]
    results = dict(run_in_processes(work, tasks, 2))
    assert results == {0: "a", 2: "once", 3: "b", 4: "c"}
    assert process_tasks.count_notes(tmp_path, "dies") == processes.TRIES
    assert "A process was killed; " in capsys.readouterr().out


def test_tasks_that_are_alike_begin_again_together(tmp_path: Path, capsys) -> None:
    work = functools.partial(process_tasks.note_or_die, folder=tmp_path)
    results = dict(run_in_processes(work, ["once", "once"], 2, noun="workers", are_alike=True))
    assert results == {0: "once", 1: "once"}
    assert "workers go on." in capsys.readouterr().out


def test_tasks_are_begun_as_often_as_is_said(tmp_path: Path) -> None:
    work = functools.partial(process_tasks.note_or_die, folder=tmp_path)
    assert dict(run_in_processes(work, ["dies", "dies"], 2, are_alike=True, tries=3)) == {}
    assert 3 <= process_tasks.count_notes(tmp_path, "dies") <= 6


@pytest.mark.parametrize("count", [1, 2])
def test_the_first_signal_lets_all_end_whole_and_no_more_begin(tmp_path: Path, count: int) -> None:
    work = functools.partial(process_tasks.wait_for_stop, folder=tmp_path)
    thread = send(signal.SIGINT, lambda: len(list(tmp_path.iterdir())) == count)
    results = []
    with pytest.raises(StoppedError, match=r"^stopped by SIGINT$") as stopped:
        results.extend(run_in_processes(work, range(10), count))
    thread.join()
    assert (stopped.value.number, results) == (signal.SIGINT, [])
    assert len(list(tmp_path.iterdir())) == count


def test_the_second_signal_is_obeyed_at_once(tmp_path: Path) -> None:
    work = functools.partial(process_tasks.heed_nothing, folder=tmp_path)
    thread = send(signal.SIGTERM, lambda: len(list(tmp_path.iterdir())) == 2, times=2)
    with pytest.raises(StoppedError, match="a second time"):
        list(run_in_processes(work, range(10), 2))
    thread.join()
    pids = [int(path.read_text()) for path in tmp_path.iterdir()]
    until(lambda: not any(read_start_time(pid) for pid in pids), "the processes to end")


def test_who_takes_no_more_results_ends_the_processes_tasks() -> None:
    with closing(run_in_processes(process_tasks.square, range(1000), 2)) as results:
        assert len(next(results)) == 2


def test_processes_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import functools, pathlib, process_tasks\n"
        "from letterocr.sweep.processes import run_in_processes\n"
        f"work = functools.partial(process_tasks.heed_nothing, folder=pathlib.Path({str(tmp_path)!r}))\n"
        "list(run_in_processes(work, range(2), 2))\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{TESTS}:{TESTS.parent}"}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, stderr=subprocess.DEVNULL) as parent:
        until(lambda: len([path for path in tmp_path.iterdir() if path.read_text()]) == 2, "both tasks")
        parent.kill()
    pids = [int(path.read_text()) for path in tmp_path.iterdir()]
    until(lambda: not any(read_start_time(pid) for pid in pids), "the processes to end")
