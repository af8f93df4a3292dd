"""Sweeps: one run's failure is not the others', and what is missing is trained, once, however often one asks."""

import contextlib
import json
import math
import os
import signal
import subprocess
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from tiny import Answer, assert_same_bits, at_checkpoint, checkpoints, command, result_of, start, tiny, wait_until

from letterocr import launching, sweep
from letterocr.config import SyntheticConfig, TrainConfig
from letterocr.folder import read_config
from letterocr.lock import Lock
from letterocr.optimizers import VanillaConfig
from letterocr.outcome import Outcome
from letterocr.run import _Session
from letterocr.signals import Heeded, Signals

REPOSITORY = Path(__file__).resolve().parents[1]
LOCAL = ["launcher=local", "hydra.launcher.n_jobs=2"]


def folders(output: Path) -> dict[int, Path]:
    """The run folders by their seeds."""
    return {read_config(path.parent).seed: path.parent for path in output.glob("three_layer-*/config.yaml")}


def results(output: Path) -> dict[int, int]:
    """When each run wrote its result, by seed."""
    return {seed: (path / "result.json").stat().st_mtime_ns for seed, path in folders(output).items()}


def ended(process: subprocess.Popen[str]) -> Answer:
    out, err = process.communicate(timeout=240)  # a sweep, on a busy machine
    return Answer(process.returncode, out, err)


def lines(out: str) -> list[str]:
    """The report at the end."""
    rows = out.splitlines()
    return rows[next(i for i, row in enumerate(rows) if row.startswith("Sweep of ")) :]


@contextlib.contextmanager
def broken(seed: int):
    """Runs of that seed raise in the middle."""
    add = _Session._add

    def adding(self, records):
        add(self, records)
        if self.config.seed == seed and self.engine.sample > 50:
            raise ZeroDivisionError("no luck")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Session, "_add", adding)
        yield


def test_a_run_that_fails_is_listed_and_the_rest_goes_on(tmp_path):
    ask = ["-m", "seed=1,2,3", *tiny(f"output={tmp_path}")]
    with broken(2):
        answer = command(*ask)
    assert answer.status == 1
    assert lines(answer.out) == [
        "Sweep of 3 runs: 2 finished, 1 failed.",
        "  failed: seed=2: ZeroDivisionError: no luck",
        "Ask for the same sweep again to train what is missing.",
    ]
    failed = folders(tmp_path)[2]
    failure = json.loads((failed / "failure.json").read_text())
    assert failure["reason"] == "ZeroDivisionError: no luck"
    assert "ZeroDivisionError: no luck" in failure["traceback"]
    assert "seed=2" in failure["overrides"]
    assert {seed for seed, path in folders(tmp_path).items() if (path / "result.json").exists()} == {1, 3}


def test_asked_again_with_more_values_it_trains_what_is_missing(tmp_path):
    with broken(2):
        command("-m", "seed=1,2", *tiny(f"output={tmp_path}"))
    before = (folders(tmp_path)[1] / "result.json").stat().st_mtime_ns
    answer = command("-m", "seed=1,2,3", *tiny(f"output={tmp_path}"))
    assert answer.status == 0, answer.err
    assert lines(answer.out) == ["Sweep of 3 runs: 3 finished."]
    after = results(tmp_path)
    assert sorted(after) == [1, 2, 3]
    assert after[1] == before
    assert not (folders(tmp_path)[2] / "failure.json").exists()


def test_a_mistake_in_one_run_is_its_failure_only(tmp_path):
    answer = command("-m", "learning_rate=0.01,fast", *tiny(f"output={tmp_path}", "samples=20"))
    assert answer.status == 1
    assert "  failed: learning_rate=fast: learning_rate=fast: must be a number or auto." in lines(answer.out)
    assert "1 finished, 1 failed" in answer.out
    (failure,) = tmp_path.glob("*/failure.json")
    assert json.loads(failure.read_text())["traceback"] == ""


def test_mistakes_are_found_before_a_process_is_started(tmp_path):
    answer = command("-m", *LOCAL, "learning_rate=fast,slow", *tiny(f"output={tmp_path}"))
    assert answer.status == 1
    assert "runs to train" not in answer.out
    assert lines(answer.out)[0] == "Sweep of 2 runs: 2 failed."


def test_a_value_that_does_not_fit_its_field_ends_the_sweep_before_its_first_run(tmp_path):
    answer = command("-m", "seed=1,two", *tiny(f"output={tmp_path}"))
    assert answer.status == 2
    assert "'two' of type 'str' could not be converted to Integer" in answer.sentence
    assert not list(tmp_path.glob("three_layer-*"))


def test_a_run_that_diverged_is_listed_and_counts_as_over(tmp_path):
    ask = ["-m", "learning_rate=0.001,1", *tiny(f"output={tmp_path}", model="two_layer")]
    for _ in range(2):
        answer = command(*ask)
        assert answer.status == 0
        title, row = lines(answer.out)
        assert title == "Sweep of 2 runs: 1 finished, 1 diverged."
        assert row.startswith("  diverged: learning_rate=1: at sample ")


def test_an_unfinished_run_goes_on_in_a_sweep_without_being_asked_to(tmp_path):
    overrides = tiny(f"output={tmp_path / 'cut'}")
    with at_checkpoint(3):
        assert command("checkpoint_seconds=0", "seed=2", *overrides).status == 128 + signal.SIGTERM
    assert command("seed=2", *overrides).status == 2
    answer = command("-m", "seed=1,2", *overrides)
    assert answer.status == 0
    assert answer.out.count("resumed at") == 1
    command("seed=2", *tiny(f"output={tmp_path / 'whole'}"))
    assert_same_bits(folders(tmp_path / "whole")[2], folders(tmp_path / "cut")[2])


def test_forced_it_starts_anew_but_not_when_its_job_was_queued_again(tmp_path, monkeypatch):
    overrides = tiny(f"output={tmp_path}", "force=true")

    def cut():
        with at_checkpoint(3):
            assert command("-m", "checkpoint_seconds=0", "seed=2", *overrides).status == 128 + signal.SIGTERM

    cut()
    assert "resumed at" not in command("-m", "seed=2", *overrides).out
    cut()
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert "resumed at" in command("-m", "seed=2", *overrides).out


def test_what_another_process_trains_is_left_to_it(tmp_path):
    overrides = tiny(f"output={tmp_path}", "samples=20")
    command("seed=2", *overrides)
    folder = folders(tmp_path)[2]
    (folder / "result.json").unlink()
    with Lock(folder):
        alone = command("seed=2", *overrides)
        answer = command("-m", "seed=1,2", *overrides)
    assert alone.status == os.EX_TEMPFAIL
    assert alone.sentence.startswith(f"{folder} is being trained by process {os.getpid()} on ")
    assert answer.status == os.EX_TEMPFAIL
    report = lines(answer.out)
    assert report[0] == "Sweep of 2 runs: 1 finished, 1 running elsewhere."
    assert report[1].startswith(f"  running elsewhere: seed=2: {folder} is being trained by process {os.getpid()}")
    assert not (folder / "failure.json").exists()


def test_what_another_process_has_finished_by_the_end_is_no_longer_running(tmp_path, capsys):
    sweep.record(tmp_path, ["seed=1"], Outcome("running", tmp_path / "run", math.nan, "another is on it."))
    assert sweep.report(tmp_path) == os.EX_TEMPFAIL
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "result.json").write_text('{"status": "finished", "error": 0.25}')
    capsys.readouterr()
    assert sweep.report(tmp_path) == 0
    assert capsys.readouterr().out == "Sweep of 1 run: 1 finished.\n"
    assert sweep.recorded(tmp_path, ["seed=1"])["error"] == 0.25


def test_a_run_that_another_process_finished_while_the_letters_were_read_is_there(tmp_path, monkeypatch):
    from letterocr.data import images

    load, overrides = images.load, tiny(f"output={tmp_path}", "samples=20")

    def slow(config):
        monkeypatch.setattr(images, "load", load)
        assert command(*overrides).status == 0
        return load(config)

    monkeypatch.setattr(images, "load", slow)
    answer = command(*overrides)
    assert answer.status == 0
    assert answer.out.startswith("This run is there already (finished)")


# Jobs of submitit's, which has handlers of its own


@contextlib.contextmanager
def handler(number: int, handle):
    old = signal.signal(number, handle)
    try:
        yield
    finally:
        signal.signal(number, old)


def test_submitit_gets_its_signal_once_the_checkpoint_is_written(tmp_path, monkeypatch):
    seen = []

    def requeue(number, frame):
        seen.append([len(checkpoints(tmp_path)), len(list(tmp_path.glob("*/lock.*")))])
        raise SystemExit(255)

    monkeypatch.setenv("SUBMITIT_EXECUTOR", "slurm")
    monkeypatch.setattr("letterocr.signals.Obeyed.__enter__", lambda self: self)  # there is no `main` around a job
    monkeypatch.setattr("letterocr.signals.Obeyed.__exit__", lambda *_: None)
    overrides = ["-m", *tiny(f"output={tmp_path}", "checkpoint_seconds=0")]
    with handler(signal.SIGUSR2, requeue), at_checkpoint(3, signal.SIGUSR2):
        assert command(*overrides).status == 255
    assert seen == [[2, 0]]
    assert "resumed at" in command(*overrides).out


def test_submitit_passes_over_sigterm_and_the_run_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setenv("SUBMITIT_EXECUTOR", "slurm")
    monkeypatch.setattr("letterocr.signals.Obeyed.__enter__", lambda self: self)
    monkeypatch.setattr("letterocr.signals.Obeyed.__exit__", lambda *_: None)
    seen = []
    with handler(signal.SIGTERM, lambda number, frame: seen.append(number)), at_checkpoint(3):
        answer = command("-m", *tiny(f"output={tmp_path / 'cut'}", "checkpoint_seconds=0"))
    assert (answer.status, seen) == (0, [signal.SIGTERM])
    command(*tiny(f"output={tmp_path / 'whole'}"))
    assert_same_bits(folders(tmp_path / "whole")[0], folders(tmp_path / "cut")[0])


# On all cores


def test_processes_side_by_side_train_the_same_bits_each_run_once(tmp_path):
    ask = ["-m", *LOCAL, "seed=1,2", "learning_rate=0.05,5e-2", *tiny(f"output={tmp_path / 'side'}")]
    answer = command(*ask)
    assert answer.status == 0, answer.err
    assert "2 of 4 runs to train." in answer.out
    assert lines(answer.out)[0] == "Sweep of 2 runs: 2 finished."
    for seed in (1, 2):
        command(f"seed={seed}", *tiny(f"output={tmp_path / 'alone'}"))
        assert_same_bits(folders(tmp_path / "alone")[seed], folders(tmp_path / "side")[seed])
    again = command(*ask)
    assert again.status == 0
    assert "runs to train" not in again.out


def test_a_process_that_is_killed_does_not_end_the_sweep(tmp_path):
    environment = {"PYTHONPATH": str(REPOSITORY)}
    overrides = tiny("samples=3000", "checkpoint_seconds=0.05")
    output = tmp_path / "cut"
    process = start("-m", *LOCAL, "seed=1,2,3", *overrides, f"output={output}", cwd=tmp_path, env=environment)
    wait_until(lambda: bool(checkpoints(output)), process)
    held = next(output.glob("*/lock.*.json"))
    os.kill(json.loads(held.read_text())["pid"], signal.SIGKILL)
    answer = ended(process)
    assert answer.status == 0, answer.err
    assert "A process was killed; " in answer.out
    assert lines(answer.out) == ["Sweep of 3 runs: 3 finished."]
    seed = read_config(held.parent).seed
    command(f"seed={seed}", *overrides, f"output={tmp_path / 'whole'}")
    assert_same_bits(folders(tmp_path / "whole")[seed], held.parent)


def test_a_sweep_that_is_stopped_lets_its_runs_write_checkpoints(tmp_path):
    output = tmp_path / "cut"
    overrides = [*tiny("samples=6000", "checkpoint_seconds=1000"), f"output={output}"]
    sweep_ = ["-m", *LOCAL, "seed=1,2,3", *overrides]
    process = start(*sweep_, cwd=tmp_path, env={"PYTHONPATH": str(REPOSITORY)})
    wait_until(lambda: len(list(output.glob("*/events.out.*"))) == 2, process)
    process.send_signal(signal.SIGTERM)
    answer = ended(process)
    assert answer.status == 128 + signal.SIGTERM
    report = "the runs that trained wrote checkpoints. Ask for the same sweep again to go on."
    assert answer.sentence == f"stopped by SIGTERM; {report}"
    assert [int(path.stem) > 0 for path in checkpoints(output)] == [True, True]
    assert not list(output.glob("*/lock.*"))
    again = command(*sweep_)
    assert again.status == 0, again.err
    assert lines(again.out) == ["Sweep of 3 runs: 3 finished."]


def test_a_file_stops_the_run_that_trains_here_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr("letterocr.signals.HEED_SECONDS", 0.01)
    stop, outcomes = tmp_path / "stop", []
    with Heeded(stop):
        stop.touch()
        time.sleep(0.1)  # no run trains: this process is not ended
        with Signals() as signals:
            end = time.monotonic() + 30
            while not signals.received and time.monotonic() < end:
                time.sleep(0.01)
            outcomes.append(signals.received)
    assert outcomes == [signal.SIGTERM]


def test_once_stopped_no_run_begins(tmp_path):
    (tmp_path / "stop").touch()
    with handler(signal.SIGINT, signal.getsignal(signal.SIGINT)):
        config = TrainConfig(data=SyntheticConfig(), optimizer=VanillaConfig(), output=str(tmp_path / "out"))
        outcome = sweep.attempt(lambda: (config, None), [], tmp_path, stop=tmp_path / "stop")
    assert outcome.status == "stopped"
    assert not (tmp_path / "out").exists()


def missing(folder: Path, name: str) -> sweep.Missing:
    return sweep.Missing([name], TrainConfig(output=str(folder)), folder / name)


def test_a_run_whose_process_dies_twice_has_failed(tmp_path, monkeypatch):
    calls = []

    def parallel(n_jobs, batch_size):
        def launch(tasks):
            runs = [arguments[0] for _, arguments, _ in tasks]
            calls.append("".join(run.overrides[0] for run in runs))
            for run in runs:
                if run.overrides == ["b"]:
                    run.folder.mkdir(exist_ok=True)
                    (run.folder / "lock.1.json").touch()
                    raise BrokenProcessPool
                sweep.record(tmp_path, run.overrides, Outcome("finished", run.folder, 0.5))

        return launch

    monkeypatch.setattr("joblib.Parallel", parallel)
    start = launching.processes(2, tmp_path)
    reason = {1: "its process was killed 2 times (out of memory?)."}
    assert start([missing(tmp_path, name) for name in "abc"]) == reason
    assert calls == ["abc", "bc", "c"]
    assert all(sweep.recorded(tmp_path, [name])["error"] == 0.5 for name in "ac")


def test_a_job_that_is_queued_again_goes_on_where_it_was_and_a_signal_at_the_end_of_a_run_is_passed_on(
    tmp_path, monkeypatch
):
    calls = []

    def train(run, folder):
        calls.append(run.overrides[0])
        outcome = Outcome("finished", run.folder, 0.5, signal=signal.SIGUSR2 if run.overrides == ["b"] else 0)
        sweep.record(tmp_path, run.overrides, outcome)
        return outcome

    def requeue(number, frame):
        raise SystemExit

    monkeypatch.setattr(launching, "train", train)
    job, runs = launching.Job(), [missing(tmp_path, name) for name in "abc"]
    with handler(signal.SIGUSR2, requeue), pytest.raises(SystemExit):
        job(runs, tmp_path)
    assert calls == ["a", "b"]
    again = job.checkpoint(runs, tmp_path)
    again.function(*again.args, **again.kwargs)
    assert calls == ["a", "b", "c"]


def test_asked_again_in_the_same_folder_a_sweep_forgets_what_failed_there(tmp_path, monkeypatch):
    ask = ["-m", *LOCAL, "seed=1", *tiny(f"output={tmp_path}"), f"hydra.sweep.dir={tmp_path / 'same'}"]
    for reason in ("no luck", "none again"):
        monkeypatch.setattr(launching, "processes", lambda *_, reason=reason: lambda runs: {0: reason})
        answer = command(*ask)
        assert answer.status == 1
        assert lines(answer.out)[1].endswith(reason)


@pytest.mark.parametrize("wrong", ["n_jobs=0", "n_jobs=-2", "runs_per_job=0", "n_jobs=two"])
def test_how_many_at_once_must_be_a_number_that_can_be(tmp_path, wrong):
    launcher = "slurm_cpu" if "runs" in wrong else "local"
    answer = command("-m", f"launcher={launcher}", f"hydra.launcher.{wrong}", *tiny(f"output={tmp_path}"))
    assert answer.status == 2
    assert f"hydra.launcher.{wrong}" in answer.sentence
    assert not list(tmp_path.glob("three_layer-*"))


def test_a_sweep_whose_output_nobody_reads_ends_as_others_do(tmp_path):
    ask = ["-m", *LOCAL, "seed=1,2", *tiny(f"output={tmp_path}", "samples=20")]
    for lines_read in (0, 2):  # the sweep's own process finds out, or one of those that train
        with start(*ask, "force=true", cwd=tmp_path, env={"PYTHONPATH": str(REPOSITORY)}) as process:
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


def test_the_result_of_a_sweep_holds_no_more_than_its_runs(tmp_path):
    assert command("-m", "seed=1", *tiny(f"output={tmp_path}", "samples=20")).status == 0
    (record,) = tmp_path.glob("sweeps/*/runs/*.json")
    facts = json.loads(record.read_text())
    (folder,) = tmp_path.glob("three_layer-*")
    assert facts["status"] == "finished"
    assert facts["error"] == result_of(folder)["error"]
    assert facts["folder"] == str(folder)
