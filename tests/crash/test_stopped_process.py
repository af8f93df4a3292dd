"""A real process of training is stopped by SIGSTOP; when SIGCONT wakes it up, its run belongs to another machine.

`make crash` waits until the lock is older than `DEAD_SECONDS`, and stops another ten at random moments; without
LETTEROCR_CRASH the time of the lock is set back instead.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from cut_runs import EVERY_STRETCH
from fake_training import on_another_machine
from forked import ForkedProcess
from held import GO
from tiny import assert_same_bits, checkpoints, command, finish, run_folder, start, tiny, wait_until

from letterocr.base.heartbeat import DEAD_SECONDS

ALL = "LETTEROCR_CRASH" in os.environ
RUN = tiny(f"samples={24000 if ALL else 1000}", "tensorboard=false", "evaluate_every=100", "resume=true")


def read_state(process: ForkedProcess) -> str:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]


def stop(process: ForkedProcess, lock: Path, really: bool) -> None:
    """Stop a process until the owner of the lock counts as dead."""
    process.send_signal(signal.SIGSTOP)
    wait_until(lambda: read_state(process) == "T", process)
    if really:
        time.sleep(max(0.0, lock.stat().st_mtime + DEAD_SECONDS + 2 - time.time()))
    else:
        os.utime(lock, (time.time() - DEAD_SECONDS - 20,) * 2)


def read_files(folder: Path) -> dict[str, tuple[int, int]]:
    """The files with their inodes and times: a file that is replaced has others."""
    found = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {str(path.relative_to(folder)): (facts.st_ino, facts.st_mtime_ns) for path, facts in found.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("whole")
    assert command(*RUN, f"output={output}").status == 0
    return run_folder(output)


def stop_and_follow(output: Path, seconds: float | None, whole: Path, really: bool = False) -> set[str]:
    """Stop a process, train its run elsewhere, wake it up; what it replaced.

    It is stopped that long after its second checkpoint; if `seconds` is None, between this and the third one.
    """
    go = output / "go"
    held = [EVERY_STRETCH] if seconds is None else ["checkpoint_seconds=0.3"]
    process = start(*RUN, *held, f"output={output}", cwd=output, env={GO: str(go)} if seconds is None else {})
    wait_until(lambda: len(checkpoints(output)) == 2, process)
    time.sleep(seconds or 0.2)
    folder = run_folder(output)
    stop(process, folder / "lock.1.json", really)
    with on_another_machine():
        answer = command(*RUN, f"output={output}")
    assert answer.status == 0, answer.err
    assert "resumed at" in answer.out
    before = read_files(folder)
    go.touch()
    process.send_signal(signal.SIGCONT)
    answer = finish(process)
    assert answer.status == os.EX_TEMPFAIL, answer
    assert "taken over by another process" in answer.sentence
    after = read_files(folder)
    assert_same_bits(folder, whole)
    assert command(*RUN, f"output={output}").out.count("This run exists already") == 1
    return {name for name in after if after[name] != before.get(name)}


def test_a_stopped_process_replaces_nothing_when_it_wakes_up(tmp_path: Path, whole: Path) -> None:
    assert stop_and_follow(tmp_path, None, whole, really=ALL) == set()


@pytest.mark.skipif(not ALL, reason="only with LETTEROCR_CRASH")
def test_processes_that_are_stopped_at_random_moments(tmp_path: Path, whole: Path) -> None:
    generator, replaced = random.Random(0), []
    for number in range(10):
        output = tmp_path / str(number)
        output.mkdir()
        replaced.append(stop_and_follow(output, generator.random() / 2, whole))
    print(f"\n{sum(not names for names in replaced)} of {len(replaced)} replaced nothing")
    assert all(name.rpartition(".")[2] in ("parquet", "safetensors", "json") for names in replaced for name in names)
    assert sum(map(bool, replaced)) <= 1
