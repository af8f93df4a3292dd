"""What is said of a sweep: short and true, of one run, of ten thousand, of runs that are all there; where it writes."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hydra.core.hydra_config import HydraConfig
from tiny import command, report_of, tiny

from letterocr.run.outcome import Outcome
from letterocr.sweep import closing_report, ledger

NOTHING = ["samples=0", "tensorboard=false", "evaluate_every=log"]


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process, Hydra has no config of an earlier job."""
    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)


def record(sweep: Path, number: int, status: str, existed: bool = False) -> None:
    outcome = Outcome(status, Path("outputs") / f"run-{number}", math.nan, "no luck", existed=existed)
    ledger.write_record(sweep, [f"seed={number:05}", "samples=3"], outcome)


def report(sweep: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    status = closing_report.print_report(sweep)
    return status, capsys.readouterr().out.splitlines()


def test_many_failures_are_counted_and_the_first_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("letterocr.base.files._bring_to_disk", lambda path: None)
    for number in range(1100):
        record(tmp_path, number, "failed" if number < 50 else "finished", existed=number >= 1000)
    status, rows = report(tmp_path, capsys)
    assert status == 1
    assert rows[0] == "Sweep of 1,100 runs: 1,050 finished, 50 failed; 100 existed already."
    assert rows[1] == "  failed: seed=00000: no luck"
    assert rows[-2:] == [
        "  and 30 more, which `letterocr summary outputs` lists",
        "Give the same command again to train the missing runs.",
    ]
    assert len(rows) == 1 + closing_report.MOST_ROWS + 2


def test_one_run_and_runs_that_did_not_begin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(tmp_path, 1, "finished", existed=True)
    assert report(tmp_path, capsys) == (0, ["Sweep of 1 run: 1 finished; nothing to train without force=true."])
    record(tmp_path, 2, "stopped")
    record(tmp_path, 3, "failed")
    status, rows = report(tmp_path, capsys)
    assert (status, rows[0]) == (1, "Sweep of 3 runs: 1 finished, 1 not trained, 1 failed; 1 existed already.")
    assert rows[1] == "  failed: seed=00003: no luck"


def test_a_sweep_of_nothing_is_a_mistake_whatever_the_sweeper(tmp_path: Path) -> None:
    answer = command("-m", "hydra/sweeper=basic", "seed=range(0)", *tiny(*NOTHING, f"output={tmp_path}"))
    assert (answer.status, answer.out) == (2, "")
    assert "holds no record of a run" in answer.sentence


def test_a_sweep_that_changes_its_folder_keeps_its_records(tmp_path: Path) -> None:
    rest = [*tiny(*NOTHING, "output=here"), "hydra.job.chdir=true", "hydra.sweep.subdir=job"]
    assert report_of(command("-m", "seed=1,2", *rest, cwd=tmp_path)) == ["Sweep of 2 runs: 2 finished."]


def test_a_folder_of_ones_own_holds_the_last_sweep_only(tmp_path: Path) -> None:
    (tmp_path / "my sweeps").mkdir()
    own = [f"hydra.sweep.dir={tmp_path}/my sweeps", *tiny(*NOTHING, f"output={tmp_path}/runs (1)")]
    ledger.stop_sweep(tmp_path / "my sweeps")  # an earlier sweep was stopped
    answer = command("-m", "seed=1,2", *own)
    assert report_of(answer) == ["Sweep of 2 runs: 2 finished."]
    shown = f"Page and table of all runs: letterocr summary '{tmp_path}/runs (1)'"
    assert answer.out.splitlines()[-1] == shown
    again = report_of(command("-m", "seed=2", *own))
    assert again == ["Sweep of 1 run: 1 finished; nothing to train without force=true."]
    assert len(list((tmp_path / "runs (1)").glob("three_layer-*"))) == 2


@pytest.mark.parametrize("launcher", [[], ["launcher=local", "hydra.launcher.n_jobs=1"]], ids=["basic", "local"])
def test_the_output_may_name_the_folder_where_the_command_was_given(tmp_path: Path, launcher: list[str]) -> None:
    answer = command("-m", "seed=1,2", *launcher, *tiny(*NOTHING, "output=${hydra:runtime.cwd}/here"), cwd=tmp_path)
    assert (answer.status, report_of(answer)) == (0, ["Sweep of 2 runs: 2 finished."])
    assert len(list((tmp_path / "here").glob("three_layer-*"))) == 2


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("output=${hydra:job.num}", "output=${hydra:job.num}: is the same for all runs"),
        ("hydra.sweep.dir=${hydra:job.num}", "hydra.sweep.dir=${hydra:job.num}: is the same for all runs"),
        (
            "hydra.sweep.dir=${nothing}",
            "hydra.sweep.dir=${nothing}: Interpolation key 'nothing' not found; write a folder",
        ),
    ],
)
def test_where_a_sweep_writes_does_not_depend_on_its_runs(override: str, sentence: str, tmp_path: Path) -> None:
    answer = command("-m", "seed=1,2", *tiny(*NOTHING, f"output={tmp_path}"), override)
    assert (answer.status, answer.out) == (2, "")
    assert sentence in answer.sentence


def test_a_relative_path_in_another_folder_is_shown_whole(tmp_path: Path) -> None:
    (tmp_path / "letters.npz").touch()
    moved = ["hydra.job.chdir=true", "hydra.run.dir=elsewhere", f"output={tmp_path}"]
    answer = command(*tiny(*NOTHING, *moved, "data.path=letters.npz"), cwd=tmp_path)
    assert answer.status == 2
    assert f"data.path=letters.npz ({tmp_path}/elsewhere/letters.npz) does not exist" in answer.sentence


@pytest.mark.parametrize("launcher", [[], ["launcher=local", "hydra.launcher.n_jobs=1"]], ids=["basic", "local"])
def test_a_sweep_stops_at_its_first_failure_if_asked_to(tmp_path: Path, launcher: list[str]) -> None:
    paths = "data.path=/nowhere,/nowhere2,/nowhere3"
    rest = tiny(*NOTHING, f"output={tmp_path}", "on_failure=stop", *launcher)
    given = [paths if text.startswith("data.path=") else text for text in rest]
    answer = command("-m", *given)
    assert answer.status == 1
    assert report_of(answer)[0] == "Sweep of 3 runs: 2 not trained, 1 failed."
    again = command("-m", *[text for text in given if text != "on_failure=stop"])
    assert report_of(again)[0] == "Sweep of 3 runs: 3 failed."


def test_a_mistake_that_is_known_before_keeps_all_runs_from_starting(tmp_path: Path) -> None:
    rest = tiny(*NOTHING, f"output={tmp_path}", "on_failure=stop", "launcher=local", "hydra.launcher.n_jobs=1")
    answer = command("-m", "learning_rate=0.1,fast", *rest)
    assert (answer.status, report_of(answer)[0]) == (1, "Sweep of 2 runs: 1 not trained, 1 failed.")
    assert not list(tmp_path.glob("*/result.json"))
