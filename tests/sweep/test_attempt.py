"""Sweeps: one run's failure is not the others', and what is missing is trained, once, however often one asks."""

import contextlib
import json
import math
import os
import shutil
import signal
from pathlib import Path

import pytest
from submitit.core.utils import UncompletedJobError
from tiny import (
    assert_same_bits,
    at_checkpoint,
    checkpoints,
    command,
    folders,
    handler,
    report_of,
    result_of,
    run_folder,
    tiny,
)

from letterocr.base.signals import StopFile
from letterocr.config.data import SyntheticConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.train import TrainConfig
from letterocr.run.learning import Learning
from letterocr.run.lock import Lock
from letterocr.run.outcome import Outcome
from letterocr.sweep import attempt, closing_report, ledger


def results(output: Path) -> dict[int, int]:
    """When each run wrote its result, by seed."""
    return {seed: (path / "result.json").stat().st_mtime_ns for seed, path in folders(output).items()}


@contextlib.contextmanager
def broken(seed: int):
    """Runs of that seed raise in the middle."""
    learn = Learning.learn_stretch

    def learn_and_break(self, limit=None):
        learn(self, limit)
        if self.config.seed == seed and self.engine.sample > 50:
            raise ZeroDivisionError("no luck")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learning, "learn_stretch", learn_and_break)
        yield


def test_a_run_that_fails_is_listed_and_the_rest_goes_on(tmp_path):
    ask = ["-m", "seed=1,2,3", *tiny(f"output={tmp_path}")]
    with broken(2):
        answer = command(*ask)
    assert answer.status == 1
    assert report_of(answer) == [
        "Sweep of 3 runs: 2 finished, 1 failed.",
        "  failed: seed=2: ZeroDivisionError: no luck",
        "Give the same command again to train the missing runs.",
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
    assert report_of(answer) == ["Sweep of 3 runs: 3 finished; 1 existed already."]
    after = results(tmp_path)
    assert sorted(after) == [1, 2, 3]
    assert after[1] == before
    assert not (folders(tmp_path)[2] / "failure.json").exists()


def test_a_mistake_in_one_run_is_its_failure_only(tmp_path):
    answer = command("-m", "learning_rate=0.01,fast", *tiny(f"output={tmp_path}", "samples=20"))
    assert answer.status == 1
    assert "  failed: learning_rate=fast: learning_rate=fast: must be a number or auto." in report_of(answer)
    assert "1 finished, 1 failed" in answer.out
    (failure,) = tmp_path.glob("*/failure.json")
    assert json.loads(failure.read_text())["traceback"] == ""


def test_a_value_that_does_not_fit_its_field_ends_the_sweep_before_its_first_run(tmp_path):
    answer = command("-m", "seed=1,two", *tiny(f"output={tmp_path}"))
    assert answer.status == 2
    assert "seed=two: must be a whole number." in answer.sentence
    assert not list(tmp_path.glob("three_layer-*"))


def test_a_run_that_diverged_is_listed_and_counts_as_over(tmp_path):
    ask = ["-m", "learning_rate=0.001,1", *tiny(f"output={tmp_path}", model="two_layer")]
    for existed in ("", "; nothing to train without force=true"):
        answer = command(*ask)
        assert answer.status == 0
        title, row = report_of(answer)
        assert title == f"Sweep of 2 runs: 1 finished, 1 diverged{existed}."
        assert "exists already" not in answer.out
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

    def cut(job):
        monkeypatch.delenv("SLURM_RESTART_COUNT", raising=False)
        monkeypatch.setenv("SLURM_JOB_ID", job)
        with at_checkpoint(3):
            assert command("-m", "checkpoint_seconds=0", "seed=2", *overrides).status == 128 + signal.SIGTERM

    cut("17")
    assert "resumed at" not in command("-m", "seed=2", *overrides).out
    cut("17")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert "resumed at" in command("-m", "seed=2", *overrides).out
    assert "nothing to train" in command("-m", "seed=2", *overrides).out
    cut("16")  # an earlier job
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert "resumed at" not in command("-m", "seed=2", *overrides).out


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
    report = report_of(answer)
    assert report[0] == "Sweep of 2 runs: 1 finished, 1 running elsewhere."
    assert report[1].startswith(f"  running elsewhere: seed=2: {folder} is being trained by process {os.getpid()}")
    assert not (folder / "failure.json").exists()


def test_what_another_process_has_finished_by_the_end_is_no_longer_running(tmp_path, capsys):
    ledger.write_record(tmp_path, ["seed=1"], Outcome("running", tmp_path / "run", math.nan, "another is on it."))
    assert closing_report.print_report(tmp_path) == os.EX_TEMPFAIL
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "result.json").write_text('{"status": "finished", "error": 0.25}')
    capsys.readouterr()
    assert closing_report.print_report(tmp_path) == 0
    assert capsys.readouterr().out == "Sweep of 1 run: 1 finished.\n"
    assert ledger.find_record(tmp_path, ["seed=1"]).error == 0.25


def test_a_run_that_another_process_finished_while_the_letters_were_read_is_there(tmp_path, monkeypatch):
    from letterocr.data import images

    load, overrides = images.load, tiny("samples=20")
    assert command(*overrides, f"output={tmp_path / 'other'}").status == 0
    finished = run_folder(tmp_path / "other")

    def slow(config):
        shutil.copytree(finished, tmp_path / finished.name)
        return load(config)

    monkeypatch.setattr(images, "load", slow)
    answer = command(*overrides, f"output={tmp_path}")
    assert answer.status == 0
    assert answer.out.startswith("This run exists already (finished)")


# Jobs of submitit's, which has handlers of its own


def test_submitit_gets_its_signal_once_the_checkpoint_is_written(tmp_path, monkeypatch):
    seen = []

    def requeue(number, frame):
        seen.append([len(checkpoints(tmp_path)), len(list(tmp_path.glob("*/lock.*")))])
        raise SystemExit(255)

    monkeypatch.setenv("SUBMITIT_EXECUTOR", "slurm")
    monkeypatch.setattr(
        "letterocr.base.signals.ObeyedSignals.__enter__", lambda self: self
    )  # there is no `main` around a job
    monkeypatch.setattr("letterocr.base.signals.ObeyedSignals.__exit__", lambda *_: None)
    overrides = ["-m", *tiny(f"output={tmp_path}", "checkpoint_seconds=0")]
    with handler(signal.SIGUSR2, requeue), at_checkpoint(3, signal.SIGUSR2):
        assert command(*overrides).status == 255
    assert seen == [[2, 0]]
    assert "resumed at" in command(*overrides).out


def test_where_submitit_may_not_queue_a_job_again_it_ends(tmp_path):
    def refused():
        raise UncompletedJobError("too often")

    with pytest.raises(UncompletedJobError):
        attempt.train_attempt(refused, ["seed=1"], tmp_path)
    assert ledger.find_record(tmp_path, ["seed=1"]) is None


def test_submitit_passes_over_sigterm_and_the_run_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setenv("SUBMITIT_EXECUTOR", "slurm")
    monkeypatch.setattr("letterocr.base.signals.ObeyedSignals.__enter__", lambda self: self)
    monkeypatch.setattr("letterocr.base.signals.ObeyedSignals.__exit__", lambda *_: None)
    seen = []
    with handler(signal.SIGTERM, lambda number, frame: seen.append(number)), at_checkpoint(3):
        answer = command("-m", *tiny(f"output={tmp_path / 'cut'}", "checkpoint_seconds=0"))
    assert (answer.status, seen) == (0, [signal.SIGTERM])
    command(*tiny(f"output={tmp_path / 'whole'}"))
    assert_same_bits(folders(tmp_path / "whole")[0], folders(tmp_path / "cut")[0])


def test_once_stopped_no_run_begins(tmp_path):
    (tmp_path / "stop").touch()
    config = TrainConfig(data=SyntheticConfig(), optimizer=VanillaConfig(), output=str(tmp_path / "out"))
    stop = StopFile(tmp_path / "stop")
    outcome = attempt.train_attempt(lambda: (config, tmp_path / "out"), [], tmp_path, stop)
    assert outcome.status == "stopped"
    assert not (tmp_path / "out").exists()


def test_the_result_of_a_sweep_holds_no_more_than_its_runs(tmp_path):
    assert command("-m", "seed=1", *tiny(f"output={tmp_path}", "samples=20")).status == 0
    (record,) = tmp_path.glob("sweeps/*/runs/*.json")
    facts = json.loads(record.read_text())
    (folder,) = tmp_path.glob("three_layer-*")
    assert facts["status"] == "finished"
    assert facts["error"] == result_of(folder)["error"]
    assert facts["folder"] == str(folder)
