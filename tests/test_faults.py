"""What a machine does to runs: SIGKILL at any moment, a file system that turns read-only. Counts are printed (-s)."""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked import ForkedProcess
from held import GO
from tiny import assert_same_bits, checkpoints, command, finish, kill, mounted, run_folder, start, tiny, wait_until

KILLS = 20
SAMPLES = 5000


def test_killed_at_twenty_random_moments_nothing_whole_is_lost(tmp_path: Path) -> None:
    overrides = tiny(f"samples={SAMPLES}", "evaluate_every=100", "tensorboard=false")
    cut = [*overrides, "checkpoint_seconds=0", "resume=true", f"output={tmp_path / 'cut'}"]
    generator, learned = random.Random(8), tmp_path / "learned"
    learned.write_bytes(bytes(8))
    survived, within_a_write, lost, at = 0, 0, 0, 0
    for _ in range(KILLS):
        before = checkpoints(tmp_path / "cut")[-1:]
        process = ForkedProcess(["counted_train", str(learned), *cut], Path(__file__).parent, dict(os.environ))
        wait_until(lambda before=before: checkpoints(tmp_path / "cut")[-1:] != before, process)
        time.sleep(generator.uniform(0, 0.03))
        assert kill(process).status == -signal.SIGKILL, "the run was over too early"
        newest = int(checkpoints(tmp_path / "cut")[-1].stem)
        assert newest >= at  # no checkpoint that was whole is gone
        survived, at = survived + 1, newest
        within_a_write += any((tmp_path / "cut").rglob(".*.tmp"))
        lost = max(lost, struct.unpack("q", learned.read_bytes())[0] - newest)
    assert command(*cut).status == 0
    assert command(*overrides, f"output={tmp_path / 'whole'}").status == 0
    assert_same_bits(run_folder(tmp_path / "whole"), run_folder(tmp_path / "cut"))
    assert within_a_write > 0  # some fell into a checkpoint's write
    print(f"SIGKILL: {KILLS} tried, {survived} survived, {within_a_write} within a write, at most {lost} samples again")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own."""
    with mounted(tmp_path / "disk", 64) as folder:
        yield folder


def remount(folder: Path, how: str) -> bool:
    return not subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], capture_output=True).returncode


def test_a_file_system_that_turns_read_only_gets_one_sentence(tmp_path: Path, disk: Path) -> None:
    overrides = tiny("tensorboard=false", f"output={disk}", "resume=true")
    go = tmp_path / "go"
    process = start(*overrides, "checkpoint_seconds=0", cwd=tmp_path, env={GO: str(go)})
    wait_until(lambda: len(checkpoints(disk)) == 2, process)
    while not remount(disk, "ro") and process.poll() is None:  # busy while a file is open for writing
        time.sleep(0.001)
    go.touch()
    answer = finish(process)
    assert answer.status == 2, answer
    assert answer.sentence == f"{run_folder(disk)} can't be written (Read-only file system): take another output=."
    assert remount(disk, "rw")
    assert command(*overrides).status == 0
    assert command(*overrides[:-2], f"output={tmp_path / 'whole'}").status == 0
    assert_same_bits(run_folder(tmp_path / "whole"), run_folder(disk))


def test_a_clock_that_jumps_back_loses_nothing(tmp_path: Path) -> None:
    """A new sweep's folder then has the name of an older one, and what is newest is not what was written last."""
    same = ["-m", f"hydra.sweep.dir={tmp_path / 'sweeps' / '2026-11-01_02-30-00-000000'}", f"output={tmp_path}"]
    assert command(*same, "seed=1,2", *tiny()).status == 0
    results = {path: path.read_bytes() for path in tmp_path.glob("*/result.json")}
    again = command(*same, "seed=2,3", *tiny())
    assert again.status == 0
    assert "Sweep of 2 runs: 2 finished; 1 existed already." in again.out
    assert len(list(tmp_path.glob("*/result.json"))) == 3
    assert {path: path.read_bytes() for path in results} == results

    overrides = tiny("checkpoint_seconds=0", f"output={tmp_path / 'cut'}")
    process = start(*overrides, cwd=tmp_path, env={GO: str(tmp_path / "go")})
    wait_until(lambda: len(checkpoints(tmp_path / "cut")) == 2, process)
    process.terminate()
    finish(process)
    older, newer = checkpoints(tmp_path / "cut")
    for path, when in ((older, time.time() + 3600), (newer, time.time() - 3600)):
        os.utime(path, (when, when))
    went_on = command(*overrides, "resume=true")
    assert f"resumed at  sample {int(newer.stem):,}" in went_on.out
    assert command(*tiny(f"output={tmp_path / 'whole'}")).status == 0
    assert_same_bits(run_folder(tmp_path / "whole"), run_folder(tmp_path / "cut"))
