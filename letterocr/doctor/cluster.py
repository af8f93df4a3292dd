"""Checks of a SLURM cluster: partitions, GPUs, and a job that is queued again."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from letterocr.doctor.checks import FAILED, OK, WARNING, CheckResult
from letterocr.sweep import slurm


def check_partitions() -> tuple[str, str]:
    """List the partitions, their time limits and idle nodes."""
    up = [partition for partition in slurm.list_partitions() if partition.is_up]
    if not up:
        return FAILED, "no partition is up: ask the administrators of the cluster"
    return OK, ", ".join(f"{p.name} (limit {p.limit}, {p.idle} of {p.total} nodes idle)" for p in up)


def check_gpus() -> tuple[str, str]:
    """List the GPUs, as SLURM's generic resources."""
    return OK, ", ".join(slurm.list_gpus()) or "SLURM has no GPUs; launcher=slurm_gpu can't be used"


def _wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True


def check_job(output: Path, seconds: float) -> Iterator[CheckResult]:
    """Check that a job starts, can write where runs are written, gets SIGUSR2, and starts again.

    Args:
        output: folder of the run folders.
        seconds: how long to wait for each step.
    """
    top = next(path for path in (output, *output.absolute().parents) if path.exists())
    try:
        folder = Path(tempfile.mkdtemp(prefix=".letterocr-doctor-", dir=top)).absolute()
    except OSError as error:
        yield CheckResult("job", FAILED, f"{top} can't be written ({error.strerror}): take another output=")
        return
    job = ""
    try:
        (folder / "job.sbatch").write_text(slurm.REQUEUED_SCRIPT, encoding="utf-8")
        job = slurm.submit(f"--output={folder / 'job.out'}", str(folder / "job.sbatch"), str(folder))
        yield from _follow_job(job, folder, seconds)
    except (OSError, slurm.SlurmError) as error:
        mend = "options that the cluster needs can be given as SBATCH_PARTITION, SBATCH_ACCOUNT and so on"
        yield CheckResult("job", FAILED, f"{' '.join(str(error).split())}: {mend}")
    finally:
        if job:
            slurm.cancel(job)
        shutil.rmtree(folder, ignore_errors=True)


def _follow_job(job: str, folder: Path, seconds: float) -> Iterator[CheckResult]:
    first, again = folder / "started-0", folder / "started-1"
    running = False

    def has_started() -> bool:
        nonlocal running
        running = running or slurm.is_job_running(job)
        list(folder.iterdir())  # makes a network file system update its listing
        return first.exists()

    start = time.monotonic()
    if not _wait_for(has_started, seconds):
        reason = slurm.describe_job(job)
        if running:
            yield CheckResult("job", OK, f"job {job} started")
            text = f"the job's file in {folder} is not seen here: take an output= on a file system that all nodes share"
            yield CheckResult("output", FAILED, text)
        else:
            text = f"job {job} did not start within {seconds:.0f} seconds ({reason}): wait longer, with --seconds"
            yield CheckResult("job", WARNING, text)
        return
    host = first.read_text(encoding="utf-8").strip()
    yield CheckResult(
        "job", OK, f"job {job} started after {time.monotonic() - start:.0f} seconds on {host or 'a node'}"
    )
    yield CheckResult("output", OK, f"jobs can write to {folder.parent}, and this machine sees their files")
    slurm.send_requeue_signal(job)
    if _wait_for(again.exists, seconds):
        yield CheckResult(
            "requeue", OK, "a job that gets SIGUSR2 is queued again, so that runs outlast limits and preemption"
        )
    else:
        reason = slurm.describe_job(job) or "it is gone"
        text = f"job {job} did not start again within {seconds:.0f} seconds ({reason}): is JobRequeue off?"
        yield CheckResult("requeue", WARNING, text)
