"""SIGTERM, SIGINT and SIGUSR2: a checkpoint, a message that says how to go on, and the status that shells expect."""

import shlex
import signal
import time

import pytest
from cut_runs import EVERY_STRETCH
from held import GO
from tiny import (
    assert_same_bits,
    at_checkpoint,
    checkpoints,
    command,
    kill,
    result_of,
    run_folder,
    start,
    tiny,
    wait_until,
)

from letterocr.base.signals import OURS, ObeyedSignals, PassedSignals, Signals, StopFile, StoppedError

BOTH = [signal.SIGTERM, signal.SIGINT]


def test_a_file_stops_the_run_that_trains_here_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr("letterocr.base.signals.HEED_SECONDS", 0.01)
    stop = tmp_path / "stop"
    with StopFile(stop) as heeded:
        stop.touch()
        assert heeded.read_signal() == signal.SIGTERM
        time.sleep(0.1)  # no run trains: this process is not ended
        with Signals() as signals:
            end = time.monotonic() + 30
            while not signals.received and time.monotonic() < end:
                time.sleep(0.01)
            assert signals.received == signal.SIGTERM


def test_what_is_passed_on_is_the_first_signal_and_the_second_is_obeyed(tmp_path):
    stop = StopFile(tmp_path / "stop")
    with PassedSignals(stop):
        signal.raise_signal(signal.SIGINT)
        assert stop.read_signal() == signal.SIGINT
        stop.make(signal.SIGTERM)
        assert stop.read_signal() == signal.SIGINT
        with pytest.raises(StoppedError, match="stopped by SIGTERM a second time"):
            signal.raise_signal(signal.SIGTERM)


def handlers():
    return [signal.getsignal(number) for number in OURS]


@pytest.mark.parametrize("number", OURS)
def test_signals_are_noted_and_the_old_handlers_come_back(number):
    before = handlers()
    with Signals() as signals:
        assert signals.received == 0
        signal.raise_signal(number)
        assert signals.received == number
    assert handlers() == before


@pytest.mark.parametrize("number", OURS)
def test_where_no_run_trains_they_are_obeyed_at_once(number):
    before = handlers()
    with pytest.raises(StoppedError, match="stopped by SIG") as stopped, ObeyedSignals():
        signal.raise_signal(number)
    assert stopped.value.number == number
    assert handlers() == before


def test_being_queued_again_is_not_forgotten_for_a_sigterm_that_comes_along():
    for numbers in ([signal.SIGUSR2, signal.SIGTERM], [signal.SIGTERM, signal.SIGUSR2]):
        with Signals() as signals:
            for number in numbers:
                signal.raise_signal(number)
            assert signals.received == signal.SIGUSR2


def test_noting_inside_obeying_obeys_again_afterwards():
    with ObeyedSignals():
        with Signals() as signals:
            signal.raise_signal(signal.SIGTERM)
        assert signals.received == signal.SIGTERM
        with pytest.raises(StoppedError):
            signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("number", OURS)
def test_a_process_that_is_stopped_says_how_to_go_on_and_loses_nothing(tmp_path, number):
    overrides, environment = tiny(), {GO: str(tmp_path / "go")}
    process = start(*overrides, f"output={tmp_path / 'my outputs'}", EVERY_STRETCH, cwd=tmp_path, env=environment)
    wait_until(lambda: len(checkpoints(tmp_path / "my outputs")) == 2, process)
    answer = kill(process, number)
    assert answer.status == 128 + number
    assert answer.err == ""
    folder = run_folder(tmp_path / "my outputs")
    stopped, _, how = answer.out.splitlines()[-1].partition(" Go on with: ")
    learned = int(checkpoints(tmp_path / "my outputs")[-1].stem)
    assert 0 < learned < 300
    assert stopped == f"Stopped by {number.name} after {learned:,} samples; nothing is lost."
    words = shlex.split(how)
    assert words[:2] == ["letterocr", "train"]
    answer = command(*words[2:], cwd=tmp_path)
    assert answer.status == 0, answer.err
    assert f"sample {learned:,}" in answer.out
    assert command(*overrides, f"output={tmp_path / 'whole'}").status == 0
    assert_same_bits(run_folder(tmp_path / "whole"), folder)


@pytest.mark.parametrize("number", OURS)
def test_a_signal_before_the_training_ends_the_command_without_a_traceback(tmp_path, monkeypatch, number):
    monkeypatch.setattr("letterocr.run.outcome.check_config", lambda config: signal.raise_signal(number))
    before = handlers()
    answer = command(*tiny(f"output={tmp_path}"))
    assert answer.status == 128 + number
    assert answer.sentence == f"stopped by {number.name} while no run was training; nothing is lost."
    assert handlers() == before


@pytest.mark.parametrize("number", BOTH)
def test_a_sweep_ends_with_the_run_that_is_stopped(tmp_path, number):
    sweep = ["-m", "seed=1,2,3", *tiny(f"output={tmp_path}", "checkpoint_seconds=0")]
    with at_checkpoint(3, number):
        answer = command(*sweep)
    assert answer.status == 128 + number
    assert "Go on with: letterocr train resume=" in answer.out
    assert len(list(tmp_path.glob("three_layer-*"))) == 1
    assert command(*sweep, "resume=true").status == 0
    folders = list(tmp_path.glob("three_layer-*"))
    assert [result_of(folder)["status"] for folder in folders] == ["finished"] * 3


def test_a_signal_while_a_run_is_finishing_finishes_it_and_ends_the_sweep(tmp_path):
    with at_checkpoint(1):  # its only checkpoint is the last
        answer = command("-m", "seed=1,2", *tiny("checkpoint_seconds=1000", f"output={tmp_path}"))
    assert answer.status == 128 + signal.SIGTERM
    (folder,) = tmp_path.glob("three_layer-*")
    assert result_of(folder)["status"] == "finished"
