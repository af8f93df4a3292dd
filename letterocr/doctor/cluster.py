"""What the doctor asks of a SLURM cluster: partitions, GPUs, and a job that is queued again."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from letterocr.doctor.checks import FAILED, OK, WARNING, CheckResult

SCRIPT = """#!/bin/bash
#SBATCH --job-name=letterocr-doctor
#SBATCH --ntasks=1 --cpus-per-task=1 --time=5 --requeue --open-mode=append
trap 'scontrol requeue "$SLURM_JOB_ID"' USR2
hostname > "$1/started-${SLURM_RESTART_COUNT:-0}"
if [[ ${SLURM_RESTART_COUNT:-0} == 0 ]]; then
  for _ in $(seq 280); do sleep 1; done
fi
"""


def ask_slurm(*command: str) -> str:
    """What a SLURM command prints.

    Raises:
        RuntimeError: the command and what it says is wrong.
    """
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"{shlex.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()


def check_partitions() -> tuple[str, str]:
    """Partitions, their limits and idle nodes."""
    rows = [row.split("|") for row in ask_slurm("sinfo", "--noheader", "--format=%P|%a|%l|%F").splitlines()]
    up = [row for row in rows if row[1] == "up"]
    if not up:
        return FAILED, "no partition is up: ask those who run the cluster"
    texts = []
    for name, _, limit, nodes in up:
        _, idle, _, total = nodes.split("/")
        texts.append(f"{name} (limit {limit}, {idle} of {total} nodes idle)")
    return OK, ", ".join(texts)


def check_gpus() -> tuple[str, str]:
    """GPUs, as SLURM's generic resources."""
    rows = {row for row in ask_slurm("sinfo", "--noheader", "--format=%P %G").splitlines() if "gpu" in row}
    return OK, ", ".join(sorted(rows)) or "SLURM has none; launcher=slurm_gpu can't be used"


def _wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True


def check_job(output: Path, seconds: float) -> Iterator[CheckResult]:
    """A job starts, is seen to write where runs are written, gets SIGUSR2, and starts again."""
    top = next(path for path in (output, *output.absolute().parents) if path.exists())
    try:
        folder = Path(tempfile.mkdtemp(prefix=".letterocr-doctor-", dir=top)).absolute()
    except OSError as error:
        yield CheckResult("job", FAILED, f"{top} can't be written ({error.strerror}): take another output=")
        return
    job = ""
    try:
        (folder / "job.sbatch").write_text(SCRIPT, encoding="utf-8")
        log = f"--output={folder / 'job.out'}"
        job = ask_slurm("sbatch", "--parsable", log, str(folder / "job.sbatch"), str(folder)).partition(";")[0]
        yield from _follow(job, folder, seconds)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        mend = "options that the cluster wants can be given as SBATCH_PARTITION, SBATCH_ACCOUNT and the like"
        yield CheckResult("job", FAILED, f"{' '.join(str(error).split())}: {mend}")
    finally:
        if job:
            subprocess.run(["scancel", job], capture_output=True, timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def _follow(job: str, folder: Path, seconds: float) -> Iterator[CheckResult]:
    first, again = folder / "started-0", folder / "started-1"
    running = False

    def ran() -> bool:
        nonlocal running
        running = running or ask_slurm("squeue", "--noheader", "--format=%T", f"--job={job}") == "RUNNING"
        list(folder.iterdir())  # a file system of a network looks anew
        return first.exists()

    start = time.monotonic()
    if not _wait_for(ran, seconds):
        reason = ask_slurm("squeue", "--noheader", "--format=%T, %r", f"--job={job}")
        if running:
            yield CheckResult("job", OK, f"job {job} started")
            text = f"the job's file in {folder} is not seen here: take an output= on a file system that nodes share"
            yield CheckResult("output", FAILED, text)
        else:
            text = f"job {job} did not start within {seconds:.0f} seconds ({reason}): wait for longer, with --seconds"
            yield CheckResult("job", WARNING, text)
        return
    host = first.read_text(encoding="utf-8").strip()
    yield CheckResult(
        "job", OK, f"job {job} started after {time.monotonic() - start:.0f} seconds on {host or 'a node'}"
    )
    yield CheckResult("output", OK, f"{folder.parent} is seen by jobs")
    ask_slurm("scancel", "--batch", "--signal=USR2", job)
    if _wait_for(again.exists, seconds):
        yield CheckResult(
            "requeue", OK, "a job that gets SIGUSR2 is queued again, so that runs outlast limits and preemption"
        )
    else:
        reason = ask_slurm("squeue", "--noheader", "--format=%T, %r", f"--job={job}") or "it is gone"
        text = f"job {job} did not start again within {seconds:.0f} seconds ({reason}): is JobRequeue off?"
        yield CheckResult("requeue", WARNING, text)
