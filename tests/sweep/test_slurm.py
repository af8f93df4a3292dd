"""A real SLURM: jobs train the same bits, outlast signals, cancelling and the time limit, and share a sweep."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from held import GO, SITE
from tiny import assert_same_bits, command, finish, folders, start, tiny

from letterocr.compose.stored_config import read_config
from letterocr.search.trial_queue import open_study

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE = 240  # seconds for what takes a few on an idle machine
ENVIRONMENT = {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}


def hold(go: Path) -> dict[str, str]:
    """Environment of jobs whose runs wait, with two checkpoints, until the file exists or a signal comes."""
    return ENVIRONMENT | {"PYTHONPATH": f"{SITE}:{REPOSITORY}", GO: str(go)}


SLURM = ["launcher=slurm_cpu", "hydra.launcher.mem_gb=1", "hydra.launcher.timeout_min=10"]
RUN = tiny("checkpoint_seconds=0")

pytestmark = [pytest.mark.shared, pytest.mark.usefixtures("local_slurm")]


@pytest.fixture(autouse=True)
def _no_jobs_left() -> Iterator[None]:
    yield
    subprocess.run(["scancel", "--me"], check=True)
    until(lambda: not queue(), "the queue to be empty")


def queue() -> list[str]:
    """The jobs that wait or run."""
    return subprocess.run(["squeue", "--noheader"], capture_output=True, text=True, check=True).stdout.splitlines()


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.1)


def wait_for_a_held_run(output: Path) -> Path:
    """Wait until a run is held, with two checkpoints; return its lock."""
    found: list[Path] = []

    def find() -> list[Path]:
        folders = [folder for folder in output.glob("*/checkpoints") if len(list(folder.glob("*.json"))) == 2]
        found[:] = [lock for folder in folders for lock in folder.parent.glob("lock.*.json")]
        return found

    until(find, "a run with two checkpoints")
    return found[0]


def sessions(output: Path) -> dict[str, list[bool]]:
    """For each run folder its sessions in the jobs of all sweeps: whether each went on from a checkpoint."""
    found: dict[str, list[bool]] = {}
    for log in output.glob("sweeps/*/jobs/*/*_log.out"):
        for heading in re.split(r"^letterocr: .*(?=\n  network )", log.read_text(), flags=re.MULTILINE)[1:]:
            (name,) = re.findall(r"^  folder +(.*)$", heading, flags=re.MULTILINE)
            found.setdefault(Path(name).name, []).append("  resumed at " in heading)
    return found


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> dict[int, Path]:
    """The run folders of seeds 1 and 2, trained by this process without SLURM; only to be read."""
    output = tmp_path_factory.mktemp("alone")
    assert command("-m", "seed=1,2", *RUN, f"output={output}").status == 0
    return folders(output)


def assert_as_alone(output: Path, alone: dict[int, Path], seeds: list[int]) -> None:
    """The runs are the same bits as those without SLURM."""
    trained = folders(output)
    assert sorted(trained) == seeds
    for seed in seeds:
        assert_same_bits(alone[seed], trained[seed])


def test_two_sweeps_at_once_and_a_preempted_job_train_each_run_once_to_the_same_bits(tmp_path, alone):
    output = tmp_path / "out"
    sweep = ["-m", *SLURM, "seed=1,2", *RUN, f"output={output}"]
    first, second = (start(*sweep, cwd=tmp_path, env=hold(tmp_path / "go")) for _ in range(2))
    lock = wait_for_a_held_run(output)
    subprocess.run(["scancel", "--signal=USR2", json.loads(lock.read_text())["job"]], check=True)
    until(lambda: not lock.exists(), "the run to stop")
    (tmp_path / "go").touch()
    answers = [finish(first, PATIENCE), finish(second, PATIENCE)]
    assert {answer.status for answer in answers} <= {0, os.EX_TEMPFAIL}, answers
    assert 0 in {answer.status for answer in answers}
    runs = sessions(output)
    assert sorted(runs) == sorted(path.name for path in folders(output).values())
    assert [found.count(False) for found in runs.values()] == [1, 1]  # each began once,
    assert sum(found.count(True) for found in runs.values()) == 1  # and the one that was preempted went on
    assert_as_alone(output, alone, [1, 2])


def test_a_cancelled_job_is_a_failure_and_asking_again_goes_on(tmp_path):
    output = tmp_path / "out"
    sweep = ["-m", "seed=1,2", *RUN, f"output={output}"]
    process = start(*SLURM, *sweep, cwd=tmp_path, env=hold(tmp_path / "go"))
    lock = wait_for_a_held_run(output)
    held = json.loads(lock.read_text())
    os.kill(held["pid"], signal.SIGSTOP)
    subprocess.run(["scancel", held["job"]], check=True)
    os.kill(held["pid"], signal.SIGKILL)  # SLURM does that itself, but only half a minute later
    (tmp_path / "go").touch()
    answer = finish(process, PATIENCE)
    assert answer.status == 1
    seed = read_config(lock.parent).seed
    assert "Sweep of 2 runs: 1 finished, 1 failed." in answer.out
    assert re.search(rf"failed: seed={seed}: SLURM job \S+ ended without a result \(cancelled, or killed\)", answer.out)
    assert "ended without a result" in json.loads((lock.parent / "failure.json").read_text())["reason"]
    again = command(*sweep)
    assert again.status == 0
    assert again.out.count("resumed at") == 1
    assert command("-m", f"seed={seed}", *RUN, f"output={tmp_path / 'alone'}").status == 0
    assert_same_bits(folders(tmp_path / "alone")[seed], folders(output)[seed])


def test_runs_that_share_a_job_are_trained_once_each_though_it_is_queued_again(tmp_path, alone):
    output = tmp_path / "out"
    ask = ["-m", *SLURM, "hydra.launcher.runs_per_job=2", "seed=1,2", "force=true", *RUN, f"output={output}"]
    (tmp_path / "go.1").touch()  # it is the second run that waits
    process = start(*ask, cwd=tmp_path, env=hold(tmp_path / "go"))
    lock = wait_for_a_held_run(output)
    subprocess.run(["scancel", "--signal=USR2", json.loads(lock.read_text())["job"]], check=True)
    until(lambda: not lock.exists(), "the run to stop")
    (tmp_path / "go").touch()
    answer = finish(process, PATIENCE)
    assert answer.status == 0, answer
    assert "2 runs in 1 job; " in answer.out
    assert sorted(sessions(output).values()) == [[False], [False, True]]
    assert_as_alone(output, alone, [1, 2])


def test_a_run_that_reaches_its_time_limit_is_queued_again_and_ends_at_the_same_bits(tmp_path, alone):
    output = tmp_path / "out"
    limit = ["hydra.launcher.timeout_min=1", "hydra.launcher.signal_delay_s=1"]  # SLURM's shortest; it adds 30 s
    ask = ["-m", *SLURM, *limit, "seed=1", *RUN, f"output={output}"]
    process = start(*ask, cwd=tmp_path, env=hold(tmp_path / "go"))
    lock = wait_for_a_held_run(output)
    until(lambda: not lock.exists(), "the time limit")
    (tmp_path / "go").touch()
    answer = finish(process, PATIENCE)
    assert answer.status == 0, answer
    ((*_, last),) = sessions(output).values()
    assert last  # it went on from its checkpoint
    assert_as_alone(output, alone, [1])


def test_the_workers_of_a_search_share_its_trials(tmp_path):
    ask = [sys.executable, "-m", "letterocr.search", "search=learning_rate", *tiny("samples=200"), "--trials=6"]
    ask += ["--workers=2", "--launcher=slurm", "--sbatch=--mem=1G", "--sbatch=--time=10", f"output={tmp_path / 's'}"]
    submitted = subprocess.run(ask, cwd=tmp_path, env=os.environ | ENVIRONMENT, capture_output=True, text=True)
    assert submitted.returncode == 0, submitted.stderr
    job = re.match(r"Job (\d+): 2 workers\.", submitted.stdout)[1]
    until(lambda: not queue(), "the workers to end")
    logs = "".join(path.read_text() for path in (tmp_path / "s" / "workers").glob(f"slurm-{job}_[01].log"))
    trials = open_study(tmp_path / "s").trials
    assert [trial.state.is_finished() for trial in trials] == [True] * 6, logs
    assert {trial.state.name for trial in trials} <= {"COMPLETE", "PRUNED"}, logs
    runs = {path.parent.name for path in (tmp_path / "s" / "runs").glob("*/config.yaml")}
    assert len(runs) == 6  # each trial is a run of its own
    assert (tmp_path / "s" / "report.html").stat().st_size > 1000


def test_the_array_script_queues_its_run_again_when_it_gets_the_signal(tmp_path, alone):
    output = tmp_path / "out"
    (tmp_path / "runs.txt").write_text(f"{' '.join(RUN)} seed=1 'output={output}'\n")
    environment = os.environ | hold(tmp_path / "go") | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    script = str(REPOSITORY / "scripts" / "sweep.sbatch")
    submit = ["sbatch", "--parsable", "--mem=1G", "--array=1-1", script, "runs.txt"]
    job = subprocess.run(submit, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    lock = wait_for_a_held_run(output)
    subprocess.run(["scancel", "--signal=USR2", f"{job.stdout.strip()}_1"], check=True)
    until(lambda: not lock.exists(), "the run to stop")
    (tmp_path / "go").touch()
    until(lambda: list(output.glob("*/result.json")) and not queue(), "the end")
    (log,) = tmp_path.glob("letterocr-*.out")
    assert f"Stopped by {signal.SIGUSR2.name} after " in log.read_text()
    assert "resumed at" in log.read_text()
    assert_as_alone(output, alone, [1])


def test_the_doctors_job_starts_is_seen_and_is_queued_again(tmp_path):
    doctor = [sys.executable, "-m", "letterocr.doctor", "--job", "--json", f"--seconds={PATIENCE}"]
    environment = os.environ | ENVIRONMENT
    done = subprocess.run([*doctor, f"output={tmp_path}"], env=environment, capture_output=True, text=True)
    findings = {found["name"]: found for found in map(json.loads, done.stdout.splitlines())}
    assert {findings[name]["state"] for name in ("partitions", "gpus", "job", "output", "requeue")} == {"ok"}, findings
    assert "main* (limit infinite, " in findings["partitions"]["text"]
    assert list(tmp_path.iterdir()) == []


def test_what_slurm_refuses_is_one_sentence(tmp_path):
    wrong = [*SLURM, "hydra.launcher.partition=nowhere", "seed=1,2"]
    answer = command("-m", *wrong, *tiny(f"output={tmp_path}"))
    assert answer.status == 2
    last = answer.err.splitlines()[-1]  # sbatch's own lines stand above
    assert last.startswith("letterocr: SLURM refuses the jobs (invalid partition specified: nowhere; ")


def test_more_jobs_than_an_array_takes_is_one_sentence_with_the_mend(tmp_path):
    config = subprocess.run(["scontrol", "show", "config"], capture_output=True, text=True, check=True).stdout
    most = int(re.search(r"^MaxArraySize\s*=\s*(\d+)$", config, re.MULTILINE)[1])
    answer = command("-m", *SLURM, f"seed=range({most + 1})", *tiny(f"output={tmp_path}"))
    assert answer.status == 2
    last = answer.err.splitlines()[-1]
    assert last.startswith("letterocr: SLURM refuses the jobs (")
    mend = f"{most + 1:,} may be more than it takes at once; put several runs in a job: hydra.launcher.runs_per_job."
    assert last.endswith(mend)
