"""When a run is trained, and disks that are full or can't be written."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil

import pyarrow.parquet as pq
import pytest
from cut_runs import EVERY_STRETCH, copy_run
from linear_runs import make_linear_config
from tiny import (
    assert_same_bits,
    at_write,
    checkpoints,
    command,
    finish,
    mounted,
    result_of,
    run_folder,
    start,
    tiny,
    wait_until,
)

from letterocr.compose.stored_config import read_config
from letterocr.run.training import run


def test_a_finished_run_is_not_trained_again_unless_forced(tmp_path, whole):
    overrides = tiny(f"output={tmp_path}")
    folder = copy_run(whole, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = command(*overrides)
    assert again.status == 0
    assert again.out == f"This run exists already (finished): {folder}. Train it again with force=true.\n"
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert command(*overrides, "force=true").status == 0
    assert (folder / "result.json").stat().st_mtime_ns > before[folder / "result.json"]
    assert len(list(folder.glob("events.out.*"))) == 1


def test_an_unfinished_run_is_not_touched_without_being_asked_to(tmp_path, stopped):
    overrides = tiny(f"output={tmp_path}")
    copy_run(stopped, tmp_path)
    kept = checkpoints(tmp_path)
    answer = command(*overrides)
    assert answer.status == 2
    assert answer.sentence == (
        f"{run_folder(tmp_path)} holds an unfinished run: go on with resume=true, or start again with force=true."
    )
    assert checkpoints(tmp_path) == kept
    assert command(*overrides, "force=true").status == 0
    assert result_of(run_folder(tmp_path))["samples"] == 300


def test_no_samples_are_a_run_too(tmp_path):
    assert command(*tiny("samples=0", f"output={tmp_path}")).status == 0
    assert pq.read_table(run_folder(tmp_path) / "curve.parquet").num_rows == 1


def test_a_run_can_be_started_from_python(tmp_path):
    config = make_linear_config(0.001, output=str(tmp_path), threads=1)
    outcome = run(config, live=False)
    assert (outcome.status, outcome.signal) == ("finished", 0)
    assert outcome.folder == run_folder(tmp_path)
    assert read_config(outcome.folder) == config


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_in_the_place_of_the_output_folder_gets_one_sentence(tmp_path, place):
    (tmp_path / "file").write_text("here I am")
    answer = command(*tiny(f"output={tmp_path / place}"))
    assert answer.status == 2
    assert "can't be written" in answer.sentence
    assert answer.sentence.endswith("take another output=.")
    assert (tmp_path / "file").read_text() == "here I am"


@pytest.mark.parametrize("count", [1, 4, 9])
def test_a_disk_that_is_full_loses_nothing_that_was_written(tmp_path, whole, count):
    overrides = tiny(f"output={tmp_path / 'cut'}")
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "some/file")
    with at_write(count, full):
        answer = command(*overrides, EVERY_STRETCH)
    assert answer.status == 2
    assert "can't be written (No space left on device)" in answer.sentence
    assert answer.sentence.endswith(
        "the files written so far are whole; make room, then give the command again with resume=true."
    )
    assert command(*overrides, "resume=true").status == 0
    assert_same_bits(whole, run_folder(tmp_path / "cut"))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 26 MB."""
    with mounted(tmp_path / "disk", 26) as folder:
        yield folder


def test_a_really_full_disk_gets_one_sentence_and_the_run_goes_on_when_there_is_room(tmp_path, small_disk):
    overrides = tiny("samples=5000", f"output={small_disk}", "resume=true")
    process = start(*overrides, "checkpoint_seconds=0.05", cwd=tmp_path)
    wait_until(lambda: bool(checkpoints(small_disk)), process)
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while process.poll() is None:
            file.write(bytes(65536))
    answer = finish(process)
    assert answer.status == 2, answer
    assert answer.sentence == (
        f"{run_folder(small_disk)} can't be written (No space left on device): the files written so far are whole; "
        "make room, then give the command again with resume=true."
    )
    assert checkpoints(small_disk)
    filler.unlink()
    assert command(*overrides).status == 0
    assert command(*tiny("samples=5000", f"output={tmp_path / 'whole'}")).status == 0
    assert_same_bits(run_folder(tmp_path / "whole"), run_folder(small_disk))


def test_too_little_room_is_told_before_training(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
    answer = command(*tiny(f"output={tmp_path}"))
    assert answer.status == 2
    assert "has 1 MB free and this run may need" in answer.sentence
