"""Launchers: processes of this machine and SLURM jobs train what a sweep misses, and neither ends where a run dies."""

import json
import math
import os
import signal
from pathlib import Path

import process_tasks
import pytest
from held import GO
from tiny import (
    Answer,
    assert_same_bits,
    checkpoints,
    command,
    finish,
    folders,
    handler,
    report_of,
    start,
    tiny,
    wait_until,
)

from letterocr.compose.stored_config import read_config
from letterocr.config.train import TrainConfig
from letterocr.run.outcome import Outcome
from letterocr.sweep import launchers, ledger, slurm
from letterocr.sweep.missing import MissingRun

REPOSITORY = Path(__file__).resolve().parents[2]
LOCAL = ["launcher=local", "hydra.launcher.n_jobs=2"]
PATIENCE = 240  # seconds of a sweep, on a busy machine


def command_apart(folder: Path, *overrides: str) -> Answer:
    """The command in a process of its own, whose workers need not import PyTorch."""
    return finish(start(*overrides, cwd=folder, env={"PYTHONPATH": str(REPOSITORY)}), PATIENCE)


def test_mistakes_are_found_before_a_process_is_started(tmp_path):
    answer = command("-m", *LOCAL, "learning_rate=fast,slow", *tiny(f"output={tmp_path}"))
    assert answer.status == 1
    assert "runs to train" not in answer.out
    assert report_of(answer)[0] == "Sweep of 2 runs: 2 failed."


def test_processes_side_by_side_train_the_same_bits_each_run_once(tmp_path):
    ask = ["-m", *LOCAL, "seed=1,2", "learning_rate=0.05,5e-2", *tiny(f"output={tmp_path / 'side'}")]
    answer = command_apart(tmp_path, *ask)
    assert answer.status == 0, answer.err
    assert "2 of 4 runs to train." in answer.out
    assert report_of(answer)[0] == "Sweep of 2 runs: 2 finished."
    for seed in (1, 2):
        command(f"seed={seed}", *tiny(f"output={tmp_path / 'alone'}"))
        assert_same_bits(folders(tmp_path / "alone")[seed], folders(tmp_path / "side")[seed])
    again = command(*ask)
    assert again.status == 0
    assert "runs to train" not in again.out


def test_a_process_that_is_killed_does_not_end_the_sweep(tmp_path):
    environment = {"PYTHONPATH": str(REPOSITORY), GO: str(tmp_path / "go")}
    overrides = tiny("checkpoint_seconds=0")
    output = tmp_path / "cut"
    process = start("-m", *LOCAL, "seed=1,2,3", *overrides, f"output={output}", cwd=tmp_path, env=environment)
    wait_until(lambda: bool(checkpoints(output)), process)
    held = next(output.glob("*/lock.*.json"))
    os.kill(json.loads(held.read_text())["pid"], signal.SIGKILL)
    (tmp_path / "go").touch()
    answer = finish(process, PATIENCE)
    assert answer.status == 0, answer.err
    assert "A process was killed; " in answer.out
    assert report_of(answer) == ["Sweep of 3 runs: 3 finished."]
    seed = read_config(held.parent).seed
    command(f"seed={seed}", *overrides, f"output={tmp_path / 'whole'}")
    assert_same_bits(folders(tmp_path / "whole")[seed], held.parent)


def test_a_sweep_that_is_stopped_lets_its_runs_write_checkpoints(tmp_path):
    output = tmp_path / "cut"
    overrides = [*tiny("checkpoint_seconds=1000"), f"output={output}"]
    sweep_ = ["-m", *LOCAL, "seed=1,2,3", *overrides]
    process = start(*sweep_, cwd=tmp_path, env={"PYTHONPATH": str(REPOSITORY), GO: str(tmp_path / "go")})
    wait_until(lambda: len(list(output.glob("*/events.out.*"))) == 2, process)
    process.send_signal(signal.SIGTERM)
    answer = finish(process, PATIENCE)
    assert answer.status == 128 + signal.SIGTERM
    report = "the runs that trained wrote checkpoints. Give the same command again to continue."
    assert answer.sentence == f"stopped by SIGTERM; {report}"
    assert [int(path.stem) > 0 for path in checkpoints(output)] == [True, True]
    assert not list(output.glob("*/lock.*"))
    again = command_apart(tmp_path, *sweep_)
    assert again.status == 0, again.err
    assert report_of(again)[0].startswith("Sweep of 3 runs: 3 finished")


def test_in_one_process_a_sweep_is_stopped_too(tmp_path):
    overrides = [*tiny("samples=20", "tensorboard=false"), f"output={tmp_path / 'out'}"]
    ask = ["-m", "launcher=local", "hydra.launcher.n_jobs=1", "seed=range(200)", *overrides]
    process = start(*ask, cwd=tmp_path, env={"PYTHONPATH": str(REPOSITORY)})
    wait_until(lambda: bool(list(tmp_path.glob("out/*/result.json"))), process)
    process.send_signal(signal.SIGINT)
    answer = finish(process, PATIENCE)
    assert answer.status == 128 + signal.SIGINT
    assert answer.sentence.startswith("stopped by SIGINT; the runs that trained wrote checkpoints.")
    assert len(list(tmp_path.glob("out/*/result.json"))) < 200
    assert not list(tmp_path.glob("out/*/lock.*"))


def missing(folder: Path, name: str) -> MissingRun:
    return MissingRun([name], TrainConfig(output=str(folder)), folder / name)


def test_a_run_whose_process_dies_twice_has_failed_and_the_one_beside_it_has_not(tmp_path, monkeypatch):
    monkeypatch.setattr(launchers, "train_missing", process_tasks.record_or_die)
    reason = {1: "its process was killed 2 times (out of memory?)."}
    assert launchers.start_processes(2)([missing(tmp_path, name) for name in "abcd"], tmp_path) == reason
    assert all(ledger.find_record(tmp_path, [name]).error == 0.5 for name in "acd")


def test_a_job_that_is_queued_again_goes_on_where_it_was_and_a_signal_at_the_end_of_a_run_is_passed_on(
    tmp_path, monkeypatch
):
    calls = []

    def train(run, stop, sweep):
        calls.append(run.overrides[0])
        outcome = Outcome("finished", run.folder, 0.5, signal=signal.SIGUSR2 if run.overrides == ["b"] else 0)
        ledger.write_record(tmp_path, run.overrides, outcome)
        return outcome

    def requeue(number, frame):
        raise SystemExit

    monkeypatch.setattr(launchers, "train_missing", train)
    job, runs = launchers.SlurmWork(), [missing(tmp_path, name) for name in "abc"]
    with handler(signal.SIGUSR2, requeue), pytest.raises(SystemExit):
        job(runs, tmp_path)
    assert calls == ["a", "b"]
    again = job.checkpoint(runs, tmp_path)
    again.function(*again.args, **again.kwargs)
    assert calls == ["a", "b", "c"]


def test_a_job_tries_what_another_job_trained_when_the_sweep_was_asked_for_once_more(tmp_path, monkeypatch):
    calls = []
    run = missing(tmp_path, "a")
    ledger.write_record(tmp_path, run.overrides, Outcome("running", run.folder, math.nan, "another is on it."))
    monkeypatch.setattr(
        launchers, "train_missing", lambda run, *_: calls.append(run) or Outcome("finished", run.folder, 0.5)
    )
    launchers.SlurmWork()([run], tmp_path)
    assert calls == [run]


def test_what_is_said_of_runs_whose_job_left_no_record_names_its_log(tmp_path, monkeypatch):
    (tmp_path / "result").touch()
    results = {"7_0": tmp_path / "result", "7_1": tmp_path / "none"}
    submitted = [slurm.ArrayJob(name, path, Path(f"{name}.err")) for name, path in results.items()]
    monkeypatch.setattr(slurm, "list_queued", set)
    monkeypatch.setattr(slurm, "POLL_SECONDS", 0)
    assert slurm.wait_for_array(submitted) == [
        "SLURM job 7_0 ended before this run was over; see 7_0.err.",
        "SLURM job 7_1 ended without a result (cancelled, or killed); see 7_1.err.",
    ]


def test_asked_again_in_the_same_folder_a_sweep_forgets_what_failed_there(tmp_path, monkeypatch):
    ask = ["-m", *LOCAL, "seed=1", *tiny(f"output={tmp_path}"), f"hydra.sweep.dir={tmp_path / 'same'}"]
    for reason in ("no luck", "none again"):
        monkeypatch.setattr(launchers, "start_processes", lambda _, reason=reason: lambda *_: {0: reason})
        answer = command(*ask)
        assert answer.status == 1
        assert report_of(answer)[1].endswith(reason)


@pytest.mark.parametrize("wrong", ["n_jobs=0", "n_jobs=-2", "runs_per_job=0", "n_jobs=two"])
def test_how_many_at_once_must_be_a_number_that_can_be(tmp_path, wrong):
    launcher = "slurm_cpu" if "runs" in wrong else "local"
    answer = command("-m", f"launcher={launcher}", f"hydra.launcher.{wrong}", *tiny(f"output={tmp_path}"))
    assert answer.status == 2
    assert f"hydra.launcher.{wrong}" in answer.sentence
    assert not list(tmp_path.glob("three_layer-*"))


def test_a_sweep_whose_output_nobody_reads_ends_as_others_do(tmp_path):
    ask = ["-m", *LOCAL, "seed=1,2", *tiny(f"output={tmp_path}", "samples=20")]
    assert command_apart(tmp_path, *ask).status == 0
    environment = {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": ""}
    for more, lines_read in (["force=true"], 0), (["force=true"], 2), ([], 0):  # 2: a process that trains finds out
        with start(*ask, *more, cwd=tmp_path, env=environment) as process:
            for _ in range(lines_read):
                assert process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == ""
        assert process.returncode == 128 + signal.SIGPIPE


def test_where_there_is_no_slurm_one_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = command("-m", "launcher=slurm_cpu", "seed=1,2", *tiny(f"output={tmp_path / 'out'}"))
    assert answer.status == 2
    assert answer.sentence.startswith("There is no SLURM here (no sbatch): use a login node")
