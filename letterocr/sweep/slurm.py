"""Interface to SLURM: its commands, and arrays of jobs that are submitted and waited for.

Only the id of this process's own job is read elsewhere (`base.owner`).
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 60.0  # longest time that a command may take
POLL_SECONDS = 2.0  # time between two readings of the queue
GONE_POLLS = 5  # a job that is not in the queue this often in a row, and has no result, is taken for dead

REQUEUED_SCRIPT = """#!/bin/bash
#SBATCH --job-name=letterocr-doctor
#SBATCH --ntasks=1 --cpus-per-task=1 --time=5 --requeue --open-mode=append
trap 'scontrol requeue "$SLURM_JOB_ID"' USR2
hostname > "$1/started-${SLURM_RESTART_COUNT:-0}"
if [[ ${SLURM_RESTART_COUNT:-0} == 0 ]]; then
  for _ in $(seq 280); do sleep 1; done
fi
"""  # a job that writes a file each time it starts, and that SIGUSR2 queues again


class SlurmError(Exception):
    """SLURM is not installed, does not answer, or refuses a command.

    Attributes:
        reason: what is wrong, in one line, without the command.
    """

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(f"{command}: {reason}")
        self.reason = reason


def is_installed(command: str = "sbatch") -> bool:
    """Return whether this machine has that SLURM command."""
    return shutil.which(command) is not None


def ask(*command: str) -> str:
    """Run a SLURM command and return what it prints.

    Raises:
        SlurmError: it is not installed, takes longer than `PATIENCE_SECONDS`, or reports an error.
    """
    said = shlex.join(command)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise SlurmError(said, f"no answer in {PATIENCE_SECONDS:.0f} seconds") from error
    except OSError as error:
        raise SlurmError(said, str(error.strerror)) from error
    if done.returncode:
        raise SlurmError(said, " ".join(done.stderr.split()))
    return done.stdout.strip()


# Jobs


def list_queued() -> set[str] | None:
    """Return the ids of this user's waiting and running jobs, as `12` or `12_3`; None if SLURM does not answer."""
    try:
        return set(ask("squeue", "--me", "--noheader", "--array", "--format=%i").split())
    except SlurmError:
        return None


def submit(*arguments: str) -> str:
    """Submit a job with these arguments of sbatch; return its id."""
    return ask("sbatch", "--parsable", *arguments).partition(";")[0]


def is_job_running(job: str) -> bool:
    """Return whether the job has started and is not over."""
    return ask("squeue", "--noheader", "--format=%T", f"--job={job}") == "RUNNING"


def describe_job(job: str) -> str:
    """Return a job's state and why it waits, in SLURM's words; empty if the job is gone."""
    return ask("squeue", "--noheader", "--format=%T, %r", f"--job={job}")


def send_requeue_signal(job: str) -> None:
    """Send SIGUSR2 to a job's script, as SLURM does when the time is up or another job needs the machine."""
    ask("scancel", "--batch", "--signal=USR2", job)


def cancel(job: str) -> None:
    """End a job, if it still exists."""
    with contextlib.suppress(SlurmError):
        ask("scancel", job)


# The cluster


@dataclass(frozen=True)
class Partition:
    """A set of nodes that jobs can ask for.

    Attributes:
        name: its name, with `*` if it is the default.
        is_up: whether it takes jobs.
        limit: time limit of a job, in SLURM's words.
        idle: number of free nodes, in SLURM's words, which may be `2K`.
        total: number of nodes, likewise.
    """

    name: str
    is_up: bool
    limit: str
    idle: str
    total: str


def list_partitions() -> list[Partition]:
    """Return the partitions of the cluster."""
    partitions = []
    for row in ask("sinfo", "--noheader", "--format=%P|%a|%l|%F").splitlines():
        name, state, limit, nodes = row.split("|")
        _, idle, _, total = nodes.split("/")
        partitions.append(Partition(name, state == "up", limit, idle, total))
    return partitions


def list_gpus() -> list[str]:
    """Return the partitions that have GPUs, each with its GPUs as generic resources in SLURM's words."""
    rows = ask("sinfo", "--noheader", "--format=%P %G").splitlines()
    return sorted({row for row in rows if "gpu" in row})


# Arrays of jobs, by submitit


@dataclass(frozen=True)
class ArrayJob:
    """A job of an array.

    Attributes:
        name: its id, as `12_3`.
        result: file that it writes at its end.
        log: file of its error output.
    """

    name: str
    result: Path
    log: Path


def submit_array(
    work: Callable[..., None], tasks: Sequence[tuple[Any, ...]], folder: str, options: dict[str, Any], timeouts: int
) -> list[ArrayJob]:
    """Submit an array with one job for each task.

    Args:
        work: what a job does with its task; has a method `checkpoint` if the job is to be queued again.
        tasks: the arguments of `work`, for each job.
        folder: folder for the jobs' files; `%j` in it stands for the job's id.
        options: options of the jobs, as submitit names them; those that only sbatch has, by their long names.
        timeouts: how often a job is queued again when its time is up.

    Raises:
        SlurmError: SLURM refuses the jobs.
    """
    import submitit
    from hydra_plugins.hydra_submitit_launcher.config import BaseQueueConf
    from submitit.core.utils import FailedJobError

    executor = submitit.AutoExecutor(folder=folder, cluster="slurm", slurm_max_num_timeout=timeouts)
    general = BaseQueueConf.__dataclass_fields__
    executor.update_parameters(**{name if name in general else f"slurm_{name}": v for name, v in options.items()})
    try:
        jobs = executor.map_array(work, *zip(*tasks, strict=True))
    except FailedJobError as error:
        lines = [line.split(":", 2)[-1].strip() for line in str(error).splitlines() if line.startswith("sbatch: error")]
        raise SlurmError("sbatch", "; ".join(lines) or str(error)) from error
    return [ArrayJob(job.job_id, Path(job.paths.result_pickle), Path(job.paths.stderr)) for job in jobs]


def wait_for_array(jobs: Sequence[ArrayJob]) -> list[str]:
    """Wait until each job has a result or has left the queue; return one sentence for each about how it ended."""
    left, missed, reasons = dict(enumerate(jobs)), dict.fromkeys(range(len(jobs)), 0), [""] * len(jobs)
    while left:
        queued = list_queued()
        for place, job in list(left.items()):
            if job.result.exists():
                what = "ended before this run was over"
            else:
                missed[place] = 0 if queued is None or job.name in queued else missed[place] + 1
                if missed[place] < GONE_POLLS:
                    continue
                what = "ended without a result (cancelled, or killed)"
            reasons[place] = f"SLURM job {job.name} {what}; see {job.log}."
            del left[place]
        if left:
            time.sleep(POLL_SECONDS)
    return reasons


def is_submitit_job() -> bool:
    """Return whether this process is a job of an array, in which submitit handles the signals."""
    return "SUBMITIT_EXECUTOR" in os.environ


def is_submitit_error(error: BaseException) -> bool:
    """Return whether submitit raised the error: then the job must end and cannot be queued again."""
    return type(error).__module__.partition(".")[0] == "submitit"
