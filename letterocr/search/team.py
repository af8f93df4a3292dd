"""Workers of a study: processes of this machine, or a SLURM array."""

from __future__ import annotations

import functools
import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from letterocr.base.errors import UserError, complain, end_quietly
from letterocr.base.signals import ObeyedSignals, StopFile, StoppedError
from letterocr.search.trial_queue import RETRIES
from letterocr.sweep import slurm
from letterocr.sweep.processes import run_in_processes

ENDED = 1  # exit status of a worker whose process was killed


def make_command(folder: Path, trials: int) -> list[str]:
    """Return the command that runs one worker."""
    return [sys.executable, "-m", "letterocr.search", "worker", str(folder.resolve()), "--trials", str(trials)]


def run_workers(folder: Path, trials: int, workers: int) -> list[int]:
    """Run workers to their end, each with its share of the cores; return their exit statuses.

    A signal to this process ends them after a whole sample, with a checkpoint. If one is killed, all start again, as
    often as trials can be lost: the queue decides when a trial is given up.

    Args:
        folder: folder of the study.
        trials: number of trials in the whole study.
        workers: number of processes.
    """
    threads = max(1, len(os.sched_getaffinity(0)) // workers)
    work_on = functools.partial(_work_to_the_end, folder, trials)
    tasks = [threads] * workers
    tries = (RETRIES + 1) * trials + 1
    with closing(run_in_processes(work_on, tasks, workers, noun="workers", are_alike=True, tries=tries)) as results:
        statuses = dict(results)
    return [statuses.get(place, ENDED) for place in range(workers)]


def _work_to_the_end(folder: Path, trials: int, threads: int, stop: StopFile) -> int:
    """Run one worker; return the exit status that it would have as a command. Its end does not end the others."""
    from letterocr.search.worker import work

    try:
        with end_quietly(), ObeyedSignals(), stop:
            number = work(folder, trials, threads)
    except UserError as error:
        return complain(str(error))
    except StoppedError as error:
        number = error.number
    return 128 + number if number else 0


def submit_workers(folder: Path, trials: int, workers: int, options: Sequence[str]) -> str:
    """Submit a SLURM array of workers; return the job's id.

    Args:
        folder: folder of the study.
        trials: number of trials in the whole study.
        workers: number of jobs in the array.
        options: further options of sbatch.

    Raises:
        UserError: sbatch is not installed, or refuses the job.
    """
    if not slurm.is_installed():
        raise UserError("--launcher=slurm: there is no sbatch on this machine; use --launcher local.")
    logs = folder.resolve() / "workers"
    logs.mkdir(parents=True, exist_ok=True)
    own = [f"--array=0-{workers - 1}", "--job-name=letterocr-search", "--requeue"]
    own += [f"--output={logs}/slurm-%A_%a.log", f"--chdir={Path.cwd()}", *options]
    try:
        return slurm.submit(*own, f"--wrap=exec {shlex.join(make_command(folder, trials))}")
    except slurm.SlurmError as error:
        raise UserError(f"--launcher=slurm: sbatch refuses: {error.reason}.") from error
