"""A run that is cut goes on to the same bits, from its newest whole checkpoint."""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import subprocess

import numpy as np
import pytest
import torch
from cut_runs import EVERY_STRETCH, copy_run, stop_after
from tiny import (
    Killed,
    assert_same_bits,
    at_checkpoint,
    at_write,
    checkpoints,
    command,
    finish,
    kill,
    letters,
    run_folder,
    start,
    tiny,
    wait_until,
)

from letterocr.config.train import TrainConfig
from letterocr.run import checkpoint

ENGINES = [name for name in TrainConfig.__dataclass_fields__["engine"].metadata["choices"] if name != "auto"]


@pytest.mark.parametrize("engine", ENGINES)
def test_killed_before_any_file_takes_its_place_it_goes_on_to_the_same_bits(tmp_path, engine):
    """The k-th session dies before its k-th file: the config, the curve, the tensors, what vouches for them, ..."""
    overrides = tiny(f"engine={engine}", "replicas=2", "samples=1500")
    command(*overrides, f"output={tmp_path / 'whole'}")
    cut = [*overrides, EVERY_STRETCH, "resume=true", f"output={tmp_path / 'cut'}"]
    for count in range(1, 10):
        with at_write(count, Killed()), pytest.raises(Killed):
            command(*cut)
    assert 0 < int(checkpoints(tmp_path / "cut")[-1].stem) < 1500
    assert command(*cut).status == 0
    assert_same_bits(run_folder(tmp_path / "whole"), run_folder(tmp_path / "cut"))


def test_killed_by_sigkill_at_random_moments_it_goes_on_to_the_same_bits(tmp_path):
    rng = random.Random(5)
    overrides = tiny("samples=2500")
    output = tmp_path / "cut"
    cut = [*overrides, "checkpoint_seconds=0.02", "resume=true", f"output={output}"]
    samples = []
    for _ in range(3):
        before = checkpoints(output)
        process = start(*cut, cwd=tmp_path)
        wait_until(lambda before=before: checkpoints(output)[-1:] != before[-1:], process)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0, 0.05))
        assert kill(process).status == -signal.SIGKILL
        samples.append(int(checkpoints(output)[-1].stem))
    assert samples == sorted(set(samples))
    assert 0 < samples[0] < samples[-1] < 2500
    (folder,) = output.iterdir()
    (folder / "checkpoints" / ".left-behind.json.1.tmp").write_text("{")
    answer = command(f"resume={folder}", cwd=tmp_path)
    assert answer.status == 0, answer.err
    assert "resumed at  sample" in answer.out
    assert not list(folder.rglob("*.tmp"))
    assert command(*overrides, f"output={tmp_path / 'whole'}").status == 0
    assert_same_bits(run_folder(tmp_path / "whole"), folder)


def test_killed_before_its_first_checkpoint_it_starts_with_resume(tmp_path, whole):
    overrides = tiny(f"output={tmp_path / 'cut'}", "resume=true")
    process = start(*overrides, "checkpoint_seconds=1000", cwd=tmp_path)
    wait_until(lambda: any((tmp_path / "cut").glob("*/config.yaml")), process)
    process.kill()
    finish(process)
    shutil.rmtree(run_folder(tmp_path / "cut") / "checkpoints", ignore_errors=True)  # had it been done already
    (run_folder(tmp_path / "cut") / "result.json").unlink(missing_ok=True)
    assert command(*overrides).status == 0
    assert_same_bits(whole, run_folder(tmp_path / "cut"))


@pytest.mark.parametrize("kept", [False, True], ids=["plain", "forced"])
def test_the_same_command_with_resume_goes_on_even_where_it_was_forced(tmp_path, whole, stopped, kept):
    overrides = tiny(f"output={tmp_path / 'cut'}", *(["force=true"] if kept else []))
    if kept:
        stop_after(5, *overrides)
    else:
        copy_run(stopped, tmp_path / "cut")
    answer = command(*overrides, "resume=true")
    assert answer.status == 0
    assert "resumed at" in answer.out
    assert_same_bits(whole, run_folder(tmp_path / "cut"))


def test_a_run_folder_that_was_forced_and_renamed_goes_on_where_it_is(tmp_path, whole):
    stop_after(5, *tiny(f"output={tmp_path / 'cut'}", "force=true"))
    moved = tmp_path / "mine" / "my run"
    moved.parent.mkdir()
    run_folder(tmp_path / "cut").rename(moved)
    answer = command("resume=mine/my run", cwd=tmp_path)
    assert answer.status == 0, answer.err
    assert "resumed at" in answer.out
    assert_same_bits(whole, moved)
    assert list(moved.parent.iterdir()) == [moved]
    assert command("resume=mine/my run", cwd=tmp_path).out.startswith("This run exists already (finished)")


def test_a_relative_path_of_the_letters_is_found_from_another_directory(tmp_path, whole):
    (tmp_path / "here").mkdir()
    shutil.copy(letters(), tmp_path / "here" / "own.npz")
    with at_checkpoint(5):
        command(*tiny("data.path=own.npz", "output=out", EVERY_STRETCH), cwd=tmp_path / "here")
    folder = run_folder(tmp_path / "here" / "out")
    answer = command(f"resume={folder}", cwd=tmp_path)
    assert answer.status == 0, answer.err
    assert_same_bits(whole, folder)


def test_momentum_schedules_and_sparse_measurements_are_taken_up_too(tmp_path):
    settings = ["optimizer.momentum=0.5", "schedule=cosine"] if "schedule" in TrainConfig.__dataclass_fields__ else []
    overrides = tiny(*settings, "evaluate_every=log", "order=replacement", "dtype=float64", model="four_layer")
    command(*overrides, f"output={tmp_path / 'whole'}")
    stop_after(6, *overrides, f"output={tmp_path / 'cut'}")
    command(*overrides, f"output={tmp_path / 'cut'}", "resume=true")
    assert_same_bits(run_folder(tmp_path / "whole"), run_folder(tmp_path / "cut"))


def test_letters_that_changed_are_not_learned_on(tmp_path):
    path = tmp_path / "own.npz"
    shutil.copy(letters(), path)
    overrides = tiny(f"data.path={path}", f"output={tmp_path / 'cut'}")
    stop_after(3, *overrides)
    arrays = dict(np.load(path))
    arrays["images"][0] = arrays["images"][1]
    np.savez(path, **arrays)
    answer = command(*overrides, "resume=true")
    assert answer.status == 2
    assert "The letters of data=images changed since" in answer.sentence


def test_a_damaged_newest_checkpoint_is_passed_over_with_a_line(tmp_path, whole, stopped):
    overrides = tiny(f"output={tmp_path / 'cut'}")
    copy_run(stopped, tmp_path / "cut")
    newest = checkpoints(tmp_path / "cut")[-1]
    newest.with_suffix(".safetensors").write_bytes(b"damaged")
    answer = command(*overrides, "resume=true")
    assert answer.status == 0
    assert f"The checkpoint {newest.stem} is damaged" in answer.out
    assert_same_bits(whole, run_folder(tmp_path / "cut"))


def test_checkpoints_of_another_network_get_one_sentence(tmp_path, stopped):
    folder = shutil.copytree(stopped, tmp_path / "run")
    facts, tensors, _ = checkpoint.load(folder / "checkpoints", torch.device("cpu"))
    narrower = tensors | {"weight.0": tensors["weight.0"][:, :3]}
    checkpoint.save(folder / "checkpoints", facts["sample"], narrower, {"seconds": 0.0, "diverged": {}})
    answer = command(f"resume={folder}")
    assert answer.status == 2
    assert answer.sentence == f"{folder} is a run of another version: start again with force=true."
