"""A run that is cut goes on to the same bits; divergence, damage and full disks end it in one sentence."""

import contextlib
import errno
import json
import os
import random
import shutil
import signal
import subprocess
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from helpers import small_config
from tiny import (
    Killed,
    assert_same_bits,
    assert_same_curve,
    at_checkpoint,
    at_write,
    checkpoints,
    command,
    finish,
    kill,
    letters,
    mounted,
    result_of,
    run_folder,
    start,
    tiny,
    wait_until,
)

from letterocr.compose.build import build_engine
from letterocr.compose.stored_config import read_config
from letterocr.config.data import ImagesConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.train import TrainConfig
from letterocr.data import images
from letterocr.data.letters import Split
from letterocr.run import checkpoint
from letterocr.run.session import Session
from letterocr.run.training import run

ENGINES = [name for name in TrainConfig.__dataclass_fields__["engine"].metadata["choices"] if name != "auto"]
EVERY_STRETCH = "checkpoint_seconds=0"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a run that nothing interrupted; only to be read."""
    output = tmp_path_factory.mktemp("whole")
    answer = command(*tiny(f"output={output}"))
    assert answer.status == 0, answer.err
    return run_folder(output)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """The folder of a run that was stopped at its third checkpoint; only to be read."""
    output = tmp_path_factory.mktemp("stopped")
    stop_after(3, *tiny(f"output={output}"))
    return run_folder(output)


def stop_after(count: int, *overrides: str, number: int = signal.SIGTERM) -> None:
    """Train until the count-th checkpoint."""
    with at_checkpoint(count, number):
        assert command(EVERY_STRETCH, *overrides).status == 128 + number


# What a run leaves and says


def test_the_run_folder_holds_everything_that_the_run_was(whole):
    names = {path.name for path in whole.iterdir()}
    assert {"config.yaml", "environment.json", "curve.parquet", "checkpoints", "result.json"} <= names
    assert [path for path in whole.iterdir() if path.name.startswith("events.out.tfevents")]
    curve = pq.read_table(whole / "curve.parquet").to_pydict()
    assert curve["sample"] == list(range(301))
    assert np.isnan(curve["loss"][0])
    assert np.isfinite(curve["loss"][1:]).all()
    assert np.isfinite(curve["test_error"]).all()
    assert result_of(whole)["error"] == curve["test_error"][-1]
    assert {"torch", "numpy", "python", "letters", "device", "threads"} <= json.loads(
        (whole / "environment.json").read_text()
    ).keys()


def test_without_a_terminal_the_config_comes_in_plain_lines(tmp_path):
    out = command(*tiny(f"output={tmp_path}")).out
    assert "\x1b" not in out
    rows = {line.split()[0]: line for line in out.splitlines() if line.startswith("  ")}
    assert "three_layer 900-40-26, sigmoid, T = 1" in rows["network"]
    assert "104 to train, 26 to test, shuffled" in rows["letters"]
    assert "gradient rule, vanilla, learning rate 0.05, loss 0.5 |q-c|^2" in rows["learning"]
    assert "float32 on cpu, test error after every sample" in rows["engine"]
    assert str(run_folder(tmp_path)) in rows["folder"]
    assert "sample 1 of 300" in out
    assert "final test error" in out


def test_a_finished_run_is_not_trained_again_unless_forced(tmp_path):
    overrides = tiny(f"output={tmp_path}")
    command(*overrides)
    folder = run_folder(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = command(*overrides)
    assert again.status == 0
    assert again.out == f"This run is there already (finished): {folder}. Train it again with force=true.\n"
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert command(*overrides, "force=true").status == 0
    assert (folder / "result.json").stat().st_mtime_ns > before[folder / "result.json"]
    assert len(list(folder.glob("events.out.*"))) == 1


def test_an_unfinished_run_is_not_touched_without_being_asked_to(tmp_path):
    overrides = tiny(f"output={tmp_path}")
    stop_after(2, *overrides)
    kept = checkpoints(tmp_path)
    answer = command(*overrides)
    assert answer.status == 2
    assert answer.sentence == (
        f"{run_folder(tmp_path)} holds an unfinished run: go on with resume=true, or start anew with force=true."
    )
    assert checkpoints(tmp_path) == kept
    assert command(*overrides, "force=true").status == 0
    assert result_of(run_folder(tmp_path))["samples"] == 300


def test_no_samples_are_a_run_too(tmp_path):
    assert command(*tiny("samples=0", f"output={tmp_path}")).status == 0
    assert pq.read_table(run_folder(tmp_path) / "curve.parquet").num_rows == 1


# Cut and gone on with


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
    overrides = tiny("samples=6000")
    output = tmp_path / "cut"
    cut = [*overrides, "checkpoint_seconds=0.05", "resume=true", f"output={output}"]
    samples = []
    for _ in range(3):
        before = checkpoints(output)
        process = start(*cut, cwd=tmp_path)
        wait_until(lambda before=before: checkpoints(output)[-1:] != before[-1:], process)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0, 0.15))
        assert kill(process).status == -signal.SIGKILL
        samples.append(int(checkpoints(output)[-1].stem))
    assert samples == sorted(set(samples))
    assert 0 < samples[0] < samples[-1] < 6000
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
def test_the_same_command_with_resume_goes_on_even_where_it_was_forced(tmp_path, whole, kept):
    overrides = tiny(f"output={tmp_path / 'cut'}", *(["force=true"] if kept else []))
    stop_after(5, *overrides)
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
    assert command("resume=mine/my run", cwd=tmp_path).out.startswith("This run is there already (finished)")


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


# Divergence


def two_layer(rate: float, **fields) -> TrainConfig:
    model = ChainConfig(name="two_layer", hidden=[], activation="linear", bias=False, init_scale=0.1)
    data = ImagesConfig(path=str(letters()), test_per_letter=1)
    return small_config(
        model=model, data=data, learning_rate=rate, samples=300, order="cyclic", engine="reference", **fields
    )


def linear(rate: float, *overrides: str) -> list[str]:
    return tiny("order=cyclic", f"learning_rate={rate}", *overrides, model="two_layer")


def first_broken_loss(split: Split, config: TrainConfig) -> int:
    """Counted from 1: the first sample whose loss is not finite, by (2, 6) in NumPy."""
    weight = build_engine(config, split).network.weights[0][0].numpy().copy()
    factor, rate = np.float32(2 * config.loss_factor), np.float32(config.learning_rate)
    with np.errstate(all="ignore"):
        for sample in range(1, config.samples + 1):
            place = (sample - 1) % len(split.train)
            a = split.train.images[place].numpy()
            error = weight @ a
            error[split.train.labels[place]] -= 1
            if not np.isfinite((error * error).sum()):
                return sample
            weight -= rate * factor * np.outer(error, a)
    raise AssertionError("it did not diverge")


@pytest.mark.parametrize(("factor", "formula"), [(0.5, "2/max|a|^2"), (1.0, "1/max|a|^2")])
def test_divergence_ends_the_run_with_its_sample_its_bound_and_a_whole_curve(tmp_path, factor, formula):
    config = two_layer(0.1, loss_factor=factor)
    split = images.load(config.data)
    last = first_broken_loss(split, config) - 1
    answer = command(*linear(0.1, f"loss_factor={factor}", f"output={tmp_path}"))
    assert answer.status == 1
    bound = 1 / factor / float(split.train.images.double().square().sum(1).max())
    assert answer.out.count(f"The safe bound {formula} is {bound:.3g} for these letters.") == 2  # before and after
    assert f"The run diverged at sample {last:,}, after which" in answer.out
    assert "learning_rate=0.1 is too large." in answer.out
    folder = run_folder(tmp_path)
    result = result_of(folder)
    assert (result["status"], result["error"], result["diverged"]) == ("diverged", 1.0, {"0": last - 1})
    curve = pq.read_table(folder / "curve.parquet").to_pydict()
    assert curve["sample"] == list(range(last))
    assert np.isfinite(curve["loss"][1:]).all()
    again = command(*linear(0.1, f"loss_factor={factor}", f"output={tmp_path}"))
    assert (again.status, again.out.split(":")[0]) == (1, "This run is there already (diverged)")


def test_the_bias_is_an_input_more_in_the_bound(tmp_path):
    split = images.load(two_layer(0.1).data)
    bound = 2 / (float(split.train.images.double().square().sum(1).max()) + 1)
    out = command(*linear(0.1, "model.bias=true", f"output={tmp_path}")).out
    assert f"The safe bound 2/max(|a|^2 + 1) is {bound:.3g}" in out


def test_below_the_bound_it_does_not_diverge(tmp_path):
    config = two_layer(0.1)
    bound = 2 / float(images.load(config.data).train.images.double().square().sum(1).max())
    answer = command(*linear(0.99 * bound, "samples=3000", f"output={tmp_path}"))
    assert answer.status == 0
    assert "diverge" not in answer.out


def test_divergence_at_the_very_last_sample_is_found_too(tmp_path):
    answer = command(*linear(3e38, "model.init_scale=100", "samples=1", f"output={tmp_path}"))
    assert answer.status == 1
    assert "The run diverged at sample 1, after which" in answer.out
    assert np.isfinite(pq.read_table(run_folder(tmp_path) / "curve.parquet")["test_error"].to_numpy()).all()


@pytest.mark.parametrize("before_end", [0, 1, 4])
def test_divergence_in_a_later_session_is_the_same(tmp_path, monkeypatch, before_end):
    command(*linear(0.1, f"output={tmp_path / 'whole'}"))
    whole = run_folder(tmp_path / "whole")
    broken = result_of(whole)["diverged"]["0"] + 2
    monkeypatch.setattr("letterocr.run.session.STRETCH_SECONDS", 0)  # a checkpoint after every sample
    overrides = linear(0.1, f"output={tmp_path / 'cut'}")
    stop_after(broken - 1 - before_end, *overrides)
    answer = command(*overrides, "resume=true")
    assert answer.status == 1
    cut = run_folder(tmp_path / "cut")
    assert_same_curve(whole, cut)
    assert result_of(cut)["diverged"] == result_of(whole)["diverged"]


def test_a_signal_that_comes_with_the_divergence_leaves_a_result(tmp_path, monkeypatch):
    add = Session._add

    def add_and_signal(self, records):
        add(self, records)
        if self.diverged:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Session, "_add", add_and_signal)
    answer = command(*linear(0.1, f"output={tmp_path}"))
    assert answer.status == 128 + signal.SIGTERM
    assert result_of(run_folder(tmp_path))["status"] == "diverged"


def test_of_networks_side_by_side_the_others_go_on(tmp_path):
    answer = command(*linear(0.001, "replicas=2", "learning_rate=[0.001,0.1]", f"output={tmp_path / 'two'}"))
    assert answer.status == 0
    last = first_broken_loss(images.load(two_layer(0.1).data), two_layer(0.1)) - 1
    assert f"Replica 1 diverged at sample {last:,}, after which" in answer.out
    assert "learning_rate=0.1 is too large" in answer.out
    command(*linear(0.001, f"output={tmp_path / 'one'}"))
    one, two = (pq.read_table(run_folder(tmp_path / name) / "curve.parquet") for name in ("one", "two"))
    errors = two["test_error"].to_numpy().reshape(2, 301)
    np.testing.assert_array_equal(errors[0], one["test_error"].to_numpy())
    assert (errors[1, last:] == 1).all()
    assert (errors[1, 1:last] < 1).any()
    result = result_of(run_folder(tmp_path / "two"))
    assert result["status"] == "finished"
    assert result["error"] == (errors[0, -1] + 1) / 2
    assert result["diverged"] == {"1": last - 1}


def test_a_diverged_network_among_others_is_remembered_by_a_later_session(tmp_path):
    overrides = linear(0.001, "replicas=2", "learning_rate=[0.001,0.1]")
    command(*overrides, f"output={tmp_path / 'whole'}")
    stop_after(7, *overrides, f"output={tmp_path / 'cut'}")
    assert command(*overrides, "resume=true", f"output={tmp_path / 'cut'}").status == 0
    whole, cut = run_folder(tmp_path / "whole"), run_folder(tmp_path / "cut")
    assert_same_curve(whole, cut)
    assert result_of(cut)["diverged"] == result_of(whole)["diverged"]


# Damage and full disks


def test_a_damaged_newest_checkpoint_is_passed_over_with_a_line(tmp_path, whole):
    overrides = tiny(f"output={tmp_path / 'cut'}")
    stop_after(5, *overrides)
    newest = checkpoints(tmp_path / "cut")[-1]
    newest.with_suffix(".safetensors").write_bytes(b"damaged")
    answer = command(*overrides, "resume=true")
    assert answer.status == 0
    assert f"The checkpoint {newest.stem} is damaged" in answer.out
    assert_same_bits(whole, run_folder(tmp_path / "cut"))


def damaged(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
    else:
        path.write_text(text)


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        ("config.yaml", "model: [", "config.yaml can't be read as a config"),
        ("config.yaml", "", "config.yaml can't be read as a config"),
        ("config.yaml", "data: 3", "config.yaml can't be read as a config"),
        ("config.yaml", "[1, 2]", "config.yaml can't be read as a config"),
        ("config.yaml", None, "it has no config.yaml"),
        ("environment.json", "{", "environment.json is damaged"),
        ("environment.json", "[]", "environment.json is damaged"),
        ("result.json", "", "result.json is damaged"),
        ("result.json", "[1]", "result.json is damaged"),
        ("result.json", '{"status": "finished"}', "result.json is damaged"),
        ("curve.parquet", "PAR1", "curve.parquet is missing or damaged: start anew with force=true."),
        ("curve.parquet", None, "curve.parquet is missing or damaged: start anew with force=true."),
        ("checkpoints/*.safetensors", "", "has no whole checkpoint: start anew with force=true."),
    ],
)
def test_a_damaged_run_folder_gets_one_sentence(tmp_path, stopped, file, text, sentence):
    folder = shutil.copytree(stopped, tmp_path / "run")
    for path in list(folder.glob(file)) or [folder / file]:
        damaged(path, text)
    answer = command(f"resume={folder}")
    assert answer.status == 2
    assert sentence in answer.sentence
    assert str(folder) in answer.sentence


def test_a_damaged_result_can_be_forced_away(tmp_path):
    overrides = tiny(f"output={tmp_path}")
    command(*overrides)
    (run_folder(tmp_path) / "result.json").write_text("{")
    assert command(*overrides).status == 2
    assert command(*overrides, "force=true").status == 0


def test_checkpoints_of_another_network_get_one_sentence(tmp_path, stopped):
    folder = shutil.copytree(stopped, tmp_path / "run")
    facts, tensors, _ = checkpoint.load(folder / "checkpoints", torch.device("cpu"))
    narrower = tensors | {"weight.0": tensors["weight.0"][:, :3]}
    checkpoint.save(folder / "checkpoints", facts["sample"], narrower, {"seconds": 0.0, "diverged": {}})
    answer = command(f"resume={folder}")
    assert answer.status == 2
    assert answer.sentence == f"{folder} is a run of another version: start anew with force=true."


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
    assert answer.sentence.endswith("what was written is whole; make room, then go on with resume=true.")
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
        f"{run_folder(small_disk)} can't be written (No space left on device): what was written is whole; "
        "make room, then go on with resume=true."
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


# TensorBoard


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder), {"scalars": 0, "images": 0})
    accumulator.Reload()
    return {tag: [(e.step, e.value) for e in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]}


def test_tensorboard_reads_a_run_in_several_sessions_as_one(tmp_path, whole, monkeypatch):
    overrides = tiny(f"output={tmp_path / 'cut'}", EVERY_STRETCH)
    for count in (3, 4):
        with at_checkpoint(count):
            command(*overrides, "resume=true")
    monkeypatch.setattr(Session, "_save", lambda self: None)
    with pytest.raises(Killed), at_write(3, Killed()):  # dies with its last points shown and not saved
        command(*overrides, "resume=true")
    monkeypatch.undo()
    command(*overrides, "resume=true")
    cut = run_folder(tmp_path / "cut")
    assert len(list(cut.glob("events.out.tfevents.*"))) == 4
    assert_same_bits(whole, cut)
    seen, expected = scalars(cut), scalars(whole)
    assert seen == expected
    steps = [step for step, _ in seen["error/test"]]
    assert steps == sorted(set(steps))
    assert steps[-1] == 300


def test_the_hparams_are_those_of_the_config(whole):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    accumulator = EventAccumulator(str(whole))
    accumulator.Reload()
    content = accumulator.PluginTagToContent("hparams")["_hparams_/session_start_info"]
    hparams = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert hparams["learning_rate"].number_value == 0.05
    assert hparams["model.name"].string_value == "three_layer"
    assert hparams["model.hidden"].string_value == "[40]"
    assert hparams["data.test_per_letter"].number_value == 1
    assert not {"output", "resume", "force", "threads"} & set(hparams)


def test_without_tensorboard_there_are_no_events(tmp_path):
    command(*tiny(f"output={tmp_path}", "tensorboard=false"))
    assert not list(run_folder(tmp_path).glob("events.out.*"))


def test_a_run_can_be_started_from_python(tmp_path):
    config = two_layer(0.001, output=str(tmp_path), threads=1)
    outcome = run(config, live=False)
    assert (outcome.status, outcome.signal) == ("finished", 0)
    assert outcome.folder == run_folder(tmp_path)
    assert read_config(outcome.folder) == config
