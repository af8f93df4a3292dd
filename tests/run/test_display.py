"""What a run shows: plain lines, and TensorBoard's events."""

from __future__ import annotations

from pathlib import Path

import pytest
from cut_runs import EVERY_STRETCH
from tiny import (
    Killed,
    assert_same_bits,
    at_checkpoint,
    at_write,
    command,
    run_folder,
    tiny,
)

from letterocr.run.session import Session


def test_without_a_terminal_the_config_comes_in_plain_lines(tmp_path):
    out = command(*tiny(f"output={tmp_path}")).out
    assert "\x1b" not in out
    rows = {line.split()[0]: line for line in out.splitlines() if line.startswith("  ")}
    assert "three_layer 900-40-26, sigmoid, T = 1" in rows["network"]
    assert "104 to train, 26 to test, shuffled" in rows["letters"]
    assert "gradient rule, vanilla, learning rate 0.05, loss 0.5 |q-c|^2" in rows["learning"]
    assert "float32 on cpu, test error after every sample (full evaluation)" in rows["engine"]
    assert str(run_folder(tmp_path)) in rows["folder"]
    assert "sample 1 of 300" in out
    assert "final test error" in out


def test_says_that_the_test_error_is_certified(tmp_path):
    out = command(*tiny(f"output={tmp_path}", "engine=blocked", "samples=20")).out
    assert "test error after every sample (certified evaluation)" in out
    out = command(*tiny(f"output={tmp_path / 'full'}", "engine=blocked", "samples=20", "evaluation=full")).out
    assert "test error after every sample (full evaluation)" in out


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
